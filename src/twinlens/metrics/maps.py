"""Genuine and impostor similarities -> the parameters of an increasing map to log-likelihood ratios.

Logistic: Platt 1999, fitted by iteratively reweighted least squares. Beta: Kull, Silva Filho and Flach 2017, "Beta
calibration" (equation 6; slopes that come out negative are set to 0 and the rest fitted again, as there). Isotonic:
`twinlens.metrics.isotonic`, with its infinite ends brought to the bounds.

Both kinds weigh the same together (an even prior), so that the log odds fitted are log-likelihood ratios.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64

from twinlens.metrics.isotonic import pool
from twinlens.metrics.weighted import Weighted
from twinlens.zoo.calibration import EDGE

RIDGE = 1e-5  # on slopes in standard deviations: keeps them finite where the two kinds do not overlap
STEPS = 200
PRECISION = 1e-10  # of the gradient

Bounds = tuple[float, float]
Columns = Callable[[Float64[np.ndarray, "n"]], Float64[np.ndarray, "n k"]]


def logistic_weights(genuine: Weighted, impostor: Weighted, *, ridge: float = RIDGE) -> tuple[float, float]:
    """Return slope and shift: llr = slope * similarity + shift; a falling slope becomes 0."""
    slopes, shift = _rising(lambda s: s[:, None], genuine, impostor, ridge)
    return float(slopes[0]), shift


def beta_weights(genuine: Weighted, impostor: Weighted, *, ridge: float = RIDGE) -> tuple[float, float, float]:
    """Return a, b, c: llr = a * ln(p) - b * ln(1 - p) + c, p = (1 + similarity) / 2; a and b are 0 or more."""
    slopes, shift = _rising(_beta_columns, genuine, impostor, ridge)
    return float(slopes[0]), float(slopes[1]), shift


def isotonic_knots(genuine: Weighted, impostor: Weighted, bounds: Bounds) -> tuple[tuple[float, float], ...]:
    """Return (similarity, llr) at both ends of each block of equal value, within the bounds."""
    blocks = pool(genuine, impostor)
    llr = np.clip(blocks.llr, *bounds)
    knots: dict[float, float] = {}
    for first, last, value in zip(blocks.first.tolist(), blocks.last.tolist(), llr.tolist(), strict=True):
        knots[first] = knots[last] = value
    return tuple(knots.items())


def _beta_columns(s: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 2"]:
    p = np.clip((1 + s) / 2, EDGE, 1 - EDGE)
    return np.stack((np.log(p), -np.log1p(-p)), axis=1)


class _Problem:
    """Weighted logistic regression of columns that are shifted and scaled to mean 0 and deviation 1."""

    def __init__(self, columns: Float64[np.ndarray, "n k"], truth: Weighted, other: Weighted, ridge: float) -> None:
        self.w = np.concatenate((truth.shares, other.shares)) / 2
        self.y = np.concatenate((np.ones(truth.scores.size), np.zeros(other.scores.size)))
        self.mean = self.w @ columns
        self.scale = np.sqrt(self.w @ (columns - self.mean) ** 2)
        self.scale[self.scale == 0] = 1.0
        self.x = np.concatenate(((columns - self.mean) / self.scale, np.ones((self.y.size, 1))), axis=1)
        self.penalty = np.append(np.full(columns.shape[1], ridge), 0.0)

    def loss(self, theta: Float64[np.ndarray, "k"]) -> float:
        odds = self.x @ theta
        return float(self.w @ (np.logaddexp(0, odds) - self.y * odds) + self.penalty @ theta**2 / 2)

    def solve(self) -> Float64[np.ndarray, "k"]:
        """Newton's method, halving a step that would go uphill."""
        theta = np.zeros(self.x.shape[1])
        loss = self.loss(theta)
        for _ in range(STEPS):
            p = 1 / (1 + np.exp(-np.clip(self.x @ theta, -500, 500)))
            gradient = self.x.T @ (self.w * (p - self.y)) + self.penalty * theta
            if np.abs(gradient).max() < PRECISION:
                break
            curvature = (self.x * (self.w * p * (1 - p))[:, None]).T @ self.x + np.diag(self.penalty + 1e-12)
            step = np.linalg.solve(curvature, gradient)
            size = 1.0
            while (after := self.loss(theta - size * step)) > loss and size > 1e-8:
                size /= 2
            if size <= 1e-8:
                break
            theta, loss = theta - size * step, after
        return theta


def _rising(
    columns_of: Columns, genuine: Weighted, impostor: Weighted, ridge: float
) -> tuple[Float64[np.ndarray, "k"], float]:
    """Fit slopes of 0 or more and the shift; a slope that wants to fall is 0, and the others are fitted without it."""
    columns = columns_of(np.concatenate((genuine.scores, impostor.scores)))
    used = np.arange(columns.shape[1])
    while True:
        problem = _Problem(columns[:, used], genuine, impostor, ridge)
        theta = problem.solve()
        slopes = theta[:-1] / problem.scale
        if (slopes >= 0).all():
            break
        used = np.delete(used, int(np.argmin(theta[:-1])))
    full = np.zeros(columns.shape[1])
    full[used] = slopes
    return full, float(theta[-1] - slopes @ problem.mean)
