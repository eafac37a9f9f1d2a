"""Real faces -> as many plausible embeddings as wanted, and how they compare with the real ones.

A made-up person is a convex mix of two or three real people's mean embeddings; a made-up photo of them adds what
sets a real photo apart from its own person's mean (people with two or more photos, corrected for the size of the
group), and is brought back to length one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinlens.errors import NoFaceError
from twinlens.recognizer import Recognizer

BLOCK = 50_000


@dataclass(frozen=True, slots=True)
class RealFaces:
    """Embeddings of real photos (n, dim), the number of the person in each, and photos without a face."""

    vectors: np.ndarray
    people: np.ndarray
    without_face: int


def embed_faces(folder: Path, cache: Path) -> RealFaces:
    """Embed the main face of every photo of PERSON/PHOTO.jpg with the default recognizer, once."""
    kept = cache / "real-faces.npz"
    if not kept.exists():
        vectors, names, without = [], [], 0
        with Recognizer.default() as recognizer:
            for path in sorted(folder.glob("*/*.jpg")):
                try:
                    vectors.append(recognizer.embed(path).vector)
                    names.append(path.parent.name)
                except NoFaceError:
                    without += 1
        people = np.unique(names, return_inverse=True)[1]
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, vectors=np.stack(vectors), people=people, without=without)
    with np.load(kept, allow_pickle=False) as stored:
        return RealFaces(stored["vectors"], stored["people"], int(stored["without"]))


class Grower:
    """Makes people and photos from real ones."""

    def __init__(self, real: RealFaces, random: np.random.Generator) -> None:
        self._random = random
        groups = [real.vectors[real.people == person] for person in range(real.people.max() + 1)]
        self._means = np.stack([group.mean(axis=0) for group in groups])
        spread = [(g - g.mean(axis=0)) * np.sqrt(len(g) / (len(g) - 1)) for g in groups if len(g) > 1]
        self._residuals = np.concatenate(spread).astype(np.float32)

    def people(self, count: int) -> np.ndarray:
        """Return the means of new people (count, dim)."""
        made = np.empty((count, self._means.shape[1]), np.float32)
        for start in range(0, count, BLOCK):
            size = min(BLOCK, count - start)
            weights = self._random.dirichlet(np.ones(3), size)
            pairs = self._random.random(size) < 0.5
            weights[pairs] = np.c_[self._random.dirichlet(np.ones(2), int(pairs.sum())), np.zeros(int(pairs.sum()))]
            parents = self._random.integers(0, len(self._means), (size, 3))
            made[start : start + size] = np.einsum("nk,nkd->nd", weights.astype(np.float32), self._means[parents])
        return made

    def photos(self, means: np.ndarray) -> np.ndarray:
        """Return one photo (unit vector) of each person."""
        made = means + self._residuals[self._random.integers(0, len(self._residuals), len(means))]
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made


def describe(name: str, genuine: np.ndarray, impostor: np.ndarray) -> str:
    """Return a table row: mean, spread and tails of similarities within and between people."""
    low, high = np.percentile(genuine, [1, 99])
    tails = np.percentile(impostor, [50, 99, 99.9])
    return (
        f"| {name} | {genuine.mean():.3f} ± {genuine.std():.3f} | {low:.2f} to {high:.2f} "
        f"| {impostor.mean():.3f} ± {impostor.std():.3f} | {' / '.join(f'{t:.2f}' for t in tails)} |"
    )


def compare(real: RealFaces, grower: Grower, random: np.random.Generator, pairs: int = 200_000) -> list[str]:
    """Return a table: similarity within and between people, real and grown."""
    repeated = np.flatnonzero(np.bincount(real.people) > 1)
    genuine = []
    for person in repeated:
        chosen = np.flatnonzero(real.people == person)
        for _ in range(5):
            one, other = random.choice(chosen, 2, replace=False)
            genuine.append(real.vectors[one] @ real.vectors[other])
    left, right = random.integers(0, len(real.people), (2, pairs))
    apart = real.people[left] != real.people[right]
    impostor = (real.vectors[left[apart]] * real.vectors[right[apart]]).sum(axis=1)
    means = grower.people(pairs)
    first, second = grower.photos(means), grower.photos(means)
    return [
        "| faces | genuine, mean ± sd | 1 to 99 % | impostor, mean ± sd | 50 / 99 / 99.9 % |",
        "|---|---|---|---|---|",
        describe("real", np.array(genuine), impostor),
        describe("grown", (first * second).sum(axis=1), (first * np.roll(second, 1, axis=0)).sum(axis=1)),
    ]
