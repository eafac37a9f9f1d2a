"""Baez's mean precision against loops over boxes, and what it hides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.mean_precision import photo_counts

FACE = (10.0, 10.0, 50.0, 50.0)
OTHER = (100.0, 10.0, 140.0, 50.0)


def boxes(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float64).reshape(-1, 4)


def naive_overlap(a: list[int], b: list[int]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union


def naive(reported: list[np.ndarray], faces: list[np.ndarray]) -> tuple[float, float]:
    """Follow the rule box by box: (mean precision, recall)."""
    shares, found, there = [], 0, 0
    for mine, drawn in zip(reported, faces, strict=True):
        kept = [
            [int(v) for v in face]
            for face in drawn
            if face[2] > face[0] and face[3] > face[1] and max(face[2] - face[0], face[3] - face[1]) >= 24
        ]
        if not kept:
            continue
        looked = [[int(v) for v in box] for box in mine]
        right = sum(max(naive_overlap(box, face) for face in kept) >= 0.5 for box in looked)
        shares.append(right / len(looked) if looked else 1.0)
        found += sum(any(naive_overlap(box, face) >= 0.5 for box in looked) for face in kept)
        there += len(kept)
    return sum(shares) / len(shares), found / there


def made_up(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    reported, faces = [], []
    for _ in range(8):
        corners = rng.uniform(0, 300, (int(rng.integers(0, 6)), 2))
        drawn = np.concatenate([corners, corners + rng.uniform(-3, 70, corners.shape)], axis=1)
        hits = np.repeat(drawn, rng.integers(0, 3, len(drawn)), axis=0)
        stray = rng.uniform(0, 300, (int(rng.integers(0, 3)), 2))
        reported.append(np.concatenate([hits + rng.normal(0, 5, hits.shape), np.hstack([stray, stray + 30])]))
        faces.append(drawn)
    reported.append(boxes())
    faces.append(boxes(FACE))
    return reported, faces


@given(st.integers(0, 10_000))
def test_equals_the_rule_followed_box_by_box(seed: int) -> None:
    reported, faces = made_up(seed)
    counts = photo_counts(reported, faces)
    assert (counts.mean_precision(), counts.recall()) == pytest.approx(naive(reported, faces), abs=1e-12)


def test_a_detector_that_never_finds_anybody_scores_all() -> None:
    counts = photo_counts([boxes(), boxes()], [boxes(FACE), boxes(OTHER)])
    assert (counts.mean_precision(), counts.recall(), counts.silent) == (1.0, 0.0, 2)


def test_a_missed_face_costs_nothing_and_a_second_box_is_right() -> None:
    counts = photo_counts([boxes(FACE, FACE)], [boxes(FACE, OTHER)])
    assert (counts.mean_precision(), counts.recall(), counts.silent) == (1.0, 0.5, 0)


def test_small_faces_are_struck_out_and_boxes_on_them_are_wrong() -> None:
    small = (200.0, 200.0, 223.0, 223.0)
    counts = photo_counts([boxes(FACE, small), boxes(small)], [boxes(FACE, small), boxes(small)])
    assert counts.reported.tolist() == [2, 0]
    assert counts.silent == 0
    assert (counts.mean_precision(), counts.recall()) == (0.5, 1.0)
    kept = photo_counts([boxes(FACE, small)], [boxes(FACE, small)], least_side_px=0)
    assert (kept.mean_precision(), kept.faces.tolist()) == (1.0, [2])


def test_photos_add_up_by_their_weights() -> None:
    reported, faces = made_up(3)
    counts = photo_counts(reported, faces)
    twice = np.ones(len(counts.faces), np.int64)
    twice[0] = 2
    again = photo_counts([*reported, reported[0]], [*faces, faces[0]])
    assert counts.mean_precision(twice) == pytest.approx(again.mean_precision())
    assert counts.recall(twice) == pytest.approx(again.recall())


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(OptionError, match="each of 2 photos, got 1"):
        photo_counts([boxes()], [boxes(FACE), boxes(OTHER)])
    with pytest.raises(CalibrationError, match="24 pixels or more, got none in 1 photos"):
        photo_counts([boxes(FACE)], [boxes()])
    with pytest.raises(CalibrationError, match="NaN"):
        photo_counts([boxes((0, 0, np.nan, 9))], [boxes(FACE)])
