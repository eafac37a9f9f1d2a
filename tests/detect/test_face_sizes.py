"""A face from 20 pixels to 95 % of the picture is found, in small and in large pictures."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from twinlens.detect.options import Scales
from twinlens.detect.yunet import YuNet
from twinlens.types import Face, Image

Maker = Callable[..., YuNet]
Scene = Callable[[int, int, float], tuple[Image, np.ndarray]]
LiesOn = Callable[[Face, np.ndarray], bool]

SMALL = [(250, 250), (640, 480), (1024, 700)]
LARGE = [(2400, 1800), (4000, 3000)]


def check(detector: YuNet, scene: Scene, lies_on: LiesOn, size: tuple[int, int, float]) -> None:
    image, box = scene(*size)
    faces = detector.detect([image])[0]
    assert len(faces) == 1, size
    assert lies_on(faces[0], box), size
    eyes = faces[0].landmarks[1, 0] - faces[0].landmarks[0, 0]
    assert 0.3 < eyes / (box[2] - box[0]) < 0.7, size


@pytest.mark.parametrize("scales", ["multi", "tiny"])
@pytest.mark.parametrize("part", ["20 px", "40 px", 0.2, 0.5, 0.8, 0.95])
def test_any_size_in_a_small_picture(
    part: float | str, scales: Scales, scene: Scene, lies_on: LiesOn, yunet: Maker
) -> None:
    detector = yunet(scales=scales)
    for width, height in SMALL[:2] if scales == "tiny" else SMALL:
        check(detector, scene, lies_on, (width, height, _pixels(part, height)))


@pytest.mark.slow
@pytest.mark.parametrize("part", ["20 px", "40 px", "80 px", 0.1, 0.2, 0.3, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("size", LARGE)
def test_any_size_in_a_large_picture(
    part: float | str, size: tuple[int, int], scene: Scene, lies_on: LiesOn, yunet: Maker
) -> None:
    check(yunet(), scene, lies_on, (*size, _pixels(part, size[1])))


def test_a_large_picture_needs_more_than_one_scale(scene: Scene, lies_on: LiesOn, yunet: Maker) -> None:
    image, box = scene(2400, 1800, 1700)
    assert not any(lies_on(face, box) for face in yunet(scales="single").detect([image])[0])
    assert any(lies_on(face, box) for face in yunet(scales="multi").detect([image])[0])


@pytest.mark.parametrize(("side", "cut"), [(24, 0.2), (40, 0), (112, 0), (250, 0.25), (400, 0.2), (600, 0)])
def test_a_face_that_fills_the_frame_is_found(side: int, cut: float, astronaut: Image, yunet: Maker) -> None:
    x, y = round(90 * cut), round(112 * cut)  # cut off on every side
    tight = cv2.resize(
        astronaut.pixels[66 + y : 178 - y, 178 + x : 268 - x], (side, side), interpolation=cv2.INTER_AREA
    )
    (face,) = yunet().detect([Image(tight)])[0]
    assert face.score > 0.75
    assert np.ptp(face.landmarks[:, 0]) > 0.3 * side
    assert ((face.landmarks > 0) & (face.landmarks < side)).all()


def test_work_is_bounded_by_the_option(scene: Scene, lies_on: LiesOn, yunet: Maker) -> None:
    image, box = scene(2000, 1500, 24)
    assert any(lies_on(face, box) for face in yunet().detect([image])[0])
    assert yunet(max_megapixels=0.25).detect([image])[0] == []


def _pixels(part: float | str, height: int) -> float:
    return float(part.split()[0]) if isinstance(part, str) else part * height
