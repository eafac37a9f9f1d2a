"""A shortened trunk gives the same cosines for less work."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from twinlens.errors import OptionError
from twinlens.lab.export.shortening import Merged, shortened
from twinlens.lab.joint_bayesian import Linear
from twinlens.lab.networks.residual import Residual, ResidualOptions
from twinlens.lab.projection import JointBayesianOptions, Projected, learn

DIM = 6


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def residual() -> Residual:
    trunk = Residual(ResidualOptions(stages=(1, 1, 1), width=4, dim=8, pool="flat"), 3, 32)
    trunk.initialise(torch.Generator().manual_seed(0))
    for module in trunk.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight, 1, 0.2, generator=torch.Generator().manual_seed(2))
    return trunk.eval()


@pytest.fixture
def projected() -> Projected:
    trunk = Projected(residual(), JointBayesianOptions(dim=DIM))
    rng = np.random.default_rng(0)
    parts = ((trunk.trunk.breadth,), (trunk.trunk.breadth, DIM), (DIM, DIM))
    learn(trunk, Linear(*(rng.standard_normal(part).astype(np.float32) for part in parts)))
    return trunk.eval()


def unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors, dim=1)


def test_strides_move_into_the_shortcuts(pictures: torch.Tensor) -> None:
    trunk = residual()
    short = shortened(trunk, once=True)
    with torch.no_grad():
        torch.testing.assert_close(short(pictures), trunk(pictures))
    assert [block.stride for block in trunk.blocks] == [1, 2, 2]  # its own are left as they were
    assert [block.stride for block in short.blocks] == [1, 1, 1]  # type: ignore[union-attr]


@pytest.mark.parametrize("dim", [None, 4])
def test_one_matrix_has_the_same_cosines(projected: Projected, pictures: torch.Tensor, dim: int | None) -> None:
    short = shortened(projected, once=True, dim=dim)
    assert isinstance(short, Merged)
    assert sum(one.numel() for one in short.parameters()) < sum(one.numel() for one in projected.parameters())
    with torch.no_grad():
        wanted = unit(projected(pictures)[:, DIM - (dim or DIM) :])
        torch.testing.assert_close(unit(short(pictures)), wanted, atol=1e-5, rtol=0)


def test_beside_a_mirror_image_lengths_stay(projected: Projected, pictures: torch.Tensor) -> None:
    short = shortened(projected, once=False, dim=4)
    with torch.no_grad():
        torch.testing.assert_close(short(pictures), projected(pictures)[:, DIM - 4 :])
    assert projected.turn.shape == (DIM, DIM)


def test_directions_that_are_not_there(projected: Projected) -> None:
    with pytest.raises(OptionError, match="from 1 to the 6 that the network has, got 7"):
        shortened(projected, once=True, dim=7)
    with pytest.raises(OptionError, match="only embeddings of a joint Bayesian finish"):
        shortened(residual(), once=True, dim=4)
