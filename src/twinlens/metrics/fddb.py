"""Detections and annotated ellipses -> FDDB's discrete and continuous scores.

Source: Jain and Learned-Miller 2010, "FDDB", section 6, and the published evaluation program: overlap is intersection
over union of filled regions inside the picture; detections and annotations are matched one to one so that the sum of
overlaps is highest, anew at every threshold. A matched face scores 1 where the overlap is above one half (discrete) or
the overlap itself (continuous). False positives are detections that match no face with an overlap above one half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.assignment import assign

HALF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class FddbImage:
    """One picture with what is in it and what was found.

    Attributes:
        faces: (major, minor, angle_rad, x, y) of each annotated ellipse.
        regions: what was detected: (x1, y1, x2, y2) of boxes or (major, minor, angle_rad, x, y) of ellipses.
        scores: of the detections, higher is more certain.
        width_height: size of the picture, pixels.
    """

    faces: Float[np.ndarray, "faces 5"]
    regions: Float[np.ndarray, "detections parameters"]
    scores: Float[np.ndarray, "scores"]
    width_height: tuple[int, int]

    def __post_init__(self) -> None:
        if self.regions.shape[1] not in {4, 5} or self.regions.shape[0] != self.scores.size:
            msg = f"wanted boxes (4) or ellipses (5), each with a score; got {self.regions.shape}, {self.scores.size}"
            raise OptionError(msg)
        if not (np.isfinite(self.regions).all() and np.isfinite(self.scores).all()):
            msg = "detections hold numbers that are not finite"
            raise CalibrationError(msg)


@dataclass(frozen=True, slots=True, eq=False)
class FddbCurve:
    """The two ROC curves of FDDB: false positives against the share of faces found.

    Attributes:
        thresholds: the distinct scores, falling.
        false_positives: how many, over all pictures.
        discrete: share of faces matched with an overlap above one half.
        continuous: sum of the overlaps of matched faces, divided by the number of faces.
    """

    thresholds: Float64[np.ndarray, "points"]
    false_positives: Int[np.ndarray, "points"]
    discrete: Float64[np.ndarray, "points"]
    continuous: Float64[np.ndarray, "points"]

    def at_false_positives(self, most: int) -> tuple[float, float]:
        """Return (discrete, continuous) at the lowest threshold with at most so many false positives."""
        allowed = np.flatnonzero(self.false_positives <= most)
        if not allowed.size:
            return 0.0, 0.0
        return float(self.discrete[allowed[-1]]), float(self.continuous[allowed[-1]])


@dataclass(frozen=True, slots=True, eq=False)
class FddbSteps:
    """What each score of each picture adds, from which the curves of any group of pictures follow.

    Attributes:
        scores: falling.
        pictures: which picture each step belongs to.
        changes: false positives, faces found and overlap, in addition.
        faces: annotated, of each picture.
    """

    scores: Float64[np.ndarray, "steps"]
    pictures: Int[np.ndarray, "steps"]
    changes: Float64[np.ndarray, "steps 3"]
    faces: Int[np.ndarray, "pictures"]

    def curve(self, weights: Int[np.ndarray, "pictures"] | None = None) -> FddbCurve:
        """Return the curves of all pictures together.

        Args:
            weights: how often each picture counts; None for once.
        """
        weights = np.ones(self.faces.size, np.int64) if weights is None else weights
        totals = np.cumsum(self.changes * weights[self.pictures, None], axis=0)
        last = np.append(np.flatnonzero(np.diff(self.scores)), self.scores.size - 1)
        faces = max(int(weights @ self.faces), 1)
        return FddbCurve(
            thresholds=self.scores[last],
            false_positives=np.rint(totals[last, 0]).astype(np.int64),
            discrete=totals[last, 1] / faces,
            continuous=totals[last, 2] / faces,
        )


def fddb_steps(images: Sequence[FddbImage]) -> FddbSteps:
    """Match every picture at each of its scores.

    Raises:
        CalibrationError: no annotated face, or no detection at all.
    """
    faces = np.array([image.faces.shape[0] for image in images], np.int64)
    detections = sum(image.scores.size for image in images)
    if not faces.sum() or not detections:
        msg = f"a curve needs annotated faces and detections, got {faces.sum()} and {detections}"
        raise CalibrationError(msg)
    events = [(*step, at) for at, image in enumerate(images) for step in _steps(image)]
    events.sort(key=lambda event: -event[0])
    table = np.array(events, np.float64)
    return FddbSteps(table[:, 0], table[:, 4].astype(np.int64), table[:, 1:4], faces)


def fddb_curve(images: Sequence[FddbImage]) -> FddbCurve:
    """Evaluate all pictures at once, the way FDDB's curves are published.

    Raises:
        CalibrationError: no annotated face, or no detection at all.
    """
    return fddb_steps(images).curve()


def _steps(image: FddbImage) -> list[tuple[float, float, float, float]]:
    """Return, for each distinct score of a picture, what changes: (score, false positives, discrete, continuous)."""
    overlap = overlaps(image.faces, image.regions, image.width_height)
    steps = []
    before = (0.0, 0.0, 0.0)
    for threshold in np.unique(image.scores)[::-1]:
        counted = np.flatnonzero(image.scores >= threshold)
        matched = np.array([overlap[face, counted[place]] for face, place in assign(overlap[:, counted])])
        found = float(np.count_nonzero(matched > HALF))
        state = (counted.size - found, found, float(matched.sum()))
        steps.append((float(threshold), state[0] - before[0], state[1] - before[1], state[2] - before[2]))
        before = state
    return steps


def overlaps(
    faces: Float[np.ndarray, "faces 5"],
    regions: Float[np.ndarray, "detections parameters"],
    width_height: tuple[int, int],
) -> Float64[np.ndarray, "faces detections"]:
    """Return intersection over union of each face with each region, counted in pixels of the picture."""
    found = np.zeros((faces.shape[0], regions.shape[0]))
    for row, face in enumerate(faces):
        for column, region in enumerate(regions):
            found[row, column] = _overlap(face, region, width_height)
    return found


def _overlap(
    face: Float[np.ndarray, "5"], region: Float[np.ndarray, "parameters"], width_height: tuple[int, int]
) -> float:
    left, top, right, bottom = _bounds(face)
    other = _bounds(region)
    if left > other[2] or other[0] > right or top > other[3] or other[1] > bottom:
        return 0.0
    width, height = width_height
    x = np.arange(max(0, int(min(left, other[0]))), min(width, int(max(right, other[2])) + 2)) + 0.5
    y = np.arange(max(0, int(min(top, other[1]))), min(height, int(max(bottom, other[3])) + 2)) + 0.5
    a, b = _mask(face, x, y), _mask(region, x, y)
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 0.0


def _bounds(region: Float[np.ndarray, "parameters"]) -> tuple[float, float, float, float]:
    if region.size == 4:
        return float(region[0]), float(region[1]), float(region[2]), float(region[3])
    major, minor, angle, x, y = map(float, region)
    half_width = float(np.hypot(major * np.cos(angle), minor * np.sin(angle)))
    half_height = float(np.hypot(major * np.sin(angle), minor * np.cos(angle)))
    return x - half_width, y - half_height, x + half_width, y + half_height


def _mask(
    region: Float[np.ndarray, "parameters"], x: Float64[np.ndarray, "columns"], y: Float64[np.ndarray, "rows"]
) -> Bool[np.ndarray, "rows columns"]:
    """Return which pixel centres lie in a region."""
    if region.size == 4:
        box: Bool[np.ndarray, "rows columns"] = ((y >= region[1]) & (y < region[3]))[:, None] & (
            (x >= region[0]) & (x < region[2])
        )
        return box
    major, minor, angle, centre_x, centre_y = map(float, region)
    right, down = x[None, :] - centre_x, y[:, None] - centre_y
    along = (right * np.cos(angle) + down * np.sin(angle)) / major
    across = (down * np.cos(angle) - right * np.sin(angle)) / minor
    ellipse: Bool[np.ndarray, "rows columns"] = along * along + across * across <= 1
    return ellipse
