"""Picture -> histograms of quantised local phase through several windows: a classical descriptor as a fixed network.

Ojansivu and Heikkila 2008, with their decorrelation; the square roots of the histograms. A centred blur changes how
large frequencies are but hardly their phase, so that blurred and sharp photos are described alike. Nothing here is
learned: a recipe that uses it learns what to make of the histograms (``finish``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from twinlens.errors import RecipeError
from twinlens.lab.networks.patches import cells_first, laid_out
from twinlens.lab.networks.resampling import grey
from twinlens.lab.networks.trunk import Trunk

PARTS = 8  # real and imaginary parts of the four lowest frequencies: the bits of a code
CODES = 2**PARTS
FLAT = 1e-3  # response up to which a bit is 0, of pictures of a range of 1: what rounding may change must not matter
NEIGHBOURLY = 0.9  # correlation of neighbouring pixels that decorrelation assumes (section 3.2)


@dataclass(frozen=True, slots=True)
class LocalPhaseOptions:
    """Options of the trunk.

    Attributes:
        windows: sides of the square through which phase is taken, pixels, odd; a larger one sees coarser structure.
        cells: how many histograms lie on a side of the picture, for each window.
    """

    windows: tuple[int, ...] = (5, 9, 15)
    cells: tuple[int, ...] = (10, 10, 8)

    def __post_init__(self) -> None:
        if not self.windows or len(self.windows) != len(self.cells) or min(self.cells) < 1:
            msg = f"trunk: windows and as many cells, each 1 or more, got {self.windows} and {self.cells}"
            raise RecipeError(msg)
        if any(window < 3 or window % 2 == 0 for window in self.windows):
            msg = f"trunk: windows are odd and 3 or more, got {self.windows}"
            raise RecipeError(msg)


class LocalPhase(Trunk):
    """Filter with the lowest frequencies of a window, decorrelate, keep signs, count codes by cell, take roots."""

    def __init__(self, options: LocalPhaseOptions, channels: int, size: int) -> None:
        del channels
        least = min((size - w + 1) // c for w, c in zip(options.windows, options.cells, strict=True))
        if least < 2:
            msg = f"trunk: pictures of {size} pixels leave cells of under 2 pixels with {options}"
            raise RecipeError(msg)
        super().__init__(CODES * sum(cells**2 for cells in options.cells))
        self.options = options
        with torch.device("cpu"):
            for at, (window, cells) in enumerate(zip(options.windows, options.cells, strict=True)):
                side = size - window + 1
                along = torch.arange(side) * cells // side
                place = (along[:, None] * cells + along) * CODES
                self.register_buffer(f"kernels{at}", _kernels(window))
                self.register_buffer(f"place{at}", place, persistent=False)
                self.register_buffer(f"area{at}", torch.bincount(place.flatten() // CODES), persistent=False)

    def initialise(self, generator: Generator) -> None:
        """Do nothing: nothing is learned."""

    def parts(self) -> list[Tensor]:
        """Return the patches of each window."""
        return laid_out(self.options.cells, CODES, cells_first)

    def forward(self, pictures: Tensor) -> Tensor:
        """Describe pictures, float32 0 to 1 or -1 to 1."""
        bare = grey(pictures).float()
        return torch.cat([self._histograms(bare, at) for at in range(len(self.options.windows))], dim=1)

    def _histograms(self, pictures: Tensor, at: int) -> Tensor:
        kernels, place, area = (self.get_buffer(f"{name}{at}") for name in ("kernels", "place", "area"))
        weights = 2 ** torch.arange(PARTS, device=pictures.device)
        codes = ((functional.conv2d(pictures, kernels) > FLAT) * weights[None, :, None, None]).sum(1)
        bins = (codes + place).flatten(1)
        one = torch.ones_like(bins, dtype=pictures.dtype)
        none = torch.zeros_like(one[:, :1]).repeat(
            1, CODES * len(area)
        )  # as many rows as there are pictures, exported, too
        counts = none.scatter_add(1, bins, one)
        return (counts.reshape(-1, len(area), CODES) / area[None, :, None]).sqrt().flatten(1)


def _kernels(window: int) -> Tensor:
    """Return (8, 1, window, window): the real and imaginary parts of four frequencies, decorrelated."""
    reach = window // 2
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64)
    flat = torch.ones(window, dtype=torch.complex128)
    wave = torch.exp(-2j * math.pi * steps / window)
    pairs = [(flat, wave), (wave, flat), (wave, wave), (wave.conj(), wave)]  # down, across
    filters = torch.stack([down[:, None] * across for down, across in pairs]).flatten(1)
    filters = torch.cat([filters.real, filters.imag])
    rows, columns = torch.meshgrid(steps, steps, indexing="ij")
    places = torch.stack([rows.flatten(), columns.flatten()], dim=1)
    covariance = filters @ (NEIGHBOURLY ** torch.cdist(places, places)) @ filters.T
    # singular values that are equal leave their vectors undetermined: the paper sets them apart by a millionth
    apart = torch.diag(1 + 1e-6 * torch.arange(PARTS - 1, -1, -1, dtype=torch.float64))
    _, _, turn = torch.linalg.svd(apart @ covariance @ apart)
    turn = turn * turn.gather(1, turn.abs().argmax(1, keepdim=True)).sign()  # either sign would do: this one
    kernels: Tensor = (turn @ filters).reshape(PARTS, 1, window, window).float()
    return kernels
