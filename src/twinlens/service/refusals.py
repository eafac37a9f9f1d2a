"""What a guard refuses -> problem details (RFC 9457), with or without a framework.

The types of ASGI stand here, too (https://asgi.readthedocs.io/en/latest/specs/www.html): guards are plain callables
around an app. They are put around it in this order, the outermost first, so that what is cheap to refuse is refused
first, and every refusal has its headers, its line in the log and its place in the figures:

    SecurityHeaders( RequestLog( RequestMetrics( RequestLimits(
        SameOrigin( KeyGate( RateLimits( ProblemAnswers( app ))))))))
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PROBLEM = "application/problem+json"


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """A request that gets no further, and the answer it gets.

    Args:
        status: HTTP status.
        error: the kind of refusal, a name for programs (``RateLimitedError``).
        detail: what was wanted, what came, what to do; for people. Never a photo or a template.
        retry_after_s: when it is worth trying again, seconds; rounded up in the header.
        headers: more headers, names in lower case.
    """

    def __init__(
        self,
        status: int,
        error: str,
        detail: str,
        *,
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error
        self.detail = detail
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["retry-after"] = str(max(1, math.ceil(retry_after_s)))

    def problem(self, request_id: str = "") -> dict[str, str | int]:
        """Return the members of the problem document."""
        told: dict[str, str | int] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "error": self.error,
        }
        return {**told, "request_id": request_id} if request_id else told

    async def answer(self, scope: Scope, send: Send, *, more: bool = False) -> None:
        """Send it as a whole response.

        Args:
            scope: of the request.
            send: of the server.
            more: leave the response open; the empty message that ends it is then the caller's.
        """
        problem = self.problem(str(state_of(scope).get("request_id", "")))
        body = json.dumps(problem, ensure_ascii=False).encode("utf-8", "backslashreplace")
        fields = {"content-type": PROBLEM, "content-length": str(len(body)), **self.headers}
        raw = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in fields.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": body, "more_body": more})


def state_of(scope: Scope) -> MutableMapping[str, Any]:
    """Return what guards note about this request, for each other and for the routes (there: ``request.state``).

    ``request_id`` is a text; ``key`` the `twinlens.service.keys.Key` of whoever asks, or None where none was needed.
    """
    state: MutableMapping[str, Any] = scope.setdefault("state", {})
    return state


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first request header of a name in lower case; None where it was not sent."""
    return next((text.decode("latin-1") for key, text in scope["headers"] if key == name), None)


def path_of(scope: Scope) -> str:
    """Return the path as routes know it: without the place at which a proxy shows the service."""
    path, root = str(scope.get("path", "")), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path
