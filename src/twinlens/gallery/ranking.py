"""Templates as the database holds them -> [Match]: the fusion rule and the order.

Fusion: a subject is as alike as the most alike of its templates (maximum). Equal scores are ordered by name, so that
one gallery gives one answer, however its rows are stored.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Int64

from twinlens.gallery.reading import Truth
from twinlens.gallery.writing import VECTOR
from twinlens.types import Match


def rank(
    probe: Float32[np.ndarray, " dim"],
    templates: Int64[np.ndarray, " candidates"],
    truth: Mapping[int, Truth],
    top: int,
) -> list[Match]:
    """Return the ``top`` best subjects among the candidates; candidates that are not in ``truth`` do not count."""
    known = [truth[template] for template in templates.tolist() if template in truth]
    if not known:
        return []
    vectors = np.frombuffer(b"".join(entry.vector for entry in known), VECTOR).reshape(-1, probe.size)
    # in double precision and row by row: the same sum wherever a row stands, unlike a matrix product
    scores = (vectors.astype(np.float64) * probe.astype(np.float64)).sum(axis=1).clip(-1.0, 1.0)
    best: dict[str, float] = {}
    for entry, score in zip(known, scores.tolist(), strict=True):
        best[entry.subject] = max(score, best.get(entry.subject, -2.0))
    order = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:top]
    return [Match(subject, score, None, rank) for rank, (subject, score) in enumerate(order, start=1)]
