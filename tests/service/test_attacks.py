"""What is sent in bad faith: each refused with the right status, and the service goes on."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from starlette.testclient import TestClient
from tests.service.conftest import Serve

from twinlens.service.keys import Keyring

MARK = "xyzzy"
MULTIPART = f"multipart/form-data; boundary={MARK}"


def part(name: str, data: bytes, filename: str | None = "a.jpg") -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    return f'--{MARK}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + data + b"\r\n"


def end() -> bytes:
    return f"--{MARK}--\r\n".encode()


def png(width: int, height: int, packed: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def wide_gif() -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(np.zeros((1, 1), np.uint8)).save(file, "GIF")
    data = bytearray(file.getvalue())
    data[6:10] = struct.pack("<HH", 65535, 65535)
    return bytes(data)


BOMBS = {
    "a PNG of 40,000 x 40,000 pixels": (png(40_000, 40_000, zlib.compress(b"\0" * 1_000_000)), {413}),
    "a PNG that says it is small and is not": (png(64, 64, zlib.compress(b"\0" * 50_000_000)), {200, 422}),
    "a PNG of 2^31 x 1": (png(2**31 - 1, 1, b""), {413, 422}),
    "a GIF of 65,535 x 65,535": (wide_gif(), {413, 422}),
    "a JPEG that breaks off": (b"\xff\xd8\xff\xe0\x00\x10JFIF", {422}),
    "a TIFF whose directory points at itself": (b"II*\x00\x08\x00\x00\x00" + b"\xff" * 64, {422}),
    "a picture of no pixels": (png(0, 0, b""), {422}),
    "a page": (b"<!doctype html><script>alert(1)</script>", {415}),
    "a drawing with a reference": (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg/>',
        {415},
    ),
    "an archive": (b"PK\x03\x04" + b"\0" * 100, {415}),
    "zeros": (b"\0" * 1000, {415}),
    "nothing": (b"", {422}),
    "a photo over the limit": (b"\xff\xd8\xff" + b"\0" * 2_000_001, {413}),
}


@pytest.mark.parametrize("what", BOMBS)
@pytest.mark.parametrize("way", ["multipart", "json"])
def test_bombs(service: TestClient, what: str, way: str) -> None:
    data, statuses = BOMBS[what]
    if way == "multipart":
        answer = service.post("/v1/detect", files={"photo": ("x.jpg", data)})
    else:
        answer = service.post("/v1/detect", json={"photo": {"base64": base64.b64encode(data).decode()}})
        if what == "nothing":
            statuses = {422}
    assert answer.status_code in statuses, answer.text
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Traceback" not in answer.text


BODIES: dict[str, tuple[str, bytes, int]] = {
    "no content type": ("", b"hello", 415),
    "text": ("text/plain", b"hello", 415),
    "a form": ("application/x-www-form-urlencoded", b"photo=1", 415),
    "XML": ("application/xml", b"<a/>", 415),
    "no boundary": ("multipart/form-data", b"", 400),
    "an endless boundary": (f"multipart/form-data; boundary={'b' * 5000}", b"", 400),
    "another boundary": (MULTIPART, b"--other\r\n\r\n--other--", 400),
    "broken off": (MULTIPART, part("photo", b"\xff\xd8\xff"), 400),
    "a part without a name": (MULTIPART, f"--{MARK}\r\nContent-Type: a/b\r\n\r\nx\r\n".encode() + end(), 400),
    "a field that is not text": (MULTIPART, part("crops", b"\xff\xfe", None) + end(), 422),
    "a field without an end": (MULTIPART, part("crops", b"x" * 70_000, None) + end(), 413),
    "a hundred fields": (MULTIPART, b"".join(part(f"f{n}", b"1", None) for n in range(100)) + end(), 413),
    "a hundred files": (MULTIPART, b"".join(part("photo", b"1") for _ in range(100)) + end(), 413),
    "a part with a megabyte of headers": (
        MULTIPART,
        f"--{MARK}\r\nX-Long: {'a' * 1_000_000}\r\n\r\nx\r\n".encode() + end(),
        400,
    ),
    "no JSON": ("application/json", b"{", 400),
    "JSON that is no object": ("application/json", b"[1, 2]", 422),
    "JSON that is not UTF-8": ("application/json", b'{"photo": "\xff\xfe"}', 400),
    "deep JSON": ("application/json", b'{"photo":' * 5_000 + b"1" + b"}" * 5_000, 400),
    "deep arrays": ("application/json", b'{"photo":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
    "JSON of a million values": ("application/json", b'{"photo": [' + b"1," * 1_000_000 + b"1]}", 413),
    "huge JSON": ("application/json", b'{"photo": {"base64": "' + b"A" * 8_000_000 + b'"}}', 413),
    "not a number in JSON": ("application/json", b'{"photo": {"base64": "AAAA"}, "crops": NaN}', 400),
    "a huge number": ("application/json", b'{"photo": {"base64": "AAAA"}, "crops": ' + b"9" * 10_000 + b"}", 400),
    "a photo that is a text": ("application/json", b'{"photo": "/etc/passwd"}', 422),
    "a photo that is a path": ("application/json", b'{"photo": {"path": "/etc/passwd"}}', 422),
    "no base64": ("application/json", b'{"photo": {"base64": "%%%"}}', 422),
    "base64 and an address": ("application/json", b'{"photo": {"base64": "AAAA", "url": "http://a.example/"}}', 422),
    "one name twice": (
        "application/json",
        b'{"photo": {"base64": "AAAA"}, "photo": {"url": "file:///etc/passwd"}}',
        422,
    ),
}


@pytest.mark.parametrize("what", BODIES)
def test_bodies(service: TestClient, what: str) -> None:
    kind, body, status = BODIES[what]
    headers = {"content-type": kind} if kind else {}
    answer = service.post("/v1/detect", content=body, headers=headers)
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.fixture(scope="module")
def fetching(networks: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    from tests.service.conftest import serving

    with serving(networks, tmp_path_factory.mktemp("fetching"), allow_url=True) as client:
        yield client


ADDRESSES = [
    "http://127.0.0.1:1/a.jpg",
    "http://localhost/a.jpg",
    "http://[::1]/a.jpg",
    "http://0.0.0.0/a.jpg",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/a.jpg",
    "http://2130706433/a.jpg",
    "http://0x7f.1/a.jpg",
    "http://[::ffff:127.0.0.1]/a.jpg",
    "http://[64:ff9b::7f00:1]/a.jpg",
    "https://user:pass@127.0.0.1/a.jpg",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "ftp://127.0.0.1/a.jpg",
    "/etc/passwd",
    "http://",
    "http://a:b:c/",
    "http://127.0.0.1\r\nHost: evil/",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_addresses(fetching: TestClient, url: str) -> None:
    answer = fetching.post("/v1/detect", json={"photo": {"url": url}})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"] == "ImageError"


def test_nothing_is_fetched_unless_it_was_switched_on(service: TestClient) -> None:
    answer = service.post("/v1/detect", json={"photo": {"url": "https://example.org/a.jpg"}})
    assert (answer.status_code, answer.json()["error"]) == (422, "OptionError")


HEADERS: dict[str, tuple[dict[str, str], int]] = {
    "a hundred headers": ({f"x-{n}": "1" for n in range(100)}, 431),
    "a long header": ({"x-long": "a" * 40_000}, 431),
    "a key that is none": ({"authorization": "Bearer " + "a" * 2000}, 401),
    "another scheme": ({"authorization": "Digest x"}, 401),
    "a length that is none": ({"content-length": "-1"}, 401),
}


@pytest.mark.parametrize("what", HEADERS)
def test_headers(serve: Serve, tmp_path: Any, what: str) -> None:
    ring = Keyring(tmp_path / "service" / "keys.db")
    ring.create("somebody", ["admin"])
    ring.close()
    headers, status = HEADERS[what]
    with serve() as client:
        assert client.post("/v1/detect", headers=headers).status_code == status


def test_a_long_path(service: TestClient) -> None:
    assert service.get("/v1/galleries/" + "a" * 20_000).status_code == 414
    assert service.get("/v1/galleries?x=" + "a" * 20_000).status_code == 414


NAMES = ["%00", "a%0Ab", "%1b[31m", "%7F", "a" * 6_000, "%20%20", "%EF%BF%BE%0D"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_subjects_that_cannot_be(service: TestClient, gallery: str, photo: bytes, name: str) -> None:
    path = f"/v1/galleries/{gallery}/subjects/{name}"
    for answer in (
        service.post(f"{path}/photos", files={"photos": photo}),
        service.get(path),
        service.delete(path),
        service.patch(path, json={"name": "Ada"}),
    ):
        refused = (answer.status_code, answer.json()["error"])
        assert refused in {(422, "OptionError"), (404, "NoSuchPathError")}, (
            answer.text
        )  # no path has a line's end in it
    assert service.get(f"/v1/galleries/{gallery}").json()["subjects"] == 0


@pytest.mark.parametrize("name", ["..%2F..%2Fetc", "%2Fetc%2Fpasswd", "con", "a.db", "staff%00.db", "%F0%9F%99%82"])
def test_names_of_galleries_never_become_paths(service: TestClient, name: str) -> None:
    for method in ("GET", "DELETE", "PATCH"):
        answer = service.request(method, f"/v1/galleries/{name}", json={"retention_days": 1})
        assert answer.status_code in {404, 405}, (method, answer.text)
    assert service.get(f"/v1/reports/{name}").status_code == 404


UNMEASURED = {"1e-9", "5e-324", "0.11", "0.999"}


@pytest.mark.parametrize(
    "rate", ["nan", "inf", "-inf", "0", "1", "-1", "1e400", "0x1", "", "1e-9", "5e-324", "0.11", "0.999", "[]", "true"]
)
def test_rates_that_are_none(service: TestClient, gallery: str, photo: bytes, rate: str) -> None:
    files = {"left": photo, "right": photo}
    answer = service.post("/v1/verify", files=files, data={"target_fmr": rate})
    assert answer.status_code == 422
    assert answer.json()["error"] == ("CalibrationError" if rate in UNMEASURED else "RequestError")
    assert service.get(f"/v1/galleries/{gallery}/clusters", params={"target_fmr": rate}).status_code == 422


@pytest.mark.parametrize("cursor", ["!", "é", "a", "AAAA" * 2000, "/w==", "%00"])
def test_cursors_of_somebody_else(service: TestClient, gallery: str, cursor: str) -> None:
    answer = service.get(f"/v1/galleries/{gallery}/subjects", params={"cursor": cursor})
    assert answer.status_code in {200, 422}
    assert service.get("/v1/audit", params={"cursor": cursor}).status_code == 422
    assert service.get("/v1/audit", params={"cursor": "7"}).status_code in {200, 422}
    assert service.get("/v1/audit", params={"cursor": "9" * 18}).status_code == 422
    assert service.get("/v1/audit/verify", params={"head": cursor}).status_code == 422


def test_a_file_name_is_a_label(service: TestClient, gallery: str, photo: bytes) -> None:
    names = ["../../../etc/passwd", "C:\\Windows\\x.jpg", "a\x1b[31m.jpg", "n" * 3_000, "\u202egpj.exe"]
    files = [("photos", (name, photo + bytes([n]))) for n, name in enumerate(names)]
    reports = service.post(f"/v1/galleries/{gallery}/subjects/Ada/photos", files=files).json()["reports"]
    assert len(reports) == len(names)
    for one in reports:
        assert one["source"].isprintable()
        assert len(one["source"]) <= 500


def test_an_idempotency_key_that_is_none(service: TestClient, gallery: str, photo: bytes) -> None:
    path = f"/v1/galleries/{gallery}/subjects/Ada/photos"
    for key in ("", "k" * 256):
        answer = service.post(path, files={"photos": photo}, headers={"idempotency-key": key})
        assert (answer.status_code, answer.json()["error"]) == (422, "IdempotencyKeyError")


def test_methods_and_paths_that_are_not_there(service: TestClient) -> None:
    assert service.put("/v1/galleries").status_code == 405
    assert service.get("/v1/verify").status_code == 405
    assert service.get("/v2/detect").status_code == 404
    assert service.get("/static/../app.py").status_code == 404
    assert service.get("/static/%2e%2e/app.py").status_code == 404
    assert service.get("/static/..%2fapp.py").status_code == 404
    assert service.options("/v1/galleries/a").headers["allow"] == "DELETE, GET, PATCH"
    assert service.head("/").status_code == 200
    assert service.put("/").headers["allow"] == "GET, HEAD"
    for answer in (service.put("/v1/galleries"), service.get("/v2/detect")):
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/static/app.css", "/"])
@pytest.mark.parametrize(
    ("asked", "status", "error"),
    [
        ("bytes=abc", 400, "RequestError"),
        ("lines=0-1", 400, "RequestError"),
        ("bytes=9-1", 400, "RequestError"),
        ("bytes=999999999-", 416, "RangeError"),
    ],
)
def test_ranges_that_are_none(service: TestClient, path: str, asked: str, status: int, error: str) -> None:
    refused = service.get(path, headers={"range": asked})
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
    assert (refused.json()["error"], refused.json()["request_id"]) == (error, refused.headers["x-request-id"])
    assert service.get(path, headers={"range": "bytes=0-3"}).status_code == 206


@pytest.mark.parametrize("path", ["/", "/static/app.css", "/v1/models", "/healthz", "/openapi.json"])
@pytest.mark.parametrize("method", ["FOO", "PROPFIND", "TRACE", "PUT"])
def test_methods_that_nobody_knows(service: TestClient, path: str, method: str) -> None:
    refused = service.request(method, path)
    assert (refused.status_code, refused.json()["error"]) == (405, "MethodError")
    assert refused.headers["content-type"] == "application/problem+json"
    assert "GET" in refused.headers["allow"]


def test_after_all_this_it_answers(service: TestClient, photo: bytes) -> None:
    assert service.get("/readyz").status_code == 200
    assert service.post("/v1/verify", files={"left": photo, "right": photo}).json()["accepted"] is True
    assert json.loads(service.get("/v1/audit/verify").text)["sound"] is True
