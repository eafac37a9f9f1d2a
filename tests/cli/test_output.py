"""Counts with their nouns, as people read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.shells import Shell
from tests.cli.test_commands import shell
from tests.recognizer.audit.crowd import CARD, Crowd

from twinlens.cli.output import counted
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
