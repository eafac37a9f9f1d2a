"""Samples -> a mixture of Gaussians with a diagonal covariance each, by expectation and maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from twinlens.errors import DatasetError

CHUNK = 8192  # samples at a time
LEAST = 0.01  # variance of a component, of that of all samples: none shrinks to a point


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A mixture of k Gaussians in d dimensions.

    Attributes:
        means: float32 (k, d).
        variances: float32 (k, d).
        shares: float32 (k), sums to 1.
    """

    means: Tensor
    variances: Tensor
    shares: Tensor

    def terms(self) -> tuple[Tensor, Tensor]:
        """Return a matrix (2d, k) and a row (k): [x, x * x] @ matrix + row is log(share * density) and a constant."""
        precise = 1 / self.variances
        matrix = torch.cat([(self.means * precise).T, -0.5 * precise.T])
        row = self.shares.log() - 0.5 * ((self.means**2 * precise).sum(1) + self.variances.log().sum(1))
        return matrix, row


def fit_mixture(samples: Tensor, count: int, *, rounds: int, generator: Generator) -> Mixture:
    """Fit a mixture.

    Args:
        samples: float32 (n, d).
        count: of components; they begin as samples drawn.
        rounds: of expectation and maximisation.
        generator: draws the beginnings.

    Raises:
        DatasetError: fewer samples than ten for each component, or a number that is the same in all.
    """
    if len(samples) < 10 * count:
        msg = f"a mixture of {count} components wants {10 * count} samples or more, got {len(samples)}"
        raise DatasetError(msg)
    spread = samples.var(0)
    if not bool((spread > 0).all()):
        msg = f"a mixture wants samples that differ in each of {samples.shape[1]} numbers: one is the same in all"
        raise DatasetError(msg)
    drawn = torch.randperm(len(samples), generator=generator)[:count]
    found = Mixture(samples[drawn].clone(), spread.repeat(count, 1), torch.full((count,), 1 / count))
    for _ in range(rounds):
        matrix, row = found.terms()
        mass, sums = torch.zeros(count), torch.zeros(count, 2 * samples.shape[1])
        for some in torch.split(samples, CHUNK):
            both = torch.cat([some, some * some], dim=1)
            belongs = (both @ matrix + row).softmax(1)
            mass += belongs.sum(0)
            sums += belongs.T @ both
        first, second = (sums / (mass[:, None] + 1e-3)).chunk(2, dim=1)
        variances = torch.maximum(second - first**2, LEAST * spread)
        found = Mixture(first, variances, (mass + 1) / (mass + 1).sum())
    return found
