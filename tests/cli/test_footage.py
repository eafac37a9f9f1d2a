"""``identify`` on videos, as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import data

from twinlens.cli.app import main
from twinlens.cli.demo_pictures import enlarged
from twinlens.draw import save
from twinlens.recognizer import Recognizer
from twinlens.types import Image
from twinlens.video import frames

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> Path:
    """Her photo and her film, a film of nobody, a stranger's photo, and files that are none."""
    folder = tmp_path_factory.mktemp("footage")
    save(astronaut, folder / "collins.png")
    save(Image(enlarged(np.asarray(data.lfw_subset())[0])), folder / "stranger.png")
    head, other = astronaut.pixels[0:260, 90:350], enlarged(np.asarray(data.lfw_subset())[0])[:260, 20:280]
    for name, codec, heads in (("film.mp4", "mp4v", (head, other)), ("empty_room.avi", "MJPG", ())):
        writer = cv2.VideoWriter(str(folder / name), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), 25, (600, 300))
        for k in range(16):
            picture = np.full((300, 600, 3), 110, np.uint8)
            for number, pixels in enumerate(heads):
                picture[20:280, 10 + 300 * number + k : 270 + 300 * number + k] = pixels[..., ::-1]
            writer.write(picture)
        writer.release()
    whole = (folder / "film.mp4").read_bytes()
    (folder / "spoiled").mkdir()
    (folder / "spoiled" / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "spoiled" / "none.avi").write_bytes(b"")
    (folder / "spoiled" / "text.mkv").write_text("no film at all\n")
    cut = (folder / "empty_room.avi").read_bytes()
    (folder / "spoiled" / "broken.avi").write_bytes(cut[: len(cut) // 2])
    return folder


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> Path:
    """A gallery that knows her."""
    path = tmp_path_factory.mktemp("people") / "people.db"
    with Recognizer.default(path) as recognizer:
        assert recognizer.enrol("Eileen Collins", astronaut)[0].outcome == "done"
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, people: Path) -> Run:
    """Runs a command line in this process, with her enrolled."""
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TWINLENS_GALLERY", str(people))

    def command(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["twinlens", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        assert "a fault of ours" not in err, err
        return int(stopped.value.code or 0), out, err

    return command


def test_one_line_a_track_and_an_annotated_copy(run: Run, footage: Path, tmp_path: Path) -> None:
    code, out, err = run("identify", footage / "film.mp4", "--draw", tmp_path / "drawn")
    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert head == f"{footage / 'film.mp4'}: 2 tracks up to 0:00.6"
    assert sorted(line.split(": ")[1].split(" (")[0] for line in lines) == ["Eileen Collins", "unknown"]
    assert all(line.startswith("  0:00.0 to 0:00.6: ") for line in lines)
    assert len(list(frames(tmp_path / "drawn" / "film.mp4"))) == 16


def test_json_has_an_object_a_track(run: Run, footage: Path) -> None:
    code, out, _ = run("identify", footage / "film.mp4", "--json", "--every", 5)
    records: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {r["subject"] for r in records} == {"Eileen Collins", None}
    known = next(r for r in records if r["subject"])
    assert (known["frames"], known["start_s"], known["end_s"], known["spans"]) == (4, 0, 0.6, [[0, 0.6]])
    assert known["match"]["score"] > 0.9
    assert known["best"]["quality"] > 0.5
    assert known["video"] == str(footage / "film.mp4")
    assert {r["track"] for r in records} == {1, 2}


@pytest.mark.slow
def test_photos_and_films_in_one_command_keep_their_order(run: Run, footage: Path, tmp_path: Path) -> None:
    code, out, err = run(
        "identify", footage / "stranger.png", footage / "empty_room.avi", footage / "collins.png", "--draw", tmp_path
    )
    assert (code, err) == (0, "")
    heads = [Path(line.split(":")[0]).name for line in out.splitlines() if not line.startswith(" ")]
    assert heads == ["stranger.png", "empty_room.avi", "collins.png"]
    assert "nobody up to" in out
    assert run("identify", footage / "empty_room.avi")[0] == 1


@pytest.mark.slow
def test_copies_never_overwrite_each_other_or_the_film(run: Run, footage: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "film.mp4"
    twin.write_bytes((footage / "film.mp4").read_bytes())
    assert run("identify", footage / "film.mp4", twin, "--draw", tmp_path / "drawn")[0] == 0
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["film-2.mp4", "film.mp4"]
    assert run("identify", twin, "--draw", twin.parent)[0] == 0
    assert sorted(path.name for path in twin.parent.iterdir()) == ["film-2.mp4", "film.mp4"]
    assert twin.read_bytes() == (footage / "film.mp4").read_bytes()


def test_a_folder_with_spoiled_films(run: Run, footage: Path) -> None:
    code, out, err = run("identify", footage)
    assert code == 3
    assert [line for line in out.splitlines() if "Eileen Collins" in line]
    ours = [line for line in err.splitlines() if line.startswith("twinlens: ")]  # FFmpeg speaks here: see below
    complaints = {Path(line.split(": ")[1]).name: line for line in ours}
    assert sorted(complaints) == ["broken.avi", "cut.mp4", "none.avi", "text.mkv"]
    assert "cut off" in complaints["cut.mp4"]
    assert "empty, 0 bytes" in complaints["none.avi"]
    assert "not a video" in complaints["text.mkv"]
    assert "frames, " in complaints["broken.avi"]


@pytest.mark.slow
def test_nothing_but_our_words_on_stderr(footage: Path, people: Path, tmp_path: Path) -> None:
    """In a process of its own, where OpenCV and FFmpeg would speak up."""
    names = [str(path) for path in sorted((footage / "spoiled").iterdir())] + [str(tmp_path / "absent.mp4")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENCV_")}
    command = [sys.executable, "-m", "twinlens.cli", "identify", *names, "--gallery", str(people)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    assert len(lines) == len(names)
    assert all(line.startswith("twinlens: ") for line in lines)


def test_a_wrong_stride_is_a_usage_error(run: Run, footage: Path) -> None:
    code, out, err = run("identify", footage / "film.mp4", "--every", 0)
    assert (code, out) == (2, "")
    assert "every must be 1 or more" in err
