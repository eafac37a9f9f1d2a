"""Subjects that are one person, or may be taken for one, each kind alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.recognizer.audit.crowd import Crowd, commands, told

from twinlens.recognizer.audit import AuditOptions
from twinlens.score import Policy


def test_one_person_under_two_names(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob")
    photos = [crowd.enrol("Anna", {"Ann": 0.8}), crowd.enrol("Anna", {"Ann": 0.8}, quality=0.3)]
    (finding,) = crowd.audit(tmp_path).of("two names")
    assert (finding.grave, finding.subjects) == (True, ("Anna", "Ann"))
    assert [round(one.score, 3) for one in finding.likeness] == [0.64, 0.64]
    look, erase, enrol = commands(finding)
    assert look == ("verify", "--why", "why.png", *(photo.source for photo in finding.photos))
    assert erase == ("gallery", "remove", "Anna")
    assert enrol == ("enrol", "--main-face", "--accept-poor", "Ann", *photos)


def test_the_name_with_more_photos_is_kept(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Zoe", photos=4)
    crowd.enrol("Ann", {"Zoe": 0.8})
    (finding,) = crowd.audit(tmp_path).of("two names")
    assert finding.subjects == ("Ann", "Zoe")


def test_many_photos_are_enrolled_anew_in_several_commands(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", photos=56)
    for _ in range(55):
        crowd.enrol("Anna", {"Ann": 0.8})
    (finding,) = crowd.audit(tmp_path).of("two names")
    enrols = [words[3:] for words in commands(finding) if words[0] == "enrol"]
    assert [len(words) for words in enrols] == [50, 5]
    assert len({word for words in enrols for word in words}) == 55


@pytest.mark.parametrize(
    ("alike", "kind", "grave"),
    [
        (0.95, "duplicate", True),
        (0.60, "two names", True),  # above the bar for one person (0.4696) and the threshold
        (0.40, "look-alike", True),  # above the threshold of a gallery of two (0.32)
        (0.25, "look-alike", False),
        (0.20, None, False),
    ],
)
def test_two_subjects_with_one_photo_each(tmp_path: Path, alike: float, kind: str | None, grave: bool) -> None:
    crowd = Crowd()
    crowd.enrol("Ann", {"Ann": 1.0})
    crowd.enrol("Bob", {"Ann": alike})
    audit = crowd.audit(tmp_path)
    found = [finding for finding in audit.findings if finding.kind != "one photo"]
    assert [(f.kind, f.grave, set(f.subjects)) for f in found] == ([(kind, grave, {"Ann", "Bob"})] if kind else [])
    assert audit.sound is not grave


def test_with_one_photo_each_the_threshold_must_be_reached(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.enrol("Ann", {"Ann": 1.0})
    crowd.enrol("Bob", {"Ann": 0.5})
    assert told(crowd.audit(tmp_path, policy=Policy(threshold=0.55))) == {"look-alike"}


def test_look_alikes_meet_in_their_nearest_photos_only(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob")
    crowd.enrol("Bob", {"Bob": 0.6, "Ann": 0.6})  # 0.48 to each of both
    audit = crowd.audit(tmp_path)
    (finding,) = audit.findings
    assert (finding.kind, finding.grave, set(finding.subjects)) == ("look-alike", True, {"Ann", "Bob"})
    assert [remedy.text for remedy in finding.remedies] == [
        "look at the photos",
        "if they are two people, let a person confirm when a search names either",
    ]


def test_a_copy_under_two_names_says_which_to_take_out(tmp_path: Path) -> None:
    crowd = Crowd()
    first = crowd.enrol("Ann", {"Ann": 1.0})
    second = crowd.enrol("Bob", {"Ann": 0.97})
    (finding,) = crowd.audit(tmp_path).of("duplicate")
    assert set(commands(finding)) == {
        ("gallery", "remove", "--photo", first, "Ann"),
        ("gallery", "remove", "--photo", second, "Bob"),
    }


def test_a_photo_without_a_place_is_spoken_of_in_words(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann")
    crowd.enrol("Anna", {"Ann": 0.8}, source="")
    (finding,) = crowd.audit(tmp_path).of("two names")
    assert commands(finding) == [("gallery", "remove", "Anna")]
    assert [remedy.text for remedy in finding.remedies][-1] == "and enrol the photos as 'Ann'"


def test_findings_beyond_the_most_are_counted(tmp_path: Path) -> None:
    crowd = Crowd()
    for number in range(6):
        crowd.enrol(f"Ann {number}", {"Ann": 0.8})
    audit = crowd.audit(tmp_path, options=AuditOptions(most=4))
    assert len(audit.of("two names")) == 4
    assert audit.omitted["two names"] == 11  # of 15 pairs
