"""Boxes reported and boxes drawn by people -> Baez's "accuracy" of a detector, and the recall that it leaves out.

Source: Baez 2019 (detection and recognition on CFP), the detection benchmark, whose rule is that of
`detection_utils.metrics.compute_precision` (1.0.0): the mean over photos of the share of reported boxes that overlap
some face by half of their union or more. It flatters, in four ways:

* A photo in which nothing is reported counts 100 %, so a detector that never finds anybody scores 100 %.
* A face that is missed costs nothing.
* A second and a third box on the same face count as right.
* Every photo weighs the same, whether it shows one face or a thousand.

Hence it never stands alone here: recall and the number of silent photos stand beside it. As there, corners are cut to
whole pixels, a side is right minus left, faces of no area or with both sides below 24 pixels are struck out (a box on
one of them is wrong), and a photo without any face left is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.detection import OVERLAP, overlaps
from twinlens.metrics.photo_counts import PhotoCounts

LEAST_SIDE_PX = 24.0


def photo_counts(
    reported: Sequence[Float[np.ndarray, "_ 4"]],
    faces: Sequence[Float[np.ndarray, "_ 4"]],
    *,
    least_side_px: float = LEAST_SIDE_PX,
) -> PhotoCounts:
    """Count by the rules above; a photo that is not looked at counts nothing.

    Args:
        reported: left, top, right, bottom of what the detector reports at its own bar, one array a photo.
        faces: of what is there, in the same order.
        least_side_px: faces whose longer side is below are struck out; 0 keeps all that have an area.

    Raises:
        OptionError: not as many of the one as of the other.
        CalibrationError: no face is left in any photo, or a number that is not finite.
    """
    if len(reported) != len(faces):
        msg = f"wanted what was reported in each of {len(faces)} photos, got {len(reported)}"
        raise OptionError(msg)
    if not all(np.isfinite(boxes).all() for boxes in (*reported, *faces)):
        msg = "wanted finite corners of boxes, got NaN or infinity"
        raise CalibrationError(msg)
    rows = []
    for boxes, drawn in zip(reported, faces, strict=True):
        left = _kept(drawn, least_side_px)
        hits = overlaps(np.trunc(boxes), np.trunc(left), edge_px=0.0) >= OVERLAP
        looked = len(boxes) if len(left) else 0
        rows.append((looked, int(hits.any(axis=1).sum()), len(left), int(hits.any(axis=0).sum())))
    counts = PhotoCounts(*np.array(rows, np.int64).reshape(-1, 4).T)
    if not counts.faces.any():
        msg = f"wanted a photo with a face of {least_side_px:g} pixels or more, got none in {len(faces)} photos"
        raise CalibrationError(msg)
    return counts


def _kept(boxes: Float[np.ndarray, "faces 4"], least_side_px: float) -> Float64[np.ndarray, "left 4"]:
    sides = boxes[:, 2:] - boxes[:, :2]
    kept = (sides.min(axis=1) > 0) & (sides.max(axis=1) >= least_side_px)
    return np.asarray(boxes[kept], np.float64)
