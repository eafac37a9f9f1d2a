"""Probes, codes, vectors -> the rows of the most alike subjects: codes propose, exact products decide."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from twinlens.gallery.codes import Coder, PackedCodes
from twinlens.gallery.segment import Candidates, Eligible, Segment, best_rows

DEPTHS = (200, 400, 800, 1_600, 3_200, 6_400)
WANTED_RECALL = 0.995
_CALIBRATION_PROBES = 128
_CALIBRATION_TOP = 10
_SUBSET_ROWS = 12_500  # up to this many rows chosen by tags, gathering them is cheaper than a deep scan
_DEEPER = 4
_EDGE = 0.75  # a result found in the last quarter of the candidates means that more may lie behind them


def calibrated_depth(
    vectors: Float32[np.ndarray, "rows dim"], coder: Coder, codes: UInt8[np.ndarray, "rows bytes"]
) -> int:
    """Return how many candidates to compare exactly; 0 where the codes cannot be relied on.

    Vectors of the gallery itself are the probes: twice the smallest depth at which at least `WANTED_RECALL` of their
    ten nearest rows are among the candidates.
    """
    probes = np.ascontiguousarray(vectors[:: max(1, len(vectors) // _CALIBRATION_PROBES)][:_CALIBRATION_PROBES])
    everyone = Segment(vectors, np.arange(len(vectors)), np.arange(1, len(vectors) + 1))
    wanted = [
        c.templates[np.argsort(-c.scores)[:_CALIBRATION_TOP]]
        for c in everyone.exact(probes, _CALIBRATION_TOP, np.arange(len(vectors)))
    ]
    proposed = coder.pack(codes).nearest(probes, DEPTHS[-1])
    for depth in DEPTHS:
        hits = sum(int(np.isin(rows, near[:depth]).sum()) for rows, near in zip(wanted, proposed, strict=True))
        if hits >= WANTED_RECALL * sum(rows.size for rows in wanted):
            return 2 * depth
    return 0


class CodedSegment(Segment):
    """Rows with a code each.

    Args:
        rows: vectors, template ids and subject ids, see `Segment`.
        codes: one a row; those of removed templates are ignored.
        coder: what made them.
        depth: how many candidates are compared exactly for a search of the ten best.
    """

    def __init__(self, rows: Segment, codes: UInt8[np.ndarray, "rows bytes"], coder: Coder, depth: int) -> None:
        super().__init__(rows.vectors, rows.templates, rows.subjects)
        self._codes = codes
        self._coder = coder
        self._depth = depth
        self._buried = 0
        self._packed = self._pack()

    def _pack(self) -> tuple[PackedCodes, Int64[np.ndarray, " alive"]]:
        alive = np.flatnonzero(self.subjects)
        everyone = alive.size == self.subjects.size
        return self._coder.pack(self._codes if everyone else self._codes[alive]), alive

    def bury(self, templates: Int64[np.ndarray, " removed"]) -> int:
        """Leave removed templates out; past one in a hundred, pack the codes anew."""
        buried = super().bury(templates)
        self._buried += buried
        if self._buried > 64 + self.subjects.size // 100:
            self._packed, self._buried = self._pack(), 0
        return buried

    def search(self, probes: Float32[np.ndarray, "probes dim"], top: int, eligible: Eligible) -> list[Candidates]:
        """Return candidates for each probe; few eligible rows are compared one by one."""
        share = 1.0
        if eligible.narrowed:
            rows = np.flatnonzero(eligible.allowed[self.subjects])
            if rows.size <= _SUBSET_ROWS:
                return self.exact(probes, top, rows)
            share = rows.size / self.subjects.size
        depth = math.ceil(self._depth * max(1.0, top / _CALIBRATION_TOP) / share)
        return self._propose(probes, top, eligible, depth)

    def _propose(
        self, probes: Float32[np.ndarray, "probes dim"], top: int, eligible: Eligible, depth: int
    ) -> list[Candidates]:
        packed, alive = self._packed
        if depth > len(packed) // _DEEPER:
            return self.exact(probes, top, np.flatnonzero(eligible.allowed[self.subjects]))
        found: list[Candidates] = []
        for probe, positions in zip(probes, packed.nearest(probes, depth), strict=True):
            rows = alive[positions[positions >= 0]]
            rows = rows[eligible.allowed[self.subjects[rows]]]
            scores = self.vectors[rows] @ probe
            subjects = self.subjects[rows]
            best = best_rows(scores, subjects, top)
            if np.unique(subjects[best]).size < top or best.max() >= _EDGE * rows.size:
                found += self._propose(probe[None], top, eligible, depth * _DEEPER)
            else:
                found.append(Candidates(self.templates[rows[best]], subjects[best], scores[best]))
        return found
