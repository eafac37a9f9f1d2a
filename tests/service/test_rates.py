"""Who asks too often waits; everybody else does not notice."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.service.client import echo, request, scope_of

from twinlens.errors import OptionError
from twinlens.service.keys import EVERYBODY, Key
from twinlens.service.rates import Buckets, RateLimits, address_of


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    buckets = Buckets(2.0, 3, clock=clock)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") == pytest.approx(0.5)
    assert buckets.take("b") == 0
    clock.now += 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") == pytest.approx(0.5), "waiting has taken nothing"
    clock.now += 1000
    assert [buckets.take("a") > 0 for _ in range(4)] == [False, False, False, True]


def test_buckets_are_bounded_and_the_oldest_goes() -> None:
    buckets = Buckets(0.001, 1, most=100, clock=Clock())
    assert buckets.take("a") == 0
    for number in range(98):
        buckets.take(f"x{number}")
    assert buckets.take("a") > 0, "used lately"
    for number in range(1000):
        buckets.take(f"y{number}")
    assert len(buckets) == 100


def test_threads_get_as_many_tokens_as_there_are() -> None:
    buckets = Buckets(0.001, 100, clock=Clock())
    with ThreadPoolExecutor(8) as pool:
        assert sum(wait == 0 for wait in pool.map(lambda _: buckets.take("a"), range(1000))) == 100


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.5), (math.nan, 1.0), (1.0, math.nan)])
def test_unsound_rates_are_refused(rate: float, burst: float) -> None:
    with pytest.raises(OptionError, match="a rate needs"):
        Buckets(rate, burst)


def test_keys_and_addresses_have_buckets_of_their_own() -> None:
    clock = Clock()
    app = RateLimits(echo, Buckets(0.5, 1, clock=clock), Buckets(0.5, 1, clock=clock))

    def ask(key: Key | None, address: str = "192.0.2.7", path: str = "/v1/verify") -> int:
        return asyncio.run(request(app, scope_of(path, state={"key": key}, client=(address, 1)))).status

    one, other = (Key(name, "l", frozenset({"read"}), "") for name in ("one", "other"))
    assert [ask(one), ask(one), ask(other)] == [200, 429, 200]
    assert [ask(one, "192.0.2.8"), ask(EVERYBODY), ask(EVERYBODY)] == [429, 200, 429]
    assert [ask(None, "192.0.2.9"), ask(None, "192.0.2.9", "/healthz"), ask(None, "192.0.2.9")] == [200, 200, 429]
    found = asyncio.run(request(app, scope_of("/v1/x", state={"key": one})))
    assert (found.header("retry-after"), found.json()["error"]) == ("2", "RateLimitedError")


@pytest.mark.parametrize(
    ("client", "who"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3::4", 1), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1), "fe80::/64"),
        (None, "here"),
        (("testclient", 1), "testclient"),
    ],
)
def test_addresses(client: object, who: str) -> None:
    assert address_of({"client": client}) == who
