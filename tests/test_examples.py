"""Every example runs as it is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from twinlens.draw import save
from twinlens.types import Image

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    save(astronaut, folder / "a.png")
    save(Image(np.ascontiguousarray(astronaut.pixels[:, ::-1])), folder / "b.jpg")
    return folder


def run(name: str, *words: object) -> str:
    command = [sys.executable, str(EXAMPLES / name), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_verify(photos: Path) -> None:
    assert run("verify.py", photos / "a.png", photos / "b.jpg").startswith("same person")


def test_enrol_and_identify(photos: Path, tmp_path: Path) -> None:
    said = run("enrol_and_identify.py", tmp_path / "p.db", "Eileen Collins", photos / "a.png", photos / "b.jpg")
    assert said.splitlines() == ["done", "Eileen Collins"]


@pytest.mark.slow
def test_photo_collection(photos: Path) -> None:
    assert run("photo_collection.py", photos) == "person 1: a.png#1, b.jpg#1\n"


@pytest.mark.slow
def test_own_threshold(photos: Path) -> None:
    assert run("own_threshold.py", photos / "a.png", photos / "b.jpg").startswith("True")
