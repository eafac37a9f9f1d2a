"""Picture -> smaller pictures by averaging whole areas, many at once, from one integral image.

Each pixel of the result is the mean of the pixels it covers, partly covered ones included whole, as in PyTorch's
``interpolate(mode="area")``, with which facenet-pytorch shows pictures to MTCNN.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8


class AreaImage:
    """A picture of which any part can be had at any size."""

    def __init__(self, pixels: UInt8[np.ndarray, "height width 3"]) -> None:
        import cv2  # noqa: PLC0415 - 0.1 s, only where it runs

        self.height, self.width = pixels.shape[:2]
        self._sums: Float64[np.ndarray, "height1 width1 3"] = cv2.integral(pixels, sdepth=cv2.CV_64F)

    def resized(self, width: int, height: int) -> Float32[np.ndarray, "height width 3"]:
        """Return the whole picture in another size, 0 to 255."""
        top, bottom = _bounds(np.array([self.height]), height)
        left, right = _bounds(np.array([self.width]), width)
        rows = self._sums[bottom[0]] - self._sums[top[0]]
        sums = rows[:, right[0]] - rows[:, left[0]]
        areas = (bottom - top)[0, :, None, None] * (right - left)[0, None, :, None]
        means: Float32[np.ndarray, "height width 3"] = (sums / areas).astype(np.float32)
        return means

    def crops(self, xyxy: Int64[np.ndarray, "n 4"], side: int) -> Float32[np.ndarray, "n side side 3"]:
        """Return square pictures of parts of the picture, 0 to 255.

        Args:
            xyxy: first column and row, and those after the last; inside the picture and not empty.
            side: of each result, pixels.
        """
        left, right = (xyxy[:, :1] + bounds for bounds in _bounds(xyxy[:, 2] - xyxy[:, 0], side))
        top, bottom = (xyxy[:, 1:2] + bounds for bounds in _bounds(xyxy[:, 3] - xyxy[:, 1], side))
        sums = self._at(bottom, right) - self._at(top, right) - self._at(bottom, left) + self._at(top, left)
        areas = (bottom - top)[:, :, None, None] * (right - left)[:, None, :, None]
        means: Float32[np.ndarray, "n side side 3"] = (sums / areas).astype(np.float32)
        return means

    def _at(
        self, rows: Int64[np.ndarray, "n side"], columns: Int64[np.ndarray, "n side"]
    ) -> Float64[np.ndarray, "n side side 3"]:
        sums: Float64[np.ndarray, "n side side 3"] = self._sums[rows[:, :, None], columns[:, None, :]]
        return sums


def _bounds(
    lengths: Int64[np.ndarray, " n"], parts: int
) -> tuple[Int64[np.ndarray, "n parts"], Int64[np.ndarray, "n parts"]]:
    """Return first index and the one after the last of each of so many equal parts of each length."""
    steps = np.arange(parts + 1)
    starts = lengths[:, None] * steps[:-1] // parts
    ends = -(-lengths[:, None] * steps[1:] // parts)
    return starts, ends
