from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.errors import OptionError
from twinlens.metrics.detection import THRESHOLDS, Found, Truth, area, counts_at_bar, overlaps, tally


def photos(seed: int, count: int = 4) -> tuple[list[Found], list[Truth]]:
    """Boxes on faces, beside them, twice on one, and photos without any."""
    generator = np.random.default_rng(seed)
    found, truths = [], []
    for _ in range(count):
        faces = int(generator.integers(0, 7))
        corners = generator.uniform(0, 200, (faces, 2))
        boxes = np.concatenate([corners, corners + generator.uniform(10, 60, (faces, 2))], axis=1)
        hits = np.repeat(boxes, generator.integers(0, 3, faces), axis=0)
        hits = hits + generator.normal(0, 4, hits.shape)
        stray = generator.uniform(0, 200, (int(generator.integers(0, 4)), 2))
        hits = np.concatenate([hits, np.concatenate([stray, stray + 30], axis=1)])
        found.append(Found(hits, np.round(generator.uniform(0, 1, len(hits)), 2)))
        truths.append(Truth(boxes, generator.uniform(size=faces) < 0.7))
    return found, truths


def naive_overlap(a: np.ndarray, b: np.ndarray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    area_a, area_b = ((box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b))
    return float(width * height / (area_a + area_b - width * height))


def naive_average_precision(found: list[Found], truths: list[Truth]) -> float:  # noqa: C901 - plain on purpose
    """Follow the owners' evaluation box by box and threshold by threshold."""
    low, high = 1.0, 0.0
    for photo in found:
        for score in photo.scores:
            low, high = min(low, score), max(high, score)
    faces = sum(int(truth.counted.sum()) for truth in truths)
    reported, right = [0] * THRESHOLDS, [0] * THRESHOLDS
    for photo, truth in zip(found, truths, strict=True):
        if len(truth.boxes) == 0 or len(photo.boxes) == 0:
            continue
        seen: set[int] = set()
        history = []  # after each box: reported so far, faces found so far
        valid = 0
        order = sorted(range(len(photo.boxes)), key=lambda k: -photo.scores[k])
        for k in order:
            shared = [naive_overlap(photo.boxes[k], box) for box in truth.boxes]
            nearest = int(np.argmax(shared))
            ignored = shared[nearest] >= 0.5 and not truth.counted[nearest]
            valid += not ignored
            if shared[nearest] >= 0.5 and truth.counted[nearest]:
                seen.add(nearest)
            history.append((valid, len(seen)))
        for t in range(THRESHOLDS):
            bar = 1 - (t + 1) / THRESHOLDS
            taken = [i for i, k in enumerate(order) if (photo.scores[k] - low) / (high - low) >= bar]
            if taken:
                reported[t] += history[taken[-1]][0]
                right[t] += history[taken[-1]][1]
    recall = [0.0] + [r / faces for r in right] + [1.0]
    precision = [0.0] + [r / n if n else 0.0 for r, n in zip(right, reported, strict=True)] + [0.0]
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    return sum((recall[i + 1] - recall[i]) * precision[i + 1] for i in range(len(recall) - 1))


@pytest.mark.parametrize("seed", range(12))
def test_equals_the_owners_rules_followed_box_by_box(seed: int) -> None:
    found, truths = photos(seed)
    if not any(truth.counted.any() for truth in truths):
        pytest.skip("no face is counted")
    assert tally(found, truths).average_precision() == pytest.approx(naive_average_precision(found, truths), abs=1e-9)


def boxes(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, float).reshape(-1, 4)


FACES = boxes((0, 0, 20, 20), (50, 50, 80, 80))


def test_all_right_is_one_and_nothing_is_zero() -> None:
    truth = [Truth(FACES, np.array([True, True]))]
    assert tally([Found(FACES, np.array([0.9, 0.4]))], truth).average_precision() == 1.0
    assert tally([Found(boxes(), np.empty(0))], truth).average_precision() == 0.0


def test_a_box_on_an_uncounted_face_is_neither_right_nor_wrong() -> None:
    truth = [Truth(FACES, np.array([True, False]))]
    assert tally([Found(FACES, np.array([0.4, 0.9]))], truth).average_precision() == 1.0


def test_a_second_box_on_the_same_face_is_wrong() -> None:
    found = [Found(boxes((0, 0, 20, 20), (0, 0, 20, 21), (50, 50, 80, 80)), np.array([0.9, 0.8, 0.4]))]
    truth = [Truth(FACES, np.array([True, True]))]
    assert tally(found, truth).average_precision() == pytest.approx(0.5 + 0.5 * 2 / 3)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.25, 0.5, 4.0, 1024.0]))
