"""Enrolment: a report a photo, in order; lines as they come; the same request twice is one deed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.service.conftest import Serve

from twinlens.service.lines import NDJSON


def test_each_photo_has_its_report_in_order(
    service: TestClient, gallery: str, photo: bytes, other_photo: bytes, nobody: bytes
) -> None:
    files = [
        ("photos", ("1.jpg", photo)),
        ("photos", ("2.txt", b"hello")),
        ("photos", ("3.jpg", nobody)),
        ("photos", ("4.jpg", photo)),
        ("photos", ("5.jpg", other_photo)),
        ("photos", ("6.jpg", b"\xff\xd8\xff" + b"\0" * 2_000_000)),
        ("photos", ("7.jpg", b"")),
    ]
    reports = service.post(f"/v1/galleries/{gallery}/subjects/Ada/photos", files=files).json()["reports"]
    assert [(one["source"], one["outcome"]) for one in reports] == [
        ("1.jpg", "done"),
        ("2.txt", "unreadable"),
        ("3.jpg", "no face"),
        ("4.jpg", "already enrolled"),
        ("5.jpg", "done"),
        ("6.jpg", "unreadable"),
        ("7.jpg", "unreadable"),
    ]
    assert "at most 1.9 MiB" in reports[5]["reasons"][0]
    assert service.get(f"/v1/galleries/{gallery}").json()["templates"] == 2


def test_many_people_at_once_as_lines(service: TestClient, gallery: str, photo: bytes, other_photo: bytes) -> None:
    files = [
        ("photos", ("Ada/1.jpg", photo)),
        ("photos", ("people/Eve/1.jpg", other_photo)),
        ("photos", ("1.jpg", photo)),
        ("photos", ("Eve/../../x.jpg", photo)),
    ]
    answer = service.post(f"/v1/galleries/{gallery}/enrolments", files=files, headers={"accept": NDJSON})
    assert answer.headers["content-type"] == NDJSON
    reports = [json.loads(line) for line in answer.text.splitlines()]
    assert [(one["subject"], one["outcome"]) for one in reports] == [
        ("Ada", "done"),
        ("Eve", "conflict"),
        ("", "unreadable"),
        ("", "unreadable"),
    ]
    assert reports[1]["conflict"] == "Ada"
    assert "accept_conflict" in reports[1]["reasons"][0]


def test_photos_in_json(service: TestClient, gallery: str, photo: bytes, other_photo: bytes) -> None:
    one, other = ({"base64": base64.b64encode(data).decode(), "name": "a.jpg"} for data in (photo, other_photo))
    path = f"/v1/galleries/{gallery}/subjects/Ada/photos"
    reports = service.post(path, json={"photos": [one, other], "tags": {"team": "north"}}).json()["reports"]
    assert [one["outcome"] for one in reports] == ["done", "done"]
    assert service.get(f"/v1/galleries/{gallery}/subjects/Ada").json()["tags"] == {"team": "north"}
    assert service.post(path, json={"photos": one}).json()["reports"][0]["outcome"] == "already enrolled"


def test_options_stand_before_photos(service: TestClient, gallery: str, photo: bytes) -> None:
    mark = "----x"
    file = f'--{mark}\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n\r\n'.encode() + photo
    late = f'\r\n--{mark}\r\nContent-Disposition: form-data; name="main_face"\r\n\r\ntrue\r\n--{mark}--\r\n'.encode()
    refused = service.post(
        f"/v1/galleries/{gallery}/subjects/Ada/photos",
        content=file + late,
        headers={"content-type": f"multipart/form-data; boundary={mark}"},
    )
    assert refused.status_code == 422
    assert "options stand before the photos" in refused.json()["detail"]


def test_a_repeated_request_is_one_deed(service: TestClient, gallery: str, photo: bytes, other_photo: bytes) -> None:
    path, key = f"/v1/galleries/{gallery}/subjects/Ada/photos", {"idempotency-key": f"{gallery}-1"}
    first = service.post(path, files={"photos": ("a.jpg", photo)}, headers=key)
    again = service.post(path, files={"photos": ("a.jpg", photo)}, headers=key)
    assert first.json()["reports"][0]["outcome"] == "done"
    assert (again.status_code, again.json()) == (200, first.json())  # not "already enrolled"
    for files, data in (({"photos": ("a.jpg", other_photo)}, {}), ({"photos": ("a.jpg", photo)}, {"main_face": "1"})):
        refused = service.post(path, files=files, data=data, headers=key)
        assert (refused.status_code, refused.json()["error"]) == (422, "IdempotencyKeyError")
    service.delete(f"/v1/galleries/{gallery}/subjects/Ada")
    gone = service.post(path, files={"photos": ("a.jpg", photo)}, headers=key)
    assert (gone.status_code, gone.json()["error"]) == (410, "ErasedError")  # a late repetition brings nobody back
    assert gone.json()["request_id"] == gone.headers["x-request-id"]
    assert service.get(f"/v1/galleries/{gallery}").json()["subjects"] == 0


@pytest.mark.slow
def test_an_answer_that_names_somebody_in_its_reasons_is_forgotten_with_them(
    service: TestClient, gallery: str, photo: bytes
) -> None:
    """One face under two names: the reason names the first, and is no conflict of likeness."""
    subjects, headers = f"/v1/galleries/{gallery}/subjects", {"idempotency-key": f"{gallery}-3"}
    service.post(f"{subjects}/Ada O'Hara/photos", files={"photos": ("a.jpg", photo)})
    asked: dict[str, Any] = {"files": {"photos": ("a.jpg", photo)}, "data": {"accept_conflict": "1"}}
    first = service.post(f"{subjects}/Eve/photos", **asked, headers=headers)
    assert "Ada O'Hara" in first.json()["reports"][0]["reasons"][0]
    service.delete(f"{subjects}/Ada O'Hara")
    assert service.post(f"{subjects}/Eve/photos", **asked, headers=headers).status_code == 410


def test_lines_are_repeated_as_lines(service: TestClient, gallery: str, photo: bytes) -> None:
    headers = {"idempotency-key": f"{gallery}-2", "accept": NDJSON}
    path = f"/v1/galleries/{gallery}/enrolments"
    first = service.post(path, files={"photos": ("Ada/a.jpg", photo)}, headers=headers)
    again = service.post(path, files={"photos": ("Ada/a.jpg", photo)}, headers=headers)
    assert first.text.count("\n") == 1
    assert (again.text, again.headers["content-type"]) == (first.text, NDJSON)


def test_every_deed_is_in_the_log_without_a_name(serve: Serve, photo: bytes, tmp_path: Path) -> None:
    with serve() as client:
        client.post("/v1/galleries", json={"name": "staff"})
        client.post("/v1/galleries/staff/subjects/Ada/photos", files={"photos": ("a.jpg", photo)})
        client.post("/v1/verify", files={"left": photo, "right": photo})
        client.post("/v1/identify", files={"photo": photo}, data={"gallery": "staff"})
        client.patch("/v1/galleries/staff/subjects/Ada", json={"name": "Lovelace"})
        client.delete("/v1/galleries/staff/subjects/Lovelace")
        client.delete("/v1/galleries/staff")
        items = client.get("/v1/audit").json()["items"]
        verdict = client.get("/v1/audit/verify").json()
    assert [one["did"] for one in items] == [
        "made gallery",
        "enrolled",
        "compared",
        "identified",
        "renamed",
        "erasing",
        "erased",
        "erasing gallery",
        "erased gallery",
    ]
    assert len({one["subject"] for one in items if one["subject"]}) == 1  # one pseudonym through all of it
    assert {one["who"] for one in items} == {"everybody"}
    assert verdict["sound"] is True
    log = (tmp_path / "service" / "audit" / "audit.jsonl").read_text(encoding="utf-8")
    assert "Ada" not in log
    assert "Lovelace" not in log
