"""Each subject's nearest stranger -> how often a search by somebody who is not enrolled names somebody (FPIR).

Leave one subject out: every subject's first photo is searched for in the gallery without that subject. The gallery is
smaller by one subject, and pairs of look-alikes count twice; with many subjects neither matters.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool

from twinlens.metrics.intervals import Interval, wilson
from twinlens.recognizer.audit.bars import Bars
from twinlens.recognizer.audit.findings import Finding, Kind, Searches
from twinlens.recognizer.audit.holdings import Holdings
from twinlens.recognizer.audit.neighbours import Nearest

LEAST_SUBJECTS = 100  # with fewer, no false match in any search would still allow an FPIR above 3.7 %
ONE_PERSON: tuple[Kind, ...] = ("mislabelled", "two names", "duplicate")


def expect_searches(holdings: Holdings, nearest: Nearest, bars: Bars, findings: Iterable[Finding]) -> Searches:
    """Return the FPIR to expect by the card, and the one measured in the gallery itself."""
    bar = bars.identification
    if len(holdings.names) < LEAST_SUBJECTS or holdings.nameless.any():
        return Searches(bar)
    named = nearest.scores[holdings.starts[:-1]] >= bar.threshold
    doubted = {name for f in findings if f.grave and f.kind in ONE_PERSON for name in f.subjects}
    clear = np.array([name not in doubted for name in holdings.names])
    return Searches(bar, _share(named), _share(named[clear]) if doubted and clear.sum() >= LEAST_SUBJECTS else None)


def _share(named: Bool[np.ndarray, " searches"]) -> Interval:
    return wilson(int(named.sum()), named.size)
