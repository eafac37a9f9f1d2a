"""FDDB's scores on regions whose overlap is known, and against an evaluation that starts anew at every threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.fddb import FddbImage, fddb_curve, fddb_steps, overlaps

SIZE = (400, 300)
NOTHING = np.empty((0, 4))


def image(faces: Sequence[Sequence[float]], regions: Sequence[Sequence[float]], scores: list[float]) -> FddbImage:
    parameters = np.array(regions, dtype=np.float64).reshape(len(regions), -1 if regions else 4)
    return FddbImage(np.array(faces, dtype=np.float64).reshape(-1, 5), parameters, np.array(scores), SIZE)


def test_overlaps_of_known_regions() -> None:
    circle = np.array([[50.0, 50.0, 0.0, 150.0, 150.0]])
    same = overlaps(circle, circle, SIZE)
    assert same.tolist() == [[1.0]]
    box = np.array([[100.0, 100.0, 200.0, 200.0], [300.0, 100.0, 350.0, 200.0]])
    around, apart = overlaps(circle, box, SIZE)[0]
    assert around == pytest.approx(math.pi / 4, abs=0.002)  # a circle in its square
    assert apart == 0
    half = overlaps(circle, np.array([[25.0, 25.0, 0.0, 150.0, 150.0]]), SIZE)[0, 0]
    assert half == pytest.approx(0.25, abs=0.002)


def test_an_ellipse_turned_by_a_right_angle_is_the_ellipse_with_its_radii_changed() -> None:
    lying = np.array([[60.0, 30.0, 0.0, 200.0, 150.0]])
    turned = np.array([[30.0, 60.0, math.pi / 2, 200.0, 150.0]])
    assert overlaps(lying, turned, SIZE)[0, 0] == pytest.approx(1, abs=0.005)
    slanted = np.array([[60.0, 30.0, math.pi / 4, 200.0, 150.0]])
    along = np.array([[235.0, 185.0, 236.0, 186.0]])  # y points down: the angle opens below the horizontal
    against = np.array([[235.0, 114.0, 236.0, 115.0]])
    assert overlaps(slanted, along, SIZE)[0, 0] > 0 == overlaps(slanted, against, SIZE)[0, 0]


@pytest.mark.parametrize("angle", [-1.2, -0.4, 0.0, 0.7, 1.5])
def test_a_slanted_ellipse_keeps_its_area_and_its_box(angle: float) -> None:
    ellipse = np.array([[60.0, 25.0, angle, 200.0, 150.0]])
    half_width = math.hypot(60 * math.cos(angle), 25 * math.sin(angle))
    half_height = math.hypot(60 * math.sin(angle), 25 * math.cos(angle))
    box = np.array([[200 - half_width, 150 - half_height, 200 + half_width, 150 + half_height]])
    wanted = math.pi * 60 * 25 / (4 * half_width * half_height)
    assert overlaps(ellipse, box, SIZE)[0, 0] == pytest.approx(wanted, rel=0.02)


def test_regions_are_cut_at_the_picture() -> None:
    corner = np.array([[50.0, 50.0, 0.0, 0.0, 0.0]])
    assert overlaps(corner, np.array([[-80.0, -80.0, 50.0, 50.0]]), SIZE)[0, 0] == pytest.approx(math.pi / 4, abs=0.01)


def test_a_curve_of_two_pictures_by_hand() -> None:
    face = (50.0, 50.0, 0.0, 150.0, 150.0)
    first = image([face], [(100, 100, 200, 200), (0, 0, 40, 40)], [0.9, 0.8])
    second = image([face, (20.0, 20.0, 0.0, 350.0, 50.0)], [(160, 100, 200, 200)], [0.7])
    curve = fddb_curve([first, second])
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.7]
    assert curve.false_positives.tolist() == [0, 1, 2]  # the last overlaps by less than one half
    np.testing.assert_allclose(curve.discrete, [1 / 3, 1 / 3, 1 / 3])
    poor = overlaps(second.faces[:1], second.regions, SIZE)[0, 0]
    assert 0.2 < poor < 0.5
    np.testing.assert_allclose(curve.continuous[[0, 2]], [math.pi / 12, (math.pi / 4 + poor) / 3], atol=0.001)
    assert curve.at_false_positives(0) == (curve.discrete[0], curve.continuous[0])
    assert curve.at_false_positives(1) == (curve.discrete[1], curve.continuous[1])


def made_up(seed: int) -> list[FddbImage]:
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(6):
        faces = [(rng.uniform(20, 40), rng.uniform(15, 30), rng.uniform(-1.5, 1.5), x, 150.0) for x in (90, 180, 300)]
        regions, scores = [], []
        for _, minor, _, x, y in faces * 2:
            shift = rng.normal(0, 12, 2)
            left, top = x + shift[0] - minor, y + shift[1] - minor
            regions.append((left, top, left + 2 * minor, top + 2 * minor))
            scores.append(float(rng.integers(1, 8)) / 8)
        images.append(image(faces, regions, scores))
    return images


@pytest.mark.parametrize("seed", [0, 1])
def test_a_curve_equals_an_evaluation_anew_at_every_threshold(seed: int) -> None:
    images = made_up(seed)
    curve = fddb_curve(images)
    faces = sum(len(picture.faces) for picture in images)
    for at, threshold in enumerate(curve.thresholds):
        found, alike, false = 0, 0.0, 0
        for picture in images:
            counted = picture.scores >= threshold
            overlap = overlaps(picture.faces, picture.regions[counted], SIZE)
            matched = overlap[linear_sum_assignment(overlap, maximize=True)]
            found += int((matched > 0.5).sum())
            alike += float(matched.sum())
            false += int(counted.sum()) - int((matched > 0.5).sum())
        assert curve.discrete[at] == pytest.approx(found / faces)
        assert curve.continuous[at] == pytest.approx(alike / faces)
        assert curve.false_positives[at] == false


def test_a_picture_that_counts_twice_is_a_picture_listed_twice() -> None:
    images = made_up(2)
    weighted = fddb_steps(images).curve(np.array([2, 0, 1, 1, 1, 1]))
    listed = fddb_curve([images[0], images[0], *images[2:]])
    for most in (0, 2, 5, 100):
        assert weighted.at_false_positives(most) == pytest.approx(listed.at_false_positives(most))


def test_finding_every_ellipse_exactly_is_perfect() -> None:
    faces = np.array([(40.0, 30.0, 0.3, 100.0, 150.0), (30.0, 20.0, -0.4, 300.0, 100.0)])
    curve = fddb_curve([FddbImage(faces, faces, np.array([0.4, 0.4]), SIZE)])
    assert (curve.discrete.tolist(), curve.continuous.tolist()) == ([1.0], [1.0])
    assert curve.false_positives.tolist() == [0]


def test_detections_that_say_nothing_are_refused() -> None:
    with pytest.raises(OptionError, match="each with a score"):
        image([], [(1, 2, 3)], [0.5])
    with pytest.raises(CalibrationError, match="not finite"):
        image([], [(1, 2, 3, 4)], [math.nan])
    with pytest.raises(CalibrationError, match="got 1 and 0"):
        fddb_curve([image([(9.0, 9.0, 0.0, 20.0, 20.0)], [], [])])
