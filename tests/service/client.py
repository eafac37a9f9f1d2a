"""One request to an ASGI app, without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twinlens.service.refusals import App, Message, Receive, Scope, Send


@dataclass
class Answer:
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False

    def header(self, name: str) -> str | None:
        return next((text for key, text in self.headers if key == name), None)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Piece:
    """A piece of a request's body, and how long the client waits before it sends it."""

    body: bytes
    wait_s: float = 0.0


def scope_of(path: str, method: str = "GET", headers: Mapping[str, str] | None = None, **more: Any) -> Scope:
    raw = [(name.lower().encode(), text.encode("latin-1")) for name, text in (headers or {}).items()]
    base = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
    return {**base, "headers": raw, "client": ("192.0.2.7", 1234), "state": {}, **more}


async def request(app: App, scope: Scope, pieces: Iterable[Piece] = (), patience_s: float = 5.0) -> Answer:
    """Send a request and return what came back; the server is a list."""
    found = Answer()
    left = list(pieces) or [Piece(b"")]

    async def receive() -> Message:
        if not left:
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}
        piece = left[0]
        await asyncio.sleep(piece.wait_s)
        left.pop(0)
        return {"type": "http.request", "body": piece.body, "more_body": bool(left)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert not found.status, "two responses to one request"
            found.status = message["status"]
            found.headers = [(n.decode().lower(), t.decode()) for n, t in message["headers"]]
        else:
            assert found.status, "a body without a head"
            assert not found.ended, "a body after its end"
            found.body += message.get("body", b"")
            found.ended = not message.get("more_body", False)

    async with asyncio.timeout(patience_s):
        await app(scope, receive, send)
    return found


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body and say how long it was."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": str(length).encode()})
