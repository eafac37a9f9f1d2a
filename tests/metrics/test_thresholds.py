"""The table of thresholds: against plain loops over pairs, and against other people."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.encounters import Encounters, meet_everyone, meet_listed, meet_unnamed
from twinlens.metrics.people import PeopleScores
from twinlens.metrics.thresholds import Refusal, Row, measure, threshold_table, unsupported


def crowd(people: int, photos: list[int], *, seed: int = 0, noise: float = 0.5) -> tuple[np.ndarray, list[str]]:
    """Return unit vectors around a direction a person, and names."""
    rng = np.random.default_rng(seed)
    rows, names = [], []
    for person in range(people):
        centre = rng.normal(size=24)
        for _ in range(photos[person % len(photos)]):
            rows.append(centre / np.linalg.norm(centre) + noise * rng.normal(size=24))
            names.append(f"p{person:04d}")
    vectors = np.array(rows)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), names


def loop(vectors: np.ndarray, names: list[str], threshold: float) -> tuple[float, float]:
    """Return FMR and FNMR with each person and each pair of people alike, pair by pair."""
    genuine: dict[str, list[bool]] = {}
    impostor: dict[tuple[str, str], list[bool]] = {}
    for a, b in combinations(range(len(names)), 2):
        accepted = bool(float(vectors[a] @ vectors[b]) >= threshold)
        if names[a] == names[b]:
            genuine.setdefault(names[a], []).append(not accepted)
        else:
            impostor.setdefault((names[a], names[b]), []).append(accepted)
    rates = [float(np.mean([np.mean(group) for group in groups])) for groups in (impostor.values(), genuine.values())]
    return rates[0], rates[1]


def row_of(known: Encounters, target: float, **more: int) -> Row:
    (row,) = threshold_table(known, [target], rng=np.random.default_rng(0), **more)
    assert isinstance(row, Row)
    return row


def test_rates_are_those_of_a_loop_with_everybody_alike() -> None:
    vectors, names = crowd(30, [1, 2, 5])
    row = row_of(meet_everyone(vectors, names), 0.05)
    fmr, fnmr = loop(vectors, names, row.threshold)
    assert row.fmr.estimate == pytest.approx(fmr, rel=1e-6)
    assert row.fnmr.estimate == pytest.approx(fnmr, rel=1e-6)
    assert row.fmr.estimate <= 0.05
    just_below = float(np.nextafter(np.float32(row.threshold), np.float32(-1)))
    assert loop(vectors, names, just_below)[0] > 0.05  # the lowest threshold that keeps the target


def test_listed_pairs_are_the_same_as_all_photos_compared() -> None:
    vectors, names = crowd(20, [2, 3])
    pairs = list(combinations(range(len(names)), 2))
    same = np.array([names[a] == names[b] for a, b in pairs])
    scores = np.array([float(vectors[a] @ vectors[b]) for a, b in pairs])
    who = np.array([(names[a], names[b]) for a, b in pairs])
    listed = meet_listed(PeopleScores(scores[same], scores[~same], who[same, 0], who[~same]))
    everyone = meet_everyone(vectors, names)
    for target in (0.1, 0.03):
        one, other = row_of(listed, target), row_of(everyone, target)
        assert one.threshold == pytest.approx(other.threshold, abs=1e-6)
        assert one.fnmr.estimate == pytest.approx(other.fnmr.estimate, abs=1e-9)


@settings(max_examples=15)
@given(st.integers(0, 50))
def test_a_stricter_target_never_has_a_lower_threshold(seed: int) -> None:
    vectors, names = crowd(40, [2, 3], seed=seed)
    rows = threshold_table(
        meet_everyone(vectors, names), [0.2, 0.1, 0.05, 0.01], rng=np.random.default_rng(seed), resamples=20
    )
    kept = [row for row in rows if isinstance(row, Row)]
    assert [row.threshold for row in kept] == sorted(row.threshold for row in kept)
    assert [row.fnmr.estimate for row in kept] == sorted(row.fnmr.estimate for row in kept)
    for row in kept:
        assert row.threshold_low <= row.threshold <= row.threshold_high
        assert row.elsewhere.high - row.elsewhere.low >= row.fmr.high - row.fmr.low - 1e-12


def test_a_target_beyond_the_pairs_of_people_is_refused_with_the_people_needed() -> None:
    vectors, names = crowd(20, [10])  # 19,000 pairs of photos, 190 of people
    (refusal,) = threshold_table(meet_everyone(vectors, names), [0.001], rng=np.random.default_rng(0))
    assert isinstance(refusal, Refusal)
    assert refusal.needed == 3000
    assert "78 people" in refusal.reason
    assert unsupported(meet_everyone(*crowd(78, [2])), 0.001) is None
    assert unsupported(meet_everyone(*crowd(77, [2])), 0.001) is not None


def test_pairs_of_unnamed_people_count_alone() -> None:
    rng = np.random.default_rng(0)
    row = row_of(meet_unnamed(rng.normal(0.6, 0.1, 500), rng.normal(0, 0.1, 4000)), 0.01)
    assert row.threshold == pytest.approx(0.2326, abs=0.02)


@pytest.mark.slow
def test_the_rate_on_other_people_lies_within_what_was_foretold() -> None:
    held = 0
    for seed in range(40):
        known = meet_everyone(*crowd(120, [1, 2, 6], seed=2 * seed))
        row = row_of(known, 0.01, resamples=150)
        held += row.elsewhere.holds(meet_everyone(*crowd(120, [1, 2, 6], seed=2 * seed + 1)).fmr(row.threshold))
    assert held >= 36


def test_a_measurement_rises_in_threshold_and_ends_where_the_people_do() -> None:
    measured = measure(meet_everyone(*crowd(100, [2, 3])), protocol="a crowd", command="none")
    assert measured.people == 100
    assert 3 / 4950 <= measured.points[-1].fmr < 2 * 3 / 4950
    with pytest.raises(CalibrationError, match=r"0\.1"):
        measure(meet_everyone(*crowd(6, [2])), protocol="few", command="none")


def test_a_target_outside_of_0_to_1_is_refused() -> None:
    with pytest.raises(OptionError):
        threshold_table(meet_everyone(*crowd(10, [2])), [1.5], rng=np.random.default_rng(0))
