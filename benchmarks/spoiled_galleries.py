"""A gallery's photos -> the same with known errors: swapped names, strangers' photos, copies, split and merged subjects.

Each function returns the photos and the errors, so that an audit's findings can be counted against them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from twinlens.protocols import Enrolment

COPY = "~copy"  # at the end of a copy's source


@dataclass(frozen=True, slots=True)
class Error:
    """What was done: a photo that is not its subject's, a copy and its original, a second name, a subject of two."""

    sources: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spoiled:
    """Photos and what is wrong with them."""

    photos: list[Enrolment]
    errors: list[Error]


Spoiler = Callable[[Sequence[Enrolment], Sequence[Enrolment], int, np.random.Generator], Spoiled]


def swapped(photos: Sequence[Enrolment], _: Sequence[Enrolment], count: int, rng: np.random.Generator) -> Spoiled:
    """Exchange a photo between two subjects with several, ``count`` times; no subject twice."""
    owned = _owned(photos, least=2)
    names = rng.permutation(sorted(owned))[: 2 * (min(2 * count, len(owned)) // 2)]
    changed, errors = list(photos), []
    for one, other in zip(names[::2], names[1::2], strict=True):
        a, b = int(rng.choice(owned[one])), int(rng.choice(owned[other]))
        changed[a], changed[b] = replace(photos[a], subject=str(other)), replace(photos[b], subject=str(one))
        errors += [Error((photos[a].source,)), Error((photos[b].source,))]
    return Spoiled(changed, errors)


def strangers(photos: Sequence[Enrolment], _: Sequence[Enrolment], count: int, rng: np.random.Generator) -> Spoiled:
    """Leave subjects out of the gallery, and give a photo of each to a subject with several."""
    owned = _owned(photos)
    left_out = set(rng.permutation(sorted(owned))[:count].tolist())
    kept = [photo for photo in photos if photo.subject not in left_out]
    hosts = rng.permutation(sorted(_owned(kept, least=2)))[:count]
    errors = []
    for host, name in zip(hosts, sorted(left_out), strict=False):
        photo = photos[int(rng.choice(owned[name]))]
        kept.append(replace(photo, subject=str(host)))
        errors.append(Error((photo.source,)))
    return Spoiled(kept, errors)


def copied(photos: Sequence[Enrolment], copies: Sequence[Enrolment], count: int, rng: np.random.Generator) -> Spoiled:
    """Enrol altered copies of photos under the same subject."""
    chosen = [copies[int(i)] for i in rng.permutation(len(copies))[:count]]
    errors = [Error((copy.source, copy.source.removesuffix(COPY))) for copy in chosen]
    return Spoiled([*photos, *chosen], errors)


def copied_elsewhere(
    photos: Sequence[Enrolment], copies: Sequence[Enrolment], count: int, rng: np.random.Generator
) -> Spoiled:
    """Enrol altered copies of photos under another subject with several photos."""
    hosts = rng.permutation(sorted(_owned(photos, least=2)))
    chosen = [copies[int(i)] for i in rng.permutation(len(copies))[:count]]
    moved = [
        replace(copy, subject=str(host)) for copy, host in zip(chosen, hosts, strict=False) if copy.subject != host
    ]
    return Spoiled([*photos, *moved], [Error((copy.source,)) for copy in moved])


def split(photos: Sequence[Enrolment], _: Sequence[Enrolment], count: int, rng: np.random.Generator) -> Spoiled:
    """Give some photos of a subject with several another name."""
    changed, errors = list(photos), []
    owned = _owned(photos, least=2)
    for name in rng.permutation(sorted(owned))[:count]:
        rows = rng.permutation(owned[name])
        second = f"{name} (again)"
        for row in rows[: int(rng.integers(1, len(rows)))]:
            changed[int(row)] = replace(photos[int(row)], subject=second)
        errors.append(Error(subjects=(str(name), second)))
    return Spoiled(changed, errors)


def merged(photos: Sequence[Enrolment], _: Sequence[Enrolment], count: int, rng: np.random.Generator) -> Spoiled:
    """Enrol two people, each with several photos, under one name; no one twice."""
    owned = _owned(photos, least=2)
    names = rng.permutation(sorted(owned))[: 2 * (min(2 * count, len(owned)) // 2)]
    changed, errors = list(photos), []
    for host, guest in zip(names[::2], names[1::2], strict=True):
        for row in owned[str(guest)]:
            changed[row] = replace(photos[row], subject=str(host))
        errors.append(Error(subjects=(str(host),)))
    return Spoiled(changed, errors)


def made_worse(
    photos: Sequence[Enrolment], worse: Sequence[Enrolment], count: int, rng: np.random.Generator
) -> Spoiled:
    """Put photos that were made worse in the place of good ones."""
    chosen = {worse[int(i)].source: worse[int(i)] for i in rng.permutation(len(worse))[:count]}
    changed = [chosen.get(photo.source, photo) for photo in photos]
    return Spoiled(changed, [Error((source,)) for source in chosen])


def _owned(photos: Sequence[Enrolment], *, least: int = 1) -> dict[str, list[int]]:
    """Return each subject's photos by number."""
    owned: dict[str, list[int]] = {}
    for place, photo in enumerate(photos):
        owned.setdefault(photo.subject, []).append(place)
    return {name: rows for name, rows in owned.items() if len(rows) >= least}


SPOILERS: dict[str, Spoiler] = {
    "photos of two subjects exchanged": swapped,
    "photo of somebody not enrolled": strangers,
    "copy under another name": copied_elsewhere,
    "copy under the same name": copied,
    "subject under two names": split,
    "two people under one name": merged,
    "good photo made worse": made_worse,
}
