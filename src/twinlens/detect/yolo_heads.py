"""What YOLO-family face networks answer -> Candidates in the network's own pixels.

* ``yolov3-face``: sthanhng/yoloface (Redmon and Farhadi, "YOLOv3", 2018, section 2.1 and its nine anchors): three grids
  of 3 anchors x 6 numbers; boxes only.
* ``yolov5-face``: deepcam-cn/yolov5-face, ``models/yolo.py`` (Qi et al., "YOLO5Face", 2021): three grids of 3 anchors
  x 16 numbers, or 16 numbers a row, decoded.
* ``yolov8-face``: derronqi/yolov8-face, ``ultralytics/nn/modules/head.py``: three grids of 80 numbers (4 x 16 bins of
  distances, a class, 5 x 3 for points), or 20 rows, decoded; 5 rows for networks without points.

Points that a network does not give are NaN. Their order is that of `twinlens.types.Face` in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from twinlens.detect.candidates import Candidates
from twinlens.errors import ModelError

Outputs = Mapping[str, np.ndarray]
V3_ANCHORS = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
V5_ANCHORS = (((4, 5), (8, 10), (13, 16)), ((23, 29), (43, 55), (73, 105)), ((146, 217), (231, 300), (335, 433)))
STRIDES = (8, 16, 32)
BINS = 16  # of a distance in yolov8: its expected value over 0..15 cells
GRID_V8 = 4 * BINS + 1 + 15
ROWS_V8 = {5: 0, 15: 2, 20: 3}  # numbers a row -> numbers a point
MAX_LOG_SIZE = 10.0  # keeps exp() finite whatever the network answers


@dataclass(frozen=True, slots=True)
class Head:
    """How one family is asked and understood.

    Attributes:
        side: pixels of the square it is shown.
        grey: 0 to 255, fills the square around the picture.
        decode: answer, side and least score -> candidates.
    """

    side: int
    grey: int
    decode: Callable[[Outputs, int, float], Candidates]


def decode_v3(outputs: Outputs, side: int, min_score: float) -> Candidates:
    """Understand ``yolov3-face``."""
    rows = _rows(outputs, 6)
    if rows is not None:
        return _from_rows(rows[:, :4], rows[:, 4] * rows[:, 5], None, min_score)
    parts = []
    for grid, corners, anchors, stride in _anchored(outputs, side, V3_ANCHORS, 6, "yolov3-face"):
        scores = _sigmoid(grid[:, 4]) * _sigmoid(grid[:, 5])
        centres = (_sigmoid(grid[:, :2]) + corners) * stride
        sizes = np.exp(np.minimum(grid[:, 2:4], MAX_LOG_SIZE)) * anchors
        parts.append(_from_rows(np.concatenate([centres, sizes], axis=1), scores, None, min_score))
    return Candidates.joined(parts)


def decode_v5(outputs: Outputs, side: int, min_score: float) -> Candidates:
    """Understand ``yolov5-face``."""
    rows = _rows(outputs, 16)
    if rows is not None:
        return _from_rows(rows[:, :4], rows[:, 4] * rows[:, 15], rows[:, 5:15].reshape(-1, 5, 2), min_score)
    parts = []
    for grid, corners, anchors, stride in _anchored(outputs, side, V5_ANCHORS, 16, "yolov5-face"):
        scores = _sigmoid(grid[:, 4]) * _sigmoid(grid[:, 15])
        centres = (_sigmoid(grid[:, :2]) * 2 - 0.5 + corners) * stride
        sizes = (_sigmoid(grid[:, 2:4]) * 2) ** 2 * anchors
        points = grid[:, 5:15].reshape(-1, 5, 2) * anchors[:, None] + corners[:, None] * stride
        parts.append(_from_rows(np.concatenate([centres, sizes], axis=1), scores, points, min_score))
    return Candidates.joined(parts)


def decode_v8(outputs: Outputs, side: int, min_score: float) -> Candidates:
    """Understand ``yolov8-face``."""
    for numbers, depth in ROWS_V8.items():
        rows = _rows(outputs, numbers)
        if rows is not None:
            points = rows[:, 5:].reshape(-1, 5, depth)[..., :2] if depth else None
            return _from_rows(rows[:, :4], rows[:, 4], points, min_score)
    parts = []
    for grid, stride in _grids(outputs, side, 1, GRID_V8, "yolov8-face"):
        cells = grid.reshape(-1, GRID_V8)
        corners = _corners(side // stride, 1)
        bins = cells[:, : 4 * BINS].reshape(-1, 4, BINS)
        weights = np.exp(bins - bins.max(axis=2, keepdims=True))
        distances = weights @ np.arange(BINS, dtype=np.float32) / weights.sum(axis=2)
        first, last = corners + 0.5 - distances[:, :2], corners + 0.5 + distances[:, 2:]
        rows = np.concatenate([(first + last) / 2, last - first], axis=1) * stride
        points = (cells[:, 4 * BINS + 1 :].reshape(-1, 5, 3)[..., :2] * 2 + corners[:, None]) * stride
        parts.append(_from_rows(rows, _sigmoid(cells[:, 4 * BINS]), points, min_score))
    return Candidates.joined(parts)


HEADS: dict[str, Head] = {
    "yolov3-face": Head(416, 128, decode_v3),
    "yolov5-face": Head(640, 114, decode_v5),
    "yolov8-face": Head(640, 114, decode_v8),
}


def _from_rows(
    centre_size: Float32[np.ndarray, "n 4"],
    scores: Float32[np.ndarray, " n"],
    points: Float32[np.ndarray, "n 5 2"] | None,
    min_score: float,
) -> Candidates:
    """Keep what is sure enough; boxes come as centre, width and height."""
    sure = scores >= min_score
    centres, halves = centre_size[sure, :2], centre_size[sure, 2:4] / 2
    boxes = np.concatenate([centres - halves, centres + halves], axis=1).astype(np.float32)
    landmarks = np.full((len(boxes), 5, 2), np.nan) if points is None else points[sure]
    return Candidates(boxes, landmarks.astype(np.float32), scores[sure].astype(np.float32))


def _rows(outputs: Outputs, numbers: int) -> Float32[np.ndarray, "cells numbers"] | None:
    """Return a decoded export's rows, or None where the network has no single output with so many numbers a cell."""
    (first, *others) = outputs.values()
    if others or first.ndim != 3 or numbers not in first.shape[1:]:
        return None
    rows: Float32[np.ndarray, "cells numbers"] = first[0] if first.shape[2] == numbers else first[0].T
    return rows


