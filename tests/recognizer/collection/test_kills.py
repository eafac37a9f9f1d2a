"""Killed with signal 9 at any moment, run again: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.recognizer.collection.fake_eyes import DIM, MODEL, FakeEyes, photo, vector_of

from twinlens.gallery import SqliteGallery, open_gallery
from twinlens.recognizer.collection import Foreman, ProcessCrew, index_collection

ROOT = Path(__file__).parents[3]
PEOPLE = "ABCDEFG"


def main(folder: str, place: str) -> None:
    """Index a folder: what is killed."""
    crew = ProcessCrew(FakeEyes(), 2)
    with open_gallery(place, model=MODEL, dim=DIM) as gallery:
        for report in index_collection(Path(folder), gallery, Foreman(crew, MODEL).work):
            sys.stdout.write(f"{report.outcome} {report.subject}\n")
            sys.stdout.flush()
    crew.close()
    sys.stdout.write("finished\n")


def begun(folder: Path, place: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", f"from {__name__} import main; main({str(folder)!r}, {str(place)!r})"]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths})


def shown(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0]


def stored(place: Path, *, killed: bool = False) -> Counter[tuple[str, str]]:
    """Return every face of the gallery: its photo's name, and who it is; after a kill an erasure may want finishing."""
    people = {vector_of(letter).tobytes(): letter for letter in PEOPLE}
    with open_gallery(place, model=MODEL, dim=DIM) as gallery:
        if killed:
            assert isinstance(gallery, SqliteGallery)
            gallery.finish_removals()
        assert gallery.verify_integrity() == ()
        return Counter((e.subject.rpartition("#")[0], people[e.embedding.vector.tobytes()]) for e in gallery.entries())


def disturb(folder: Path, rng: random.Random, turn: int) -> None:
    """Change, move, remove and add photos."""
    photos = sorted(folder.rglob("*.jpg"))
    for path in rng.sample(photos, 4):
        photo(path, rng.choice(PEOPLE), f"changed {turn}")
    for number, path in enumerate(rng.sample(photos, 4)):
        (folder / f"moved{turn}").mkdir(exist_ok=True)
        path.rename(folder / f"moved{turn}" / f"{number}.jpg")
    for path in rng.sample([p for p in photos if p.exists()], 2):
        path.unlink()
    for number in range(8):
        photo(
            folder / f"new{turn}" / f"{number}.jpg", "".join(rng.sample(PEOPLE, rng.randint(0, 3))), f"{turn} {number}"
        )


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [0, 1])
def test_killed_again_and_again(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    folder, place = tmp_path / "photos", tmp_path / "album.db"
    for number in range(300):
        photo(folder / f"{number % 7}" / f"{number}.jpg", "".join(rng.sample(PEOPLE, number % 4)), str(number))
    acknowledged: set[str] = set()
    for turn in range(12):
        run = begun(folder, place)
        assert run.stdout is not None
        for _ in range(rng.randint(0, 250)):  # somewhere in the work
            line = run.stdout.readline()
            if line.startswith("done "):
                acknowledged.add(line.removeprefix("done ").strip())
            if not line or line.startswith("finished"):
                break
        time.sleep(rng.random() * 0.05)
        run.send_signal(signal.SIGKILL)
        run.wait(30)
        run.stdout.close()
        if turn == 3:
            names = {name for name, _ in stored(place, killed=True)}
            assert {name for name in acknowledged if (folder / name).exists()} <= names  # what was told is there
        if turn % 3 == 2:
            disturb(folder, rng, turn)
    last = begun(folder, place)
    out, _ = last.communicate(timeout=120)
    assert out.endswith("finished\n")
    wanted = Counter(
        (path.relative_to(folder).as_posix(), person) for path in folder.rglob("*.jpg") for person in shown(path)
    )
    assert stored(place) == wanted
    again, _ = begun(folder, place).communicate(timeout=60)
    assert {line.split()[0] for line in again.splitlines()} == {"already", "unchanged", "finished"}


@pytest.mark.slow
def test_workers_end_with_the_one_who_hired_them(tmp_path: Path) -> None:
    for number in range(200):
        photo(tmp_path / "photos" / f"{number}.jpg", "slow")
    run = begun(tmp_path / "photos", tmp_path / "album.db")
    assert run.stdout is not None
    run.stdout.readline()
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    if not children.exists():
        run.kill()
        pytest.skip("this system does not list children of a process")
    pids = [int(pid) for pid in children.read_text(encoding="utf-8").split()]
    assert len(pids) >= 2
    run.kill()
    run.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(_runs(pid) for pid in pids):
        time.sleep(0.05)
    assert not [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
