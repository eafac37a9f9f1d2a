"""Boxes expected, boxes found -> which belong together.

Buffered overlap (Yang et al. 2023, "Hard to Track Objects with Irregular Motions and Similar Appearances? Make It
Easier by Buffering the Matching Space", section 3.2): both boxes are widened before their overlap is measured, so that
a small face that moves by more than its width between two looks still finds itself. Of all pairs the one with the most
overlap is joined first; equal ones in the order given, so that the answer never depends on chance.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

LEAST_OVERLAP = 0.1  # of widened boxes


def widened(boxes: Float32[np.ndarray, "n 4"], buffer: float) -> Float32[np.ndarray, "n 4"]:
    """Return boxes with ``buffer`` times their width and height added on each side."""
    reach = (boxes[:, 2:] - boxes[:, :2]) * np.float32(buffer)
    return np.concatenate([boxes[:, :2] - reach, boxes[:, 2:] + reach], axis=1)


def overlaps(one: Float32[np.ndarray, "n 4"], other: Float32[np.ndarray, "m 4"]) -> Float32[np.ndarray, "n m"]:
    """Return the intersection over union of all pairs, 0 to 1."""
    start = np.maximum(one[:, None, :2], other[None, :, :2])
    end = np.minimum(one[:, None, 2:], other[None, :, 2:])
    common = np.clip(end - start, 0, None).prod(2)
    areas = [(b[:, 2:] - b[:, :2]).prod(1) for b in (one, other)]
    return np.asarray(common / (areas[0][:, None] + areas[1][None] - common), np.float32)


def paired(
    expected: Float32[np.ndarray, "n 4"], found: Float32[np.ndarray, "m 4"], buffer: float
) -> list[tuple[int, int]]:
    """Return pairs (number among the expected, number among the found), each at most once.

    Args:
        expected: left, top, right, bottom; pixels.
        found: the same.
        buffer: how far boxes are widened, in their own sizes.
    """
    if not len(expected) or not len(found):
        return []
    scores = overlaps(widened(expected, buffer), widened(found, buffer))
    pairs: list[tuple[int, int]] = []
    for place in np.argsort(-scores, axis=None, kind="stable"):
        row, column = divmod(int(place), scores.shape[1])
        if scores[row, column] < LEAST_OVERLAP:
            break
        if all(row != r and column != c for r, c in pairs):
            pairs.append((row, column))
    return pairs
