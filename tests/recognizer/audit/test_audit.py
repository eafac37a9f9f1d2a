"""A whole audit: nobody, one subject, thousands; another model; searches to expect; order and numbers."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.recognizer.audit.crowd import CARD, Crowd, audited, told

from twinlens.errors import ModelMismatchError, OptionError
from twinlens.gallery import open_gallery
from twinlens.metrics.intervals import wilson
from twinlens.protocols import Enrolment
from twinlens.recognizer.audit import KINDS, Audit, AuditOptions, audit_gallery
from twinlens.score import Policy, fmr_at
from twinlens.types import Embedding


def strangers(count: int, photos: int = 1, seed: int = 0) -> list[Enrolment]:
    """People drawn at random, with photos at 0.8 to them."""
    rng = np.random.default_rng(seed)

    def units(number: int) -> np.ndarray:
        vectors = rng.standard_normal((number, CARD.dim))
        scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return scaled

    centres = np.repeat(units(count), photos, axis=0)
    drawn = 0.8 * centres + 0.6 * units(count * photos)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return [
        Enrolment(f"s{row // photos:05d}", Embedding(vector, CARD.identity), f"p{row}", 0.9, f"{row}.jpg")
        for row, vector in enumerate(drawn.astype(np.float32))
    ]


def check_numbers(audit: Audit) -> None:
    for finding in audit.findings:
        assert finding.kind in KINDS
        assert finding.text
        assert finding.photos
        assert finding.remedies
        for one in finding.likeness:
            assert math.isfinite(one.score)
            assert -1.001 <= one.score <= 1.001
            assert one.fmr is None or 0 < one.fmr <= 1


def test_nobody(tmp_path: Path) -> None:
    audit = audited([], tmp_path)
    assert (audit.subjects, audit.templates, audit.faces, audit.findings, audit.sound) == (0, 0, 0, (), True)
    assert audit.searches is not None
    assert audit.searches.measured is None


def test_one_subject(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", photos=1)
    assert [finding.kind for finding in crowd.audit(tmp_path).findings] == ["one photo"]


def test_more_subjects_than_a_tile_holds(tmp_path: Path) -> None:
    audit = audited(strangers(2_100), tmp_path)
    assert (audit.subjects, audit.templates) == (2_100, 2_100)
    assert told(audit) <= {"look-alike"}
    check_numbers(audit)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("people", "most_mib"),
    [
        ("strangers(6_000, 2)", 130),  # 12,000 vectors are 6 MiB; all their similarities would be 550
        ("copies(1_500)", 450),  # over a million pairs to hold, of which half a million are kept
    ],
)
def test_memory_is_bounded(tmp_path: Path, people: str, most_mib: int) -> None:
    """In a process of its own: checks of array shapes, as in these tests, keep arrays alive."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED.format(people=people)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < most_mib


MEASURED = """
import tracemalloc
from pathlib import Path
from tests.recognizer.audit.test_audit import audited, copies, strangers
from twinlens.recognizer.audit import AuditOptions
people = {people}
tracemalloc.start()
audited(people, Path(), options=AuditOptions(most=100))
print(tracemalloc.get_traced_memory()[1] / 2**20)
"""


def copies(count: int) -> list[Enrolment]:
    (one,) = strangers(1)
    return [replace(one, subject=f"s{number}", photo=f"p{number}") for number in range(count)]


