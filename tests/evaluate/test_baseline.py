"""The pixel baseline: its figure on LFW, against a plain loop, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st

from twinlens.datasets.lfw import load_development
from twinlens.datasets.records import Split
from twinlens.errors import ImageError
from twinlens.evaluate.baseline import DIM, SIDE, pixel_vector, pixel_vectors
from twinlens.metrics.verification import accuracy, best_accuracy_threshold
from twinlens.types import Image


def noise(seed: int, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 200, (side, side, 1), dtype=np.uint8).repeat(3, axis=2)


def test_a_photo_of_the_right_size_gives_its_own_pixels() -> None:
    pixels = noise(0)
    values = [float(v) for v in pixels[:, :, 0].ravel()]
    mean = sum(values) / len(values)
    length = sum((v - mean) ** 2 for v in values) ** 0.5
    vector = pixel_vector(Image(pixels))
    np.testing.assert_allclose(vector, [(v - mean) / length for v in values], atol=1e-6)
    assert vector.shape == (DIM,)
    assert vector.dtype == np.float32


@given(st.integers(0, 50), st.integers(1, 55))
def test_brightness_does_not_count(seed: int, brighter: int) -> None:
    pixels = noise(seed, 40)
    one, other = pixel_vector(Image(pixels)), pixel_vector(Image(pixels + np.uint8(brighter)))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert float(np.linalg.norm(one)) == pytest.approx(1, abs=1e-5)


def test_one_colour_has_no_direction() -> None:
    with pytest.raises(ImageError, match="grey wall: a picture of one colour"):
        pixel_vector(Image(np.full((50, 40, 3), 77, np.uint8), "grey wall"))


def test_photos_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "good.png"), noise(1))
    (tmp_path / "bad.jpg").write_text("no picture")
    seen: list[tuple[int, int]] = []
    paths = [tmp_path / name for name in ("good.png", "bad.jpg", "absent.jpg", "good.png")]
    vectors = pixel_vectors(paths, progress=lambda done, total: seen.append((done, total)))
    assert list(vectors) == [tmp_path / "good.png"]
    assert seen == [(1, 3), (2, 3), (3, 3)]


def scores(split: Split, vectors: dict[Path, np.ndarray], *, same: bool) -> np.ndarray:
    return np.array([vectors[p.first.path] @ vectors[p.second.path] for p in split.pairs if p.same == same])


@pytest.mark.slow
def test_lfw_is_answered_as_described(data_folder: Path) -> None:
    dataset = load_development(data_folder / "lfw")
    vectors = pixel_vectors(photo.path for photo in dataset.photos)
    train, test = dataset.split("train"), dataset.split("test")
    threshold = best_accuracy_threshold(scores(train, vectors, same=True), scores(train, vectors, same=False))
    assert accuracy(scores(test, vectors, same=True), scores(test, vectors, same=False), threshold) == 0.627
