"""A picture -> its central square at another size, inside a network: two matrices, as OpenCV's INTER_AREA has it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

LUMA = (0.299, 0.587, 0.114)  # RGB to grey (ITU-R BT.601), as OpenCV has it


def area_matrix(side: int, start: float, length: float, size: int) -> Tensor:
    """Return float32 (size, side): each output pixel is the mean of the stretch of input pixels that it covers.

    Args:
        side: of the input, pixels.
        start: where the part that is kept begins, pixels.
        length: of that part, pixels; below ``size`` neighbours are mixed linearly instead.
        size: of the output, pixels.
    """
    step = length / size
    width = max(step, 1.0)
    centres = start + (np.arange(size) + 0.5) * step
    edges = np.arange(side)
    low, high = (centres - width / 2)[:, None], (centres + width / 2)[:, None]
    cover = np.clip(np.minimum(high, edges + 1) - np.maximum(low, edges), 0, None)
    return torch.from_numpy(cover / cover.sum(axis=1, keepdims=True)).to(torch.float32)


class Resampled(nn.Module):
    """Pictures (n, channels, side, side) -> (n, channels, size, size), the central part alone."""

    matrix: Tensor

    def __init__(self, side: int, share: float, size: int) -> None:
        """Make the matrix.

        Args:
            side: of the pictures.
            share: of the side that is kept, in the centre.
            size: wanted.
        """
        super().__init__()
        length = side * share
        with torch.device("cpu"):
            matrix = area_matrix(side, (side - length) / 2, length, size)
        self.plain = size == side and share == 1
        self.register_buffer("matrix", matrix, persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Resample."""
        return pictures if self.plain else self.matrix @ pictures @ self.matrix.T


def grey(pictures: Tensor) -> Tensor:
    """Return pictures (n, 1, side, side); grey ones stay as they are."""
    if pictures.shape[1] == 1:
        return pictures
    red, green, blue = LUMA
    return red * pictures[:, :1] + green * pictures[:, 1:2] + blue * pictures[:, 2:]
