"""Features of known people -> the linear map whose cosines tell people apart best: whitening and joint Bayesian.

A feature is a person plus a variation, both Gaussian (Chen et al. 2012, "Bayesian Face Revisited"); the covariances are
found by expectation and maximisation. Of the log likelihood ratio, the part that depends on both photos is a product of
two projections; its cosine is the similarity here, as a recognizer wants vectors and no matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from twinlens.errors import DatasetError

SWEEPS = 2  # of power iteration: enough for spectra of pictures (Halko et al. 2011)
SPARE = 10  # directions more than wanted, given up afterwards


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """unit((x - mean) @ basis) @ turn.

    Attributes:
        mean: (features,).
        basis: (features, dim), whitens.
        turn: (dim, dim).
    """

    mean: Float32[np.ndarray, " features"]
    basis: Float32[np.ndarray, "features dim"]
    turn: Float32[np.ndarray, "dim dim"]


def fit_linear(
    features: Float32[np.ndarray, "n features"],
    people: Int64[np.ndarray, " n"],
    *,
    dim: int,
    rounds: int,
    rng: np.random.Generator,
) -> Linear:
    """Learn the map.

    Args:
        features: of photos.
        people: who is on each.
        dim: principal components that are kept.
        rounds: of expectation and maximisation.
        rng: begins the search for principal components.

    Raises:
        DatasetError: fewer photos or features than dim, or nobody with two photos.
    """
    n, width = features.shape
    if min(n, width) <= dim or len(np.unique(people)) == n:
        msg = (
            f"joint Bayesian with dim = {dim} needs more than {dim} photos and features, some of one person; got {n} "
            f"photos of {len(np.unique(people))} people, {width} features"
        )
        raise DatasetError(msg)
    mean = features.mean(axis=0)
    basis, variance = _principal(features - mean, dim, rng)
    whitening = basis / np.sqrt(np.maximum(variance, variance[0] * 1e-9))
    white = _unit((features - mean) @ whitening.astype(np.float32)).astype(np.float64) * np.sqrt(dim)
    person, variation = _covariances(white, people, rounds)
    return Linear(mean, whitening.astype(np.float32), (_turn(person, variation) * np.sqrt(dim)).astype(np.float32))


def _unit(vectors: Float32[np.ndarray, "n dim"]) -> Float32[np.ndarray, "n dim"]:
    lengths: Float32[np.ndarray, "n 1"] = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Float32[np.ndarray, "n dim"] = vectors / np.maximum(lengths, 1e-12)
    return unit


def _principal(
    centred: Float32[np.ndarray, "n features"], dim: int, rng: np.random.Generator
) -> tuple[Float32[np.ndarray, "features dim"], Float64[np.ndarray, " dim"]]:
    """Return the first principal components and their variances (Halko, Martinsson and Tropp 2011, algorithm 4.4)."""
    n, width = centred.shape
    drawn = rng.standard_normal((width, min(dim + SPARE, n, width)), dtype=np.float32)
    span, _ = np.linalg.qr(centred @ drawn)
    for _ in range(SWEEPS):
        other, _ = np.linalg.qr(centred.T @ span)
        span, _ = np.linalg.qr(centred @ other)
    _, singular, right = np.linalg.svd(span.T @ centred, full_matrices=False)
    return right[:dim].T, singular[:dim].astype(np.float64) ** 2 / n


def _covariances(
    white: Float64[np.ndarray, "n dim"], people: Int64[np.ndarray, " n"], rounds: int
) -> tuple[Float64[np.ndarray, "dim dim"], Float64[np.ndarray, "dim dim"]]:
    """Return the covariances of people and of variations (Chen et al. 2012, section 4.2)."""
    _, who, counts = np.unique(people, return_inverse=True, return_counts=True)
    dim, n = white.shape[1], len(white)
    sums = np.zeros((len(counts), dim))
    np.add.at(sums, who, white)
    means = sums / counts[:, None]
    within = white - means[who]
    variation = within.T @ within / max(n - len(counts), 1) + 1e-6 * np.eye(dim)
    person = np.cov(means.T)
    for _ in range(rounds):
        expected = np.empty_like(sums)
        spread, inner = np.zeros((dim, dim)), np.zeros((dim, dim))
        for count in np.unique(counts):
            some = counts == count
            # of one person's mean, given the sum of ``count`` photos
            gain = np.linalg.solve(count * person + variation, person).T
            rest = person - count * gain @ person
            expected[some] = sums[some] @ gain.T
            spread += some.sum() * rest
            inner += some.sum() * count * rest
        left = white - expected[who]
        person = _even((expected.T @ expected + spread) / len(counts))
        variation = _even((left.T @ left + inner) / n)
    return person, variation


def _even(matrix: Float64[np.ndarray, "dim dim"]) -> Float64[np.ndarray, "dim dim"]:
    even: Float64[np.ndarray, "dim dim"] = (matrix + matrix.T) / 2
    return even


def _turn(
    person: Float64[np.ndarray, "dim dim"], variation: Float64[np.ndarray, "dim dim"]
) -> Float64[np.ndarray, "dim dim"]:
    """Return the root of what multiplies two photos in the log likelihood ratio (Chen et al. 2012, equation 4)."""
    cross = np.linalg.solve(2 * person + variation, person) @ np.linalg.inv(variation)
    values, vectors = np.linalg.eigh(_even(cross))
    root: Float64[np.ndarray, "dim dim"] = vectors * np.sqrt(np.maximum(values, 0))
    return root
