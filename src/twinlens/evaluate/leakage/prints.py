"""Photo files -> small grey pictures, upright, from a reduced decoding where the format has one (JPEG: T.81, A.3.3).

About a millisecond a photo. The picture is pressed into a square: a copy of another shape is rare, and registration
(`twinlens.evaluate.leakage.registration`) undoes what a cut border changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from twinlens.errors import ImageError
from twinlens.image import ImageLimits, load_image
from twinlens.image.pillow import open_picture, orientation_of, turn_upright

SIDE = 64
DRAFT = 2 * SIDE  # a reduced JPEG is at least this large
CHUNK = 256  # photos between two calls of progress
THREADS = 4
LEAST_CONTRAST = 2.0  # grey levels; a picture of one colour is a copy of nothing
JPEG = b"\xff\xd8\xff"

Small = UInt8[np.ndarray, "64 64"]


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """Small pictures of those photos that could be read.

    Attributes:
        paths: in order.
        small: theirs.
        unreadable: the others.
        flat: readable, but of one colour.
    """

    paths: tuple[Path, ...]
    small: UInt8[np.ndarray, "photos 64 64"]
    unreadable: tuple[Path, ...]
    flat: tuple[Path, ...]


def take_prints(paths: Sequence[Path], progress: Callable[[int, int], None] | None = None) -> Prints:
    """Return a small grey picture of each photo.

    Args:
        paths: each once.
        progress: called with (photos done, photos in all).
    """
    taken: list[Small | None] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(paths), CHUNK):
            taken += pool.map(_small_or_none, paths[start : start + CHUNK])
            if progress is not None:
                progress(len(taken), len(paths))
    known = [(path, small) for path, small in zip(paths, taken, strict=True) if small is not None]
    usable = [(path, small) for path, small in known if float(small.std()) >= LEAST_CONTRAST]
    return Prints(
        tuple(path for path, _ in usable),
        np.stack([small for _, small in usable]) if usable else np.zeros((0, SIDE, SIDE), np.uint8),
        tuple(path for path, small in zip(paths, taken, strict=True) if small is None),
        tuple(path for path, small in known if float(small.std()) < LEAST_CONTRAST),
    )


def small_picture(path: Path) -> Small:
    """Return one photo, 64 x 64, grey.

    Raises:
        ImageError: it cannot be read.
    """
    grey = _reduced_jpeg(path)
    if grey is None:
        grey = cv2.cvtColor(load_image(path).pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _small_or_none(path: Path) -> Small | None:
    try:
        return small_picture(path)
    except ImageError:
        return None


def _reduced_jpeg(path: Path) -> UInt8[np.ndarray, "height width"] | None:
    """Return a plain JPEG at a half, a quarter or an eighth of its size; None for everything else, or if damaged."""
    limits = ImageLimits()
    try:
        if path.stat().st_size > limits.max_bytes:
            return None
        data = path.read_bytes()
        if not data.startswith(JPEG):
            return None
        picture = open_picture("JPEG", data, str(path), limits)
        if "progressive" in picture.info or picture.mode not in {"L", "RGB"}:
            return None  # many scans, or inverted colours: the careful reader knows what to do
        picture.draft("L", (DRAFT, DRAFT))
        grey = np.asarray(picture, np.uint8)
        return np.ascontiguousarray(turn_upright(grey[..., None].repeat(3, axis=2), orientation_of(picture))[..., 0])
    except (OSError, ValueError, SyntaxError, ImageError):
        return None
