"""Picture -> Fisher vector of its dense SIFT descriptors: what a face has that a mixture of all faces has not.

Perronnin et al. 2010 and Simonyan et al. 2013 ("Fisher Vector Faces in the Wild"): descriptors of 64 principal
components and their place in the picture; for each Gaussian of a mixture the mean and the spread of the descriptors
that belong to it, against its own; signed square roots. Components and mixture come from the training photos, without
labels (`survey`); what to make of the vectors is learned by a recipe's ``finish``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from twinlens.errors import DatasetError, RecipeError
from twinlens.lab.mixture import Mixture, fit_mixture
from twinlens.lab.networks.dense_sift import NUMBERS, dense_sift, places, starts
from twinlens.lab.networks.resampling import grey
from twinlens.lab.networks.trunk import Trunk

POINTS = 300  # descriptors of a surveyed photo that the mixture is fitted to
ROUNDS = 12  # of expectation and maximisation
GROUP = 4  # pictures at a time: what lies between stays in the processor's cache
LENGTH = 30.0  # of a Fisher vector, so that its numbers are of the order of 1


@dataclass(frozen=True, slots=True)
class FisherVectorsOptions:
    """Options of the trunk.

    Attributes:
        cells: sides of a descriptor's cells, pixels: one scale each; a descriptor is four cells wide.
        stride: between neighbouring descriptors, pixels.
        reduced: principal components of a descriptor that are kept.
        components: Gaussians of the mixture.
        parts: groups of Gaussians that are near each other in the picture: what is learned of first where the finish
            has ``part_dim``. A power of two that divides ``components``.
    """

    cells: tuple[int, ...] = (3, 4, 6, 8)
    stride: int = 3
    reduced: int = 64
    components: int = 128
    parts: int = 32

    def __post_init__(self) -> None:
        if not self.cells or min(self.cells) < 2 or self.stride < 1:
            msg = f"trunk: cells of 2 pixels or more and a stride of 1 or more, got {self.cells} and {self.stride}"
            raise RecipeError(msg)
        if not 1 <= self.reduced <= NUMBERS or self.components < 1:
            msg = f"trunk: reduced is 1 to {NUMBERS}, components 1 or more, got {self.reduced} and {self.components}"
            raise RecipeError(msg)
        if self.parts < 1 or self.parts & (self.parts - 1) or self.components % self.parts:
            msg = f"trunk: parts is a power of two that divides components, got {self.parts} and {self.components}"
            raise RecipeError(msg)


class FisherVectors(Trunk):
    """Describe densely, reduce, add places, compare with the mixture, take roots, bring to one length."""

    centre: Tensor
    turn: Tensor
    means: Tensor
    variances: Tensor
    shares: Tensor
    places: Tensor

    def __init__(self, options: FisherVectorsOptions, channels: int, size: int) -> None:
        del channels
        if not all(len(starts(size, cell, options.stride)) for cell in options.cells):
            msg = f"trunk: cells of {max(options.cells)} pixels make descriptors wider than pictures of {size} pixels"
            raise RecipeError(msg)
        width = options.reduced + 2
        super().__init__(2 * width * options.components)
        self.options = options
        with torch.device("cpu"):
            self.register_buffer("places", places(size, options.cells, options.stride), persistent=False)
        self.register_buffer("centre", torch.zeros(NUMBERS))
        self.register_buffer("turn", torch.zeros(NUMBERS, options.reduced))
        self.register_buffer("means", torch.zeros(options.components, width))
        self.register_buffer("variances", torch.zeros(options.components, width))
        self.register_buffer("shares", torch.zeros(options.components))

    def initialise(self, generator: Generator) -> None:
        """Draw a mixture that means nothing, until photos are surveyed."""
        self.turn.copy_(torch.linalg.qr(torch.randn(NUMBERS, self.options.reduced, generator=generator))[0])
        self.means.copy_(torch.randn(self.means.shape, generator=generator))
        self.centre.zero_()
        self.variances.fill_(1.0)
        self.shares.fill_(1 / self.options.components)

    def parts(self) -> list[Tensor]:
        """Return the numbers of each group of Gaussians."""
        return list(torch.arange(self.dim).chunk(self.options.parts))

    def survey(self, photos: Iterable[Tensor], generator: Generator) -> None:
        """Fit principal components and mixture to photos, a few hundred descriptors of each.

        Raises:
            DatasetError: photos too few for so many Gaussians, or without any structure.
        """
        drawn = [self._drawn(photo, generator) for photo in photos]
        described = torch.cat([one for one, _ in drawn])
        self.centre.copy_(described.mean(0))
        values, vectors = torch.linalg.eigh(torch.cov(described.T).double())
        values, vectors = values.flip(0)[: self.options.reduced], vectors.flip(1)[:, : self.options.reduced]
        if values[-1] <= 1e-9 * values[0]:
            msg = f"trunk: the photos have fewer than {self.options.reduced} directions of structure: lower reduced"
            raise DatasetError(msg)
        self.turn.copy_(vectors / values.sqrt())
        samples = self._reduced(described, torch.cat([at for _, at in drawn]))
        count = self.options.components
        found = fit_mixture(samples, count, rounds=ROUNDS, generator=generator)
        order = torch.cat(_near(found.means[:, -2:], self.options.parts))
        for name in ("means", "variances", "shares"):
            self.get_buffer(name).copy_(getattr(found, name)[order])

    def _drawn(self, photos: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        described = self._described(photos)
        chosen = torch.randint(described.shape[1], (len(photos), POINTS), generator=generator)
        rows = torch.arange(len(photos))[:, None]
        return described[rows, chosen].flatten(0, 1), self.places[chosen].flatten(0, 1)

    def _described(self, pictures: Tensor) -> Tensor:
        return dense_sift(grey(pictures).float(), self.options.cells, self.options.stride)

    def _reduced(self, described: Tensor, at: Tensor) -> Tensor:
        return torch.cat([(described - self.centre) @ self.turn, at.expand(*described.shape[:-1], 2)], dim=-1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Describe pictures, float32 0 to 1."""
        matrix, row = Mixture(self.means, self.variances, self.shares).terms()
        if torch.compiler.is_exporting():  # how many pictures there will be is not known
            return self._vectors(pictures, matrix, row)
        return torch.cat([self._vectors(some, matrix, row) for some in torch.split(pictures, GROUP)])

    def _vectors(self, pictures: Tensor, matrix: Tensor, row: Tensor) -> Tensor:
        reduced = self._reduced(self._described(pictures), self.places)
        both = torch.cat([reduced, reduced * reduced], dim=2)
        belongs = (both @ matrix + row).softmax(2)
        mass = belongs.sum(1)[..., None]
        first, second = (belongs.transpose(1, 2) @ both).chunk(2, dim=2)
        share = self.shares.sqrt()[:, None] * reduced.shape[1]
        mean = (first - mass * self.means) / self.variances.sqrt() / share
        spread = ((second - 2 * first * self.means + mass * self.means**2) / self.variances - mass) / (2**0.5 * share)
        vectors = torch.cat([mean, spread], dim=2).flatten(1)
        return functional.normalize(vectors.sign() * vectors.abs().sqrt(), dim=1) * LENGTH


def _near(means: Tensor, parts: int) -> list[Tensor]:
    """Return groups of as many Gaussians each: halved by height, then by side, and so on."""
    groups, axis = [torch.arange(len(means))], 1
    while len(groups) < parts:
        groups = [half for one in groups for half in one[means[one, axis].argsort(stable=True)].chunk(2)]
        axis = 1 - axis
    return groups
