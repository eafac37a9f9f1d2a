from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinlens.detect import DetectOptions
from twinlens.detect.area import AreaImage
from twinlens.protocols import Detector
from twinlens.types import Image

Maker = Callable[[DetectOptions], Detector]


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """What facenet-pytorch answers (scripts/make_mtcnn_golden.py)."""
    path = Path(__file__).parent.parent / "golden" / "mtcnn_astronaut.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def pictures(astronaut: Image) -> dict[str, Image]:
    photo = astronaut.pixels
    group = np.zeros((300, 720, 3), np.uint8)
    group[:256, :256], group[100:271, 300:471] = photo[::2, ::2], photo[::3, ::3]
    group[20:276, 460:716] = photo[::2, ::2][:, ::-1]
    return {"plain": astronaut, "mirrored": Image(np.ascontiguousarray(photo[:, ::-1])), "group": Image(group)}


@pytest.mark.parametrize("name", ["plain", "mirrored", "group"])
def test_equals_facenet_pytorch(name: str, astronaut: Image, reference: dict[str, Any], mtcnn: Maker) -> None:
    faces = mtcnn(DetectOptions(min_score=0.7)).detect([pictures(astronaut)[name]])[0]
    wanted = reference[name]
    assert len(faces) == len(wanted["boxes"])
    for i, face in enumerate(faces):
        np.testing.assert_allclose(face.box.xyxy, wanted["boxes"][i], atol=0.01)
        np.testing.assert_allclose(face.landmarks, wanted["points"][i], atol=0.01)
        assert face.score == pytest.approx(wanted["scores"][i], abs=1e-5)


def test_the_smallest_face_is_an_option(astronaut: Image, mtcnn: Maker) -> None:
    small = Image(np.ascontiguousarray(astronaut.pixels[::4, ::4]))  # her face is 28 pixels tall
    assert len(mtcnn(DetectOptions()).detect([small])[0]) == 1
    assert mtcnn(DetectOptions(min_face_px=60)).detect([small])[0] == []


@pytest.mark.parametrize("shape", [(1, 1), (11, 300), (300, 13), (64, 64)])
def test_empty_and_narrow_pictures_have_no_face(shape: tuple[int, int], mtcnn: Maker) -> None:
    assert mtcnn(DetectOptions(scales="tiny")).detect([Image(np.zeros((*shape, 3), np.uint8))]) == [[]]


@pytest.mark.parametrize("side", [1, 24, 30, 48])
def test_areas_equal_a_loop(side: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 55, 3), np.uint8)
    rect = np.array([[3, 5, 50, 29], [0, 0, 55, 40], [10, 10, 11, 12]])
    found = AreaImage(pixels).crops(rect, side)
    whole = AreaImage(pixels).resized(side, side)
    for crop, (left, top, right, bottom) in zip(found, rect, strict=True):
        part = pixels[top:bottom, left:right].astype(float)
        height, width = part.shape[:2]
        for row in range(side):
            for column in range(side):
                rows = slice(row * height // side, -(-(row + 1) * height // side))
                columns = slice(column * width // side, -(-(column + 1) * width // side))
                np.testing.assert_allclose(crop[row, column], part[rows, columns].mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_array_equal(whole, found[1])
