"""A client that leaves: its work is dropped, its place is free, and what was being written is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from starlette.testclient import TestClient

MARK = "xyzzy"
T = TypeVar("T")


def body(*names: str, photo: bytes) -> bytes:
    head = '--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'
    parts = [head.format(mark=MARK, name=name).encode() + photo + b"\r\n" for name in names]
    return b"".join(parts) + f"--{MARK}--\r\n".encode()


async def ask_and_leave(app: Any, path: str, sent: bytes, after_s: float) -> list[Any]:
    """Send a request whose client is gone after a while; return what the app tried to answer."""
    pieces, answered = [sent], list[Any]()

    async def receive() -> dict[str, Any]:
        if pieces:
            return {"type": "http.request", "body": pieces.pop(), "more_body": False}
        await asyncio.sleep(after_s)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answered.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", f"multipart/form-data; boundary={MARK}".encode())]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    rest = {"headers": headers, "client": ("127.0.0.1", 1), "state": {}, "root_path": "", "scheme": "http"}
    await app({**scope, **rest, "http_version": "1.1", "server": ("localhost", 80)}, receive, send)
    return answered


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on a thread of its own: Playwright's loop may be running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def inside(service: TestClient) -> float:
    line = next(line for line in service.get("/metrics").text.splitlines() if line.startswith("twinlens_pool_inside "))
    return float(line.split()[1])


@pytest.mark.slow
def test_an_explanation_that_nobody_waits_for_ends(service: TestClient, photo: bytes) -> None:
    answered = run(ask_and_leave(service.app, "/v1/explain", body("left", "right", photo=photo), 0.2))
    assert answered[0]["status"] == 400  # to nobody; an explanation would have been a 200, seconds later
    assert inside(service) == 0


def test_a_body_that_never_comes_leaves_nothing_behind(service: TestClient, gallery: str, photo: bytes) -> None:
    whole = body("photos", photo=photo)

    async def cut() -> None:
        pieces = [whole[: len(whole) // 2]]

        async def receive() -> dict[str, Any]:
            if pieces:
                return {"type": "http.request", "body": pieces.pop(), "more_body": True}
            return {"type": "http.disconnect"}

        async def send(_: Any) -> None:
            pass

        path = f"/v1/galleries/{gallery}/subjects/Ada/photos"
        headers = [(b"host", b"localhost"), (b"content-type", f"multipart/form-data; boundary={MARK}".encode())]
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
        rest = {"headers": headers, "client": ("127.0.0.1", 1), "state": {}, "root_path": "", "scheme": "http"}
        await service.app({**scope, **rest, "http_version": "1.1", "server": ("localhost", 80)}, receive, send)

    run(cut())
    assert service.get(f"/v1/galleries/{gallery}").json()["subjects"] == 0
    assert inside(service) == 0
