"""Candidates -> Candidates, one a face: overlapping boxes are judged to be the same face."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64

from twinlens.detect.candidates import Candidates


def overlaps(box: Float32[np.ndarray, "4"], others: Float32[np.ndarray, "n 4"]) -> Float32[np.ndarray, " n"]:
    """Return intersection over union of one box with each of the others, 0 to 1."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    result: Float32[np.ndarray, " n"] = shared / ((box[2] - box[0]) * (box[3] - box[1]) + areas - shared)
    return result


def survivors(
    boxes: Float32[np.ndarray, "n 4"], scores: Float32[np.ndarray, " n"], overlap: float
) -> Int64[np.ndarray, " k"]:
    """Return which boxes are the most confident of those that overlap them (greedy suppression), best first.

    Args:
        boxes: left, top, right, bottom.
        scores: of equal ones the earlier wins.
        overlap: two boxes with a larger intersection over union are one face, 0 to 1.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    kept = []
    while len(order):
        kept.append(order[0])
        apart = overlaps(boxes[0], boxes[1:]) <= overlap
        order, boxes = order[1:][apart], boxes[1:][apart]
    return np.array(kept, np.int64)


def strongest(candidates: Candidates, overlap: float) -> Candidates:
    """Keep the most confident of each group that overlaps it, best first; ``overlap`` as in `survivors`."""
    if len(candidates) == 0:
        return candidates
    return candidates[survivors(candidates.boxes, candidates.scores, overlap)]
