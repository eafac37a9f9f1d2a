"""Galleries: made, shown, changed, erased with a receipt; names that are none never reach the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.service.conftest import Serve


def test_a_gallery_from_its_making_to_its_receipt(serve: Serve, photo: bytes, tmp_path: Path) -> None:
    with serve() as client:
        made = client.post("/v1/galleries", json={"name": "staff", "retention_days": 30})
        assert (made.status_code, made.json()["kind"]) == (201, "people")
        again = client.post("/v1/galleries", json={"name": "staff"})
        assert (again.status_code, again.json()["error"]) == (409, "ConflictError")
        client.post("/v1/galleries/staff/subjects/Ada/photos", files={"photos": photo})
        shown = client.get("/v1/galleries/staff").json()
        assert (shown["subjects"], shown["templates"], shown["retention_days"]) == (1, 1, 30)
        kept = client.patch("/v1/galleries/staff", json={"retention_days": None}).json()
        assert kept["retention_days"] is None
        receipt = client.delete("/v1/galleries/staff").json()
        assert (receipt["subjects"], receipt["templates"], receipt["proven"], receipt["remains"]) == (1, 1, True, [])
        assert "staff.db" in receipt["places_checked"]
        assert client.get("/v1/galleries/staff").status_code == 404
        assert client.get("/v1/galleries").json()["items"] == []
    assert list((tmp_path / "service" / "galleries").glob("staff*")) == []


def test_what_was_made_is_there_after_a_restart(serve: Serve, photo: bytes) -> None:
    with serve() as client:
        client.post("/v1/galleries", json={"name": "staff", "kind": "people", "retention_days": 7})
        client.post("/v1/galleries/staff/subjects/Ada/photos", files={"photos": photo})
    with serve() as client:
        assert client.get("/v1/galleries/staff").json()["retention_days"] == 7
        found = client.post("/v1/identify", files={"photo": photo}, data={"gallery": "staff"}).json()
        assert found["faces"][0]["subject"] == "Ada"


@pytest.mark.parametrize(
    "name",
    ["", "Staff", "../staff", "a/b", "a.b", "-a", "a" * 65, "a\x00b", "ä", ".", "..", "con\n", "a b"],
)
def test_a_name_that_is_none_is_refused(service: TestClient, name: str) -> None:
    refused = service.post("/v1/galleries", json={"name": name})
    assert (refused.status_code, refused.json()["error"]) == (422, "OptionError")


def test_more_galleries_than_are_held_open(serve: Serve, photo: bytes) -> None:
    with serve(open_galleries=2) as client:
        for number in range(4):
            client.post("/v1/galleries", json={"name": f"g{number}"})
            client.post(f"/v1/galleries/g{number}/subjects/P{number}/photos", files={"photos": photo})
        for number in range(4):
            found = client.post("/v1/search", files={"photo": photo}, data={"gallery": f"g{number}"}).json()
            assert found["matches"][0]["subject"] == f"P{number}"
