"""Photos -> those that are copies of one another: identical pixels, or the same picture made smaller, cut, mirrored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinlens.errors import ImageError
from twinlens.evaluate.leakage.candidates import MOST_CUT, VIEWS, find_candidates
from twinlens.evaluate.leakage.prints import Prints, take_prints
from twinlens.evaluate.leakage.registration import COPY, agreement
from twinlens.image import load_image

THREADS = 4
NEARLY_EQUAL = 0.95  # agreement of pictures that may have identical pixels
MOST_DECODED = 5_000  # pairs that are decoded whole

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Copy:
    """Two files with one picture.

    Attributes:
        first: a file.
        second: another one.
        alike: agreement of their details.
        mirrored: one is the other's mirror image.
        pixels: whether they decode to identical pixels.
    """

    first: Path
    second: Path
    alike: float
    mirrored: bool
    pixels: bool


@dataclass(frozen=True, slots=True)
class Copies:
    """All copies among some files.

    Attributes:
        found: the surest first.
        looked: how many files could be compared.
        notes: what could not be looked at.
    """

    found: tuple[Copy, ...]
    looked: int
    notes: tuple[str, ...]


def find_copies(paths: Sequence[Path], progress: Progress | None = None) -> Copies:
    """Look for copies among files of which no two hold the same bytes.

    Args:
        paths: each once.
        progress: called with (photos done, photos in all) while they are read, and again while they are compared.
    """
    prints = take_prints(paths, progress)
    if len(prints.paths) < 2:
        return Copies((), len(prints.paths), _notes(prints, 0))
    pairs = find_candidates(prints.small, progress)

    def weigh(number: int) -> float:
        first = prints.small[pairs.first[number]]
        turned = np.ascontiguousarray(first[:, ::-1]) if pairs.mirrored[number] else first
        return agreement(turned, prints.small[pairs.second[number]], VIEWS[pairs.view[number]])

    with ThreadPoolExecutor(THREADS) as pool:
        weights = np.array(list(pool.map(weigh, range(pairs.first.size))), np.float64)
    kept = np.flatnonzero(weights >= COPY)
    kept = kept[np.argsort(-weights[kept], kind="stable")]
    found = []
    for place, number in enumerate(kept.tolist()):
        files = sorted((prints.paths[pairs.first[number]], prints.paths[pairs.second[number]]))
        mirrored, weight = bool(pairs.mirrored[number]), float(weights[number])
        near = weight >= NEARLY_EQUAL and not mirrored and place < MOST_DECODED
        found.append(Copy(files[0], files[1], weight, mirrored, near and _equal_pixels(files[0], files[1])))
    return Copies(tuple(found), len(prints.paths), _notes(prints, pairs.dropped))


def _equal_pixels(first: Path, second: Path) -> bool:
    try:
        return bool(np.array_equal(load_image(first).pixels, load_image(second).pixels))
    except ImageError:
        return False


def _notes(prints: Prints, dropped: int) -> tuple[str, ...]:
    notes = []
    if prints.unreadable:
        notes.append(f"{len(prints.unreadable):,} photos cannot be read: copies of them are not looked for")
    if prints.flat:
        notes.append(f"{len(prints.flat):,} pictures are of one colour: copies of them are not looked for")
    if len(prints.paths) > MOST_CUT:
        notes.append(f"more than {MOST_CUT:,} photos: copies that lost more than a few hundredths are not looked for")
    if dropped:
        notes.append(f"{dropped:,} pairs of similar pictures were too many to be looked at closely")
    return tuple(notes)