def _anchored(
    outputs: Outputs, side: int, anchors: tuple[tuple[tuple[int, int], ...], ...], numbers: int, name: str
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
    """Yield each grid as rows, with column and row, anchor width and height, and stride of every row."""
    for grid, stride in _grids(outputs, side, 3, numbers, name):
        sizes = np.array(anchors[STRIDES.index(stride)], np.float32)
        cells = (side // stride) ** 2
        yield grid.reshape(-1, numbers), _corners(side // stride, 3), np.tile(sizes, (cells, 1)), stride


def _grids(
    outputs: Outputs, side: int, anchors: int, numbers: int, name: str
) -> Iterator[tuple[Float32[np.ndarray, "rows columns anchors numbers"], int]]:
    """Yield the three grids, the finest first, whatever order and layout they were exported in."""
    found = {}
    for array in outputs.values():
        for stride in STRIDES:
            grid = _as_grid(array, side // stride, anchors, numbers)
            if grid is not None:
                found[stride] = grid
    if len(found) != len(STRIDES) or len(outputs) != len(STRIDES):
        shapes = ", ".join("x".join(map(str, array.shape)) for array in outputs.values())
        msg = (
            f"this is not a {name} network as known here: wanted grids of {anchors} x {numbers} numbers at strides 8, "
            f"16 and 32 of {side} pixels, or decoded rows; it answers {shapes}. See docs/detection.md for the exports "
            "that work"
        )
        raise ModelError(msg)
    for stride in STRIDES:
        yield found[stride], stride


def _as_grid(array: np.ndarray, cells: int, anchors: int, numbers: int) -> np.ndarray | None:
    """Return rows x columns x anchors x numbers from any of the layouts in use, or None."""
    shape = array.shape[1:]
    square = (cells, cells)
    grid: np.ndarray | None = None
    if shape == (anchors, *square, numbers):
        grid = array[0].transpose(1, 2, 0, 3)
    elif shape == (anchors * numbers, *square):
        grid = array[0].reshape(anchors, numbers, *square).transpose(2, 3, 0, 1)
    elif shape == (*square, anchors * numbers):
        grid = array[0].reshape(*square, anchors, numbers)
    return grid


def _corners(cells: int, anchors: int) -> Float32[np.ndarray, "n 2"]:
    """Return column and row of every cell, row by row, each repeated for its anchors."""
    rows, columns = np.divmod(np.arange(cells * cells), cells)
    return np.repeat(np.stack([columns, rows], axis=1).astype(np.float32), anchors, axis=0)


def _sigmoid(x: Float32[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    result: Float32[np.ndarray, "*shape"] = 0.5 * (1 + np.tanh(0.5 * x))  # never overflows
    return result
