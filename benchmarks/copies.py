"""Photos changed on purpose, and photos of the same people -> which the leakage check takes for copies.

    python benchmarks/copies.py    needs LFW and CFP in TWINLENS_DATA; two minutes on two cores

Prints the tables of docs/leakage.md. "Found" is the whole way: files written, read, proposed and confirmed, among as
many other photos. A perceptual hash (64 signs of a DCT) stands beside the correlations that propose candidates.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

from twinlens.datasets.cfp import load_photos
from twinlens.datasets.lfw import load_development_unrestricted
from twinlens.datasets.place import data_root
from twinlens.datasets.records import Photo
from twinlens.evaluate.leakage.candidates import find_candidates
from twinlens.evaluate.leakage.copies import find_copies
from twinlens.evaluate.leakage.prints import small_picture, take_prints
from twinlens.evaluate.machine import machine
from twinlens.image import load_image
from twinlens.metrics.intervals import wilson

DRAWN = 300  # photos of each set
QUALITY = 90  # in which every changed photo is saved

Pixels = np.ndarray
Change = Callable[[Pixels], Pixels]


def packed(quality: int) -> Change:
    """Save as a JPEG of that quality."""
    return lambda pixels: cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


def sized(factor: float) -> Change:
    """Make smaller or larger."""
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return lambda pixels: cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=how)


def cut(kept: float, across: float = 0.5, down: float = 0.5) -> Change:
    """Keep a share of width and height."""

    def change(pixels: Pixels) -> Pixels:
        height, width = (round(size * kept) for size in pixels.shape[:2])
        top, left = round((pixels.shape[0] - height) * down), round((pixels.shape[1] - width) * across)
        return pixels[top : top + height, left : left + width]

    return change


def turned(degrees: float) -> Change:
    """Turn about the middle."""

    def change(pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        return cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REFLECT)

    return change


def labelled(pixels: Pixels) -> Pixels:
    """Put a white label over a corner: two fifths of the width, 15 % of the height."""
    pixels = pixels.copy()
    height, width = pixels.shape[:2]
    pixels[int(0.85 * height) :, : int(0.4 * width)] = 255
    return pixels


CHANGES: Mapping[str, Change] = {
    "JPEG, quality 30": packed(30),
    "JPEG, quality 10": packed(10),
    "half the size": sized(0.5),
    "a third of the size": sized(1 / 3),
    "twice the size": sized(2),
    "grey": lambda pixels: cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR),
    "mirrored": lambda pixels: pixels[:, ::-1],
    "mirrored, 5 % cut off": lambda pixels: cut(0.95)(pixels[:, ::-1]),
    "5 % cut off": cut(0.95),
    "10 % cut off": cut(0.9),
    "10 % cut off at a corner": cut(0.9, 0, 0),
    "8 % cut off at a side": cut(0.92, 0, 0.5),
    "15 % cut off": cut(0.85),
    "a border of 5 %": lambda pixels: cv2.copyMakeBorder(pixels, *[pixels.shape[0] // 20] * 4, cv2.BORDER_CONSTANT),
    "a fifth brighter": lambda pixels: cv2.convertScaleAbs(pixels, alpha=1.2, beta=25),
    "gamma 0.7": lambda pixels: cv2.LUT(pixels, (255 * (np.arange(256) / 255) ** 0.7).astype(np.uint8)),
    "blurred by 1.5 pixels": lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 1.5),
    "turned by 2 degrees": turned(2),
    "turned by 5 degrees": turned(5),
    "a label over a corner": labelled,
}


def share_found(originals: list[Path], change: Change, folder: Path) -> float:
    """Return how many changed photos are found."""
    made = []
    for number, path in enumerate(originals):
        pixels = np.ascontiguousarray(load_image(path).pixels[..., ::-1])
        made.append(folder / f"{number}.jpg")
        cv2.imwrite(str(made[-1]), np.ascontiguousarray(change(pixels)), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    found = {frozenset((copy.first, copy.second)) for copy in find_copies([*originals, *made]).found}
    return sum(frozenset(pair) in found for pair in zip(originals, made, strict=True)) / len(originals)


def different_photos(name: str, photos: list[Photo]) -> None:
    """Print what is taken for a copy among all photos of a set, by whom it shows."""
    owner = {photo.path: photo.subject for photo in photos}
    begun = time.perf_counter()
    found = find_copies(list(owner)).found
    seconds = time.perf_counter() - begun
    same = sum(owner[copy.first] == owner[copy.second] for copy in found)
    pairs = len(owner) * (len(owner) - 1) // 2
    sizes = np.unique(list(owner.values()), return_counts=True)[1]
    mated = int((sizes * (sizes - 1) // 2).sum())
    rest = len(found) - same
    print(
        f"| {name} | {len(owner):,} | {same:,} of {mated:,} | {rest:,} of {pairs - mated:,} "
        f"(at most {wilson(rest, pairs - mated).high:.1e}) | {seconds:.0f} s |"
    )


def hashed(small: np.ndarray) -> np.ndarray:
    """Return 64 signs of the lowest cosines."""
    low = cv2.dct(cv2.resize(small, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32))[:8, :8].ravel()
    return np.where(low > np.median(low[1:]), 1, -1).astype(np.float32)


def hash_beside_views(name: str, originals: list[Path], folder: Path) -> None:
    """Print which share of all pairs either way must propose to find nine of ten photos that lost a tenth."""
    changed = []
    for number, path in enumerate(originals):
        pixels = cut(0.9)(load_image(path).pixels)
        cv2.imwrite(str(folder / f"{number}.jpg"), np.ascontiguousarray(pixels[..., ::-1]))
        changed.append(small_picture(folder / f"{number}.jpg"))
    small = take_prints(originals).small
    signs, others = (np.stack([hashed(picture) for picture in pictures]) for pictures in (small, changed))
    away = (64 - (signs * others).sum(axis=1)) / 2
    bits = np.quantile(away, 0.9, method="higher")
    upper = np.triu_indices(len(small), 1)
    proposed = ((64 - signs @ signs.T) / 2)[upper] <= bits
    pairs = find_candidates(small)
    print(
        f"{name}: the hash proposes {proposed.mean():.2%} of all pairs ({bits:.0f} bits), the views "
        f"{pairs.first.size / len(proposed):.4%}"
    )


def main() -> None:
    """Print all tables."""
    root = data_root(os.environ)
    sets = {
        "LFW-a": list(load_development_unrestricted(root / "lfw").photos),
        "CFP": list(load_photos(root / "cfp").photos),
    }
    rng = np.random.default_rng(0)
    drawn = {
        name: [photos[number].path for number in sorted(rng.choice(len(photos), DRAWN, replace=False))]
        for name, photos in sets.items()
    }
    print(machine(), "\n\n| change | " + " | ".join(sets) + " |\n|---|" + "---|" * len(sets))
    for what, change in CHANGES.items():
        with tempfile.TemporaryDirectory() as folder:
            found = [share_found(paths, change, Path(folder)) for paths in drawn.values()]
        print(f"| {what} | " + " | ".join(f"{share * 100:.1f} %" for share in found) + " |", flush=True)
    print("\n| set | photos | of one person | of two people | time |\n|---|---|---|---|---|")
    for name, photos in sets.items():
        different_photos(name, photos)
    print()
    for name, photos in sets.items():
        paths = [photos[number].path for number in rng.choice(len(photos), 2000, replace=False)]
        with tempfile.TemporaryDirectory() as folder:
            hash_beside_views(name, paths, Path(folder))


if __name__ == "__main__":
    main()
