"""Two names, one person: their photos under one of them, in one step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.gallery.conftest import DIM, MODEL, SMALL

from twinlens.errors import ConflictError, UnknownSubjectError
from twinlens.gallery import Contract, SqliteGallery
from twinlens.protocols import Enrolment, Merging


@pytest.fixture
def people(path: Path) -> SqliteGallery:
    return SqliteGallery(path, Contract(MODEL, DIM), SMALL)


@pytest.mark.parametrize("count", [8, 60])  # within the database alone, and with a scan index beside it
def test_a_merged_subject_is_found_under_the_name_that_stays(
    people: SqliteGallery, enrolments: Callable[..., list[Enrolment]], count: int
) -> None:
    stored = enrolments(count)
    people.add(stored)
    people.tag("s0000", {"team": "north", "floor": "2"})
    people.tag("s0001", {"team": "south"})
    assert isinstance(people, Merging)
    people.search([stored[0].embedding], 1)

    assert people.merge("s0000", "s0001") == 2

    for enrolment in stored[:4]:
        assert people.search([enrolment.embedding], 1)[0][0].subject == "s0001"
    assert people.count() == count
    assert people.verify_integrity() == ()
    merged = next(one for one in people.subjects() if one.name == "s0001")
    assert (merged.templates, dict(merged.tags)) == (4, {"team": "south", "floor": "2"})
    with pytest.raises(UnknownSubjectError):
        people.templates("s0000")
    receipt = people.remove("s0001")
    assert (receipt.templates, receipt.remains) == (4, ())


def test_what_cannot_be_merged_stays_as_it_is(
    people: SqliteGallery, enrolments: Callable[..., list[Enrolment]]
) -> None:
    people.add(enrolments(4))
    other = enrolments(1, seed=9)[0]
    people.add([Enrolment("s0001", other.embedding, "photo 0", 0.5, "0.jpg")])
    with pytest.raises(ConflictError, match="same photo"):
        people.merge("s0000", "s0001")
    with pytest.raises(ConflictError, match="itself"):
        people.merge("s0000", "s0000")
    with pytest.raises(UnknownSubjectError):
        people.merge("s0000", "nobody")
    assert people.count() == 5
    assert [one.name for one in people.subjects()] == ["s0000", "s0001"]