def test_copies_beyond_the_most_are_counted(tmp_path: Path) -> None:
    audit = audited(copies(120), tmp_path, options=AuditOptions(most=100))
    assert len(audit.of("duplicate")) == 100
    assert audit.omitted == {"duplicate": 120 * 119 // 2 - 100}
    assert audit.alike_from is None
    check_numbers(audit)


@pytest.mark.parametrize("policy", [Policy(threshold=-1.0), Policy(threshold=1.0), Policy(target_fpir=1e-9)])
def test_numbers_are_numbers_under_any_policy(tmp_path: Path, policy: Policy) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob", photos=2)
    crowd.enrol("Bob", {"Ann": 0.8})
    check_numbers(crowd.audit(tmp_path, policy=policy))


def test_opposite_vectors_are_no_trouble(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", photos=1, alike=1.0)
    crowd.enrol("Ann", -crowd.enrolled[0].embedding.vector)
    crowd.enrol("Bob", -crowd.enrolled[0].embedding.vector)
    audit = crowd.audit(tmp_path)
    check_numbers(audit)
    assert not audit.sound


def test_a_card_of_another_model_is_refused(tmp_path: Path) -> None:
    with (
        open_gallery(tmp_path / "people.db", model="another", dim=CARD.dim) as gallery,
        pytest.raises(ModelMismatchError, match=r"holds vectors of 'another'.*give the card"),
    ):
        audit_gallery(gallery, CARD)


def test_a_model_without_measured_error_rates(tmp_path: Path) -> None:
    """Copies, poor photos and counts need no rates; labels and look-alikes do."""
    crowd = Crowd()
    crowd.people("Ann", "Bob")
    crowd.enrol("Bob", {"Ann": 0.8})
    crowd.enrol("Bob", crowd.near(crowd.enrolled[3], 0.95), quality=0.1)
    with open_gallery(tmp_path / "people.db", model=CARD.identity, dim=CARD.dim) as gallery:
        gallery.add(crowd.enrolled)
        audit = audit_gallery(gallery, replace(CARD, measured=None, calibration=None))
    assert told(audit) == {"duplicate", "poor reference"}
    assert audit.searches is None
    check_numbers(audit)


def test_the_grave_come_first_in_the_order_of_the_kinds(tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob", photos=2)
    crowd.people("Cid", photos=1)
    crowd.enrol("Ann", {"Ann": 0.8}, quality=0.1)
    crowd.enrol("Bob", {"a stranger": 0.8})
    crowd.enrol("Dan", {"Ann": 0.8})
    crowd.enrol("Eve", {"Cid": 0.5})
    audit = crowd.audit(tmp_path)
    order = [(not finding.grave, list(KINDS).index(finding.kind), -finding.weight) for finding in audit.findings]
    assert order == sorted(order)
    assert len(order) >= 5


def test_the_fpir_to_expect_is_the_card_s_at_this_size(tmp_path: Path) -> None:
    audit = audited(strangers(150), tmp_path, policy=Policy(threshold=0.45))
    assert audit.searches is not None
    assert CARD.measured is not None
    fmr = fmr_at(CARD.measured, 0.45)
    assert audit.searches.bar.fpir == pytest.approx(1 - (1 - fmr) ** 150, rel=1e-9)


def test_the_fpir_measured_is_a_search_for_each_without_their_own(tmp_path: Path) -> None:
    people = strangers(110, 2)
    for place in range(0, 40, 4):  # look-alikes: the photo of one is mixed into the other's first
        mixed = people[place].embedding.vector + np.float32(0.62) * people[place + 100].embedding.vector
        people[place] = replace(people[place], embedding=Embedding(mixed / np.linalg.norm(mixed), CARD.identity))
    audit = audited(people, tmp_path)
    assert audit.searches is not None
    named = 0
    with open_gallery(tmp_path / "people.db", model=CARD.identity, dim=CARD.dim) as gallery:
        for place in range(0, len(people), 2):
            probe = people[place]
            ((match,),) = gallery.search([probe.embedding], 1, exclude=(probe.subject,))
            named += match.score >= audit.searches.bar.threshold
    assert 5 < named < 60
    assert audit.searches.measured == wilson(named, 110)


def test_few_subjects_measure_nothing(tmp_path: Path) -> None:
    audit = audited(strangers(99), tmp_path)
    assert audit.searches is not None
    assert audit.searches.measured is None


def test_subjects_that_may_be_one_person_are_left_out_beside(tmp_path: Path) -> None:
    people = strangers(120, 2)
    twice = [replace(photo, subject="again", photo=f"again {photo.photo}") for photo in people[:2]]
    audit = audited([*people, *twice], tmp_path)
    assert told(audit) == {"two names"}
    assert audit.searches is not None
    assert audit.searches.measured == wilson(2, 121)
    assert audit.searches.cleared == wilson(0, 119)


@pytest.mark.parametrize(
    "wrong", [{"unlike_fmr": 0.0}, {"rival_fmr": 1.0}, {"one_person_fmr": math.nan}, {"near": 0.5}, {"most": 0}]
)
def test_options_outside_their_range(wrong: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="rates lie between"):
        replace(AuditOptions(), **wrong)  # type: ignore[arg-type]
