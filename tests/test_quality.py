"""Faces good and bad -> the right reasons."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.errors import OptionError
from twinlens.image import load_image
from twinlens.quality import CRITERIA, QualityOptions, assess
from twinlens.types import Box, Face, Image


@pytest.fixture(scope="module")
def face(golden: dict[str, Any]) -> Face:
    x, y, width, height, *points, score = golden["plain"]["face"]
    box = Box(np.array([x, y, x + width, y + height], np.float32))
    return Face(box, np.array(points, np.float32).reshape(5, 2), score)


def moved(face: Face, matrix: np.ndarray) -> Face:
    """Return the face where an affine map of the picture brings it."""
    corners = face.box.xyxy.reshape(2, 2) @ matrix[:, :2].T + matrix[:, 2]
    box = Box(np.concatenate([corners.min(0), corners.max(0)]).astype(np.float32))
    return Face(box, (face.landmarks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32), face.score)


def first_words(image: Image, face: Face) -> set[str]:
    return {reason.partition(":")[0] for reason in assess(image, face).reasons}


def test_a_portrait_is_acceptable(astronaut: Image, face: Face) -> None:
    quality = assess(astronaut, face)
    assert quality.acceptable
    assert quality.score > 0.8
    assert set(quality.measures) == {criterion.measure for criterion in CRITERIA}
    assert json.loads(json.dumps(quality.measures)) == quality.measures


def test_each_way_of_spoiling_it_gives_its_own_reason(astronaut: Image, face: Face) -> None:
    pixels = astronaut.pixels
    assert first_words(Image(cv2.GaussianBlur(pixels, (0, 0), 3)), face) == {"blurred"}
    assert "too dark" in first_words(Image((pixels * 0.15).astype(np.uint8)), face)
    assert "too bright" in first_words(Image(np.clip(pixels * 2.5, 0, 255).astype(np.uint8)), face)
    assert "low contrast" in first_words(Image((pixels * 0.15 + 100).astype(np.uint8)), face)
    small = np.array([[0.25, 0, 0], [0, 0.25, 0]])
    assert first_words(Image(cv2.resize(pixels, (128, 128), interpolation=cv2.INTER_AREA)), moved(face, small)) == {
        "too small"
    }
    cut = np.array([[1, 0, -210], [0, 1, 0]], float)
    assert first_words(Image(np.ascontiguousarray(pixels[:, 210:])), moved(face, cut)) == {"cut off"}
    assert first_words(astronaut, replace(face, score=0.62)) == {"uncertain"}


def test_covered_eyes_are_noticed(astronaut: Image, face: Face) -> None:
    left, right = face.landmarks[:2].tolist()
    glasses = astronaut.pixels.copy()
    for eye in (left, right):
        cv2.ellipse(glasses, (eye, (38, 26), 0), (25, 25, 28), -1)
    assert "eyes covered or in shadow" in first_words(Image(glasses), face)
    cloth = astronaut.pixels.copy()
    cv2.rectangle(
        cloth, (int(left[0]) - 30, int(left[1]) - 16), (int(right[0]) + 30, int(right[1]) + 16), (190, 160, 140), -1
    )
    assert first_words(Image(cloth), face) == {"eyes covered"}


@pytest.mark.parametrize("side", [-1, 1])
def test_a_head_turned_away_is_noticed_whichever_way(astronaut: Image, face: Face, side: int) -> None:
    points = face.landmarks.copy()
    points[2, 0] += side * 26  # the nose tip before the cheek
    assert "turned away" in first_words(astronaut, replace(face, landmarks=points))
    points = face.landmarks.copy()
    points[2, 1] += side * 20
    assert "turned up or down" in first_words(astronaut, replace(face, landmarks=points))


@pytest.mark.parametrize("angle_deg", [-170, -90, -30, 45, 120])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_tilted_or_mirrored_head_is_judged_like_an_upright_one(
    astronaut: Image, face: Face, angle_deg: float, mirrored: bool
) -> None:
    centre = face.landmarks.mean(0).tolist()
    matrix = cv2.getRotationMatrix2D(centre, angle_deg, 1.0)
    if mirrored:
        flip = np.array([[-1, 0, 2 * centre[0]], [0, 1, 0], [0, 0, 1]])
        matrix = matrix @ flip
    turned = Image(np.asarray(cv2.warpAffine(astronaut.pixels, matrix, (512, 512)), np.uint8))
    there = moved(face, matrix)
    if mirrored:  # left and right are as seen in the picture
        there = replace(there, landmarks=there.landmarks[[1, 0, 2, 4, 3]])
    before, after = assess(astronaut, face).measures, assess(turned, there).measures
    for name in ("brightness", "contrast", "yaw_deg", "pitch_deg", "eye_light", "eye_contrast"):
        assert after[name] == pytest.approx(before[name], rel=0.12, abs=0.5), name
    assert after["blur"] == pytest.approx(before["blur"], abs=0.08)  # turning interpolates: a little softer


def test_more_of_an_evil_never_scores_better(astronaut: Image, face: Face) -> None:
    blurs = [assess(Image(cv2.GaussianBlur(astronaut.pixels, (0, 0), s)), face) for s in (0.5, 1, 2, 3, 5)]
    assert [quality.score for quality in blurs] == sorted((q.score for q in blurs), reverse=True)
    assert [q.measures["blur"] for q in blurs] == sorted(q.measures["blur"] for q in blurs)
    dims = [
        assess(Image((astronaut.pixels * g).astype(np.uint8)), face).measures["brightness"] for g in (1, 0.6, 0.3, 0.1)
    ]
    assert dims == sorted(dims, reverse=True)


def test_limits_can_be_moved(astronaut: Image, face: Face) -> None:
    strict = assess(astronaut, face, QualityOptions(min_width=200))
    assert strict.reasons == ("too small: 90 pixels wide, 200 are needed",)
    assert strict.score < 0.5
    dark = Image((astronaut.pixels * 0.1).astype(np.uint8))
    lenient = QualityOptions(min_brightness=0, min_contrast=0, min_eye_contrast=0, max_blur=1)
    assert not assess(dark, face).acceptable
    assert assess(dark, face, lenient).acceptable


@pytest.mark.parametrize("name", [field.name for field in fields(QualityOptions)])
def test_limits_must_be_numbers(name: str) -> None:
    with pytest.raises(OptionError, match=name):
        QualityOptions(**{name: float("nan")})


@given(st.integers(-2000, 2000), st.integers(-2000, 2000), st.sampled_from(CRITERIA))
def test_a_criterion_is_met_exactly_from_its_limit_on(sixteenths: int, bar: int, criterion: Any) -> None:
    value, limit = sixteenths / 16, bar / 16
    score = criterion.score(value, limit)
    assert 0.0 <= score <= 1.0
    met = value >= limit if criterion.best > criterion.worst else value <= limit
    assert (score >= 0.5) == met


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-300, 300, width=32), min_size=10, max_size=10),
    st.integers(1, 80),
    st.integers(1, 80),
)
def test_any_landmarks_in_any_picture_get_an_answer(points: list[float], height: int, width: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3)).astype(np.uint8)
    face = Face(Box(np.array([0, 0, 30, 40], np.float32)), np.array(points, np.float32).reshape(5, 2), 0.9)
    quality = assess(Image(pixels), face)
    assert 0.0 <= quality.score <= 1.0
    assert quality.acceptable == (quality.score >= 0.5)
    assert all(np.isfinite(value) for value in quality.measures.values())


def test_landmarks_on_one_point_get_an_answer(astronaut: Image, face: Face) -> None:
    assert not assess(astronaut, replace(face, landmarks=np.full((5, 2), 200, np.float32))).acceptable


@pytest.mark.slow
def test_press_photos_pass_and_profiles_do_not(data_folder: Any) -> None:
    from twinlens.recognizer import Recognizer

    folder = data_folder / "cfp" / "Data" / "Images"
    if not folder.is_dir():
        pytest.skip("TWINLENS_DATA holds no cfp")
    os.environ.setdefault("TWINLENS_HOME", str(data_folder))
    detector = Recognizer.default().detector
    refused = {}
    for pose in ("frontal", "profile"):
        images = [load_image(folder / f"{person:03d}" / pose / "01.jpg") for person in range(1, 501, 10)]
        faces = [
            (image, max(found, key=lambda f: f.box.area)) for image in images if (found := detector.detect([image])[0])
        ]
        refused[pose] = sum(not assess(image, face).acceptable for image, face in faces) / len(faces)
    assert refused["frontal"] <= 0.06
    assert refused["profile"] >= 0.7
