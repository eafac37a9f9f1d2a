"""Notes of galleries: damaged, of other types, of another gallery; each spoils its own gallery at most."""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path

import pytest
from tests.service.conftest import Serve

from twinlens.service.notes import DamagedNoteError, Notes
from twinlens.service.records import Record

GOOD = {"name": "bad", "kind": "people", "retention_days": None, "created_at": "2030-01-01T00:00:00+00:00"}
DAMAGED = [
    b"",
    b"xx",
    b"[]",
    b"null",
    b"\xff\xfe",
    b"[" * 50_000,
    b" " * 100_000,
    b'{"name":"bad"}',
    *(
        json.dumps({**GOOD, **wrong}).encode()
        for wrong in (
            {"name": "other"},
            {"name": 1},
            {"kind": "cats"},
            {"retention_days": "30"},
            {"retention_days": True},
            {"retention_days": 0},
            {"retention_days": -1},
            {"retention_days": 10**12},
            {"retention_days": 1.5},
            {"created_at": "yesterday"},
            {"created_at": "2030-01-01\ud80000:00"},
            {"created_at": 1},
            {"erasing": "no"},
            {"erasing": 1},
            {"erasing": "true"},
            {"erasing": None},
            {"subjects": "1"},
            {"templates": -2},
            {"id": "../alpha"},
            {"later": 1},
        )
    ),
]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_note_is_strict(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(DamagedNoteError, match=r"restore the file.*or delete the gallery"):
        Notes(tmp_path).read("bad")


def test_a_note_that_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "bad.json").mkdir()
    with pytest.raises(DamagedNoteError):
        Notes(tmp_path).read("bad")


@pytest.mark.skipif(os.name != "posix", reason="pipes with names are POSIX")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bad.json")
    with pytest.raises(DamagedNoteError):
        Notes(tmp_path).read("bad")


def test_what_was_written_is_read_and_so_is_an_early_note(tmp_path: Path) -> None:
    notes, record = Notes(tmp_path), Record("staff", "album", 7, "2030-01-01T00:00:00+00:00", id="0a")
    notes.write(record)
    assert notes.read("staff") == record
    (tmp_path / "bad.json").write_text(json.dumps(GOOD))
    assert notes.read("bad") == Record("bad", "people", None, "2030-01-01T00:00:00+00:00")
    assert notes.names() == ["bad", "staff"]


def test_a_copied_gallery_is_not_the_one_it_was_copied_from(serve: Serve, photo: bytes, tmp_path: Path) -> None:
    """A note that named another gallery had that one erased at the next start, with a receipt for the copy."""
    folder = tmp_path / "service" / "galleries"
    with serve() as service:
        assert service.post("/v1/galleries", json={"name": "alpha"}).status_code == 201
        service.post("/v1/galleries/alpha/subjects/Ada/photos", files={"photos": photo})
    before = (folder / "alpha.json").read_bytes()
    for kind in ("db", "json"):
        shutil.copy(folder / f"alpha.{kind}", folder / f"beta.{kind}")
    with serve() as service:
        refused = service.get("/v1/galleries/beta")
        assert (refused.status_code, refused.json()["error"]) == (503, "DamagedNoteError")
        assert "the note of another gallery, 'alpha'" in refused.json()["detail"]
        assert service.patch("/v1/galleries/beta", json={"retention_days": 3}).status_code == 503
        receipt = service.delete("/v1/galleries/beta").json()
        assert (receipt["gallery"], receipt["subjects"], receipt["proven"]) == ("beta", 1, True)
    assert (folder / "alpha.json").read_bytes() == before
    assert list(folder.glob("beta*")) == []
    with serve() as service:
        assert service.get("/v1/galleries/alpha").json()["subjects"] == 1


@pytest.mark.parametrize("content", [b"xx", json.dumps({**GOOD, "erasing": "no"}).encode()])
def test_one_damaged_note_leaves_the_service_as_it_was(
    serve: Serve, photo: bytes, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "service" / "galleries"
    with serve() as service:
        for name in ("bad", "good"):
            assert service.post("/v1/galleries", json={"name": name}).status_code == 201
        service.post("/v1/galleries/bad/subjects/Ada/photos", files={"photos": photo})
    (folder / "bad.json").write_bytes(content)
    with caplog.at_level(logging.WARNING), serve(retention_interval_s=0.05) as service:
        assert [one["name"] for one in service.get("/v1/galleries").json()["items"]] == ["good"]
        ready = service.get("/readyz")
        assert (ready.status_code, ready.json()["damaged_galleries"]) == (200, "1")
        assert service.get("/v1/galleries/good").json()["subjects"] == 0
        for refused in (
            service.get("/v1/galleries/bad"),
            service.get("/v1/galleries/bad/subjects"),
            service.post("/v1/galleries", json={"name": "bad"}),
            service.patch("/v1/galleries/bad", json={"retention_days": 1}),
            service.post("/v1/galleries/bad/subjects/Eve/photos", files={"photos": photo}),
            service.post("/v1/identify", files={"photo": photo}, data={"gallery": "bad"}),
        ):
            assert (refused.status_code, refused.json()["error"]) == (503, "DamagedNoteError")
            assert "restore the file" in refused.json()["detail"]
            assert str(tmp_path) not in refused.text
        assert "bad.json is damaged" in caplog.text
        assert service.get("/v1/galleries/bad").status_code == 503  # no sweep took it for one to be erased
        receipt = service.delete("/v1/galleries/bad").json()
        assert (receipt["subjects"], receipt["proven"]) == (1, True)
        assert list(folder.glob("bad*")) == []
        assert service.get("/readyz").json().get("damaged_galleries") is None
        assert service.post("/v1/galleries", json={"name": "bad"}).status_code == 201
