"""Photos changed on purpose, and photos as they are -> which the leakage check takes for copies.

    python benchmarks/copies.py            prints; needs LFW and CFP in TWINLENS_DATA; minutes on two cores
    python benchmarks/copies.py --write    also writes docs/results/copies.md

"Found" is the whole way: files written, read, proposed and confirmed, among as many other photos.
"""

from __future__ import annotations

import argparse
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

PAGE = Path(__file__).parent.parent / "docs" / "results" / "copies.md"
HASHED = 1000  # photos of each set
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


def found(originals: list[Path], change: Change, folder: Path) -> int:
    """Return how many changed photos are found."""
    made = []
    for number, path in enumerate(originals):
        pixels = np.ascontiguousarray(load_image(path).pixels[..., ::-1])
        made.append(folder / f"{number}.jpg")
        cv2.imwrite(str(made[-1]), np.ascontiguousarray(change(pixels)), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    told = {frozenset((copy.first, copy.second)) for copy in find_copies([*originals, *made]).found}
    return sum(frozenset(pair) in told for pair in zip(originals, made, strict=True))


def different_photos(name: str, photos: list[Photo]) -> str:
    """Return a row: what is taken for a copy among all photos of a set, by whom it shows."""
    owner = {photo.path: photo.subject for photo in photos}
    begun = time.perf_counter()
    told = find_copies(list(owner)).found
    seconds = time.perf_counter() - begun
    same = sum(owner[copy.first] == owner[copy.second] for copy in told)
    pairs = len(owner) * (len(owner) - 1) // 2
    sizes = np.unique(list(owner.values()), return_counts=True)[1]
    mated = int((sizes * (sizes - 1) // 2).sum())
    rest = len(told) - same
    return (
        f"| {name} | {len(owner):,} | {same:,} of {mated:,} | {rest:,} of {pairs - mated:,} "
        f"(at most {wilson(rest, pairs - mated).high:.1e}) | {seconds:.0f} s |"
    )


def hashed(small: np.ndarray) -> np.ndarray:
    """Return 64 signs of the lowest cosines."""
    low = cv2.dct(cv2.resize(small, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32))[:8, :8].ravel()
    return np.where(low > np.median(low[1:]), 1, -1).astype(np.float32)


def hash_beside_views(name: str, originals: list[Path], folder: Path) -> str:
    """Return a row: which share of all pairs either way must propose to find nine of ten photos that lost a tenth."""
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
    return f"| {name} | {proposed.mean():.2%} ({bits:.0f} bits) | {pairs.first.size / len(proposed):.4%} |"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=DRAWN, help="drawn of each set")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    root = data_root(os.environ)
    sets = {
        "LFW-a": list(load_development_unrestricted(root / "lfw").photos),
        "CFP": list(load_photos(root / "cfp").photos),
    }
    rng = np.random.default_rng(0)
    drawn = {
        name: [photos[number].path for number in sorted(rng.choice(len(photos), arguments.photos, replace=False))]
        for name, photos in sets.items()
    }
    lines = [
        "# Copies that are found",
        "",
        f"Made by `python benchmarks/copies.py --write{of_photos(arguments.photos)}`. {machine()}.",
        "",
        f"{arguments.photos} photos of each set are changed and saved as JPEG of quality {QUALITY}; among originals and "
        "changed ones the leakage check has to find each with its own. Intervals: Wilson, 95 %.",
        "",
        "| change | " + " | ".join(f"found, {name}" for name in sets) + " |",
        "|---|" + "---|" * len(sets),
    ]
    for what, change in CHANGES.items():
        cells = []
        for paths in drawn.values():
            with tempfile.TemporaryDirectory() as folder:
                cells.append(share_text(found(paths, change, Path(folder)), len(paths)))
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    lines += [
        "",
        "The other way round: what is taken for a copy among all photos of a set as they are. Two photos of one session or "
        "one photo published twice are copies of a kind; how many pairs of two different people are taken for one is the "
        "price. (The one of LFW-a is a photo that LFW holds under two names, Andrew Gilligan and Andrew Caldecott.)",
        "",
        "| set | photos | pairs of one person | pairs of two people | time |",
        "|---|---|---|---|---|",
        *(different_photos(name, photos) for name, photos in sets.items()),
        "",
        f"A perceptual hash (64 signs of a DCT) beside the correlations that propose candidates, on {HASHED:,} photos: which "
        "share of all pairs the hash must propose to reach nine of ten photos that lost a tenth of their width and height, "
        "and which share the correlations propose (how many copies they find stands above).",
        "",
        "| set | hash | correlations |",
        "|---|---|---|",
    ]
    for name, photos in sets.items():
        paths = [photos[number].path for number in rng.choice(len(photos), HASHED, replace=False)]
        with tempfile.TemporaryDirectory() as folder:
            lines.append(hash_beside_views(name, paths, Path(folder)))
    lines.append("")
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")


def of_photos(number: int) -> str:
    """Return the option that asks for so many photos."""
    return "" if number == DRAWN else f" --photos {number}"


def share_text(number: int, of: int) -> str:
    """Write a share with its interval."""
    share = wilson(number, of)
    return f"{share.estimate:.1%} ({share.low:.1%} to {share.high:.1%})"


if __name__ == "__main__":
    main()
