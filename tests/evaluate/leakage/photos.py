"""Photos that a generator drew, and what happens to photos on their way into a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

from twinlens.datasets.records import Pair, Photo, Split

Pixels = np.ndarray


def scene(seed: int, side: int = 160) -> Pixels:
    """Return a picture with coarse shapes and fine details, RGB; each seed another one."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (6, 6, 3)).astype(np.float32)
    fine = rng.uniform(-60, 60, (side // 4, side // 4, 3)).astype(np.float32)
    mixed = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    mixed = cv2.add(mixed, cv2.resize(fine, (side, side), interpolation=cv2.INTER_CUBIC))
    return np.asarray(np.clip(mixed, 0, 255), np.uint8)


def save(path: Path, pixels: Pixels, quality: int = 95) -> Path:
    """Write a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    how = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix == ".jpg" else []
    assert cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., ::-1]), how)
    return path


def cut(kept: float, across: float = 0.5, down: float = 0.5) -> Callable[[Pixels], Pixels]:
    """Return what keeps a share of width and height."""

    def change(pixels: Pixels) -> Pixels:
        height, width = (round(size * kept) for size in pixels.shape[:2])
        top, left = round((pixels.shape[0] - height) * down), round((pixels.shape[1] - width) * across)
        return pixels[top : top + height, left : left + width]

    return change


def jpeg(quality: int) -> Callable[[Pixels], Pixels]:
    """Return what a JPEG of that quality leaves."""

    def change(pixels: Pixels) -> Pixels:
        coded = cv2.imencode(".jpg", np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)

    return change


def resized(factor: float) -> Callable[[Pixels], Pixels]:
    """Return what changes the size."""
    return lambda pixels: np.asarray(
        cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
    )


def grey(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)[..., None].repeat(3, axis=2))


def mirrored(pixels: Pixels) -> Pixels:
    return pixels[:, ::-1]


def brighter(pixels: Pixels) -> Pixels:
    return np.asarray(np.clip(pixels * 1.15 + 20, 0, 255), np.uint8)


CHANGES: Mapping[str, Callable[[Pixels], Pixels]] = {
    "quality 30": jpeg(30),
    "half the size": resized(0.5),
    "twice the size": resized(2),
    "grey": grey,
    "mirrored": mirrored,
    "mirrored and cut": lambda pixels: cut(0.95)(mirrored(pixels)),
    "cut by 5 %": cut(0.95),
    "cut by 10 %": cut(0.9),
    "cut by 10 % at a corner": cut(0.9, 0, 0),
    "cut by 8 % at a side": cut(0.92, 0, 0.5),
    "brighter": brighter,
    "half, grey, quality 50": lambda pixels: jpeg(50)(grey(resized(0.5)(pixels))),
}


def split(name: str, photos: Mapping[str, list[Path]], pairs: tuple[Pair, ...] = ()) -> Split:
    """Return a part with these people."""
    return Split(name, tuple(Photo(who, path) for who, paths in photos.items() for path in paths), pairs)
