"""Probes, vectors -> the rows of the most alike subjects, every vector compared (the exact scan).

A subject's score is the highest over its templates, so a search goes deeper into the rows until it has met enough
*different* subjects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

MARGIN = 1e-5  # float32 sums of up to 8192 products differ by less than this between two ways of adding them
_SCORES_AT_ONCE = 1 << 24  # bounds the score matrix: 64 MB
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class Eligible:
    """Who may be found.

    Attributes:
        allowed: by subject id; entry 0 stands for removed templates and is False.
        narrowed: True where tags chose the subjects, so that they may be few.
    """

    allowed: Bool[np.ndarray, " ids"]
    narrowed: bool


@dataclass(frozen=True, slots=True)
class Candidates:
    """Templates that may belong to the best subjects, in no order."""

    templates: Int64[np.ndarray, " rows"]
    subjects: Int64[np.ndarray, " rows"]
    scores: Float32[np.ndarray, " rows"]


def nth_best_subject(scores: Float32[np.ndarray, " rows"], subjects: Int64[np.ndarray, " rows"], top: int) -> float:
    """Return the score of the subject ranked ``top``; minus infinity where there are fewer."""
    order = np.argsort(-scores, kind="stable")
    _, first = np.unique(subjects[order], return_index=True)
    return float(scores[order[np.sort(first)[top - 1]]]) if first.size >= top else -np.inf


def best_rows(
    scores: Float32[np.ndarray, " rows"], subjects: Int64[np.ndarray, " rows"], top: int
) -> Int64[np.ndarray, " best"]:
    """Return every row that may belong to one of the ``top`` best subjects, ties included.

    Args:
        scores: similarities.
        subjects: whose row it is.
        top: how many different subjects.
    """
    depth = 4 * top + 16
    while depth < scores.size:
        rows = np.argpartition(scores, scores.size - depth)[-depth:]
        bound = nth_best_subject(scores[rows], subjects[rows], top)
        if bound > -np.inf:
            return np.flatnonzero(scores >= bound - MARGIN)
        depth *= 4
    bound = nth_best_subject(scores, subjects, top) if scores.size else -np.inf
    return np.flatnonzero(scores >= bound - MARGIN)


class Segment:
    """Rows of vectors; row ids ascend.

    Args:
        vectors: unit length; may be mapped from a file.
        templates: the id of each row, ascending.
        subjects: whose row it is; 0 where the template was removed.
    """

    def __init__(
        self,
        vectors: Float32[np.ndarray, "rows dim"],
        templates: Int64[np.ndarray, " rows"],
        subjects: Int64[np.ndarray, " rows"],
    ) -> None:
        self.vectors = vectors
        self.templates = templates
        self.subjects = subjects

    def bury(self, templates: Int64[np.ndarray, " removed"]) -> int:
        """Leave removed templates out of every later search; return how many of them were here."""
        if not self.templates.size:
            return 0
        at = np.minimum(np.searchsorted(self.templates, templates), self.templates.size - 1)
        rows = at[self.templates[at] == templates]
        buried = int(np.count_nonzero(self.subjects[rows]))
        self.subjects[rows] = 0
        return buried

    def search(self, probes: Float32[np.ndarray, "probes dim"], top: int, eligible: Eligible) -> list[Candidates]:
        """Return candidates for each probe.

        Args:
            probes: unit length.
            top: how many different subjects are wanted.
            eligible: who may be found.
        """
        return self.exact(probes, top, np.flatnonzero(eligible.allowed[self.subjects]))

    def exact(
        self, probes: Float32[np.ndarray, "probes dim"], top: int, rows: Int64[np.ndarray, " chosen"]
    ) -> list[Candidates]:
        """Return candidates for each probe among some rows, by matrix product."""
        everything = rows.size == self.templates.size
        templates = self.templates if everything else self.templates[rows]
        subjects = self.subjects if everything else self.subjects[rows]
        found: list[Candidates] = []
        step = max(1, _SCORES_AT_ONCE // max(1, rows.size))
        for first in range(0, len(probes), step):
            block = probes[first : first + step]
            scores = np.empty((len(block), rows.size), np.float32)
            for start in range(0, rows.size, _ROWS_AT_ONCE):
                span = slice(start, start + _ROWS_AT_ONCE)
                part = self.vectors[span] if everything else self.vectors[rows[span]]
                np.matmul(block, part.T, out=scores[:, span])
            for row in scores:
                best = best_rows(row, subjects, top)
                found.append(Candidates(templates[best], subjects[best], row[best]))
        return found
