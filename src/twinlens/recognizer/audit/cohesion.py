"""A subject's vectors -> which of its photos belong together: single link at a threshold."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64

BLOCK = 1024  # rows compared at once

Vectors = Float32[np.ndarray, "rows dim"]


def nearest_own(vectors: Vectors) -> Float32[np.ndarray, " rows"]:
    """Return each row's highest similarity to another row; minus infinity for a single one."""
    count = len(vectors)
    best = np.full(count, -np.inf, np.float32)
    for start in range(0, count, BLOCK):
        scores = vectors[start : start + BLOCK] @ vectors.T
        scores[np.arange(len(scores)), np.arange(start, start + len(scores))] = -np.inf
        best[start : start + BLOCK] = scores.max(axis=1)
    return best


def linked(vectors: Vectors, threshold: float) -> list[Int64[np.ndarray, " members"]]:
    """Return groups of rows joined by chains of similarities at or above the threshold, the largest first."""
    waiting = np.arange(len(vectors))
    groups = []
    while waiting.size:
        front, members = waiting[:1], [waiting[:1]]
        waiting = waiting[1:]
        while front.size and waiting.size:
            reached = np.zeros(waiting.size, bool)
            for start in range(0, front.size, BLOCK):
                reached |= (vectors[front[start : start + BLOCK]] @ vectors[waiting].T >= threshold).any(axis=0)
            front, waiting = waiting[reached], waiting[~reached]
            members.append(front)
        groups.append(np.sort(np.concatenate(members)))
    return sorted(groups, key=lambda group: (-group.size, int(group[0])))
