"""Photos under a wrong name, each kind alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.recognizer.audit.crowd import Crowd, commands, told


def test_a_sound_gallery_gives_nothing(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob", "Cid")
    audit = crowd.audit(tmp_path)
    assert audit.findings == ()
    assert audit.sound
    assert (audit.subjects, audit.templates, audit.faces) == (3, 9, 0)


def test_a_photo_of_another_subject(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob", "Cid")
    wrong = crowd.enrol("Bob", {"Ann": 0.8})
    audit = crowd.audit(tmp_path)
    (finding,) = audit.findings
    assert (finding.kind, finding.grave, finding.subjects) == ("mislabelled", True, ("Bob", "Ann"))
    assert finding.photos[0].source == wrong
    assert finding.photos[1].subject == "Ann"
    assert [round(one.score, 3) for one in finding.likeness] == [0.64, 0.0]
    assert commands(finding) == [
        ("gallery", "remove", "--photo", wrong, "Bob"),
        ("enrol", "--main-face", "Ann", wrong),
    ]
    assert not audit.sound


def test_a_photo_of_somebody_who_is_not_enrolled(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob")
    wrong = crowd.enrol("Bob", {"a stranger": 0.8})
    (finding,) = crowd.audit(tmp_path).findings
    assert (finding.kind, finding.subjects) == ("mislabelled", ("Bob",))
    assert finding.photos[0].source == wrong
    assert commands(finding) == [("gallery", "remove", "--photo", wrong, "Bob")]


def test_a_poor_photo_is_enrolled_elsewhere_as_it_was_here(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob")
    wrong = crowd.enrol("Bob", {"Ann": 0.8}, quality=0.2)
    (finding,) = crowd.audit(tmp_path).of("mislabelled")
    assert ("enrol", "--main-face", "--accept-poor", "Ann", wrong) in commands(finding)


def test_a_copy_under_another_name_is_taken_out_and_not_enrolled_twice(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob")
    wrong = crowd.enrol("Bob", crowd.enrolled[0].embedding.vector.copy())
    (finding,) = crowd.audit(tmp_path).findings
    assert finding.kind == "mislabelled"
    assert "is a copy of photo-0 of 'Ann'" in finding.text
    assert commands(finding) == [("gallery", "remove", "--photo", wrong, "Bob")]


def test_two_photos_that_are_not_alike_blame_neither(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann")
    photos = [crowd.enrol("Bob", {"Bob": 0.8}), crowd.enrol("Bob", {"a stranger": 0.8})]
    (finding,) = crowd.audit(tmp_path).findings
    assert (finding.kind, finding.grave, finding.subjects) == ("incoherent", True, ("Bob",))
    assert [photo.source for photo in finding.photos] == photos
    assert commands(finding) == [("gallery", "remove", "--photo", photo, "Bob") for photo in photos]


@pytest.mark.parametrize(("likeness", "apart"), [(0.31, False), (0.29, True)])
def test_the_bar_for_standing_apart_is_the_card_s(tmp_path: Path, likeness: float, apart: bool) -> None:
    crowd = Crowd()  # the default model's threshold for an FMR of 1 % is 0.2985
    crowd.people("Ann", "Bob")
    crowd.enrol("Bob", {"Bob": likeness / 0.8})
    assert told(crowd.audit(tmp_path)) == ({"mislabelled"} if apart else set())


def test_one_exchanged_photo_each_among_several(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob", photos=2)
    wrong = {crowd.enrol("Ann", {"Bob": 0.8}), crowd.enrol("Bob", {"Ann": 0.8})}
    audit = crowd.audit(tmp_path)
    assert told(audit) == {"mislabelled"}
    assert {finding.photos[0].source for finding in audit.findings} == wrong


def test_an_exchange_with_a_subject_of_two_photos_does_not_blame_the_right_one(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", photos=1)
    crowd.people("Bob", photos=2)
    wrong = {crowd.enrol("Ann", {"Bob": 0.8}), crowd.enrol("Bob", {"Ann": 0.8})}
    audit = crowd.audit(tmp_path)
    assert told(audit) == {"mislabelled"}
    assert {finding.photos[0].source for finding in audit.findings} == wrong


def test_an_exchange_between_subjects_of_two_photos_names_both(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob", photos=1)
    crowd.enrol("Ann", {"Bob": 0.8})
    crowd.enrol("Bob", {"Ann": 0.8})
    audit = crowd.audit(tmp_path)
    assert told(audit) == {"incoherent"}
    assert [finding.subjects for finding in audit.findings] == [("Ann", "Bob"), ("Bob", "Ann")]
    for finding in audit.findings:
        assert "exchanged" in finding.text
        assert {photo.source for photo in finding.photos} == {f"photo-{i}" for i in range(4)}
    moves = commands(audit.findings[0])
    assert ("gallery", "remove", "--photo", "photo-2", "Ann") in moves
    assert ("enrol", "--main-face", "Bob", "photo-2") in moves
    assert moves.index(("enrol", "--main-face", "Bob", "photo-2")) > moves.index(
        ("gallery", "remove", "--photo", "photo-2", "Ann")
    )


def test_the_owner_of_a_photo_is_not_blamed_for_a_copy_of_it_elsewhere(tmp_path: Path) -> None:
    """Its photo is more alike to the copy than to its own others, and belongs where it is all the same."""
    crowd = Crowd()
    crowd.people("Ann", "Bob", photos=2)
    copy = crowd.enrol("Bob", crowd.near(crowd.enrolled[0], 0.96))
    (finding,) = crowd.audit(tmp_path).findings
    assert (finding.kind, finding.subjects, finding.photos[0].photo) == ("mislabelled", ("Bob", "Ann"), copy)


def test_photos_that_are_not_very_alike_are_not_blamed_for_a_copy_elsewhere(tmp_path: Path) -> None:
    """Ann's two photos do not vouch for each other, but Bob's do: so it is the copy among them that is wrong."""
    crowd = Crowd()
    crowd.people("Ann", photos=2, alike=0.6)
    crowd.people("Bob")
    copy = crowd.enrol("Bob", crowd.near(crowd.enrolled[0], 0.96))
    (finding,) = crowd.audit(tmp_path).findings
    assert (finding.kind, finding.photos[0].photo) == ("mislabelled", copy)
