"""Image -> [Face] with YuNet (Wu, Peng and Yu, "YuNet: a tiny millisecond-level face detector", 2023).

The graph is anchor-free: at strides 8, 16 and 32 every cell gives a class and an object score, a box and five
points. Decoding follows ``modules/objdetect/src/face_detect.cpp`` of OpenCV, whose answers are the golden
values of the tests.

Upstream calls its points the person's right eye, left eye, nose, right and left mouth corner. The person's
right is on the left of the picture, mirrored or not, so this is the order of `Face` without any exchange. A
face turned by more than about a quarter is outside of what the network was trained on: its points are not to
be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int, UInt8

from twinlens.detect.candidates import Candidates
from twinlens.detect.fusion import agreed
from twinlens.detect.options import DetectOptions
from twinlens.detect.suppression import strongest
from twinlens.detect.views import Level, levels, second_look
from twinlens.protocols import Network
from twinlens.types import Face, Image

STRIDES = (8, 16, 32)
GRID = 64  # pixels; 32 would do for the strides, but an engine prepares itself anew for every size it meets
VOTE_PART = 0.3  # of the least score: what a level must be sure of to have a vote
VOTE_LEAST = 0.02  # thousands of candidates in a picture are below, and hardly a face
MAX_LOG_SIZE = 10.0  # a box of e^10 cells: keeps exp() finite whatever the network answers
LEAST_SIDE = 8  # pixels: no face fits into less, and a line of 400,000 would be looked at for seconds


class YuNet:
    """YuNet on pictures of any size."""

    name = "yunet"

    def __init__(self, network: Network, options: DetectOptions | None = None) -> None:
        """Wrap a loaded network.

        Args:
            network: from `twinlens.runtime.load_network`; input batch x 3 x height x width.
            options: what to look for.
        """
        self._network = network
        self._options = options or DetectOptions()
        self._least = self._options.min_score
        if self._options.scales == "tiny":  # a level that is less sure still has a vote
            self._least = min(self._least, max(self._least * VOTE_PART, VOTE_LEAST))

    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        """Return the faces of each image, the most confident first.

        Photos run one after the other: on one thread a batch gains nothing (docs/detection.md). Call from
        several threads to use several cores.
        """
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> list[Face]:
        if min(image.width, image.height) < LEAST_SIDE:
            return []
        looks = levels(image.width, image.height, self._options)
        found = self._merged([self._look(image, level) for level in looks], looks)
        if len(found) == 0 and self._options.scales != "single":
            look = second_look(image.width, image.height)
            found = self._merged([self._look(image, look)], [look])
        return found.faces()

    def _merged(self, parts: list[Candidates], looks: list[Level]) -> Candidates:
        if len(parts) > 1 and self._options.scales == "tiny":
            merged = agreed(parts, looks, self._options.overlap)
        elif len(parts) > 1:
            merged = strongest(Candidates.joined(parts), self._options.overlap)
        else:
            merged = parts[0]
        return merged[merged.scores >= self._options.min_score]

    def _look(self, image: Image, level: Level) -> Candidates:
        """Return the faces that one level is to be believed about."""
        parts = []
        for view in level.views:
            planes = network_input(view.pixels(image.pixels))
            found = decode(self._network.run(planes), planes.shape[2:], self._least)
            found = view.moved(found[view.whole(found, image.width, image.height)])
            parts.append(found[level.answers_for(found.boxes)])
        return strongest(Candidates.joined(parts), self._options.overlap)


def network_input(pixels: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "1 3 rows columns"]:
    """Return BGR planes, 0 to 255, black at the right and below up to whole multiples of `GRID`."""
    import cv2  # noqa: PLC0415 - 0.1 s, only where it runs

    height, width = pixels.shape[:2]
    planes = np.zeros((1, 3, -(-height // GRID) * GRID, -(-width // GRID) * GRID), np.float32)
    for plane, channel in zip(planes[0], reversed(cv2.split(pixels)), strict=True):
        plane[:height, :width] = channel
    return planes


def decode(outputs: dict[str, np.ndarray], size: tuple[int, int], min_score: float) -> Candidates:
    """Turn the network's answer for one picture into candidates in its own pixels.

    Only cells that are confident enough are decoded: a face is found in a handful out of a thousand.

    Args:
        outputs: ``cells``, 1 x cells x 16: class, object, box (4), points (10); row by row, stride by stride.
        size: height and width of the network's input, pixels.
        min_score: from which on a cell counts, 0 to 1.
    """
    cells = outputs["cells"][0]
    sure = np.clip(cells[:, :2], 0, 1)
    squared = sure[:, 0] * sure[:, 1]
    found = np.flatnonzero(squared >= min_score**2)
    if len(found) == 0:
        return Candidates.none()
    chosen, scores = cells[found], np.sqrt(squared[found])
    corners, strides = _places(found, size)
    centres = corners + chosen[:, 2:4]
    halves = np.exp(np.minimum(chosen[:, 4:6], MAX_LOG_SIZE)) / 2
    boxes = np.concatenate([centres - halves, centres + halves], axis=1) * strides
    points = (chosen[:, 6:].reshape(-1, 5, 2) + corners[:, None]) * strides[:, None]
    return Candidates(boxes, points, scores)


def _places(
    cells: Int[np.ndarray, " n"], size: tuple[int, int]
) -> tuple[Float32[np.ndarray, "n 2"], Float32[np.ndarray, "n 1"]]:
    """Return column and row of cells in the grid of their stride, and that stride."""
    height, width = size
    places = np.empty((len(cells), 2), np.float32)
    strides = np.empty((len(cells), 1), np.float32)
    first = 0
    for stride in STRIDES:
        columns, rows = width // stride, height // stride
        here = (cells >= first) & (cells < first + rows * columns)
        if here.any():
            places[here, 1], places[here, 0] = np.divmod(cells[here] - first, columns)
            strides[here] = stride
        first += rows * columns
    return places, strides
