"""Embeddings of photos -> pairs in two parts under two names that look like one person, beside what chance gives.

At a threshold with a false match rate f, about f of all comparisons of strangers are as alike by chance; only what is
found beyond that speaks for people who occur under two names, and the most alike come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int

from twinlens.evaluate.leakage.entries import Entries
from twinlens.evaluate.leakage.findings import SHOWN, Example, Finding, Level, counted, places_of

BLOCK = 1024
DEVIATIONS = 3.0  # beyond chance, of a count by Poisson...
SLACK = 3.0  # ...at an FMR that may be so many times larger on other people's photos


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """What a model says of photos.

    Attributes:
        vectors: of unit length; photos without one are left out.
        threshold: from which on two people are taken for one.
        fmr: the share of strangers that reach it, as measured elsewhere.
        model: whose vectors these are.
    """

    vectors: Mapping[Path, Float32[np.ndarray, " dim"]]
    threshold: float
    fmr: float
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """Entries with a vector, in order.

    Attributes:
        numbers: of the entries.
        part: of each, a number that rises.
        person: of each.
        file: of each.
        vectors: theirs.
    """

    numbers: Int[np.ndarray, " rows"]
    part: Int[np.ndarray, " rows"]
    person: Int[np.ndarray, " rows"]
    file: Int[np.ndarray, " rows"]
    vectors: Float32[np.ndarray, "rows dim"]


def check_faces(entries: Entries, likeness: Likeness, progress: Callable[[int, int], None] | None = None) -> Finding:
    """Look in every two parts for people who look alike under two names."""
    known = [number for number, photo in enumerate(entries.photos) if photo.path in likeness.vectors]
    if not known:
        return Finding("face", False, "clean", 0, "no photo has an embedding: faces are not compared")
    row = _row(entries, known, likeness)
    comparisons, hits = 0, []
    for start, compared, found in _blocks(row, likeness.threshold):
        comparisons += compared
        hits += found
        if progress is not None:
            progress(min(start + BLOCK, len(known)), len(known))
    hits.sort(key=lambda hit: -hit[0])
    expected = likeness.fmr * comparisons
    beyond = len(hits) > SLACK * expected + DEVIATIONS * (SLACK * expected) ** 0.5 + DEVIATIONS
    people = {frozenset((row.person[a], row.person[b])) for _, a, b in hits}
    text = (
        f"{counted(len(hits), 'pair')} of photos in two parts ({counted(len(people), 'pair')} of people) may be one "
        f"person under two names by {likeness.model} (similarity {likeness.threshold:.3f} or more); {expected:,.1f} "
        f"are expected by chance among {comparisons:,} comparisons (FMR {likeness.fmr:g})"
    )
    level: Level = "leak" if beyond else "note" if hits else "clean"
    places = places_of(
        [(entries.parts[row.numbers[a]], entries.parts[row.numbers[b]]) for _, a, b in hits], entries.holds
    )
    return Finding("face", False, level, len(hits), text, places, _examples(hits, row, entries))


def _examples(hits: list[tuple[float, int, int]], row: _Row, entries: Entries) -> tuple[Example, ...]:
    """Return the most alike photos of each two people, and how many more of their photos are."""
    best: dict[tuple[int, int], list[tuple[float, int, int]]] = {}
    for score, a, b in hits:
        best.setdefault((int(row.person[a]), int(row.person[b])), []).append((score, a, b))
    told = []
    for group in list(best.values())[:SHOWN]:
        score, a, b = group[0]
        first, second = (entries.thing(int(row.numbers[number])) for number in (a, b))
        note = f"{first.subject} and {second.subject}"
        told.append(Example(first, second, score, note + (f", {len(group)} pairs of photos" if group[1:] else "")))
    return tuple(told)


def _row(entries: Entries, known: list[int], likeness: Likeness) -> _Row:
    people = entries.people()
    part = {name: number for number, name in enumerate(dict.fromkeys(entries.parts))}
    return _Row(
        np.array(known, np.int64),
        np.array([part[entries.parts[number]] for number in known], np.int64),
        np.unique([people[number] for number in known], return_inverse=True)[1],
        np.unique([str(entries.photos[number].path) for number in known], return_inverse=True)[1],
        np.stack([likeness.vectors[entries.photos[number].path] for number in known]).astype(np.float32),
    )


def _blocks(row: _Row, threshold: float) -> Iterator[tuple[int, int, list[tuple[float, int, int]]]]:
    """Yield of each block of rows: where it starts, how many pairs of strangers in two parts, and those alike."""
    for start in range(0, len(row.numbers), BLOCK):
        end = min(start + BLOCK, len(row.numbers))
        later = int(np.searchsorted(row.part, row.part[start], side="right"))  # parts lie side by side
        if later == len(row.numbers):
            yield start, 0, []
            continue
        scores = row.vectors[start:end] @ row.vectors[later:].T
        strangers = (row.part[start:end, None] < row.part[None, later:]) & (
            row.person[start:end, None] != row.person[None, later:]
        )
        strangers &= row.file[start:end, None] != row.file[None, later:]
        a, b = np.nonzero(strangers & (scores >= threshold))
        found = list(zip(scores[a, b].tolist(), (a + start).tolist(), (b + later).tolist(), strict=True))
        yield start, int(strangers.sum()), found
