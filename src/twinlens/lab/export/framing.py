"""Photos of training people -> where the network's input lies in the recognizer's crop, as two matrices.

The recognizer cuts faces so that five points lie in canonical places (112 x 112); a network of the lab saw a square
of the photo. The detector's points in photos of training people, in the network's pixels, say how the one lies in the
other: a scale and a shift (least squares; no rotation, for on average faces stand upright). Resizing along columns
and rows is then a matrix each, with what lies outside of the crop replicated from its edge, and with the averaging
that ``area`` asks for where pixels get larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from twinlens.align import CANONICAL_POINTS
from twinlens.errors import DatasetError, ImageError
from twinlens.image import load_image
from twinlens.lab.cache import cut_of
from twinlens.lab.recipe import DataPlan
from twinlens.protocols import Detector
from twinlens.recognizer.choice import main_face
from twinlens.types import CROP_SIZE

ENOUGH = 200  # photos: the middle of their points then moves by less than half a pixel
LEAST = 10
# median of YuNet's five points in LFW-a's 250 x 250 photos, training people of the development view
LFW_A_POINTS: Float32[np.ndarray, "5 2"] = np.array(
    [[102.8, 113.8], [148.8, 112.7], [126.4, 137.6], [108.1, 158.9], [146.7, 158.2]], np.float32
)


@dataclass(frozen=True, slots=True)
class Framing:
    """Where the network's input lies in the crop: ``crop = scale * input + shift``, pixel centres at whole numbers.

    Attributes:
        scale: pixels of the crop for one of the input.
        across: shift to the right, pixels of the crop.
        down: shift down.
        source: where this is from, in words.
    """

    scale: float
    across: float
    down: float
    source: str

    @classmethod
    def whole(cls, size: int) -> Framing:
        """Return the framing of a network that sees the whole crop."""
        scale = CROP_SIZE / size
        return cls(scale, (scale - 1) / 2, (scale - 1) / 2, "the whole crop")

    @classmethod
    def of_points(cls, points: Float32[np.ndarray, "5 2"], source: str) -> Framing:
        """Bring five points of the network's input nearest to the crop's (least squares).

        Raises:
            DatasetError: all points are one.
        """
        targets = CANONICAL_POINTS.astype(np.float64)
        places = points.astype(np.float64)
        centred = places - places.mean(axis=0)
        spread = float((centred**2).sum())
        if spread < 1e-9:
            msg = f"cannot place faces whose five landmarks are one point ({source})"
            raise DatasetError(msg)
        scale = float((centred * (targets - targets.mean(axis=0))).sum()) / spread
        across, down = (targets.mean(axis=0) - scale * places.mean(axis=0)).tolist()
        return cls(scale, across, down, source)

    def matrices(self, size: int) -> tuple[Float32[np.ndarray, "size 112"], Float32[np.ndarray, "size 112"]]:
        """Return what makes rows and columns of the input of those of the crop."""
        return _sampling(size, self.scale, self.down), _sampling(size, self.scale, self.across)


def _sampling(size: int, scale: float, shift: float) -> Float32[np.ndarray, "size 112"]:
    """Return bilinear look-ups, several averaged where the crop has more pixels; outside is the edge."""
    finer = max(ceil(scale), 1)
    inner = (np.arange(finer) + 0.5) / finer - 0.5
    places = scale * (np.arange(size)[:, None] + inner[None, :]) + shift
    places = np.clip(places, 0, CROP_SIZE - 1)
    below = np.minimum(np.floor(places).astype(np.int64), CROP_SIZE - 2)
    share = places - below
    matrix = np.zeros((size, CROP_SIZE))
    rows = np.broadcast_to(np.arange(size)[:, None], places.shape)
    np.add.at(matrix, (rows, below), (1 - share) / finer)
    np.add.at(matrix, (rows, below + 1), share / finer)
    return matrix.astype(np.float32)


def frame(photos: Sequence[Path], plan: DataPlan, detector: Detector) -> Framing:
    """Find the framing from photos of training people; a sample of them is looked at.

    Args:
        photos: of training people.
        plan: how the network saw them.
        detector: the recognizer's.

    Raises:
        DatasetError: a face is found in too few of them.
    """
    step = max(len(photos) // ENOUGH, 1)
    found = [points for path in photos[::step][:ENOUGH] if (points := _points(path, plan, detector)) is not None]
    if len(found) < LEAST:
        msg = (
            f"a face was found in {len(found)} of the training photos looked at; wanted at least {LEAST} to place crops"
        )
        raise DatasetError(msg)
    middle = np.median(np.stack(found), axis=0).astype(np.float32)
    return Framing.of_points(middle, f"the middle of five points in {len(found)} photos of training people")


def frame_lfw_a(plan: DataPlan) -> Framing:
    """Return the framing of LFW-a's 250 x 250 photos, where the photos are not at hand."""
    points = _to_input(LFW_A_POINTS.astype(np.float64), (250, 250), plan)
    return Framing.of_points(points.astype(np.float32), "LFW-a's points, measured before")


def _points(path: Path, plan: DataPlan, detector: Detector) -> Float64[np.ndarray, "5 2"] | None:
    try:
        image = load_image(path)
    except ImageError:
        return None
    faces = main_face(image, detector.detect([image])[0])
    if not faces:
        return None
    return _to_input(faces[0].landmarks.astype(np.float64), (image.width, image.height), plan)


def _to_input(points: Float64[np.ndarray, "5 2"], size: tuple[int, int], plan: DataPlan) -> Float64[np.ndarray, "5 2"]:
    """Return points of a photo in pixels of the network's input; the cut is `twinlens.lab.cache.small_picture`'s."""
    left, top, *sides = cut_of(*size, plan)
    scale = plan.size / np.array(sides, np.float64)
    return np.asarray((points - (left, top) + 0.5) * scale - 0.5)
