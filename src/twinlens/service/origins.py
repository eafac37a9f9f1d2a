"""Requests -> requests that no other web page made: the names a service is reached by, and where a page comes from.

A service on loopback without keys would else do what any page asks that its user looks at: a form may be sent to any
address (CSRF), and a name that its owner points at 127.0.0.1 makes the service the page's own origin (DNS rebinding).
So without keys the Host must be a name of this machine, and a browser that says that another page asks is refused.
With keys neither is needed: a browser sends a key for nobody but the page that holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from twinlens.service.refusals import App, Receive, Refusal, Scope, Send, header

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_OWN = frozenset({"same-origin", "none"})  # of Sec-Fetch-Site: the page itself, or typed in by a person


class SameOrigin:
    """ASGI middleware.

    Args:
        app: what answers.
        hosts: names the service is reached by, besides those of loopback.
        open_service: whether there are no keys: asked for each request, because keys may come while it runs.
    """

    def __init__(self, app: App, hosts: tuple[str, ...], open_service: Callable[[], bool]) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        self._open = open_service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is not None:
            await refusal.answer(scope, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        if not self._open():
            return None
        host = header(scope, b"host") or ""
        if name_of(host) not in self._hosts:
            told = f"this service is not called {host[:80]!r}: name it in the setting hosts (TWINLENS_HOSTS)"
            return Refusal(421, "HostError", told)
        origin, site = header(scope, b"origin"), header(scope, b"sec-fetch-site")
        foreign = origin is not None and _place(origin) != host.lower()
        if foreign or (site is not None and site not in _OWN and scope["method"] not in {"GET", "HEAD"}):
            return Refusal(403, "OriginError", "another web page asks: only the service's own page may, in a browser")
        return None


def _place(origin: str) -> str | None:
    """Return the host and port of an origin; None for what is no address."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def name_of(host: str) -> str:
    """Return the name in a Host header, without the port."""
    name, separator, port = host.rpartition(":")
    return (name if separator and port.isdecimal() else host).lower()
