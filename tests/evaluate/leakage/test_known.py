"""What is known of the shared data comes out, and what is new is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinlens.datasets.lfw_files import read_people
from twinlens.datasets.records import Split
from twinlens.datasets.registry import open_dataset
from twinlens.evaluate.leakage import Finding, Leakage, check_leakage
from twinlens.evaluate.leakage.names import same_names
from twinlens.evaluate.leakage.rosters import listed_people, parts_of

pytestmark = pytest.mark.slow


def found(leakage: Leakage, kind: str, *, inside: bool = False, level: str = "leak") -> list[Finding]:
    return [one for one in leakage.findings if (one.kind, one.inside, one.level) == (kind, inside, level)]


def parts(data_folder: Path, name: str) -> dict[str, Split]:
    return parts_of([open_dataset(name, data_folder)])


def test_lfw_development_shares_no_name_but_a_photo_under_two_names(data_folder: Path) -> None:
    leakage = check_leakage(parts(data_folder, "lfw-dev"))
    assert (leakage.people, leakage.photos) == ({"train": 2132, "test": 963}, {"train": 3443, "test": 1549})
    assert not found(leakage, "person")
    assert not found(leakage, "file")
    assert not found(leakage, "bytes")
    (akin,) = found(leakage, "person", level="note")
    assert ("Choi_Sung-hong", "Sung_Hong_Choi") in {(one.first.subject, one.second.subject) for one in akin.examples}
    (copy,) = found(leakage, "copy")
    assert [(one.first.subject, one.second.subject) for one in copy.examples] == [
        ("Andrew_Gilligan", "Andrew_Caldecott")
    ]


def test_the_letters_split_shares_188_of_816_people(data_folder: Path) -> None:
    leakage = check_leakage(parts(data_folder, "lfw-letters"), depth="names")
    (person,) = found(leakage, "person")
    (place,) = person.places
    assert (place.first, place.second, place.found, place.second_holds) == ("train", "validation", 188, 816)
    assert found(leakage, "file")[0].found == 160
    disjoint = check_leakage(parts(data_folder, "lfw-letters-disjoint"), depth="names")
    assert disjoint.leaks == ()


def test_cfp_shares_176_listed_names_with_lfw_and_135_photographed_people(data_folder: Path) -> None:
    cfp, lfw = (open_dataset(name, data_folder) for name in ("cfp", "lfw-dev-unrestricted"))
    leakage = check_leakage(parts_of([cfp, lfw]), across=True, depth="names", listed={lfw.name: listed_people(lfw)})
    assert found(leakage, "person")[0].found == 135
    notes = found(leakage, "person", level="note")
    assert notes[1].found == 176 - 135
    assert len(same_names(cfp.people, listed_people(lfw), across=True)) == 176
    assert len(listed_people(lfw)) == 5749
    assert "George Bush" in {one.first.subject for one in notes[0].examples}


def test_cfp_holds_27_groups_of_identical_files_each_of_one_person(data_folder: Path) -> None:
    leakage = check_leakage(parts(data_folder, "cfp"))
    (same,) = found(leakage, "bytes", inside=True, level="note")
    assert same.found == 27
    assert not found(leakage, "label", inside=True, level="note")
    assert leakage.leaks == ()


def test_cfp_ff_lists_130_pairs_twice(data_folder: Path) -> None:
    leakage = check_leakage(parts(data_folder, "cfp-ff"), depth="names")
    (pairs,) = found(leakage, "pair", inside=True, level="note")
    assert pairs.found == 130
    assert leakage.leaks == ()


def test_lfw_errata_lie_beside_this_copy(data_folder: Path) -> None:
    """Of each known double the other half is not among the people of the development view."""
    people = open_dataset("lfw-dev-unrestricted", data_folder).people
    for here, elsewhere in (
        ("Bart_Hendricks", "Ricky_Ray"),
        ("Carlos_Beltran", "Raul_Ibanez"),
        ("Emmy_Rossum", "Eva_Amurri"),
    ):
        assert here in people
        assert elsewhere not in people


def test_lfw_view_1_overlaps_view_2(data_folder: Path) -> None:
    """By the lists alone: the photos of most people of View 2 are not needed for this."""
    root = data_folder / "lfw"
    if not (root / "pairs.txt").is_file():
        pytest.skip("pairs.txt, the list of View 2, is not in this copy of LFW")
    train = open_dataset("lfw-dev", data_folder).split("train")
    listed = [line.split("\t") for line in (root / "pairs.txt").read_text(encoding="utf-8").splitlines()[1:]]
    names = {name for fields in listed for name in fields[:: 2 if len(fields) == 4 else 3]}
    assert len(train.people & names) == 1689
    assert len(read_people(root / "people.txt")) == 10
