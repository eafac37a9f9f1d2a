"""What the default detector must reach on the shared WIDER FACE photos (two of each event)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from twinlens.datasets.wider import LEVELS, WiderPhoto, read_wider
from twinlens.detect.options import Scales
from twinlens.detect.yunet import YuNet
from twinlens.image import load_image
from twinlens.metrics.detection import Found, Truth, tally

Maker = Callable[..., YuNet]


def average_precision(detector: YuNet, photos: list[WiderPhoto]) -> dict[str, float]:
    found = []
    for photo in photos:
        faces = detector.detect([load_image(photo.path)])[0]
        boxes = np.array([face.box.xyxy for face in faces], np.float32).reshape(-1, 4)
        found.append(Found(boxes, np.array([face.score for face in faces], np.float32)))
    return {
        level: tally(found, [Truth(photo.boxes, photo.counted[level]) for photo in photos]).average_precision()
        for level in LEVELS
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_single_scale_and_what_the_other_modes_add(data_folder: Path, yunet: Maker) -> None:
    photos = read_wider(data_folder / "wider")
    modes: tuple[Scales, ...] = ("single", "multi", "tiny")
    single, multi, tiny = (average_precision(yunet(scales=scales, min_score=0.02), photos) for scales in modes)
    assert single["easy"] >= 0.895
    assert single["medium"] >= 0.865
    assert single["hard"] >= 0.80
    for level in LEVELS:
        assert multi[level] >= single[level] - 0.005
        assert tiny[level] >= single[level] - 0.005
    assert tiny["hard"] >= single["hard"] + 0.05
