"""``twinlens enrol FOLDER``: what is said of a folder of people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.cli.shells import Shell
from tests.cli.test_commands import shell

from twinlens.cli.enrol import exit_of
from twinlens.draw import save
from twinlens.types import Image

__all__ = ["shell"]


@pytest.fixture
def people(astronaut: Image, tmp_path: Path) -> Path:
    """Ada with one photo, and two more of the same face under another name."""
    mirrored = Image(np.ascontiguousarray(astronaut.pixels[:, ::-1]))
    darker = Image((astronaut.pixels * 0.8).astype(np.uint8))
    for place, image in (("Ada/1.png", astronaut), ("Zoe/2.png", mirrored), ("Zoe/3.png", darker)):
        save(image, tmp_path / "people" / place)
    return tmp_path / "people"


@pytest.mark.slow
def test_a_conflict_is_explained_once_a_subject(shell: Shell, people: Path, tmp_path: Path) -> None:
    code, out, _ = shell("enrol", people, "--gallery", tmp_path / "people.db")
    assert code == 1
    assert out.count("the same person under two names") == 1
    lines = out.splitlines()
    assert len(lines) == 4
    assert "2.png  conflict with 'Ada', similarity 0.9" in lines[1]
    assert "3.png  conflict with 'Ada', similarity 0.9" in lines[2]
    assert lines[3].startswith("Zoe: 2 photos look like 'Ada': the same person")
    code, records = shell.records("enrol", people, "--gallery", tmp_path / "people.db")
    assert [record["outcome"] for record in records] == ["already enrolled", "conflict", "conflict"]
    assert all("the same person under two names" in record["reasons"][0] for record in records[1:])


def test_a_folder_whose_name_is_no_name_is_reported_and_passed(shell: Shell, people: Path, tmp_path: Path) -> None:
    (people / "Zoe").rename(people / "Broken\nname")
    (people / "Ada" / "1.png").rename(people / "Ada" / "a\nb.png")
    code, out, err = shell("enrol", people, "--gallery", tmp_path / "people.db")
    assert code == 3
    lines = out.splitlines()
    assert len(lines) == 3
    assert all("unreadable: a subject needs" in line and line.endswith("rename the folder") for line in lines[:2])
    assert lines[2].startswith("Ada  ")
    assert lines[2].endswith("  done")
    assert "2 unreadable, 1 done" in err


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (set(), 0),
        ({"done", "already enrolled"}, 0),
        ({"done", "conflict"}, 1),
        ({"unlike"}, 1),
        ({"done", "no face"}, 3),
        ({"done", "poor quality", "conflict"}, 3),
        ({"several faces"}, 3),
        ({"unreadable"}, 3),
    ],
)
def test_a_photo_that_cannot_be_used_is_input_and_one_of_somebody_else_a_no(outcomes: set[str], code: int) -> None:
    assert exit_of(outcomes) == code
