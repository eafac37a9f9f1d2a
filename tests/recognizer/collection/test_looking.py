"""Photos are read as they are at one moment, by real networks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from twinlens.draw import save
from twinlens.image import ImageLimits
from twinlens.recognizer.collection import Eyes, Look, Task, look_at
from twinlens.recognizer.collection.looking import PipelineLooker
from twinlens.runtime import RuntimeOptions
from twinlens.types import Image


@pytest.fixture(scope="module")
def looker() -> Iterator[PipelineLooker]:
    made = PipelineLooker(Eyes(".", "yunet", "sface", runtime=RuntimeOptions(threads=1)))
    yield made
    made.close()


def task(path: Path, *known: bytes) -> Task:
    return Task(path.name, str(path), 0, 0, known)


def test_faces_come_with_vectors_and_the_files_stamp(looker: PipelineLooker, astronaut: Image, tmp_path: Path) -> None:
    save(astronaut, tmp_path / "a.png")
    (look,) = looker.look([task(tmp_path / "a.png")])
    info = (tmp_path / "a.png").stat()
    assert (look.size, look.mtime_ns) == (info.st_size, info.st_mtime_ns)
    assert look.vectors.shape == (1, 128)
    assert np.linalg.norm(look.vectors) == pytest.approx(1, abs=1e-4)
    assert looker.model.startswith("sface")
    (same,) = looker.look([task(tmp_path / "a.png", look.digest)])
    assert (same.same, len(same.qualities)) == (True, 0)


def test_every_task_has_its_look(looker: PipelineLooker, astronaut: Image, tmp_path: Path) -> None:
    save(astronaut, tmp_path / "a.png")
    save(Image(np.zeros((60, 60, 3), np.uint8)), tmp_path / "none.png")
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    names = ["gone.jpg", "a.png", "bad.jpg", "none.png", "empty.jpg", "folder.jpg", "a.png"]
    looks = looker.look([task(tmp_path / name) for name in names])
    assert sorted(look.task.name for look in looks) == sorted(names)
    found: dict[str, Look] = {look.task.name: look for look in looks}
    assert (len(found["a.png"].qualities), len(found["none.png"].qualities)) == (1, 0)
    assert (found["gone.jpg"].lasting, found["bad.jpg"].lasting) == (False, True)
    for name in ("gone.jpg", "bad.jpg", "empty.jpg", "folder.jpg"):
        assert str(tmp_path / name) in found[name].error


@pytest.mark.parametrize(("still", "error"), [(3, ""), (99, "it changes while it is read")])
def test_a_file_that_changes_while_it_is_read_is_left_to_the_next_run(
    looker: PipelineLooker,
    astronaut: Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    still: int,
    error: str,
) -> None:
    save(astronaut, tmp_path / "a.png")
    stat, seen = os.fstat, 0

    def changing(descriptor: int) -> os.stat_result:
        nonlocal seen
        seen += 1
        if seen < still:
            os.utime(tmp_path / "a.png", ns=(seen, seen))
        return stat(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", changing)
        (look,) = looker.look([task(tmp_path / "a.png")])
    assert error in look.error
    assert (bool(look.error), look.lasting) == (bool(error), not error)


def test_too_large_is_found_out_before_reading(looker: PipelineLooker, tmp_path: Path) -> None:
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(1 << 40)
    (look,) = look_at(looker._pipeline, [task(tmp_path / "huge.jpg")], limits=ImageLimits())
    assert "at most 64.0 MiB" in look.error
    assert look.lasting
