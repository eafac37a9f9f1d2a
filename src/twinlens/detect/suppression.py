"""Candidates -> Candidates, one a face: overlapping boxes are judged to be the same face."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from twinlens.detect.candidates import Candidates


def overlaps(box: Float32[np.ndarray, "4"], others: Float32[np.ndarray, "n 4"]) -> Float32[np.ndarray, " n"]:
    """Return intersection over union of one box with each of the others, 0 to 1."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    result: Float32[np.ndarray, " n"] = shared / ((box[2] - box[0]) * (box[3] - box[1]) + areas - shared)
    return result


def strongest(candidates: Candidates, overlap: float) -> Candidates:
    """Keep the most confident of each group that overlaps it (greedy non-maximum suppression), best first.

    Args:
        candidates: in any order; of equal scores the earlier one wins.
        overlap: two boxes with a larger intersection over union are one face, 0 to 1.
    """
    if len(candidates) == 0:
        return candidates
    order = np.argsort(-candidates.scores, kind="stable")
    boxes = candidates.boxes[order]
    kept = []
    while len(order):
        kept.append(order[0])
        apart = overlaps(boxes[0], boxes[1:]) <= overlap
        order, boxes = order[1:][apart], boxes[1:][apart]
    return candidates[np.array(kept)]
