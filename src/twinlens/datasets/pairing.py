"""Photos of known people -> pairs drawn by seed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from twinlens.datasets.records import Pair, Photo
from twinlens.errors import DatasetError


def by_person(photos: Sequence[Photo]) -> dict[str, list[Photo]]:
    """Group photos by subject, subjects in alphabetical order, photos in the order given."""
    groups: dict[str, list[Photo]] = {}
    for photo in photos:
        groups.setdefault(photo.subject, []).append(photo)
    return dict(sorted(groups.items()))


def draw_pairs(photos: Sequence[Photo], *, genuine: int, impostor: int, rng: np.random.Generator) -> tuple[Pair, ...]:
    """Draw distinct pairs: genuine ones uniformly from all that exist, then impostor ones likewise.

    Raises:
        DatasetError: fewer pairs exist than were asked for.
    """
    groups = by_person(photos)
    same = [pair for group in groups.values() for pair in combinations(group, 2)]
    ordered = [photo for group in groups.values() for photo in group]
    total = len(ordered) * (len(ordered) - 1) // 2
    for wanted, there, kind in ((genuine, len(same), "genuine"), (impostor, total - len(same), "impostor")):
        if wanted > there:
            msg = f"asked for {wanted} {kind} pairs; {len(ordered)} photos of {len(groups)} people make {there}"
            raise DatasetError(msg)
    chosen = [same[index] for index in rng.choice(len(same), size=genuine, replace=False)] if genuine else []
    different: dict[tuple[int, int], None] = {}
    if 2 * impostor > total - len(same):  # so many that drawing blindly would hardly end
        every = [(a, b) for a, b in combinations(range(len(ordered)), 2) if ordered[a].subject != ordered[b].subject]
        different = dict.fromkeys(every[index] for index in rng.choice(len(every), impostor, replace=False))
    while len(different) < impostor:
        a, b = sorted(rng.integers(len(ordered), size=2).tolist())
        if ordered[a].subject != ordered[b].subject:
            different[a, b] = None
    pairs = [Pair(a, b, same=True) for a, b in chosen]
    return (*pairs, *(Pair(ordered[a], ordered[b], same=False) for a, b in different))


def draw_even_pairs(
    photos: Sequence[Photo], *, each: int, impostors: int, rng: np.random.Generator
) -> tuple[Pair, ...]:
    """Draw up to ``each`` genuine pairs of every person, and impostor pairs of two people drawn evenly.

    Nobody with hundreds of photos dominates, as somebody does where all pairs are equally likely.

    Args:
        photos: of known people.
        each: genuine pairs of a person at the most.
        impostors: impostor pairs for each genuine one at the most.
        rng: draws them.

    Raises:
        DatasetError: fewer than two people, or nobody with two photos.
    """
    groups = list(by_person(photos).values())
    genuine: list[Pair] = []
    for group in groups:
        every = list(combinations(range(len(group)), 2))
        kept = [every[at] for at in rng.permutation(len(every))[:each]]
        genuine += [Pair(group[first], group[second], same=True) for first, second in kept]
    if not genuine or len(groups) < 2:
        msg = f"pairs need two people, one of them with two photos; got {len(groups)} people, {len(photos)} photos"
        raise DatasetError(msg)
    different: dict[tuple[Photo, Photo], None] = {}
    for _ in range(impostors * len(genuine)):
        one, other = rng.choice(len(groups), size=2, replace=False)
        left, right = (groups[at][int(rng.integers(len(groups[at])))] for at in sorted((one, other)))
        different[left, right] = None
    return (*genuine, *(Pair(left, right, same=False) for left, right in different))
