"""Photos by themselves: copies, poor ones, only ones; faces of an index."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.recognizer.audit.crowd import CARD, Crowd, audited, commands, told

from twinlens.protocols import Enrolment
from twinlens.recognizer.audit import AuditOptions
from twinlens.types import Embedding


def test_copies_under_one_name(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob")
    original = crowd.enrolled[0]
    copies = [crowd.enrol("Ann", crowd.near(original, alike)) for alike in (0.95, 0.92)]
    (finding,) = crowd.audit(tmp_path).findings
    assert (finding.kind, finding.grave, finding.subjects) == ("duplicate", False, ("Ann",))
    assert {photo.source for photo in finding.photos} == {original.photo, *copies}
    assert len(commands(finding)) == 2  # one stays
    assert ("gallery", "remove", "--photo", finding.photos[0].source, "Ann") not in commands(finding)


def test_two_photos_from_one_place_are_told_apart(tmp_path: Path) -> None:
    """A file that was overwritten and enrolled again: its place names both photos, and would erase both."""
    crowd = Crowd()
    crowd.people("Ann")
    again = crowd.enrol("Ann", crowd.enrolled[0].embedding.vector.copy(), source="ann.jpg")
    third = crowd.enrol("Ann", crowd.enrolled[0].embedding.vector.copy(), source="ann.jpg")
    (finding,) = crowd.audit(tmp_path).of("duplicate")
    assert commands(finding) == [
        ("gallery", "remove", "--photo", again, "Ann"),
        ("gallery", "remove", "--photo", third, "Ann"),
    ]


@pytest.mark.parametrize(("others", "grave"), [(2, False), (0, True)])
def test_a_poor_reference_is_grave_where_there_is_no_good_one(tmp_path: Path, others: int, grave: bool) -> None:
    crowd = Crowd()
    crowd.people("Ann", photos=others)
    crowd.people("Bob")
    poor = crowd.enrol("Ann", {"Ann": 0.8}, quality=0.49)
    (finding,) = crowd.audit(tmp_path).of("poor reference")
    assert (finding.grave, finding.subjects) == (grave, ("Ann",))
    assert [photo.source for photo in finding.photos] == [poor]
    assert commands(finding) == [("enrol", "Ann", "PHOTO"), ("gallery", "remove", "--photo", poor, "Ann")]


def test_a_photo_of_acceptable_quality_is_not_poor(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann")
    crowd.enrol("Ann", {"Ann": 0.8}, quality=0.5)
    assert crowd.audit(tmp_path).findings == ()
    assert told(audited([], tmp_path, options=AuditOptions(poor=0.6))) == {"poor reference"}


def test_subjects_with_one_photo_stand_in_one_finding(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann")
    crowd.people("Bob", "Cid", photos=1)
    (finding,) = crowd.audit(tmp_path).findings
    assert (finding.kind, finding.grave, finding.subjects) == ("one photo", False, ("Bob", "Cid"))
    assert finding.text.startswith("2 of 3 subjects")


def face(name: str, crowd: Crowd, parts: dict[str, float]) -> Enrolment:
    """A face of an index, as the album stores it."""
    return Enrolment(
        name, Embedding(crowd.direction(parts), CARD.identity), f"10:20:{name}", 0.9, f"/album/{name[:-2]}"
    )


def test_faces_of_an_index_have_no_names_to_be_wrong(tmp_path: Path) -> None:
    crowd = Crowd()
    faces = [face(f"{n}.jpg#1", crowd, {"Ann": 0.8}) for n in "abc"]
    audit = audited([*faces, face("d.jpg#1", crowd, {"Dan": 0.3})], tmp_path)
    assert audit.faces == 4
    assert audit.findings == ()


def test_the_same_face_in_two_files_of_an_index(tmp_path: Path) -> None:
    crowd = Crowd()
    twice = [face(f"{name}#1", crowd, {"Ann": 0.98}) for name in ("a.jpg", "copy of a.jpg")]
    (finding,) = audited([*twice, face("c.jpg#1", crowd, {"Cid": 0.8})], tmp_path).findings
    assert (finding.kind, finding.grave) == ("duplicate", False)
    assert set(finding.subjects) == {"a.jpg#1", "copy of a.jpg#1"}


def test_a_face_of_an_index_is_not_held_against_a_name(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann")
    assert audited([*crowd.enrolled, face("a.jpg#1", crowd, {"Ann": 0.99})], tmp_path).findings == ()
