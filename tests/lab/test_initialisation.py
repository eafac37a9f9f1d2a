"""What is drawn has the published distributions."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from tests.lab.parts import seeded
from torch import Tensor

from twinlens.lab.heads import build_head
from twinlens.lab.initialisation import glorot_uniform, he_normal, layers_of, lecun_normal, pytorch_uniform
from twinlens.lab.networks import build_trunk
from twinlens.lab.recipe import Part


def statistics(value: Tensor) -> tuple[float, float]:
    return value.mean().item(), value.std().item()


def close(mean: float, deviation: float) -> Any:
    return pytest.approx((mean, deviation), abs=max(0.2 * deviation, 1e-6))


def test_koch_and_003_as_published() -> None:
    koch = build_trunk(Part("koch", {"dense": 256}), channels=1, size=105, generator=seeded())
    *convolutions, dense = layers_of(koch)
    for layer in convolutions:
        assert statistics(layer.weight) == close(0, 0.01)
    assert statistics(dense.weight) == close(0, 0.2)
    for layer in (*convolutions, dense):
        assert layer.bias is not None
        assert statistics(layer.bias) == pytest.approx((0.5, 0.01), abs=0.005)
    mahler = build_trunk(Part("mahler"), channels=1, size=125, generator=seeded())
    first, second, *_ = layers_of(mahler)
    assert first.bias is not None
    assert second.bias is not None
    assert not first.bias.any()
    assert second.bias.mean().item() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("init", ["glorot", "lecun"])
def test_the_initialisations_that_003_states(init: str) -> None:
    trunk = build_trunk(Part("mahler", {"init": init}), channels=1, size=125, generator=seeded())
    *_, dense = layers_of(trunk)
    wanted = math.sqrt(2 / (4096 + 256)) if init == "glorot" else math.sqrt(1 / 4096)
    assert statistics(dense.weight) == close(0, wanted)


def test_draws_have_the_deviations_of_their_papers() -> None:
    weight = torch.empty(64, 32, 3, 3)
    wanted = {
        glorot_uniform: math.sqrt(2 / (32 * 9 + 64 * 9)),
        lecun_normal: math.sqrt(1 / (32 * 9)),
        he_normal: math.sqrt(2 / (64 * 9)),
        pytorch_uniform: math.sqrt(1 / (3 * 32 * 9)),
    }
    for draw, deviation in wanted.items():
        draw(weight, seeded())
        assert weight.std().item() == pytest.approx(deviation, rel=0.02)


def test_pytorch_s_own_is_pytorch_s_own() -> None:
    torch.manual_seed(4)
    theirs = torch.nn.Linear(7, 1)
    head = build_head(Part("weighted-l1", {"init": "torch"}), 7, generator=seeded(4))
    ours = dict(head.named_parameters())
    assert torch.equal(ours["dense.weight"], theirs.weight)
    assert torch.equal(ours["dense.bias"], theirs.bias)


def test_residual_blocks_begin_as_what_came_in() -> None:
    trunk = build_trunk(Part("residual", {"stages": [2], "width": 4}), channels=1, size=32, generator=seeded()).eval()
    stem, blocks = trunk.get_submodule("stem"), trunk.get_submodule("blocks")
    maps = stem(torch.rand(2, 1, 32, 32, generator=seeded(1)))
    assert blocks(maps).allclose(maps)
