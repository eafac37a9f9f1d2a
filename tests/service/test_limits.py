"""Requests that cost too much are refused, with the right status and before they have cost it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from tests.service.client import Piece, echo, request, scope_of

from twinlens.errors import OptionError
from twinlens.service.limits import Limits, RequestLimits
from twinlens.service.refusals import Receive, Scope, Send

SMALL = Limits(body_bytes=100, bulk_body_bytes=1000, body_grace_s=0.2, body_pace=10_000, work_s=0.2, bulk_work_s=1.0)
JSON = {"content-type": "application/json"}


async def never_asked(scope: Scope, receive: Receive, send: Send) -> None:
    pytest.fail("the app was asked")


async def swallowing(scope: Scope, receive: Receive, send: Send) -> None:
    """A framework that makes its own answer of whatever goes wrong while it reads a body."""
    status = 200
    try:
        while (await receive()).get("more_body"):
            pass
    except Exception:
        status = 400
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"mine"})


def test_what_fits_passes() -> None:
    pieces = [Piece(b"x" * 60), Piece(b"y" * 40)]
    found = asyncio.run(request(RequestLimits(echo, SMALL), scope_of("/v1/verify", "POST"), pieces))
    assert (found.status, found.body) == (200, b"100")


@pytest.mark.parametrize("length", ["101", "9" * 5000, "00000000000000000000101"])
def test_a_long_body_is_refused_by_its_length_alone(length: str) -> None:
    scope = scope_of("/v1/verify", "POST", {"content-length": length})
    found = asyncio.run(request(RequestLimits(never_asked, SMALL), scope, [Piece(b"x" * 101)]))
    assert found.status == 413
    assert found.header("connection") == "close"
    assert found.header("content-type") == "application/problem+json"
    assert found.json()["error"] == "BodyTooLargeError"
    assert found.ended


@pytest.mark.parametrize("app", [echo, swallowing])
def test_a_body_that_grows_is_refused_while_it_comes(app: object) -> None:
    pieces = [Piece(b"x" * 60), Piece(b"x" * 60), Piece(b"x" * 60)]
    found = asyncio.run(request(RequestLimits(app, SMALL), scope_of("/v1/verify", "POST"), pieces))  # type: ignore[arg-type]
    assert found.status == 413
    assert "120 bytes or more, the limit is 100" in found.json()["detail"]


def test_bulk_requests_may_be_longer() -> None:
    path = "/v1/galleries/staff/enrolments"
    assert asyncio.run(request(RequestLimits(echo, SMALL), scope_of(path, "POST"), [Piece(b"x" * 900)])).status == 200
    assert asyncio.run(request(RequestLimits(echo, SMALL), scope_of(path, "POST"), [Piece(b"x" * 1001)])).status == 413


def test_json_of_many_values_is_refused_whatever_its_length() -> None:
    limits = Limits(json_values=50)
    many, long = b"[" * 51 + b"]" * 51, json.dumps({"base64": "A" * 100_000}).encode()
    app = RequestLimits(echo, limits)
    assert asyncio.run(request(app, scope_of("/v1/verify", "POST", JSON), [Piece(many)])).status == 413
    assert asyncio.run(request(app, scope_of("/v1/verify", "POST", JSON), [Piece(long)])).status == 200
    text = {"content-type": "multipart/form-data"}
    assert asyncio.run(request(app, scope_of("/v1/verify", "POST", text), [Piece(many)])).status == 200


@pytest.mark.parametrize("app", [echo, swallowing])
def test_a_body_that_trickles_is_refused(app: object) -> None:
    pieces = [Piece(b"x", 0.05) for _ in range(50)]
    begun = time.monotonic()
    found = asyncio.run(request(RequestLimits(app, SMALL), scope_of("/v1/verify", "POST"), pieces))  # type: ignore[arg-type]
    assert found.status == 408
    assert found.json()["error"] == "SlowUploadError"
    assert time.monotonic() - begun < 4.0, "the sender is not waited for"


@pytest.mark.slow
def test_a_body_that_keeps_its_pace_has_an_end_all_the_same() -> None:
    limits = Limits(body_grace_s=0.2, body_pace=10_000, body_s=0.5, bulk_body_s=5.0)
    pieces = [Piece(b"x" * 1000, 0.05) for _ in range(30)]  # 20,000 bytes a second, for 1.5 s
    app = RequestLimits(echo, limits)
    found = asyncio.run(request(app, scope_of("/v1/verify", "POST"), pieces))
    assert (found.status, found.json()["error"]) == (408, "SlowUploadError")
    assert "within 0.5 s" in found.json()["detail"]
    assert asyncio.run(request(app, scope_of("/v1/galleries/a/enrolments", "POST"), pieces)).status == 200


@pytest.mark.slow
def test_the_time_that_the_service_takes_is_not_the_senders() -> None:
    async def thoughtful(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["more_body"]:
            await asyncio.sleep(0.3)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    limits = Limits(body_grace_s=0.4, body_pace=1e9, body_s=0.4, work_s=5.0)
    pieces = [Piece(b"x", 0.02) for _ in range(5)]
    assert asyncio.run(request(RequestLimits(thoughtful, limits), scope_of("/v1/verify", "POST"), pieces)).status == 200


@pytest.mark.parametrize(
    ("path", "kind", "length", "status"),
    [
        ("/v1/galleries/staff/enrolments", "application/json", 501, 413),
        ("/v1/galleries/staff/enrolments", "application/json", 500, 200),
        ("/v1/galleries/staff/enrolments", "multipart/form-data; boundary=x", 900, 200),
        ("/v1/galleries", "application/json", 51, 413),
        ("/v1/galleries/staff/subjects/v1/verify", "application/json", 51, 413),
        ("/v1/verify", "application/json", 60, 200),
    ],
)
def test_json_and_what_holds_no_photo_may_be_less_long(path: str, kind: str, length: int, status: int) -> None:
    limits = Limits(body_bytes=100, bulk_body_bytes=1000, json_bytes=500, plain_bytes=50)
    headers = {"content-type": kind, "content-length": str(length)}
    at_once = asyncio.run(request(RequestLimits(echo, limits), scope_of(path, "POST", headers), [Piece(b" " * length)]))
    del headers["content-length"]
    coming = asyncio.run(request(RequestLimits(echo, limits), scope_of(path, "POST", headers), [Piece(b" " * length)]))
    assert (at_once.status, coming.status) == (status, status)


def test_many_or_long_headers_are_refused() -> None:
    many = {f"x-{i}": "1" for i in range(65)}
    for headers in (many, {"x-long": "1" * 40_000}):
        found = asyncio.run(request(RequestLimits(never_asked), scope_of("/v1/models", headers=headers)))
        assert found.status == 431


def test_a_long_address_is_refused() -> None:
    found = asyncio.run(request(RequestLimits(never_asked), scope_of("/v1/" + "x" * 20_000)))
    assert found.status == 414
    scope = scope_of("/v1/models", query_string=b"q=" + b"x" * 20_000)
    assert asyncio.run(request(RequestLimits(never_asked), scope)).status == 414


def test_an_answer_that_does_not_begin_is_given_up() -> None:
    cancelled: list[bool] = []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    found = asyncio.run(request(RequestLimits(slow, SMALL), scope_of("/v1/verify", "POST")))
    assert (found.status, cancelled) == (503, [True])
    assert found.header("retry-after") == "5"


@pytest.mark.slow
def test_a_stream_may_go_on_while_it_makes_progress() -> None:
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(5):
            await asyncio.sleep(0.1)
            await send({"type": "http.response.body", "body": b".", "more_body": True})
        await asyncio.sleep(scope["pause"])
        await send({"type": "http.response.body"})

    app = RequestLimits(stream, SMALL)
    assert asyncio.run(request(app, scope_of("/v1/x", pause=0.0))).body == b"....."
    with pytest.raises(TimeoutError):
        asyncio.run(request(app, scope_of("/v1/x", pause=60.0)))


def test_errors_of_the_app_stay_what_they_are() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        msg = "broken"
        raise TimeoutError(msg)

    with pytest.raises(TimeoutError, match="broken"):
        asyncio.run(request(RequestLimits(broken, SMALL), scope_of("/v1/x")))


@pytest.mark.parametrize("bound", [0, -1, float("nan")])
def test_limits_must_be_positive(bound: float) -> None:
    with pytest.raises(OptionError, match="body_pace"):
        Limits(body_pace=bound)


@pytest.fixture
def port() -> Iterator[int]:
    """A real server on loopback."""
    limits = Limits(body_bytes=1_000_000, body_grace_s=0.3, work_s=5.0)
    config = uvicorn.Config(RequestLimits(echo, limits), port=0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


def talk(port: int, head: str, pieces: list[Piece]) -> bytes:
    """Send raw bytes over a socket and return all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(head.replace("\n", "\r\n").encode())
        for piece in pieces:
            time.sleep(piece.wait_s)
            link.sendall(piece.body)
        found = b""
        while block := link.recv(65_536):
            found += block
    return found


