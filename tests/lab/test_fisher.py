"""Dense SIFT, the mixture and Fisher vectors, against sums written out; and a recipe that surveys its photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.lab.test_descriptors import picture
from tests.lab.test_finish import BAYES, NOWHERE, QUIET

from twinlens.errors import DatasetError, RecipeError
from twinlens.lab.mixture import fit_mixture
from twinlens.lab.networks.dense_sift import dense_sift, places
from twinlens.lab.networks.fisher_vectors import LENGTH, FisherVectors, FisherVectorsOptions
from twinlens.lab.projection import Projected
from twinlens.lab.recipe import Recipe
from twinlens.lab.run import load_run
from twinlens.lab.train import train

SMALL = FisherVectorsOptions(cells=(2, 3), stride=2, reduced=6, components=8, parts=4)
TRUNK = (
    "trunk.name=fisher-vectors", "trunk.cells=[2, 3]", "trunk.stride=2", "trunk.reduced=6", "trunk.components=8",
    "trunk.parts=4", "head.name=cosine", "training.epochs=0",
)  # fmt: skip


def surveyed(size: int = 28) -> FisherVectors:
    trunk = FisherVectors(SMALL, 1, size)
    with torch.no_grad():
        trunk.survey([torch.cat([picture(size, seed=at) for at in range(6)])], torch.Generator().manual_seed(0))
    return trunk


def described(pixels: np.ndarray, cell: int, row: int, column: int) -> np.ndarray:
    """Return the descriptor whose first cell begins at a pixel, one pixel after the other."""
    side, votes = len(pixels), np.zeros((4, 4, 8))
    for y in range(side):
        for x in range(side):
            dx = pixels[y, min(x + 1, side - 1)] - pixels[y, max(x - 1, 0)]
            dy = pixels[min(y + 1, side - 1), x] - pixels[max(y - 1, 0), x]
            place = np.arctan2(dy, dx) / (2 * np.pi) * 8 % 8
            for i in range(4):
                for j in range(4):
                    below = abs(y - (row + i * cell + cell - 1)) / cell
                    beside = abs(x - (column + j * cell + cell - 1)) / cell
                    weight = max(1 - below, 0) * max(1 - beside, 0) * np.hypot(dx, dy)
                    low = int(place) % 8
                    votes[i, j, low] += weight * (1 - place % 1)
                    votes[i, j, (low + 1) % 8] += weight * (place % 1)
    flat = votes.ravel() / (np.linalg.norm(votes) + 0.05)
    flat = np.minimum(flat, 0.2)
    return np.asarray(np.sqrt(flat / (np.linalg.norm(flat) + 1e-6)))


def densities(points: torch.Tensor, means: torch.Tensor, deviations: torch.Tensor) -> torch.Tensor:
    away: torch.Tensor = (points[:, None] - means) / deviations
    return (-0.5 * away**2 - deviations.log()).sum(2)


def test_descriptors_are_those_of_a_loop() -> None:
    seen = picture(20)
    found, at = dense_sift(seen, (2, 3), 4)[0], places(20, (2, 3), 4)
    # sums over cells of 2 pixels leave 18 x 18 places, of which descriptors take 7: 0, 4, 8 begin one; of 3: 0 and 4
    assert found.shape == (9 + 4, 128)
    for index, cell, row, column in ((0, 2, 0, 0), (5, 2, 4, 8), (10, 3, 0, 4), (11, 3, 4, 0)):
        wanted = described(seen[0, 0].double().numpy(), cell, row, column)
        assert np.allclose(found[index].numpy(), wanted, atol=1e-4)
        middle = np.array([column, row]) + cell - 0.5 + 1.5 * cell
        assert np.allclose(at[index].numpy(), middle / 20 - 0.5, atol=1e-6)


def test_the_mixture_finds_what_is_there() -> None:
    generator = torch.Generator().manual_seed(0)
    near, far = torch.randn(600, 2, generator=generator), torch.randn(200, 2, generator=generator) * 0.5 + 9
    found = fit_mixture(torch.cat([near, far]), 2, rounds=30, generator=generator)
    order = found.means[:, 0].argsort()
    assert torch.allclose(found.means[order], torch.tensor([[0.0, 0], [9, 9]]), atol=0.2)
    assert torch.allclose(found.variances[order], torch.tensor([[1.0, 1], [0.25, 0.25]]), atol=0.15)
    assert torch.allclose(found.shares[order], torch.tensor([0.75, 0.25]), atol=0.01)
    matrix, row = found.terms()
    point = torch.tensor([[0.3, -0.2]])
    wanted = densities(point, found.means, found.variances.sqrt())[0] + found.shares.log()
    terms = (torch.cat([point, point**2], dim=1) @ matrix + row)[0]
    assert torch.allclose(terms[0] - terms[1], wanted[0] - wanted[1], atol=1e-3)
    with pytest.raises(DatasetError, match="80 samples or more, got 20"):
        fit_mixture(torch.rand(20, 2), 8, rounds=1, generator=generator)
    with pytest.raises(DatasetError, match="the same in all"):
        fit_mixture(torch.rand(90, 2) * torch.tensor([1.0, 0.0]), 8, rounds=1, generator=generator)


def test_vectors_are_the_gradients_of_the_log_likelihood() -> None:
    """Fisher vectors are gradients by mean and by deviation, whitened by the square root of Fisher's information."""
    trunk = surveyed()
    seen = picture(28, seed=9)
    found = trunk(seen)[0].double()
    cut = (dense_sift(seen, SMALL.cells, SMALL.stride)[0] - trunk.centre) @ trunk.turn
    points = torch.cat([cut, trunk.places], dim=1).double()
    shares = trunk.shares.double()
    means = trunk.means.double().requires_grad_()
    deviations = trunk.variances.double().sqrt().requires_grad_()
    likelihood = (densities(points, means, deviations) + shares.log()).logsumexp(1).mean()
    by_mean, by_deviation = torch.autograd.grad(likelihood, [means, deviations])
    scale = deviations.detach() / shares[:, None].sqrt()
    wanted = torch.cat([by_mean * scale, by_deviation * scale / 2**0.5], dim=1).flatten()
    wanted = wanted.sign() * wanted.abs().sqrt()
    assert torch.allclose(found, wanted / wanted.norm() * LENGTH, atol=2e-2)
    assert float(torch.corrcoef(torch.stack([found, wanted]))[0, 1]) > 0.9999


