"""Galleries: made, shown, changed, erased with a receipt; names that are none never reach the disk."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.service.conftest import Serve, serving

from twinlens.service.parts import Networks


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


@pytest.mark.slow
def test_more_galleries_than_are_held_open(serve: Serve, photo: bytes) -> None:
    with serve(open_galleries=2) as client:
        for number in range(4):
            client.post("/v1/galleries", json={"name": f"g{number}"})
            client.post(f"/v1/galleries/g{number}/subjects/P{number}/photos", files={"photos": photo})
        for number in range(4):
            found = client.post("/v1/search", files={"photo": photo}, data={"gallery": f"g{number}"}).json()
            assert found["matches"][0]["subject"] == f"P{number}"


@pytest.mark.slow
def test_another_process_deletes_a_gallery_and_makes_it_again(
    serve: Serve, networks: Networks, photo: bytes, tmp_path: Path
) -> None:
    path, files = "/v1/galleries/staff/subjects", [("photos", ("a.jpg", photo))]
    with serve() as one, serving(networks, tmp_path / "service") as other:
        assert one.post("/v1/galleries", json={"name": "staff"}).status_code == 201
        assert one.post(f"{path}/Ada/photos", files=files).status_code == 200
        assert other.delete("/v1/galleries/staff").status_code == 200
        assert one.get("/v1/galleries/staff").status_code == 404
        assert other.post("/v1/galleries", json={"name": "staff"}).status_code == 201
        assert one.get(path).json()["items"] == []
        assert one.post(f"{path}/Eve/photos", files=files).json()["reports"][0]["outcome"] == "done"
        assert [found["name"] for found in other.get(path).json()["items"]] == ["Eve"]


@pytest.mark.slow
def test_a_gallery_is_deleted_once(serve: Serve, photo: bytes) -> None:
    with serve() as service, ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201
            service.post("/v1/galleries/staff/subjects/Ada/photos", files=[("photos", ("a.jpg", photo))])
            answers = list(threads.map(lambda _: service.delete("/v1/galleries/staff").status_code, range(4)))
            assert answers.count(200) == 1
            assert set(answers) <= {200, 404, 503}


@pytest.mark.slow
def test_a_deletion_that_fails_is_done_again(serve: Serve, photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_disk(_: int) -> None:
        raise OSError(5, "Input/output error")

    with serve() as service:
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201
        service.post("/v1/galleries/staff/subjects/Ada/photos", files=[("photos", ("a.jpg", photo))])
        with monkeypatch.context() as broken:
            broken.setattr("twinlens.service.galleries.shred", no_disk)
            refused = service.delete("/v1/galleries/staff")
            assert (refused.status_code, refused.json()["error"]) == (503, "GalleryUnavailableError")
        assert service.get("/v1/galleries/staff/subjects").status_code == 404  # nothing half erased is opened
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 409
        receipt = service.delete("/v1/galleries/staff").json()
        assert (receipt["proven"], receipt["subjects"], receipt["templates"]) == (True, 1, 1)
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201


def test_a_full_disk_is_said_to_be_one(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with serve() as service:
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201
        with monkeypatch.context() as disk:
            disk.setattr("twinlens.zoo.tables.tempfile.mkstemp", full)
            refused = service.patch("/v1/galleries/staff", json={"retention_days": 3})
        assert (refused.status_code, refused.json()["error"]) == (503, "GalleryUnavailableError")
        assert service.get("/v1/galleries/staff").json()["retention_days"] is None


def test_without_its_folder_the_service_is_not_ready(serve: Serve, tmp_path: Path) -> None:
    with serve() as service:
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201
        folder = tmp_path / "service" / "galleries"
        away = folder.rename(folder.with_name("away"))
        for path in ("/readyz", "/v1/galleries"):
            refused = service.get(path)
            assert (refused.status_code, refused.json()["error"]) == (503, "GalleryUnavailableError"), path
            assert str(tmp_path) not in refused.text
        assert service.delete("/v1/galleries/staff").status_code == 404
        assert service.patch("/v1/galleries/staff", json={"retention_days": 3}).status_code == 404
        away.rename(folder)
        assert service.get("/readyz").status_code == 200
        (folder / "gone.json").symlink_to(folder / "nothing")  # as a gallery is that is deleted while they are listed
        assert [one["name"] for one in service.get("/v1/galleries").json()["items"]] == ["staff"]


@pytest.mark.slow
def test_a_gallery_that_cannot_be_read_can_be_erased(serve: Serve, tmp_path: Path) -> None:
    with serve() as service:
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201
    (tmp_path / "service" / "galleries" / "staff.db").write_bytes(bytes(8192))
    with serve() as service:
        assert service.get("/v1/galleries/staff").status_code == 500
        receipt = service.delete("/v1/galleries/staff").json()
        assert (receipt["proven"], receipt["subjects"]) == (True, -1)
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201


def test_an_erasure_that_was_killed_is_finished_before_anybody_asks(serve: Serve, photo: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "service" / "galleries"
    with serve() as service:
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201
        service.post("/v1/galleries/staff/subjects/Ada/photos", files=[("photos", ("a.jpg", photo))])
    note = folder / "staff.json"  # as signal 9 leaves it: the note is marked, the first bytes are zeros
    note.write_text(json.dumps({**json.loads(note.read_text()), "erasing": True, "subjects": 1, "templates": 1}))
    with (folder / "staff.db").open("r+b") as file:
        file.write(bytes(4096))
    with serve() as service:
        assert service.get("/v1/galleries/staff").status_code == 404
        assert service.get("/v1/galleries").json()["items"] == []
        assert list(folder.glob("staff*")) == []
        last = service.get("/v1/audit").json()["items"][-1]
        assert (last["did"], last["who"], last["facts"]["made up for"]) == ("erased gallery", "service", True)
        assert service.get("/v1/audit/verify").json()["sound"] is True
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201
