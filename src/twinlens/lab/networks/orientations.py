"""Gradients -> votes for directions around the circle: what histograms of orientations are sums of."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def votes(across: Tensor, down: Tensor, size: Tensor, orientations: int) -> Tensor:
    """Return (n, orientations, h, w): each gradient's size, shared among the two directions nearest to its own.

    Args:
        across: gradient to the right, float32 (n, 1, h, w).
        down: gradient downwards, likewise.
        size: what a gradient has to give, likewise.
        orientations: directions, the first to the right; a vote falls linearly to 0 at the neighbours of a direction.
    """
    place = torch.atan2(down, across) * (orientations / (2 * math.pi))
    bins = torch.arange(orientations, device=across.device, dtype=across.dtype)[None, :, None, None]
    away = torch.remainder(place - bins + orientations / 2, orientations) - orientations / 2
    return size * (1 - away.abs()).clamp(min=0)
