"""Requests of one key or address -> at most so many a second, and Retry-After for those above.

A token bucket: it holds ``burst`` tokens, a request takes one, ``rate_per_s`` flow back. Turner, New directions in
communications (or which way to the information age?), IEEE Communications Magazine 24 (1986). Each process of the
service has buckets of its own: with four of them a key may ask up to four times as much.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from twinlens.errors import OptionError
from twinlens.service.keys import EVERYBODY, Key
from twinlens.service.refusals import App, Receive, Refusal, Scope, Send, path_of, state_of

MOST_BUCKETS = 10_000
_NETWORK_BITS = 64  # one household or office of IPv6 is given at least a /64


class Buckets:
    """One bucket for everybody who asks; safe for several threads.

    A bucket that is full again says no more than none, so the one that was used longest ago makes room. Only with more
    callers at once than buckets can somebody be let in early.

    Args:
        rate_per_s: tokens that flow back, a second.
        burst: tokens a bucket holds.
        most: buckets kept.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        rate_per_s: float,
        burst: float,
        *,
        most: int = MOST_BUCKETS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not rate_per_s > 0 or not burst >= 1 or most < 1:
            msg = f"a rate needs more than 0 requests a second, a burst of 1 or more and a bucket, got {rate_per_s}, "
            raise OptionError(f"{msg}{burst}, {most}")
        self._rate, self._burst, self._most, self._clock = rate_per_s, burst, most, clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._buckets)

    def take(self, who: str) -> float:
        """Take a token; return 0, or how long to wait for one, seconds. Whoever must wait takes nothing."""
        now = self._clock()
        with self._lock:
            tokens, at = self._buckets.pop(who, (self._burst, now))
            tokens = min(self._burst, tokens + (now - at) * self._rate)
            wait_s = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
            self._buckets[who] = (tokens - 1 if wait_s == 0 else tokens, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        return wait_s


class RateLimits:
    """ASGI middleware: 429 with Retry-After for whoever asks too often; it stands behind the gate.

    Callers with a key and callers without are kept apart: a flood of addresses takes no key's bucket away.

    Args:
        app: what answers.
        keys: buckets by key.
        addresses: buckets by address, for a service without keys.
        limited: starts of paths that count.
    """

    def __init__(self, app: App, keys: Buckets, addresses: Buckets, *, limited: tuple[str, ...] = ("/v1",)) -> None:
        self._app = app
        self._keys, self._addresses = keys, addresses
        self._limited = limited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "http" and path_of(scope).startswith(self._limited):
            key: Key | None = state_of(scope).get("key")
            known = key is not None and key.id != EVERYBODY.id
            wait_s = self._keys.take(key.id) if key is not None and known else self._addresses.take(address_of(scope))
            if wait_s > 0:
                told = f"too many requests of this {'key' if known else 'address'}: wait as long as Retry-After says"
                await Refusal(429, "RateLimitedError", told, retry_after_s=wait_s).answer(scope, send)
                return
        await self._app(scope, receive, send)


def address_of(scope: Scope) -> str:
    """Return whose address a request comes from; of IPv6 the network, because everybody there has any address of it."""
    client = scope.get("client")
    if not client:
        return "here"  # a socket of this machine
    try:
        address = ipaddress.ip_address(str(client[0]).partition("%")[0])
    except ValueError:
        return str(client[0])[:64]
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, _NETWORK_BITS), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)
