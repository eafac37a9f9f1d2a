"""Refusals of a framework -> problem details: whatever is refused in plain text is said as everything else is.

Frameworks answer some requests by themselves, below every handler: a file's malformed Range, a range beyond its end.
"""

from __future__ import annotations

from http import HTTPStatus

from twinlens.service.refusals import PROBLEM, App, Message, Receive, Refusal, Scope, Send

_LONGEST = 200  # characters of a sentence that is taken over
_ERRORS = {400: "RequestError", 404: "NoSuchPathError", 405: "MethodError", 416: "RangeError"}
_KEPT = (b"allow", b"content-range", b"retry-after", b"www-authenticate")


class ProblemAnswers:
    """ASGI middleware: every answer of 400 and above is a problem document.

    Args:
        app: what answers.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started: Message | None = None
        said = bytearray()

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start" and _is_plain(message):
                started = message
            elif started is None:
                await send(message)
            else:
                said.extend(message.get("body", b"")[:_LONGEST])
                if not message.get("more_body", False):
                    await _refusal(started, bytes(said)).answer(scope, send)

        await self._app(scope, receive, sending)


def _is_plain(start: Message) -> bool:
    kinds = [text for name, text in start.get("headers", ()) if name.lower() == b"content-type"]
    return int(start["status"]) >= 400 and not any(kind.startswith(PROBLEM.encode()) for kind in kinds)


def _refusal(start: Message, said: bytes) -> Refusal:
    """Return the same refusal in our words where there are any, else in the framework's."""
    status, given = int(start["status"]), list(start.get("headers", ()))
    headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in given if name.lower() in _KEPT}
    detail = _plain_text(given, said) or HTTPStatus(status).phrase
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        size = headers.get("content-range", "").rpartition("/")[2] or "fewer"
        detail = f"the range that was asked for is not in this file: it has {size} bytes"
    return Refusal(status, _ERRORS.get(status, "RequestError"), detail, headers=headers)


def _plain_text(headers: list[tuple[bytes, bytes]], said: bytes) -> str:
    kind = next((text for name, text in headers if name.lower() == b"content-type"), b"text/plain")
    text = said.decode("utf-8", "replace")[:_LONGEST] if kind.startswith(b"text/plain") else ""
    return "".join(character if character.isprintable() else " " for character in text).strip()
