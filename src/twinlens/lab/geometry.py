"""Sizes and ranges -> affine maps (n, 3, 3) of a batch, joined and applied in one pass.

A map takes a place in the new picture to the place in the old one that it shows, in pixels from the centre: x right, y
down. So distorting a batch is one grid of places and one bilinear look-up, however many distortions are joined.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional

Fill = Literal["border", "zeros"]


def between(low: float, high: float, n: int, generator: Generator) -> Tensor:
    """Draw float32 (n,), evenly between two ends."""
    return low + (high - low) * torch.rand(n, generator=generator)


def happens(probability: float, n: int, generator: Generator) -> Tensor:
    """Draw bool (n,), True with that probability."""
    return torch.rand(n, generator=generator) < probability


def identity(n: int) -> Tensor:
    """Return n maps that change nothing."""
    return torch.eye(3).repeat(n, 1, 1)


def rotation(degrees: Tensor) -> Tensor:
    """Return maps that turn a picture by so many degrees, counterclockwise as seen."""
    maps, angle = identity(len(degrees)), torch.deg2rad(degrees)
    maps[:, 0, 0] = maps[:, 1, 1] = torch.cos(angle)
    maps[:, 0, 1], maps[:, 1, 0] = -torch.sin(angle), torch.sin(angle)
    return maps


def shear(x: Tensor, y: Tensor) -> Tensor:
    """Return maps that shear by factors: x by so much of y, y by so much of x."""
    maps = identity(len(x))
    maps[:, 0, 1], maps[:, 1, 0] = -x, -y
    return maps


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """Return maps that enlarge by factors above 0; 1 changes nothing."""
    maps = identity(len(x))
    maps[:, 0, 0], maps[:, 1, 1] = 1 / x, 1 / y
    return maps


def shift(x: Tensor, y: Tensor) -> Tensor:
    """Return maps that move a picture by so many pixels, right and down."""
    maps = identity(len(x))
    maps[:, 0, 2], maps[:, 1, 2] = -x, -y
    return maps


def mirror(flipped: Tensor) -> Tensor:
    """Return maps that mirror left and right where True."""
    maps = identity(len(flipped))
    maps[:, 0, 0] = 1 - 2 * flipped.to(torch.float32)
    return maps


def where(chosen: Tensor, maps: Tensor) -> Tensor:
    """Return the maps where True, and maps that change nothing elsewhere."""
    return torch.where(chosen[:, None, None], maps, identity(len(maps)))


def warp(pictures: Tensor, maps: Tensor, fill: Fill) -> Tensor:
    """Apply affine maps to float32 pictures (n, channels, size, size), bilinear.

    Args:
        pictures: the batch.
        maps: (n, 3, 3).
        fill: what lies outside: the nearest edge, or black.
    """
    half = pictures.shape[-1] / 2
    theta = maps[:, :2].clone()
    theta[:, :, 2] /= half  # to units in which the picture's edges are -1 and 1
    grid = _places(theta, pictures.shape[-2], pictures.shape[-1])
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode=fill, align_corners=False)


def _places(theta: Tensor, height: int, width: int) -> Tensor:
    """Return what ``affine_grid`` does, (n, height, width, 2), in half the time: one addition a number."""
    y, x = ((2 * torch.arange(side, dtype=torch.float32) + 1) / side - 1 for side in (height, width))
    grid = torch.empty((len(theta), height, width, 2))
    for axis in (0, 1):
        along = theta[:, axis, 0, None] * x
        down = theta[:, axis, 1, None] * y + theta[:, axis, 2, None]
        torch.add(along[:, None, :], down[:, :, None], out=grid[..., axis])
    return grid
