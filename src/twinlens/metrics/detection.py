"""Boxes found and boxes drawn by people -> average precision, by the rules of WIDER FACE.

After the owners' evaluation tools: scores are stretched to 0..1 over the whole set; at each of 1000 thresholds
the photos' counts are added up; a box is right when it overlaps a counted face by half of their union. A box on a
face that is not counted at this level is neither right nor wrong. A second box on the same face is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from twinlens.errors import OptionError
from twinlens.metrics.photo_counts import PhotoCounts

THRESHOLDS = 1000
OVERLAP = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a detector reports for one photo.

    Attributes:
        boxes: left, top, right, bottom, in pixels.
        scores: any scale, higher is more confident; the same for all photos of a set.
    """

    boxes: Float[np.ndarray, "found 4"]
    scores: Float[np.ndarray, " found"]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is in one photo.

    Attributes:
        boxes: left, top, right, bottom of every face, in pixels.
        counted: which of them must be found.
    """

    boxes: Float[np.ndarray, "faces 4"]
    counted: Bool[np.ndarray, " faces"]


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Counts a photo and threshold, from which precision and recall of any group of photos follow.

    Attributes:
        reported: boxes that are right or wrong.
        right: counted faces that were found.
        faces: counted faces there are.
    """

    reported: Int64[np.ndarray, "photos thresholds"]
    right: Int64[np.ndarray, "photos thresholds"]
    faces: Int64[np.ndarray, " photos"]

    def average_precision(self, weights: Int64[np.ndarray, " photos"] | None = None) -> float:
        """Return the area under the precision-recall curve, 0 to 1; 0 where there is no face to find.

        Args:
            weights: how often each photo counts; None for once.
        """
        weights = np.ones(len(self.faces), np.int64) if weights is None else weights
        faces = int(weights @ self.faces)
        if faces == 0:
            return 0.0
        reported, right = weights @ self.reported, weights @ self.right
        precision = np.divide(right, reported, out=np.zeros(len(right)), where=reported > 0)
        return area(right / faces, precision)

    def interval(
        self, rng: np.random.Generator, *, confidence: float = 0.95, resamples: int = 1000
    ) -> tuple[float, float]:
        """Return the percentile bootstrap interval of the average precision, drawing whole photos.

        Args:
            rng: draws the photos.
            confidence: part of the resamples inside the interval, 0 to 1.
            resamples: how often to draw.
        """
        photos = len(self.faces)
        draws = rng.multinomial(photos, np.full(photos, 1 / photos), size=resamples)
        values = [self.average_precision(draw) for draw in draws]
        low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
        return float(low), float(high)


def overlaps(
    boxes: Float[np.ndarray, "n 4"], others: Float[np.ndarray, "m 4"], *, edge_px: float = 1.0
) -> Float64[np.ndarray, "n m"]:
    """Return intersection over union of each pair, 0 to 1; 0 where neither box has an area.

    Args:
        boxes: left, top, right, bottom.
        others: likewise.
        edge_px: added to right minus left. The owners of WIDER FACE count pixels: a box from column 3 to column 5 is
            three wide. 0 takes corners as points.
    """
    a, b = boxes.astype(np.float64)[:, None], others.astype(np.float64)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]) + edge_px
    shared = np.prod(np.maximum(sides, 0), axis=2)
    areas = [np.prod(box[..., 2:] - box[..., :2] + edge_px, axis=2) for box in (a, b)]
    united = areas[0] + areas[1] - shared
    result: Float64[np.ndarray, "n m"] = np.divide(shared, united, out=np.zeros_like(united), where=united > 0)
    return result


