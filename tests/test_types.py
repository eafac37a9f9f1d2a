"""The nouns refuse what they cannot be."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st

from twinlens.errors import ModelMismatchError, OptionError
from twinlens.types import Box, Decision, Embedding, Face, Image


def unit(*values: float, model: str = "m@1") -> Embedding:
    vector = np.array(values, np.float32)
    return Embedding(vector / np.float32(np.linalg.norm(vector)), model)


def test_image_is_read_only_and_knows_its_size() -> None:
    image = Image(np.zeros((4, 6, 3), np.uint8))
    assert (image.width, image.height) == (6, 4)
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        image.source = "x"  # type: ignore[misc]


def test_digest_depends_on_shape_and_pixels_not_on_memory_layout() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert Image(pixels).digest() == Image(np.asfortranarray(pixels)).digest()
    assert Image(pixels).digest() != Image(pixels.reshape(6, 4, 3)).digest()
    assert Image(pixels).digest() != Image(pixels[::-1]).digest()


def test_shapes_and_dtypes_are_refused_without_the_checks_of_tests() -> None:
    """In a process of its own: here jaxtyping's import hook would answer before our own checks."""
    code = """
import numpy as np
from twinlens.errors import OptionError
from twinlens.types import Crop, Image
for shape, dtype in (((4, 6), "uint8"), ((4, 6, 4), "uint8"), ((4, 6, 3), "float32"), ((0, 6, 3), "uint8")):
    try:
        Image(np.zeros(shape, dtype))
    except OptionError as error:
        print(error)
try:
    Crop(np.zeros((96, 112, 3), np.uint8))
except OptionError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.splitlines() == [
        "pixels must be anyxanyx3 uint8, got 4x6 uint8",
        "pixels must be anyxanyx3 uint8, got 4x6x4 uint8",
        "pixels must be anyxanyx3 uint8, got 4x6x3 float32",
        "array: a picture needs at least one pixel, got 6 x 0",
        "pixels must be 112x112x3 uint8, got 96x112x3 uint8",
    ]


@pytest.mark.parametrize("xyxy", [(0, 0, 0, 5), (5, 0, 0, 5), (0, 5, 5, 5), (0, 0, np.nan, 5), (0, 0, np.inf, 5)])
def test_box_refuses(xyxy: tuple[float, ...]) -> None:
    with pytest.raises(OptionError, match="left < right"):
        Box(np.array(xyxy, np.float32))


def test_face_refuses_nan_and_strange_scores() -> None:
    box = Box(np.array([0, 0, 5, 5], np.float32))
    with pytest.raises(OptionError, match="finite"):
        Face(box, np.full((5, 2), np.nan, np.float32), 0.5)
    with pytest.raises(OptionError, match="score"):
        Face(box, np.zeros((5, 2), np.float32), 1.5)


@pytest.mark.parametrize("vector", [(0.0, 0.0), (2.0, 0.0), (np.nan, 1.0), (np.inf, 0.0)])
def test_embedding_refuses(vector: tuple[float, ...]) -> None:
    with pytest.raises(OptionError, match="length 1"):
        Embedding(np.array(vector, np.float32), "m")


def test_models_do_not_compare() -> None:
    with pytest.raises(ModelMismatchError, match="embed both photos with one model"):
        unit(1, 0, model="a").similarity(unit(1, 0, model="b"))
    with pytest.raises(ModelMismatchError):
        unit(1, 0).similarity(unit(1, 0, 0))


@given(st.lists(st.floats(-10, 10), min_size=4, max_size=4), st.lists(st.floats(-10, 10), min_size=4, max_size=4))
def test_similarity_is_a_symmetric_cosine(left: list[float], right: list[float]) -> None:
    if np.linalg.norm(left) < 1e-3 or np.linalg.norm(right) < 1e-3:
        return
    one, other = unit(*left), unit(*right)
    assert -1.0 <= one.similarity(other) <= 1.0
    assert one.similarity(other) == other.similarity(one)
    assert one.similarity(one) == pytest.approx(1.0, abs=1e-6)


def test_decision_cannot_contradict_itself() -> None:
    with pytest.raises(OptionError, match="contradicts"):
        Decision(score=0.2, probability=None, threshold=0.3, fmr=None, accepted=True)
    assert Decision(score=0.3, probability=None, threshold=0.3, fmr=None, accepted=True).accepted
