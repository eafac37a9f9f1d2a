"""A data set's people -> parts that share nobody, drawn by seed.

Splitting pairs at random leaves most people of one part in the other as well; here people are split. Pairs
tie people together, so with ``whole_pairs`` everyone whom pairs connect stays together and no pair is lost:
LFW's development pairs form many small groups (at most 18 people), and its 2,200 pairs can be split without
losing one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from twinlens.datasets.groups import Groups
from twinlens.datasets.records import Pair, Split
from twinlens.errors import DatasetError, OptionError


@dataclass(frozen=True, slots=True)
class Division:
    """Parts of one split.

    Attributes:
        parts: by name; no person is in two of them.
        dropped: pairs of two people who went to different parts.
    """

    parts: Mapping[str, Split]
    dropped: tuple[Pair, ...]


def divide(
    split: Split, shares: Mapping[str, float], *, rng: np.random.Generator, whole_pairs: bool = True
) -> Division:
    """Divide people at random, as near to the shares of people as their groups allow.

    Args:
        split: what to divide.
        shares: name -> share of the people, above 0, together 1.
        rng: decides who goes where; the same generator gives the same parts.
        whole_pairs: keep people together whom pairs connect, so that no pair is dropped.

    Raises:
        OptionError: shares that are not positive or do not add up to 1.
        DatasetError: a part would be empty.
    """
    if not shares or min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-9:
        msg = f"wanted shares above 0 that add up to 1, got {dict(shares)}"
        raise OptionError(msg)
    groups: Groups[str] = Groups()
    for person in sorted(split.people):
        groups.add(person)
    if whole_pairs:
        for pair in split.pairs:
            groups.join(pair.first.subject, pair.second.subject)
    units = groups.members()
    wanted = {name: share * len(split.people) for name, share in shares.items()}
    place: dict[str, str] = {}
    for index in rng.permutation(len(units)):
        name = max(wanted, key=wanted.__getitem__)  # the part that lacks most; the first of equals
        wanted[name] -= len(units[index])
        place.update(dict.fromkeys(units[index], name))
    return by_people(split, place, tuple(shares))


def by_people(split: Split, place: Mapping[str, str], names: tuple[str, ...]) -> Division:
    """Divide as told.

    Args:
        split: what to divide.
        place: person -> name of the part.
        names: the parts, in order.

    Raises:
        DatasetError: a part would be empty.
    """
    parts = {}
    for name in names:
        photos = tuple(photo for photo in split.photos if place[photo.subject] == name)
        pairs = tuple(pair for pair in split.pairs if place[pair.first.subject] == place[pair.second.subject] == name)
        if not photos:
            msg = f"the part {name!r} would be empty: {len(split.people)} people are too few for these shares"
            raise DatasetError(msg)
        parts[name] = Split(name, photos, pairs)
    dropped = tuple(p for p in split.pairs if place[p.first.subject] != place[p.second.subject])
    return Division(parts, dropped)
