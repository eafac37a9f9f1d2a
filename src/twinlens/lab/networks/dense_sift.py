"""Picture -> SIFT descriptors on a dense grid at several scales, as a fixed network.

Lowe 2004 without detection or rotation: 4 x 4 cells of 8 orientations; square roots after Arandjelovic and Zisserman
2012.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from twinlens.lab.networks.orientations import votes

ORIENTATIONS = 8
CELLS = 4  # on a side
NUMBERS = ORIENTATIONS * CELLS**2
FLAT = 0.05  # added to a descriptor's length, of pictures of a range of 1: skin without structure stays near 0
LARGEST = 0.2  # number of a unit descriptor (Lowe 2004, section 6.1)


def starts(side: int, cell: int, stride: int) -> range:
    """Return where the first cells of descriptors begin on a side, in steps of a pixel; none where none fits."""
    room = side - 2 * cell + 2 - (CELLS - 1) * cell
    return range(0, max(room, 0), stride)


def places(side: int, cells: tuple[int, ...], stride: int) -> Tensor:
    """Return the centres of all descriptors (points, 2), x and y, as shares of the side from -0.5 to 0.5."""
    found = []
    for cell in cells:
        along = (torch.tensor(starts(side, cell, stride)) + cell - 0.5 + (CELLS - 1) * cell / 2) / side - 0.5
        down, across = torch.meshgrid(along, along, indexing="ij")
        found.append(torch.stack([across.flatten(), down.flatten()], dim=1))
    return torch.cat(found)


def dense_sift(pictures: Tensor, cells: tuple[int, ...], stride: int) -> Tensor:
    """Return descriptors (n, points, 128) of grey pictures 0 to 1, in the order of `places`.

    Args:
        pictures: float32 (n, 1, side, side).
        cells: sides of a cell, pixels: one scale each.
        stride: between neighbours, pixels.
    """
    oriented = _oriented(pictures)
    return torch.cat([_described(oriented, cell, stride) for cell in cells], dim=1)


def _oriented(pictures: Tensor) -> Tensor:
    """Return (n, 8, side, side): each pixel's gradient, shared among the two nearest orientations."""
    wide = functional.pad(pictures, (1, 1, 0, 0), mode="replicate")
    tall = functional.pad(pictures, (0, 0, 1, 1), mode="replicate")
    across = wide[..., 2:] - wide[..., :-2]
    down = tall[..., 2:, :] - tall[..., :-2, :]
    return votes(across, down, torch.sqrt(across**2 + down**2), ORIENTATIONS)


def _described(oriented: Tensor, cell: int, stride: int) -> Tensor:
    fade = 1 - torch.arange(1 - cell, cell, device=oriented.device, dtype=oriented.dtype).abs() / cell
    down = fade.reshape(1, 1, -1, 1).expand(ORIENTATIONS, -1, -1, -1)
    sums = functional.conv2d(oriented, down, groups=ORIENTATIONS)
    sums = functional.conv2d(sums, down.transpose(2, 3).contiguous(), groups=ORIENTATIONS)
    last = starts(oriented.shape[-1], cell, stride)[-1] + 1
    sums = sums.permute(0, 2, 3, 1)
    steps = [slice(cell * step, cell * step + last, stride) for step in range(CELLS)]
    taken = torch.stack([sums[:, rows, columns] for rows in steps for columns in steps], dim=3)
    found = taken.flatten(3).flatten(1, 2)
    found = found / (found.norm(dim=2, keepdim=True) + FLAT)
    found = found.clamp(max=LARGEST)
    unit: Tensor = found / (found.norm(dim=2, keepdim=True) + 1e-6)
    return unit.sqrt()
