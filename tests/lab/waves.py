"""People made of waves, instead of real faces."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

PEOPLE, PHOTOS, SIDE = 12, 4, 40


def wave_photo(person: int, photo: int) -> NDArray[np.uint8]:
    """Return uint8 (SIDE, SIDE, 3): the person's own waves, moved a little, with noise."""
    own, rng = np.random.default_rng(person), np.random.default_rng((person, photo))
    y, x = np.mgrid[:SIDE, :SIDE] + rng.uniform(-1, 1, (2, 1, 1))
    picture = np.zeros((SIDE, SIDE, 3))
    for _ in range(3):
        fy, fx, phase = own.uniform(0.05, 0.6, 3)
        picture += np.sin(fy * y + fx * x + 10 * phase)[..., None] * own.uniform(0.3, 1, 3)
    return np.clip(128 + 30 * picture + rng.normal(0, 8, picture.shape), 0, 255).astype(np.uint8)


def make_people(root: Path, people: int = PEOPLE, photos: int = PHOTOS) -> Path:
    """Write ``root/pNN/N.png``."""
    for person in range(people):
        folder = root / f"p{person:02d}"
        folder.mkdir(parents=True)
        for photo in range(photos):
            cv2.imwrite(str(folder / f"{photo}.png"), wave_photo(person, photo))
    return root
