"""Each photo beside its subject's others and beside its nearest stranger -> photos that are another subject's.

Where two subjects exchanged photos, the right ones look misplaced too: they are alike to the photo that was taken
away. So a photo whose rival is beyond doubt is taken out first, and the others are looked at again without it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from twinlens.recognizer.audit.bars import Bars
from twinlens.recognizer.audit.cohesion import nearest_own
from twinlens.recognizer.audit.findings import AuditOptions
from twinlens.recognizer.audit.holdings import Holdings
from twinlens.recognizer.audit.neighbours import Nearest


@dataclass(frozen=True, slots=True, eq=False)
class Strays:
    """What became of each row.

    Attributes:
        own: similarity to the nearest other photo of the same subject; minus infinity where there is none.
        stray: rows that are another subject's.
        doubtful: rows that are more alike to another subject's photo which is in doubt itself, where too few others
            are left to say which of the two is right.
    """

    own: Float32[np.ndarray, " rows"]
    stray: Bool[np.ndarray, " rows"]
    doubtful: Bool[np.ndarray, " rows"]


def find_strays(holdings: Holdings, nearest: Nearest, bars: Bars, options: AuditOptions) -> Strays:
    """Find the rows that are far more alike to another subject than to their own."""
    own = np.full(holdings.rows, -np.inf, np.float32)
    for subject in np.flatnonzero((np.diff(holdings.starts) > 1) & ~holdings.nameless).tolist():
        span = holdings.span(subject)
        own[span] = nearest_own(holdings.vectors[span])
    # A photo that is alike to one of its own by the same bar belongs there, whoever has a copy of it.
    alone = np.isfinite(own) & (own < bars.rival)
    ahead = alone & (nearest.scores >= bars.rival) & (nearest.scores - own >= options.rival_margin)
    candidate = np.zeros(holdings.rows, bool)
    for row in np.flatnonzero(ahead).tolist():
        # Two names of one person make every photo of one look like the other's: that is another finding.
        pair = (int(holdings.owners[row]), int(holdings.owners[nearest.rows[row]]))
        candidate[row] = mean_likeness(holdings, *pair) < bars.one_person
    stray = _settle(holdings, nearest, candidate)
    for subject in np.unique(holdings.owners[candidate]).tolist():
        span = holdings.span(subject)
        if np.count_nonzero(~(candidate | stray)[span]) > 1:
            stray[span] |= candidate[span]
            candidate[span] = False
    candidate &= ~stray[nearest.rows]  # doubted because of a photo that turned out to be the wrong one
    return Strays(own, stray, candidate)


def _settle(holdings: Holdings, nearest: Nearest, candidate: Bool[np.ndarray, " rows"]) -> Bool[np.ndarray, " rows"]:
    """Return the candidates whose rival is beyond doubt; leave in ``candidate`` those that doubt each other."""
    stray = np.zeros(holdings.rows, bool)
    while True:
        candidate &= ~stray[nearest.rows]  # alike to a photo that is not that subject's: no sign of anything
        sure = candidate & ~candidate[nearest.rows]
        if not sure.any():
            return stray
        stray |= sure
        candidate &= ~sure
        for subject in np.unique(holdings.owners[sure]).tolist():
            span = holdings.span(subject)
            if np.count_nonzero(~stray[span]) < 2:
                candidate[span] = False  # the only one left: nothing to be unlike


def mean_likeness(holdings: Holdings, one: int, other: int, counted: Bool[np.ndarray, " rows"] | None = None) -> float:
    """Return the mean similarity between the photos of two subjects, those that count; -1 where one has none left."""
    sums = []
    size = 1
    for subject in (one, other):
        span = holdings.span(subject)
        vectors = holdings.vectors[span] if counted is None else holdings.vectors[span][counted[span]]
        sums.append(vectors.sum(axis=0, dtype=np.float64))
        size *= len(vectors)
    return float(sums[0] @ sums[1]) / size if size else -1.0
