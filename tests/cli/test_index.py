"""``twinlens index``: real photos, real networks, worker processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage import data
from tests.cli.shells import Shell

from twinlens.cli.demo_pictures import enlarged
from twinlens.cli.index import Pace, _duration
from twinlens.draw import save
from twinlens.types import Image


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capfd)


def faces(folder: Path, count: int) -> None:
    for number, face in enumerate(np.asarray(data.lfw_subset())[:count]):
        save(Image(enlarged(face), "face"), folder / f"{number:03}.png")


@pytest.fixture
def album(astronaut: Image, tmp_path: Path) -> Path:
    """A face, none, and a file that is no picture."""
    folder = tmp_path / "album"
    save(astronaut, folder / "collins.png")
    save(Image(np.full((64, 64, 3), 200, np.uint8), "blank"), folder / "blank.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def test_a_folder_is_indexed(shell: Shell, album: Path) -> None:
    code, records = shell.records("index", album, "--processes", 1)
    assert code == 3
    assert sorted((Path(r["photo"]).name, r["outcome"], tuple(r["faces"])) for r in records) == [
        ("blank.png", "no face", ()),
        ("broken.jpg", "unreadable", ()),
        ("collins.png", "done", ("collins.png#1",)),
    ]
    code, _, err = shell("index", album, "--processes", 1)
    assert (code, err.count("broken.jpg")) == (3, 1)  # a timer's second run is no success either
    assert "2 unchanged, 1 still unreadable (--again tries it); 1 face in" in err
    for name in ("collins.png", "blank.png", "broken.jpg"):
        (album / name).unlink()
    code, _, err = shell("index", album, "--processes", 1)
    assert (code, "3 of the 3 photos" in err, "--forget-missing" in err) == (3, True, True)
    assert shell("index", album, "--forget-missing", "--processes", 1)[0] == 0


@pytest.mark.slow
def test_a_folder_is_followed(shell: Shell, album: Path) -> None:
    code, out, err = shell("index", album, "--processes", 1)
    assert (code, out) == (3, "")
    assert "broken.jpg" in err
    assert "1 done" in err
    assert err.rstrip().endswith(f"1 face in {album / '.twinlens.db'}")
    (album / "collins.png").rename(album / "eileen.png")
    code, records = shell.records("index", album, "--processes", 1)
    assert code == 3  # as long as the broken one is there
    assert sorted((Path(r["photo"]).name, r["outcome"]) for r in records) == [
        ("blank.png", "unchanged"),
        ("broken.jpg", "still unreadable"),
        ("eileen.png", "moved"),
    ]
    assert [face for r in records for face in r["faces"]] == ["eileen.png#1"]
    place = ("--gallery", album / ".twinlens.db")
    assert shell.records("search", album / "eileen.png", *place)[1][0]["subject"] == "eileen.png#1"
    assert shell("index", album, "--again", "--processes", 1)[0] == 3


@pytest.mark.slow
def test_processes_answer_as_one(shell: Shell, tmp_path: Path) -> None:
    faces(tmp_path / "album", 60)
    lists = []
    for processes in (1, 2):
        place = tmp_path / f"{processes}.db"
        assert shell("index", tmp_path / "album", "--gallery", place, "--processes", processes)[0] == 0
        lists.append([r["subject"] for r in shell.records("gallery", "list", "--gallery", place)[1]])
        export = tmp_path / f"{processes}.zip"
        assert shell("gallery", "export", export, "--gallery", place)[0] == 0
    assert lists[0] == lists[1]
    assert len(lists[0]) >= 30


def test_what_cannot_be_indexed_is_said(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, _, err = shell("index", tmp_path / "empty")
    assert (code, "no pictures in this folder" in err) == (3, True)
    assert list((tmp_path / "empty").iterdir()) == []
    assert shell("index", tmp_path / "gone")[0] == 3
    assert shell("index", tmp_path, "--processes", 0)[0] == 2


def test_the_pace_is_told_now_and_then(capfd: pytest.CaptureFixture[str]) -> None:
    pace = Pace(every_s=0)
    pace.say(0, 100)
    pace.say(50, 100)
    said = capfd.readouterr().err
    assert said.startswith("50 of 100 photos, ")
    assert said.count("\n") == 1
    Pace(every_s=60).say(50, 100)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("seconds", "said"), [(12.4, "12 s"), (90, "2 min"), (7500, "2 h 05 min")])
def test_durations_are_for_people(seconds: float, said: str) -> None:
    assert _duration(seconds) == said


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_and_run_again(tmp_path: Path) -> None:
    faces(tmp_path / "album", 150)
    words = [sys.executable, "-m", "twinlens.cli", "index", str(tmp_path / "album"), "--json", "--processes", "2"]
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert run.stdout is not None
    told = [json.loads(run.stdout.readline())["photo"] for _ in range(3)]
    run.send_signal(signal.SIGKILL)
    out, _ = run.communicate(timeout=60)
    told += [json.loads(line)["photo"] for line in out.splitlines() if line[:1] + line[-1:] == "{}"]
    assert len(told) < 150
    again = subprocess.run(words, capture_output=True, text=True, check=True, timeout=200)
    outcomes = {r["photo"]: r["outcome"] for r in map(json.loads, again.stdout.splitlines())}
    assert len(outcomes) == 150
    assert {outcomes[photo] for photo in told} <= {"already enrolled", "unchanged"}
    third = subprocess.run(words, capture_output=True, text=True, check=True, timeout=200)
    assert {json.loads(line)["outcome"] for line in third.stdout.splitlines()} <= {"already enrolled", "unchanged"}
