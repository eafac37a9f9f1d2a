"""Picture -> histograms of oriented gradients on several scales: a classical descriptor as a fixed network.

Dalal and Triggs 2005, with signed orientations and the square roots of normalised blocks. Nothing here is learned: a
recipe that uses it learns what to make of the histograms (``finish``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from twinlens.errors import RecipeError
from twinlens.lab.networks.orientations import votes
from twinlens.lab.networks.patches import bins_first, laid_out
from twinlens.lab.networks.resampling import Resampled, grey
from twinlens.lab.networks.trunk import Trunk

BLOCK = 2  # cells on a side of what is normalised together
LEAST = 0.004  # gradient below which a block counts as flat, of a range of 1: about one grey level


@dataclass(frozen=True, slots=True)
class GradientsOptions:
    """Options of the trunk.

    Attributes:
        sizes: sides to which the picture is brought, pixels.
        cell: side of a histogram's square, pixels.
        orientations: bins around the circle.
    """

    sizes: tuple[int, ...] = (96, 64, 40)
    cell: int = 8
    orientations: int = 18

    def __post_init__(self) -> None:
        if not self.sizes or self.cell < 2 or self.orientations < 2:
            msg = f"trunk: sizes, cell 2 or more and orientations 2 or more, got {self}"
            raise RecipeError(msg)
        if min(self.sizes) < BLOCK * self.cell:
            msg = f"trunk: a size of {min(self.sizes)} leaves no block of {BLOCK}x{BLOCK} cells of {self.cell} pixels"
            raise RecipeError(msg)


class Gradients(Trunk):
    """Resample, take gradients, vote for the two nearest orientations, sum by cell, normalise blocks."""

    def __init__(self, options: GradientsOptions, channels: int, size: int) -> None:
        del channels
        self.blocks = [one // options.cell - BLOCK + 1 for one in options.sizes]
        self.bins = BLOCK**2 * options.orientations
        super().__init__(self.bins * sum(blocks**2 for blocks in self.blocks))
        self.options = options
        self.scales = nn.ModuleList(Resampled(size, 1.0, one) for one in options.sizes)

    def initialise(self, generator: Generator) -> None:
        """Do nothing: nothing is learned."""

    def parts(self) -> list[Tensor]:
        """Return the patches of each size."""
        return laid_out(self.blocks, self.bins, bins_first)

    def forward(self, pictures: Tensor) -> Tensor:
        """Describe pictures, float32 0 to 1 or -1 to 1."""
        bare = grey(pictures).float()
        return torch.cat([self._histograms(scale(bare)) for scale in self.scales], dim=1)

    def _histograms(self, pictures: Tensor) -> Tensor:
        orientations, cell = self.options.orientations, self.options.cell
        padded = functional.pad(pictures, (1, 1, 1, 1), mode="reflect")
        across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
        down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
        size = torch.sqrt(across**2 + down**2 + 1e-12)
        cells = functional.avg_pool2d(votes(across, down, size, orientations), cell)
        corners = [cells[:, :, :-1, :-1], cells[:, :, 1:, :-1], cells[:, :, :-1, 1:], cells[:, :, 1:, 1:]]
        blocks = torch.cat(corners, dim=1)
        norm = torch.sqrt((blocks**2).sum(1, keepdim=True) + LEAST**2)
        return (blocks / norm).clamp(min=0).sqrt().flatten(1)
