"""What is logged is enough to find a fault, and nothing about a person."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.service.client import Answer, request, scope_of

from twinlens.errors import UnknownSubjectError
from twinlens.service.keys import Key
from twinlens.service.logs import RequestLog, configure_logs
from twinlens.service.refusals import Receive, Refusal, Scope, Send


@dataclass
class Route:
    path: str


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, access = logging.getLogger(), logging.getLogger("uvicorn.access")
    before = root.handlers[:], root.level, access.disabled
    written = io.StringIO()
    configure_logs("info", written)
    configure_logs("info", written)
    yield written
    root.handlers[:], root.level, access.disabled = before


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def routed(scope: Scope, receive: Receive, send: Send) -> None:
    scope["route"] = Route("/v1/galleries/{gallery}/subjects/{name:path}")
    scope["state"]["key"] = Key("0123456789ab", "door", frozenset({"read"}), "")
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"Anna"})


def ask(app: Any, **more: Any) -> Answer:
    headers = more.pop("headers", {}) | {"authorization": "Bearer twl_secret", "x-photo": "Anna"}
    scope = scope_of("/v1/galleries/staff/subjects/Anna", headers=headers, query_string=b"q=Anna", **more)
    return asyncio.run(request(RequestLog(app), scope))


def test_a_request_is_a_line_without_a_name(stream: io.StringIO) -> None:
    found = ask(routed)
    (line,) = lines(stream)
    assert line.pop("at").endswith("Z")
    assert 0 <= line.pop("ms") < 5000
    assert line == {
        "level": "info",
        "log": "twinlens.service.requests",
        "request": found.header("x-request-id"),
        "method": "GET",
        "route": "/v1/galleries/{gallery}/subjects/{name:path}",
        "status": 404,
        "key": "0123456789ab",
    }
    assert "Anna" not in stream.getvalue()
    assert "secret" not in stream.getvalue()
    assert "192.0.2" not in stream.getvalue()


@pytest.mark.parametrize(
    ("sent", "taken"), [("trace-12345.x_y", True), ("short", False), ("x" * 65, False), ('"}\n{"at": "12345678', False)]
)
def test_ids_of_clients(stream: io.StringIO, sent: str, taken: bool) -> None:
    found = ask(routed, headers={"x-request-id": sent})
    assert (found.header("x-request-id") == sent) is taken
    assert len(lines(stream)) == 1


def test_a_refusal_carries_the_id(stream: io.StringIO) -> None:
    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        await Refusal(429, "RateLimitedError", "wait").answer(scope, send)

    found = ask(refusing)
    assert found.json()["request_id"] == found.header("x-request-id") == lines(stream)[0]["request"]


def test_a_fault_is_told_without_its_text(stream: io.StringIO) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        msg = "nobody called 'Anna' is enrolled"
        raise UnknownSubjectError(msg)

    with pytest.raises(UnknownSubjectError):
        ask(broken)
    (line,) = lines(stream)
    assert (line["status"], line["level"], line["error"]) == (500, "error", "UnknownSubjectError")
    assert line["places"][-1].startswith("test_logs.py:")
    assert "Anna" not in stream.getvalue()


def test_other_logs_are_lines_too_and_the_servers_own_is_silent(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("Started\nserver %d", 7)
    logging.getLogger("uvicorn.access").info("GET /v1/subjects/Anna")
    logging.getLogger("twinlens").debug("too small")
    (line,) = lines(stream)
    assert line["message"] == "Started\nserver 7"
