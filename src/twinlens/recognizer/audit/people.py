"""Pairs of subjects that are alike -> people under two names, copies under two names, look-alikes.

One person under two names is alike *on the average* of all photos; two people who look alike, or whose many photos
happen to meet once, only in their nearest ones. With one photo each there is no average: the search's own threshold
must be reached.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float32

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
    for rows, score in zip(pairs.rows.tolist(), pairs.scores.tolist(), strict=True):
        pair = _pair(holdings, (rows[0], rows[1]), score, counted)
        if pair is None or holdings.nameless[list(pair.subjects)].any():
            continue
        kind = _kind(pair, bars, options)
        if kind is None:
            continue
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] > options.most:
            found.omitted[kind] = found.omitted.get(kind, 0) + 1
        else:
            found.findings.append(_finding(holdings, pair, kind, bars))
    return found


def _pair(holdings: Holdings, rows: tuple[int, int], score: float, counted: Bool[np.ndarray, " rows"]) -> _Pair | None:
    """Return two subjects by their most alike photos; None where no photo of one is left."""
    one, other = (int(holdings.owners[row]) for row in rows)
    if not counted[list(rows)].all():
        left, right = (
            np.flatnonzero(counted[holdings.span(subject)]) + holdings.starts[subject] for subject in (one, other)
        )
        if not (left.size and right.size):
            return None
        place = _closest(holdings.vectors[left], holdings.vectors[right])
        rows = (int(left[place[0]]), int(right[place[1]]))
        score = float(holdings.vectors[rows[0]] @ holdings.vectors[rows[1]])
    compared = [int(np.count_nonzero(counted[holdings.span(subject)])) for subject in (one, other)]
    mean = mean_likeness(holdings, one, other, counted)
    return _Pair((one, other), rows, score, mean, compared[0] * compared[1])


def _closest(left: Float32[np.ndarray, "left dim"], right: Float32[np.ndarray, "right dim"]) -> tuple[int, int]:
    best, place = -np.inf, (0, 0)
    for start in range(0, len(left), BLOCK):
        scores = left[start : start + BLOCK] @ right.T
        if scores.max() > best:
            best = float(scores.max())
            row, column = np.unravel_index(int(scores.argmax()), scores.shape)
            place = (start + int(row), int(column))
    return place


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
