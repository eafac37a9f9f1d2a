"""Pairs of subjects that are alike -> people under two names, copies under two names, look-alikes.

One person under two names is alike *on the average* of all photos; two people who look alike, or whose many photos
happen to meet once, only in their nearest ones. With one photo each there is no average: the search's own threshold
must be reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

from twinlens.recognizer.audit.bars import Bars
from twinlens.recognizer.audit.cohesion import BLOCK
from twinlens.recognizer.audit.findings import AuditOptions, Finding, Kind, Likeness, Remedy
from twinlens.recognizer.audit.holdings import Holdings
from twinlens.recognizer.audit.neighbours import AlikePairs
from twinlens.recognizer.audit.remedies import enrol_photos, look_at, remove_photo
from twinlens.recognizer.audit.strays import mean_likeness

MOST_PHOTOS = 50  # named in one command


@dataclass(slots=True)
class People:
    """What was found, and how many more of a kind there were."""

    findings: list[Finding] = field(default_factory=list)
    omitted: dict[Kind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two subjects by number, their most alike photos by row, how alike they are; pairs of photos in the mean."""

    subjects: tuple[int, int]
    rows: tuple[int, int]
    best: float
    mean: float
    compared: int


def check_people(
    holdings: Holdings, pairs: AlikePairs, counted: Bool[np.ndarray, " rows"], bars: Bars, options: AuditOptions
) -> People:
    """Look for subjects that are one person, or that a search may confuse, by the photos that count."""
    found = People()
    counts: dict[Kind, int] = {}
    for pair in _pairs(holdings, pairs, counted):
        kind = _kind(pair, bars, options)
        if kind is None:
            continue
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] > options.most:
            found.omitted[kind] = found.omitted.get(kind, 0) + 1
        else:
            found.findings.append(_finding(holdings, pair, kind, bars))
    return found


def _pairs(holdings: Holdings, pairs: AlikePairs, counted: Bool[np.ndarray, " rows"]) -> Iterator[_Pair]:
    """Yield the pairs of subjects with names by their most alike photos that count, if any of both do."""
    subjects = holdings.owners[pairs.rows]
    left = np.bincount(holdings.owners[counted], minlength=len(holdings.names))[subjects]
    wanted = ~holdings.nameless[subjects].any(axis=1) & (left > 0).all(axis=1)
    whole = counted[pairs.rows].all(axis=1)
    compared = left.prod(axis=1)
    for place in np.flatnonzero(wanted).tolist():
        one, other = subjects[place].tolist()
        rows, score = tuple(pairs.rows[place].tolist()), float(pairs.scores[place])
        if not whole[place]:
            rows, score = _closest(holdings, one, other, counted)
        mean = mean_likeness(holdings, one, other, counted) if compared[place] > 1 else score
        yield _Pair((one, other), rows, score, mean, int(compared[place]))


def _closest(
    holdings: Holdings, one: int, other: int, counted: Bool[np.ndarray, " rows"]
) -> tuple[tuple[int, int], float]:
    """Return the most alike photos of two subjects among those that count, and their similarity."""
    mine, theirs = (
        np.flatnonzero(counted[holdings.span(subject)]) + holdings.starts[subject] for subject in (one, other)
    )
    best, rows = -np.inf, (int(mine[0]), int(theirs[0]))
    for start in range(0, len(mine), BLOCK):
        scores = holdings.vectors[mine[start : start + BLOCK]] @ holdings.vectors[theirs].T
        row, column = divmod(int(scores.argmax()), len(theirs))
        if scores[row, column] > best:
            best, rows = float(scores[row, column]), (int(mine[start + row]), int(theirs[column]))
    return rows, best


def _kind(pair: _Pair, bars: Bars, options: AuditOptions) -> Kind | None:
    if pair.mean >= bars.one_person and pair.compared > 1:
        return "two names"
    if pair.best >= options.duplicate:
        return "duplicate"
    if pair.mean >= bars.one_person and pair.best >= bars.identification.threshold:
        return "two names"
    return "look-alike" if pair.best >= bars.near else None


def _finding(holdings: Holdings, pair: _Pair, kind: Kind, bars: Bars) -> Finding:
    # the one with fewer photos comes first: it is the one to be changed
    order = sorted((0, 1), key=lambda i: (holdings.count(pair.subjects[i]), -i))
    fewer, more = (holdings.names[pair.subjects[i]] for i in order)
    photos = tuple(holdings.photos[pair.rows[i]] for i in order)
    likeness = [bars.likeness(f"{photos[0].title} to {photos[1].title}", pair.best)]
    grave = kind != "look-alike" or pair.best >= bars.identification.threshold
    if kind == "duplicate":
        text = f"one photo is enrolled as {fewer!r} and as {more!r}"
        remedies = [
            remove_photo(photo, f"if it does not show {photo.subject!r}, take it out there") for photo in photos
        ]
    elif kind == "two names":
        text = f"{fewer!r} and {more!r} look like one person"
        likeness.append(Likeness("mean over all photos of the two", pair.mean))
        remedies = [look_at(photos), *_merge(holdings, pair.subjects[order[0]], more)]
    elif grave:
        text = f"{fewer!r} and {more!r} are so alike that a search for one may name the other"
        remedies = [look_at(photos), Remedy("if they are two people, let a person confirm when a search names either")]
    else:
        text = f"{fewer!r} and {more!r} are nearly alike enough to be confused"
        remedies = [look_at(photos)]
    return Finding(kind, grave, (fewer, more), photos, text, tuple(likeness), tuple(remedies))


def _merge(holdings: Holdings, fewer: int, more: str) -> list[Remedy]:
    """Return how to bring a subject's photos under another's name."""
    name = holdings.names[fewer]
    photos = holdings.photos[holdings.span(fewer)]
    first = Remedy(f"if they are one person, erase {name!r}", ("gallery", "remove"), (name,))
    return [
        first,
        *(
            enrol_photos(more, photos[start : start + MOST_PHOTOS], f"and enrol the photos as {more!r}")
            for start in range(0, len(photos), MOST_PHOTOS)
        ),
    ]
