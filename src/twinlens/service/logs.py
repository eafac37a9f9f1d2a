"""Requests -> one JSON object a line: which route, which status, how long, whose key; nothing about people.

Not written: photos, templates, bodies, query strings, paths (they hold names: the route's template stands instead),
addresses of clients, and the texts of errors (they name subjects and files). Of an unforeseen error its kind and the
places in the code are written.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
import traceback
from datetime import UTC, datetime
from io import TextIOBase
from typing import Literal, TextIO

from twinlens.service.keys import Key
from twinlens.service.metrics import method_of, route_of
from twinlens.service.refusals import App, Message, Receive, Scope, Send, header, state_of

Level = Literal["debug", "info", "warning", "error"]
_LOG = logging.getLogger("twinlens.service.requests")
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_NOT_OURS = ("uvicorn.access",)  # writes whole paths
_GONE = 499  # nobody waited for the answer; as nginx has it
_SPOKEN = "told"  # attribute of a record: a mapping to be written as it is


class RequestLog:
    """ASGI middleware: gives every request an id, and writes a line when it was answered.

    The id is ``state["request_id"]`` and the header ``X-Request-Id`` of the answer; one that the client sent is taken
    over if it is 8 to 64 letters, digits, dots, dashes and underscores.

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
        sent = header(scope, b"x-request-id") or ""
        request_id = sent if _ID.fullmatch(sent) else secrets.token_hex(8)
        state_of(scope)["request_id"] = request_id
        begun, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                own = (b"x-request-id", request_id.encode())
                message = {**message, "headers": [*message.get("headers", ()), own]}
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            _write(scope, status or 500, begun, failed=True)
            raise
        _write(scope, status or _GONE, begun)


def _write(scope: Scope, status: int, begun: float, *, failed: bool = False) -> None:
    state = state_of(scope)
    key: Key | None = state.get("key")
    told: dict[str, str | int | float] = {
        "request": str(state["request_id"]),
        "method": method_of(scope),
        "route": route_of(scope),
        "status": status,
        "ms": round(1000 * (time.perf_counter() - begun), 1),
    }
    if key is not None:
        told["key"] = key.id
    level = logging.ERROR if failed else logging.INFO
    _LOG.log(level, "request", extra={_SPOKEN: told}, exc_info=failed)


class JsonLines(logging.Formatter):
    """Log record -> a JSON object; of an error its kind and places, not its text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told: dict[str, object] = {"at": at, "level": record.levelname.lower(), "log": record.name}
        spoken = getattr(record, _SPOKEN, None)
        told |= spoken if isinstance(spoken, dict) else {"message": record.getMessage()}
        if record.exc_info and record.exc_info[0] is not None:
            told["error"] = record.exc_info[0].__name__
            told["places"] = [
                f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])[-8:]
            ]
        return json.dumps(told, ensure_ascii=False, default=str)


def configure_logs(level: Level = "info", stream: TextIO | TextIOBase | None = None) -> None:
    """Write everything that is logged in this process as JSON lines, and nothing else; may be called again.

    A server must be told not to configure logging itself (uvicorn: ``log_config=None``).

    Args:
        level: what is written.
        stream: where to; None for standard error.
    """
    root = logging.getLogger()
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonLines())
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOT_OURS:
        logging.getLogger(name).disabled = True
