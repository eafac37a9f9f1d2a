"""The carried detectors, and scenes with a face of a known size and place."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from jaxtyping import Float32

from twinlens.detect import DetectOptions, build_detector
from twinlens.detect.yunet import YuNet
from twinlens.protocols import Network
from twinlens.runtime import RuntimeOptions, load_network
from twinlens.types import Face, Image
from twinlens.zoo.cabinet import checked_paths, find_card

FACE = np.array([178.0, 62.6, 268.4, 176.4], np.float32)  # in the astronaut photo, left, top, right, bottom

Scene = Callable[[int, int, float], tuple[Image, Float32[np.ndarray, "4"]]]


@pytest.fixture(scope="session")
def network() -> Network:
    return load_network(checked_paths(find_card("yunet"))[0], RuntimeOptions(threads=2))


@pytest.fixture(scope="session")
def mtcnn() -> Callable[[DetectOptions], object]:
    paths = checked_paths(find_card("mtcnn"))
    return lambda options: build_detector("mtcnn", paths, runtime=RuntimeOptions(threads=2), options=options)


@pytest.fixture(scope="session")
def scene(astronaut: Image) -> Scene:
    """Put the astronaut, scaled so that her face is so many pixels tall, in the middle of a grey picture."""

    def make(width: int, height: int, face_px: float) -> tuple[Image, Float32[np.ndarray, "4"]]:
        scale = face_px / (FACE[3] - FACE[1])
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        photo = cv2.resize(astronaut.pixels, None, fx=scale, fy=scale, interpolation=way)
        scales = np.array(photo.shape[1::-1]) / 512
        middle = (FACE[:2] + FACE[2:]) / 2 * scales
        left, top = np.round(np.array([width, height]) / 2 - middle).astype(int)
        pixels = np.full((height, width, 3), (130, 120, 110), np.uint8)
        x, y = max(left, 0), max(top, 0)
        part = photo[y - top : height - top, x - left : width - left]
        pixels[y : y + part.shape[0], x : x + part.shape[1]] = part
        box = FACE.reshape(2, 2) * scales + (left, top)
        return Image(pixels), box.reshape(4).astype(np.float32)

    return make


def on(face: Face, box: Float32[np.ndarray, "4"]) -> bool:
    """Say whether a face lies on a box: half of their union is shared."""
    a, b = face.box.xyxy, box
    sides = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    shared = float(np.prod(sides))
    return shared >= 0.5 * (face.box.area + float(np.prod(b[2:] - b[:2])) - shared)


@pytest.fixture(scope="session")
def lies_on() -> Callable[[Face, Float32[np.ndarray, "4"]], bool]:
    return on


@pytest.fixture(scope="session")
def yunet(network: Network) -> Callable[..., YuNet]:
    return lambda **options: YuNet(network, DetectOptions(**options))