def test_only_the_order_of_scores_counts_not_their_scale(seed: int, factor: float) -> None:
    found, truths = photos(seed)
    ends = Found(boxes((300, 300, 310, 310), (320, 320, 330, 330)), np.array([0.0, 1.0]))
    found = [*found, ends]
    scaled = [Found(photo.boxes, photo.scores * factor) for photo in found]
    truths = [*truths, Truth(FACES, np.array([True, True]))]
    one, other = tally(found, truths), tally(scaled, truths)
    np.testing.assert_array_equal(one.reported, other.reported)
    np.testing.assert_array_equal(one.right, other.right)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_overlap_is_symmetric_and_one_for_the_same_box(seed: int) -> None:
    _, truths = photos(seed, 1)
    table = overlaps(truths[0].boxes, truths[0].boxes)
    np.testing.assert_allclose(table, table.T)
    np.testing.assert_allclose(np.diag(table), 1)
    for i, a in enumerate(truths[0].boxes):
        for k, b in enumerate(truths[0].boxes):
            assert table[i, k] == pytest.approx(naive_overlap(a, b))


def test_pixels_are_counted_as_the_owners_do() -> None:
    assert overlaps(boxes((0, 0, 9, 9)), boxes((5, 0, 14, 9)))[0, 0] == pytest.approx(50 / 150)


def test_photos_add_up_by_their_weights() -> None:
    found, truths = photos(3)
    counts = tally(found, truths)
    twice = tally([*found, found[1]], [*truths, truths[1]])
    assert counts.average_precision(np.array([1, 2, 1, 1])) == pytest.approx(twice.average_precision())


def test_the_interval_holds_the_estimate_and_narrows_with_more_photos() -> None:
    few, many = photos(5, 12), photos(5, 96)
    widths = []
    for found, truths in (few, many):
        counts = tally(found, truths)
        low, high = counts.interval(np.random.default_rng(0), resamples=200)
        assert low <= counts.average_precision() <= high
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_precision_counts_as_the_best_at_a_higher_recall() -> None:
    assert area(np.array([0.5, 1.0]), np.array([0.4, 0.8])) == pytest.approx(0.8)


@pytest.mark.parametrize("seed", range(6))
def test_counts_at_a_bar_are_those_of_the_lowest_threshold(seed: int) -> None:
    found, truths = photos(seed, 6)
    counts = counts_at_bar([photo.boxes for photo in found], truths)
    every = tally(found, truths)
    with_faces = np.array([len(truth.boxes) > 0 for truth in truths])
    assert counts.reported[with_faces].tolist() == every.reported[with_faces, -1].tolist()
    assert counts.found.tolist() == counts.right.tolist() == every.right[:, -1].tolist()
    assert counts.faces.tolist() == every.faces.tolist()
    assert counts.reported[~with_faces].tolist() == [
        len(photo.boxes) for photo, there in zip(found, with_faces, strict=True) if not there
    ]
    assert counts.precision() == pytest.approx(counts.right.sum() / counts.reported.sum())


def test_precision_and_recall_of_nothing() -> None:
    counts = counts_at_bar([boxes()], [Truth(boxes(), np.empty(0, bool))])
    assert (counts.precision(), counts.recall(), counts.silent) == (1.0, 0.0, 0)
    with pytest.raises(OptionError, match="each of 0 photos, got 1"):
        counts_at_bar([boxes()], [])


def test_photos_must_match_and_scores_be_finite() -> None:
    truth = Truth(FACES, np.array([True, True]))
    with pytest.raises(OptionError, match="each of 2 photos, got 1"):
        tally([Found(FACES, np.ones(2))], [truth, truth])
    with pytest.raises(OptionError, match="NaN"):
        tally([Found(FACES, np.array([0.5, np.nan]))], [truth])
