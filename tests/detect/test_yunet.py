from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest

from twinlens.detect.options import SCALES, DetectOptions, Scales
from twinlens.detect.yunet import YuNet, decode, network_input
from twinlens.types import Face, Image

Maker = Callable[..., YuNet]


def mirrored(image: Image) -> Image:
    return Image(np.ascontiguousarray(image.pixels[:, ::-1]))


def same(one: list[Face], other: list[Face]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.box.xyxy, b.box.xyxy)
        np.testing.assert_array_equal(a.landmarks, b.landmarks)
        assert a.score == b.score


@pytest.mark.parametrize("side", ["plain", "mirrored"])
def test_equals_opencv(side: str, astronaut: Image, golden: dict[str, Any], yunet: Maker) -> None:
    image = astronaut if side == "plain" else mirrored(astronaut)
    (face,) = yunet(scales="single", overlap=0.3).detect([image])[0]
    x, y, width, height, *points, score = golden[side]["face"]
    np.testing.assert_allclose(face.box.xyxy, [x, y, x + width, y + height], atol=0.01)
    np.testing.assert_allclose(face.landmarks.reshape(-1), points, atol=0.01)
    assert face.score == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize("turn_deg", [0, 20, -20])
@pytest.mark.parametrize("flip", [False, True])
def test_points_stand_as_seen_in_the_picture(turn_deg: float, flip: bool, astronaut: Image, yunet: Maker) -> None:
    turn = cv2.getRotationMatrix2D((223, 120), turn_deg, 1)
    picture = Image(cv2.warpAffine(astronaut.pixels, turn, (512, 512)))
    face = yunet().detect([mirrored(picture) if flip else picture])[0][0]
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert right_eye[0] - left_eye[0] > 30


def test_points_agree_with_those_of_the_mirror_image(astronaut: Image, yunet: Maker) -> None:
    (plain,) = yunet().detect([astronaut])[0]
    (other,) = yunet().detect([mirrored(astronaut)])[0]
    back = other.landmarks[[1, 0, 2, 4, 3]] * (-1, 1) + (astronaut.width, 0)
    np.testing.assert_allclose(back, plain.landmarks, atol=7)  # her eyes are 47 apart


def test_network_input_is_bgr_and_black_around(astronaut: Image) -> None:
    planes = network_input(astronaut.pixels[:100, :130])
    assert planes.shape == (1, 3, 128, 192)
    np.testing.assert_array_equal(planes[0, 0, :100, :130], astronaut.pixels[:100, :130, 2])
    np.testing.assert_array_equal(planes[0, 2, :100, :130], astronaut.pixels[:100, :130, 0])
    assert not planes[:, :, 100:].any()
    assert not planes[:, :, :, 130:].any()


def test_decoding_equals_a_loop_over_all_cells() -> None:
    generator = np.random.default_rng(0)
    height, width = 64, 128
    count = sum((height // stride) * (width // stride) for stride in (8, 16, 32))
    cells = generator.normal(0, 0.5, (1, count, 16)).astype(np.float32)
    cells[..., :2] = generator.uniform(-0.2, 1.2, (1, count, 2))
    found = decode({"cells": cells}, (height, width), 0.6)
    i, wanted = 0, []
    for stride in (8, 16, 32):
        for row in range(height // stride):
            for column in range(width // stride):
                cell = cells[0, i]
                i += 1
                score = (min(max(cell[0], 0), 1) * min(max(cell[1], 0), 1)) ** 0.5
                if score < 0.6:
                    continue
                x, y = (column + cell[2]) * stride, (row + cell[3]) * stride
                w, h = np.exp(cell[4]) * stride, np.exp(cell[5]) * stride
                points = [(p + (column, row)[k % 2]) * stride for k, p in enumerate(cell[6:])]
                wanted.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2, *points, score])
    rows = np.concatenate([found.boxes, found.landmarks.reshape(-1, 10), found.scores[:, None]], axis=1)
    assert 5 < len(wanted) < count
    np.testing.assert_allclose(rows, np.array(wanted), rtol=1e-4, atol=1e-3)


def test_a_wild_answer_gives_no_broken_face() -> None:
    cells = np.full((1, 84, 16), 1e30, np.float32)
    assert decode({"cells": cells}, (64, 64), 0.5).faces() == []


@pytest.mark.parametrize("scales", SCALES)
def test_order_and_batches_do_not_matter(scales: Scales, astronaut: Image, yunet: Maker) -> None:
    images = [
        astronaut,
        Image(np.zeros((90, 200, 3), np.uint8)),
        Image(np.ascontiguousarray(astronaut.pixels[20:240, 120:330])),
        mirrored(astronaut),
    ]
    detector = yunet(scales=scales)
    together = detector.detect(images)
    assert [len(faces) for faces in together] == [1, 0, 1, 1]
    for faces, image in zip(together, images, strict=True):
        same(faces, detector.detect([image])[0])
    assert detector.detect([]) == []


def test_eight_threads_answer_as_one(astronaut: Image, yunet: Maker) -> None:
    pictures = [Image(np.roll(astronaut.pixels, 7 * i, axis=1)[: 300 + 20 * i]) for i in range(8)]
    detector = yunet()
    alone = [detector.detect([picture])[0] for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda picture: detector.detect([picture])[0], pictures * 3))
    for i, faces in enumerate(together):
        same(faces, alone[i % 8])


def test_the_most_confident_comes_first_and_none_below_the_bar(astronaut: Image, yunet: Maker) -> None:
    group = np.concatenate([astronaut.pixels[:256, 64:384], astronaut.pixels[:256, 64:384] // 4 + 90], axis=1)
    scores = [face.score for face in yunet(min_score=0.05).detect([Image(group)])[0]]
    assert len(scores) >= 2
    assert scores == sorted(scores, reverse=True)
    assert all(face.score >= 0.7 for face in yunet(min_score=0.7).detect([Image(group)])[0])


def test_a_picture_of_one_pixel_is_no_face(yunet: Maker) -> None:
    assert yunet().detect([Image(np.zeros((1, 1, 3), np.uint8))]) == [[]]
    assert yunet(scales="tiny").detect([Image(np.zeros((1, 900, 3), np.uint8))]) == [[]]


class Unasked:
    """A network that nobody may ask."""

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        raise AssertionError(batch.shape)


def test_a_line_of_many_pixels_costs_nothing() -> None:
    line = Image(np.zeros((400_000, 7, 3), np.uint8))
    assert YuNet(Unasked(), DetectOptions(scales="tiny")).detect([line]) == [[]]
