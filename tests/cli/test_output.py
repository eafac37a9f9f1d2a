"""Counts with their nouns, as people read them; numbers, as programs do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.shells import Shell
from tests.cli.test_commands import shell
from tests.recognizer.audit.crowd import CARD, Crowd

from twinlens.cli.output import counted, emit
from twinlens.gallery import open_gallery

__all__ = ["shell"]


@pytest.mark.parametrize(
    ("number", "nouns", "said"),
    [
        (0, ("photo",), "0 photos"),
        (1, ("photo",), "1 photo"),
        (2, ("photo",), "2 photos"),
        (1, ("person", "people"), "1 person"),
        (1200, ("person", "people"), "1,200 people"),
    ],
)
def test_a_count_and_its_noun_agree(number: int, nouns: tuple[str, ...], said: str) -> None:
    assert counted(number, *nouns) == said


def test_an_erasure_counts_one_template_as_one(shell: Shell, tmp_path: Path) -> None:
    place = tmp_path / "people.db"
    crowd = Crowd()
    crowd.people("Ada", photos=1)
    crowd.people("Grace", photos=2)
    with open_gallery(place, model=CARD.identity, dim=CARD.dim) as gallery:
        gallery.add(crowd.enrolled)
    code, out, _ = shell("gallery", "remove", "Ada", "Grace", "--gallery", place)
    assert code == 0
    assert [line.partition(";")[0] for line in out.splitlines()] == [
        "Ada: 1 template erased",
        "Grace: 2 templates erased",
    ]


def test_a_probability_is_never_certainty(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"probability": 0.99999956, "score": 0.12345678, "one": 1.0, "none": float("nan")}, "", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told == {"probability": 0.99999956, "score": 0.123457, "one": 1.0, "none": None}