def test_a_part_is_gaussians_that_are_near_each_other() -> None:
    trunk = surveyed()
    at = trunk.means[:, -2:].reshape(4, 2, 2)
    high, low = at[:2].flatten(0, 1), at[2:].flatten(0, 1)
    assert float(high[:, 1].max()) <= float(low[:, 1].min())
    for left, right in (at[:2], at[2:]):
        assert float(left[:, 0].max()) <= float(right[:, 0].min())
    assert [len(part) for part in trunk.parts()] == [2 * 2 * 8] * 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cells": ()}, "cells of 2 pixels"),
        ({"stride": 0}, "stride of 1"),
        ({"reduced": 200}, "1 to 128"),
        ({"components": 24, "parts": 16}, "divides components"),
        ({"components": 24, "parts": 3}, "power of two"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        FisherVectorsOptions(**options)  # type: ignore[arg-type]


def test_pictures_too_small_or_too_dull_are_refused() -> None:
    with pytest.raises(RecipeError, match="wider than pictures of 20"):
        FisherVectors(FisherVectorsOptions(), 1, 20)
    trunk = FisherVectors(SMALL, 1, 28)
    with torch.no_grad(), pytest.raises(DatasetError, match="directions of structure"):
        trunk.survey([torch.full((6, 1, 28, 28), 0.5)], torch.Generator())


def test_a_recipe_surveys_its_photos_and_learns_by_parts(
    make: Callable[..., Recipe], cache: Path, tmp_path: Path
) -> None:
    recipe = make(*TRUNK, *BAYES, "finish.part_dim=5")
    outcome = train(recipe, NOWHERE, tmp_path / "run", progress=False, limits=QUIET, cache=cache)
    assert outcome.validation is not None
    assert outcome.validation.auc > 0.8
    _, siamese = load_run(tmp_path / "run")
    assert isinstance(siamese.trunk, Projected)
    assert len(siamese.trunk.pieces) == 4
    assert isinstance(siamese.trunk.trunk, FisherVectors)
    assert float(siamese.trunk.trunk.centre.abs().sum()) > 0  # what was surveyed is in the file
    again = train(recipe, NOWHERE, tmp_path / "again", progress=False, limits=QUIET, cache=cache)
    assert again.validation == outcome.validation


@pytest.mark.slow
def test_it_can_be_written_for_any_number_of_pictures() -> None:
    """As export does it: the number of pictures is left open."""
    trunk = surveyed().eval()
    some = torch.cat([picture(28, seed=at) for at in range(2)])
    program = torch.export.export(trunk, (some,), dynamic_shapes=({0: torch.export.Dim("n")},))
    more = torch.cat([picture(28, seed=at) for at in range(6)])
    with torch.no_grad():
        assert torch.allclose(program.module()(more), trunk(more), atol=1e-3)
