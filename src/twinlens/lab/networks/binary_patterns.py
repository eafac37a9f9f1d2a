"""Picture -> histograms of uniform local binary patterns on several scales: a classical descriptor as a fixed network.

Ahonen, Hadid and Pietikainen 2006; the square roots of the histograms as in Chen et al. 2013. Nothing here is learned:
a recipe that uses it learns what to make of the histograms (``finish``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from twinlens.errors import RecipeError
from twinlens.lab.networks.patches import bins_first, laid_out
from twinlens.lab.networks.resampling import Resampled, grey
from twinlens.lab.networks.trunk import Trunk

NEIGHBOURS = 8
BINS = 59  # 58 uniform patterns of eight neighbours, and all others


@dataclass(frozen=True, slots=True)
class BinaryPatternsOptions:
    """Options of the trunk.

    Attributes:
        sizes: sides to which the picture is brought, pixels; a smaller one sees coarser patterns.
        radius: of the circle of eight neighbours, pixels.
        cell: side of a histogram's square, pixels.
        blur: of each size before comparing, standard deviation in pixels; 0 for none.
        tolerance: a neighbour counts as not darker down to so much below the centre, of a range of 1: what rounding
            may change must not matter.
    """

    sizes: tuple[int, ...] = (120, 84, 60, 42)
    radius: int = 2
    cell: int = 10
    blur: float = 0.7
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        if not self.sizes or self.radius < 1 or self.cell < 2 or self.blur < 0:
            msg = f"trunk: sizes, radius 1 or more, cell 2 or more and blur 0 or more, got {self}"
            raise RecipeError(msg)
        if min(self.sizes) - 2 * self.radius < self.cell:
            msg = f"trunk: a size of {min(self.sizes)} leaves no cell of {self.cell} pixels"
            raise RecipeError(msg)


class BinaryPatterns(Trunk):
    """Resample, blur, compare with eight neighbours, count patterns by cell, take square roots."""

    patterns: Tensor
    circle: Tensor
    weights: Tensor
    smooth: Tensor

    def __init__(self, options: BinaryPatternsOptions, channels: int, size: int) -> None:
        del channels
        self.cells = [(one - 2 * options.radius) // options.cell for one in options.sizes]
        super().__init__(BINS * sum(cells**2 for cells in self.cells))
        self.options = options
        self.scales = nn.ModuleList(Resampled(size, 1.0, one) for one in options.sizes)
        with torch.device("cpu"):
            tables = (_uniform(), _circle(options.radius), _powers(), _gauss(options.blur))
        for name, table in zip(("patterns", "circle", "weights", "smooth"), tables, strict=True):
            self.register_buffer(name, table, persistent=False)

    def initialise(self, generator: Generator) -> None:
        """Do nothing: nothing is learned."""

    def parts(self) -> list[Tensor]:
        """Return the patches of each size."""
        return laid_out(self.cells, BINS, bins_first)

    def forward(self, pictures: Tensor) -> Tensor:
        """Describe pictures, float32 0 to 1 or -1 to 1."""
        bare = grey(pictures).float()
        return torch.cat([self._histograms(scale(bare)) for scale in self.scales], dim=1)

    def _histograms(self, pictures: Tensor) -> Tensor:
        radius, cell = self.options.radius, self.options.cell
        if self.options.blur:
            edge = self.smooth.shape[-1] // 2
            padded = functional.pad(pictures, (edge,) * 4, mode="reflect")
            pictures = functional.conv2d(padded, self.smooth)
        around = functional.conv2d(pictures, self.circle)
        centre = pictures[:, :, radius:-radius, radius:-radius]
        bits = (around - centre >= -self.options.tolerance).to(pictures.dtype)
        codes = (bits * self.weights).sum(1).to(torch.int64)
        counted = functional.avg_pool2d(self.patterns[codes].permute(0, 3, 1, 2), cell)
        return counted.clamp(min=0).sqrt().flatten(1)


def _uniform() -> Tensor:
    """Return (256, 59), one-hot: which bin each pattern falls into; those with over two changes share the last."""
    table = torch.zeros(2**NEIGHBOURS, BINS)
    free = 0
    for code in range(2**NEIGHBOURS):
        bits = [code >> k & 1 for k in range(NEIGHBOURS)]
        uniform = sum(bits[k] != bits[k - 1] for k in range(NEIGHBOURS)) <= 2
        table[code, free if uniform else BINS - 1] = 1
        free += uniform
    return table


def _circle(radius: int) -> Tensor:
    """Return (8, 1, side, side): kernels that read eight places of a circle, bilinearly."""
    side = 2 * radius + 1
    kernels = torch.zeros(NEIGHBOURS, 1, side, side)
    for k in range(NEIGHBOURS):
        x, y = (radius + radius * f(2 * math.pi * k / NEIGHBOURS) for f in (math.cos, math.sin))
        for row in range(side):
            for column in range(side):
                kernels[k, 0, row, column] = max(1 - abs(row - y), 0.0) * max(1 - abs(column - x), 0.0)
    return kernels


def _powers() -> Tensor:
    return (2.0 ** torch.arange(NEIGHBOURS))[None, :, None, None]


def _gauss(sigma: float) -> Tensor:
    """Return a normalised kernel (1, 1, side, side); one pixel for no blur."""
    reach = math.ceil(3 * sigma)
    along = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma**2)) if sigma else torch.ones(1)
    kernel = along[:, None] * along[None]
    return (kernel / kernel.sum())[None, None]
