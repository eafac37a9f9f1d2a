"""People who never were: photos with made-up vectors, for the seam between data sets and systems."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twinlens.datasets.records import Dataset, Pair, Photo, Split
from twinlens.evaluate.records import System
from twinlens.evaluate.sight import NO_FACE, View

DIM = 16
ROOT = Path("/nowhere")


def photo(person: int, number: int) -> Photo:
    """Return a photo that exists only by name."""
    return Photo(f"p{person:03d}", ROOT / f"p{person:03d}" / f"{number}.jpg")


class MadeUpLens:
    """Vectors drawn around a direction a person; the photos themselves are never opened.

    Args:
        noise: how far photos lie from their person's direction.
        blind: photos in which it finds nobody.
        seed: of the vectors.
    """

    def __init__(self, *, noise: float = 0.25, blind: Sequence[Path] = (), seed: int = 0) -> None:
        self.noise, self.blind, self.seed = noise, set(blind), seed
        self.looked: list[Path] = []

    @property
    def system(self) -> System:
        """What it claims to be."""
        return System("made-up", "made-up@0", "drawn by seed", "nothing", "none", DIM, "none", "numpy", False)

    def look(self, photos: Sequence[Path]) -> list[View]:
        """Return a view a photo."""
        self.looked += photos
        return [self.view(path) for path in photos]

    def view(self, path: Path) -> View:
        """Return the view of one photo, the same each time."""
        if path in self.blind:
            return View(None, NO_FACE)
        person, number = int(path.parent.name[1:]), int(path.stem)
        centre = np.random.default_rng((self.seed, person)).normal(size=DIM)
        away = np.random.default_rng((self.seed, person, number)).normal(size=DIM)
        vector = centre / np.linalg.norm(centre) + self.noise * away
        width = float(np.random.default_rng((person, number)).uniform(30, 250))
        unit = (vector / np.linalg.norm(vector)).astype(np.float32)
        return View(unit, "", {"width": width, "quality": width / 250, "faces": 1.0})


def folder_of(people: int, photos: int) -> Dataset:
    """Return people with photos and no pairs."""
    everyone = tuple(photo(person, number) for person in range(people) for number in range(photos))
    return Dataset("made-up", ROOT, {"all": Split("all", everyone)})


def paired(people: range, pairs: int, *, name: str, seed: int = 0) -> Split:
    """Return a split with ``pairs`` genuine and as many impostor pairs of these people, three photos each."""
    rng = np.random.default_rng(seed)
    made: dict[frozenset[Photo], Pair] = {}
    for same in (True, False):
        while sum(pair.same == same for pair in made.values()) < pairs:
            one = int(rng.choice(people))
            other = one if same else int(rng.choice(people))
            first, second = photo(one, int(rng.integers(3))), photo(other, int(rng.integers(3)))
            if first != second and (one == other) == same:
                made[frozenset((first, second))] = Pair(first, second, same=same)
    return Split.of_pairs(name, made.values())


def two_parts(people: int = 60, pairs: int = 60) -> Dataset:
    """Return a set with training and test people."""
    half = people // 2
    train, test = paired(range(half), pairs, name="train"), paired(range(half, people), pairs, name="test", seed=1)
    return Dataset("made-up", ROOT, {"train": train, "test": test})


def ten_folds(people: int = 100, pairs: int = 20) -> Dataset:
    """Return a set of ten folds."""
    each = people // 10
    folds = tuple(
        paired(range(number * each, (number + 1) * each), pairs, name=f"{number + 1:02d}", seed=number)
        for number in range(10)
    )
    return Dataset("made-up", ROOT, {}, folds)
