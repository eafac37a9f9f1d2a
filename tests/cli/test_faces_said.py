"""Where a face is, as people read it: never outside the photo; ``--json`` keeps the box."""

from __future__ import annotations

import numpy as np

from twinlens.cli.detect import seen_part
from twinlens.recognizer import Examined, Portrait
from twinlens.types import CROP_SIZE, Box, Crop, Embedding, Face, Image, Quality


def portrait(*xyxy: float) -> Portrait:
    box = Box(np.array(xyxy, np.float32))
    crop = Crop(np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8))
    found = Face(box, np.zeros((5, 2), np.float32), 0.9)
    return Portrait(found, crop, Quality(0.9), Embedding(np.array([1.0, 0.0], np.float32), "m"))


def test_a_box_is_cut_at_each_edge() -> None:
    photo = Examined("a.jpg", Image(np.zeros((80, 100, 3), np.uint8)))
    assert seen_part(photo, portrait(-7.4, 3.2, 50.6, 95.0)) == (0, 3, 51, 80)
    assert seen_part(photo, portrait(40.0, -30.0, 130.0, 20.0)) == (40, 0, 100, 20)
