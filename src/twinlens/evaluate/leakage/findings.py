"""What a leakage check found -> plain values, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

Kind = Literal["person", "file", "bytes", "pixels", "copy", "face", "pair", "label"]
Level = Literal["clean", "note", "leak"]
SHOWN = 20  # examples of each finding
PLURALS = {"person": "people", "pair": "pairs", "pair is": "pairs are"}


@dataclass(frozen=True, slots=True)
class Thing:
    """A photo, or a person where no photo is meant.

    Attributes:
        part: where it is.
        subject: who is said to be in it.
        photo: its place below the photos' common folder; empty for a person.
    """

    part: str
    subject: str
    photo: str = ""

    def __str__(self) -> str:
        return f"{self.part}: {self.photo or self.subject}"


@dataclass(frozen=True, slots=True)
class Example:
    """Two things that are one, or too much alike.

    Attributes:
        first: of the earlier part.
        second: of the later one.
        alike: 0 to 1 for copies, a similarity for faces; None where the two are equal.
        note: what is special here (``mirrored``).
    """

    first: Thing
    second: Thing
    alike: float | None = None
    note: str = ""

    def __str__(self) -> str:
        how = "" if self.alike is None else f" ({self.alike:.3f}{', ' if self.note else ''}{self.note})"
        if self.alike is None and self.note:
            how = f" ({self.note})"
        return f"{self.first} = {self.second}{how}" if self.alike is None else f"{self.first} ~ {self.second}{how}"


@dataclass(frozen=True, slots=True)
class Place:
    """How much of one finding lies between two parts.

    Attributes:
        first: a part.
        second: another one; the same for what lies inside a part.
        found: how many.
        first_holds: how many people, photos or pairs the first part has in all.
        second_holds: the same of the second.
    """

    first: str
    second: str
    found: int
    first_holds: int
    second_holds: int

    def __str__(self) -> str:
        if self.first == self.second:
            return f"{self.found:,} of {self.first_holds:,} in {self.first}"
        return f"{self.found:,} of {self.first_holds:,} in {self.first} and of {self.second_holds:,} in {self.second}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing that was looked for.

    Attributes:
        kind: ``person`` (one name), ``file`` (one file listed in two places), ``bytes``, ``pixels``, ``copy`` (a photo
            made smaller, cut, mirrored...), ``face`` (alike, under two names), ``pair`` (listed twice), ``label`` (one
            photo under two names, or one pair with both answers).
        inside: within a part; otherwise between parts.
        level: ``leak`` where figures are flattered, ``note`` where data is in doubt, ``clean``.
        found: how many.
        text: one sentence with counts.
        places: by pair of parts, most first.
        examples: the worst first.
    """

    kind: Kind
    inside: bool
    level: Level
    found: int
    text: str
    places: tuple[Place, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Leakage:
    """A whole check.

    Attributes:
        findings: of each kind that was looked for.
        unchecked: what could not be looked at, and why.
        people: of each part.
        photos: of each part.
    """

    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]
    people: Mapping[str, int]
    photos: Mapping[str, int]

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """What flatters the figures."""
        return tuple(finding for finding in self.findings if finding.level == "leak")


def places_of(pairs: Iterable[tuple[str, str]], holds: Mapping[str, int]) -> tuple[Place, ...]:
    """Count by pair of parts, most first.

    Args:
        pairs: the parts of each thing found, in the parts' order.
        holds: how much each part has.
    """
    counted = Counter(pairs)
    return tuple(Place(a, b, found, holds[a], holds[b]) for (a, b), found in counted.most_common())


def pairs_of_parts(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return every two of the parts that hold one thing."""
    return list(combinations(names, 2))


def said(places: tuple[Place, ...], shown: int = 3) -> str:
    """Say where most of it lies."""
    rest = len(places) - shown
    inside = all(place.first == place.second for place in places)
    more = f"; and in {rest} more {'parts' if inside else 'pairs of parts'}" if rest > 0 else ""
    return "; ".join(map(str, places[:shown])) + more


def counted(number: int, one: str, many: str = "") -> str:
    """Write a count with its noun: 1 person, 2 people."""
    return f"{number:,} {one if number == 1 else many or PLURALS[one]}"