def test_a_server_answers_whoever_sends_too_much(port: int) -> None:
    """The whole of two megabytes is sent before the answer is read: it must not be lost to a reset."""
    head = "POST /v1/verify HTTP/1.1\nHost: x\nContent-Length: 2000000\n\n"
    found = talk(port, head, [Piece(b"x" * 2_000_000)])
    assert found.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in found.lower()


def test_a_server_answers_whoever_streams_too_much(port: int) -> None:
    head = "POST /v1/verify HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n"
    chunks = [Piece(b"40000\r\n" + b"x" * 0x40000 + b"\r\n") for _ in range(6)]
    assert talk(port, head, [*chunks, Piece(b"0\r\n\r\n")]).startswith(b"HTTP/1.1 413 ")


def test_a_server_hangs_up_on_whoever_sends_slowly(port: int) -> None:
    head = "POST /v1/verify HTTP/1.1\nHost: x\nContent-Length: 1000\n\n"
    begun = time.monotonic()
    assert talk(port, head, [Piece(b"x")]).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - begun < 5.0


def test_a_client_that_asks_first_is_not_invited(port: int) -> None:
    head = "POST /v1/verify HTTP/1.1\nHost: x\nExpect: 100-continue\nContent-Length: 2000000\n\n"
    assert talk(port, head, []).startswith(b"HTTP/1.1 413 ")