def tally(found: Sequence[Found], truths: Sequence[Truth], *, overlap: float = OVERLAP) -> Tally:
    """Count right and wrong boxes of every photo at every threshold.

    Args:
        found: one a photo.
        truths: one a photo, in the same order.
        overlap: from which intersection over union on a box is on a face, 0 to 1.

    Raises:
        OptionError: not as many of the one as of the other, or a score that is not finite.
    """
    if len(found) != len(truths):
        msg = f"wanted what was found in each of {len(truths)} photos, got {len(found)}"
        raise OptionError(msg)
    every = np.concatenate([photo.scores for photo in found]) if found else np.empty(0)
    if not np.isfinite(every).all():
        msg = "wanted finite scores to rank boxes by, got NaN or infinity"
        raise OptionError(msg)
    # the tools start their search for the least at 1 and for the greatest at 0
    low, high = min(1.0, every.min(initial=1.0)), max(0.0, every.max(initial=0.0))
    reported = np.zeros((len(found), THRESHOLDS), np.int64)
    right = np.zeros_like(reported)
    for i, (photo, truth) in enumerate(zip(found, truths, strict=True)):
        if len(photo.scores) and len(truth.boxes):
            order = np.argsort(-photo.scores, kind="stable")
            stretched = (photo.scores[order] - low) / max(high - low, np.finfo(float).tiny)
            reported[i], right[i] = _counts(photo.boxes[order], stretched, truth, overlap)
    return Tally(reported, right, np.array([truth.counted.sum() for truth in truths], np.int64))


def counts_at_bar(reported: Sequence[Float[np.ndarray, "_ 4"]], truths: Sequence[Truth]) -> PhotoCounts:
    """Count what a detector reports at its own bar by the same rules.

    Args:
        reported: boxes, one array a photo.
        truths: one a photo, in the same order.

    Raises:
        OptionError: not as many of the one as of the other.
    """
    if len(reported) != len(truths):
        msg = f"wanted what was reported in each of {len(truths)} photos, got {len(reported)}"
        raise OptionError(msg)
    rows = []
    for boxes, truth in zip(reported, truths, strict=True):
        faces = int(truth.counted.sum())
        if len(boxes) == 0 or len(truth.boxes) == 0:
            rows.append((len(boxes), 0, faces, 0))
            continue
        table = overlaps(boxes, truth.boxes)
        nearest, hit = table.argmax(axis=1), table.max(axis=1) >= OVERLAP
        counted = truth.counted[nearest]
        found = len(set(nearest[hit & counted].tolist()))
        rows.append((int((~hit | counted).sum()), found, faces, found))
    return PhotoCounts(*np.array(rows, np.int64).reshape(-1, 4).T)


def _counts(
    boxes: Float[np.ndarray, "found 4"],
    scores: Float[np.ndarray, " found"],
    truth: Truth,
    overlap: float,
) -> tuple[Int64[np.ndarray, " thresholds"], Int64[np.ndarray, " thresholds"]]:
    """Return boxes reported and faces found at each threshold; boxes come best first."""
    table = overlaps(boxes, truth.boxes)
    nearest = table.argmax(axis=1)
    hits = table[np.arange(len(boxes)), nearest] >= overlap
    counted = truth.counted[nearest]
    first = np.zeros(len(boxes), np.bool_)
    candidates = np.flatnonzero(hits & counted)
    first[candidates[np.unique(nearest[candidates], return_index=True)[1]]] = True
    reported = np.concatenate([[0], np.cumsum(~(hits & ~counted))])
    right = np.concatenate([[0], np.cumsum(first)])
    thresholds = 1 - np.arange(1, THRESHOLDS + 1) / THRESHOLDS
    taken = np.searchsorted(-scores, -thresholds, side="right")
    return reported[taken], right[taken]


def area(recall: Float[np.ndarray, " steps"], precision: Float[np.ndarray, " steps"]) -> float:
    """Return the area under a curve whose precision is the best at this recall or a higher one.

    Args:
        recall: 0 to 1, rising.
        precision: 0 to 1.
    """
    widths = np.diff(np.concatenate([[0.0], recall]))
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(widths @ best)
