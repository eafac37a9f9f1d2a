"""An upload that is in work while its gallery is erased and made anew: nobody of it is in the later gallery."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.service.client import Answer, scope_of
from tests.service.conftest import Serve, serving

from twinlens.service.lines import NDJSON
from twinlens.service.parts import Networks

MARK = "xyzzy"


def parts_of(photo: bytes, *files: str) -> list[bytes]:
    """The parts of a multipart body, one a file, and its end."""
    head = f'--{MARK}\r\nContent-Disposition: form-data; name="photos"; filename='
    made = [f'{head}"{file}"\r\n\r\n'.encode() + photo + b"\r\n" for file in files]
    return [*made, f"--{MARK}--\r\n".encode()]


def upload(client: TestClient, path: str, pieces: list[bytes | Callable[[], None]], **headers: str) -> Answer:
    """Send a body piece by piece; a piece that is a function is done where it stands."""
    left, found = list(pieces), Answer()

    async def receive() -> dict[str, Any]:
        while left:
            piece = left.pop(0)
            if isinstance(piece, bytes):
                return {"type": "http.request", "body": piece, "more_body": bool(left)}
            await asyncio.to_thread(piece)
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        found.status = message.get("status", found.status)
        found.body += message.get("body", b"")

    async def ask() -> None:
        told = {"host": "localhost", "content-type": f"multipart/form-data; boundary={MARK}", **headers}
        async with asyncio.timeout(30):
            await client.app(scope_of(path, "POST", told), receive, send)

    assert client.portal is not None
    client.portal.call(ask)
    return found


def anew(client: TestClient, kind: str = "people") -> Callable[[], None]:
    def make() -> None:
        assert client.delete("/v1/galleries/g7").status_code == 200
        assert client.post("/v1/galleries", json={"name": "g7", "kind": kind}).status_code == 201

    return make


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same process", "other process"])
def test_an_upload_belongs_to_the_gallery_that_it_began_with(
    serve: Serve, networks: Networks, photo: bytes, tmp_path: Path, elsewhere: bool
) -> None:
    with serve() as one, serving(networks, tmp_path / "service") as other:
        assert one.post("/v1/galleries", json={"name": "g7"}).status_code == 201
        make = anew(other if elsewhere else one)
        first, second, end = parts_of(photo, "Ada/a.jpg", "Eve/b.jpg")
        for path in ("enrolments", "subjects/Ada/photos"):
            answer = upload(one, f"/v1/galleries/g7/{path}", [first + second[:99], make, second[99:], end])
            assert (answer.status, answer.json()["error"]) == (410, "ErasedError")
        lines = upload(one, "/v1/galleries/g7/enrolments", [first, make, second, end], accept=NDJSON).body
        assert [json.loads(line)["status"] for line in lines.splitlines()] == [410]
        assert one.get("/v1/galleries/g7").json()["subjects"] == 0
        whole = upload(one, "/v1/galleries/g7/enrolments", [first, second, end])
        assert whole.json()["reports"][0]["outcome"] == "done"
        anew(one, "album")()
        make = anew(other if elsewhere else one, "album")
        answer = upload(one, "/v1/galleries/g7/photos", [first, make, second, end])
        assert (answer.status, other.get("/v1/galleries/g7").json()["templates"]) == (410, 0)
