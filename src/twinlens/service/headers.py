"""Responses -> responses that a browser treats with care.

The page comes from this service alone: no script, style or picture of another host, no frame around it. Pages of the
evaluator carry their style and their plots inside themselves, so they get a policy of their own, without any script.
Strict-Transport-Security is left to whoever ends TLS in front of the service, who alone knows that it is there.
Source: https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from twinlens.service.refusals import App, Message, Receive, Scope, Send, path_of

PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
# self-contained pages, shown inside ours: no scripts, no requests, an origin of their own
REPORT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-popups",
    )
)
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_FRAMED = MappingProxyType({"frame-ancestors 'none'": b"DENY", "frame-ancestors 'self'": b"SAMEORIGIN"})


class SecurityHeaders:
    """ASGI middleware; the outermost, so that refusals of other guards carry the headers as well.

    Args:
        app: what answers.
        policies: content security policies by the start of the path, the longest start first to count; every other
            path has `PAGE_POLICY`.
        private: paths whose answers no cache may keep: names of people, and what was said of their photos.
    """

    def __init__(
        self, app: App, *, policies: Mapping[str, str] | None = None, private: tuple[str, ...] = ("/v1",)
    ) -> None:
        self._app = app
        self._policies = sorted((policies or {}).items(), key=lambda item: -len(item[0]))
        self._private = private

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ours = self._headers(path_of(scope))

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in ours}
                theirs = [(name, text) for name, text in message.get("headers", ()) if name.lower() not in names]
                message = {**message, "headers": [*theirs, *ours]}
            await send(message)

        await self._app(scope, receive, sending)

    def _headers(self, path: str) -> list[tuple[bytes, bytes]]:
        policy = next((text for start, text in self._policies if path.startswith(start)), PAGE_POLICY)
        found = [*_ALWAYS, (b"content-security-policy", policy.encode())]
        found += [(b"x-frame-options", word) for rule, word in _FRAMED.items() if rule in policy]
        if path.startswith(self._private):
            found.append((b"cache-control", b"no-store"))
        return found
