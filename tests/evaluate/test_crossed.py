"""All pairs, counted by person: against plain loops over every pair of photos."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from tests.evaluate.people import MadeUpLens, folder_of

from twinlens.evaluate.choice import Choice
from twinlens.evaluate.crossed import count_by_person, cross, resampled_rates
from twinlens.evaluate.everyone import outcome_of_all
from twinlens.evaluate.figures import Chance
from twinlens.evaluate.sight import Seen, see
from twinlens.metrics.people import PeopleCounts, bootstrap_rate

THRESHOLD = 0.35


@pytest.fixture
def seen() -> Seen:
    dataset = folder_of(14, 4)
    blind = [dataset.photos[5].path, dataset.photos[6].path, dataset.photos[40].path]
    return see(dataset.photos, MadeUpLens(noise=0.3, blind=blind))


def loop(seen: Seen, threshold: float) -> dict[str, np.ndarray]:
    """Count everything pair by pair."""
    names = sorted({photo.subject for photo in seen.photos})
    counts = {key: np.zeros(len(names), int) for key in ("genuine", "hits", "impostors", "matches")}
    for a, b in combinations(range(len(seen.photos)), 2):
        one, other = names.index(seen.photos[a].subject), names.index(seen.photos[b].subject)
        accepted = bool(seen.found[a] and seen.found[b] and seen.vectors[a] @ seen.vectors[b] >= threshold)
        if one == other:
            counts["genuine"][one] += 1
            counts["hits"][one] += accepted
        else:
            for person in (one, other):
                counts["impostors"][person] += 1
                counts["matches"][person] += accepted
    return counts


def test_counts_by_person_are_those_of_a_loop(seen: Seen) -> None:
    crossed = cross([p.subject for p in seen.photos], seen.of(seen.photos), seen.vectors, seen.found)
    counted = count_by_person(crossed, np.array([0.1, THRESHOLD, 0.7]))
    for point, threshold in enumerate(counted.thresholds):
        expected = loop(seen, float(threshold))
        assert np.array_equal(counted.genuine[:, point], expected["hits"])
        assert np.array_equal(counted.impostor[:, point], expected["matches"])
        assert np.array_equal(crossed.genuine, expected["genuine"])
        assert np.array_equal(crossed.impostors, expected["impostors"])


def test_a_blind_photo_fails_all_its_pairs(seen: Seen) -> None:
    crossed = cross([p.subject for p in seen.photos], seen.of(seen.photos), seen.vectors, seen.found)
    failed = [
        seen.photos[a].subject == seen.photos[b].subject
        for a, b in combinations(range(len(seen.photos)), 2)
        if not (seen.found[a] and seen.found[b])
    ]
    assert crossed.failed == (sum(failed), len(failed) - sum(failed))


def test_outcome_and_slices_are_those_of_a_loop(seen: Seen) -> None:
    split = folder_of(14, 4).split("all")
    choice = Choice("elsewhere", THRESHOLD, {0.001: THRESHOLD}, 1000)
    outcome = outcome_of_all(
        split, seen, [choice], split.photos[0].path.parent, chance=Chance(np.random.default_rng(0))
    )
    expected = loop(seen, THRESHOLD)
    (row,) = outcome.operating
    assert row.fmr is not None
    assert row.fnmr is not None
    assert row.fmr.value == pytest.approx(expected["matches"].sum() / expected["impostors"].sum())
    assert row.fnmr.value == pytest.approx(1 - expected["hits"].sum() / expected["genuine"].sum())
    for slice_ in outcome.slices:
        assert slice_.by in {"face width", "image quality"}
    widths = [slice_ for slice_ in outcome.slices if slice_.by == "face width"]
    limits = dict(zip(("under 60 pixels", "60 to 100 pixels", "100 to 200 pixels"), (60, 100, 200), strict=True))
    for slice_ in widths:
        low = {"60 to 100 pixels": 60, "100 to 200 pixels": 100, "200 pixels or more": 200}.get(slice_.value, 0)
        high = limits.get(slice_.value, 1e9)
        genuine = hits = impostors = matches = 0
        for a, b in combinations(np.flatnonzero(seen.found), 2):
            worst = min(seen.measures["width"][a], seen.measures["width"][b])
            if not low <= worst < high:
                continue
            accepted = seen.vectors[a] @ seen.vectors[b] >= THRESHOLD
            if seen.photos[a].subject == seen.photos[b].subject:
                genuine, hits = genuine + 1, hits + int(accepted)
            else:
                impostors, matches = impostors + 1, matches + int(accepted)
        assert (slice_.genuine, slice_.impostors) == (genuine, impostors)
        if slice_.fmr is not None:
            assert slice_.fmr.value == pytest.approx(matches / impostors)
        if slice_.fnmr is not None:
            assert slice_.fnmr.value == pytest.approx(1 - hits / genuine)


def test_intervals_are_those_of_drawing_people(seen: Seen) -> None:
    seen = see(folder_of(80, 3).photos, MadeUpLens(noise=0.35))
    crossed = cross([p.subject for p in seen.photos], seen.of(seen.photos), seen.vectors, seen.found)
    counted = count_by_person(crossed, np.array([0.3]))
    pairs = []
    for a, b in combinations(range(80), 2):
        one, other = (crossed.vectors[crossed.people == person] for person in (a, b))
        pairs.append((int((one @ other.T >= np.float32(0.3)).sum()), 9, a, b))
    table = np.array(pairs)
    drawn = bootstrap_rate(
        PeopleCounts(table[:, 0], table[:, 1], table[:, 2:]), rng=np.random.default_rng(0), resamples=2000
    )
    quick = counted.fmr(0, crossed)
    assert quick.estimate == pytest.approx(drawn.estimate)
    assert quick.high - quick.low == pytest.approx(drawn.high - drawn.low, rel=0.25)
    rates = resampled_rates(counted, crossed, rng=np.random.default_rng(1), resamples=2000)["fmr"][:, 0]
    assert np.quantile(rates, 0.975) - np.quantile(rates, 0.025) == pytest.approx(drawn.high - drawn.low, rel=0.2)
