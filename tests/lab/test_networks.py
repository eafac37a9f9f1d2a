"""Trunks against the order of layers that their documents describe."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.lab.parts import seeded
from torch import Tensor, nn
from torch.nn import functional

from twinlens.lab.initialisation import Layer, layers_of
from twinlens.lab.networks import Trunk, build_trunk
from twinlens.lab.networks.inverted import SameConv2d
from twinlens.lab.recipe import Part


def trunk_of(name: str, *, channels: int = 1, size: int = 64, **options: Any) -> Trunk:
    return build_trunk(Part(name, options), channels=channels, size=size, generator=seeded()).eval()


def filtered(maps: Tensor, layer: Layer, **options: Any) -> Tensor:
    return functional.conv2d(maps, layer.weight, layer.bias, **options)


def some_pictures(size: int = 64) -> Tensor:
    return torch.rand(3, 1, size, size, generator=seeded(1))


@pytest.mark.parametrize("pools", [3, 4])
def test_koch_is_convolution_relu_pool(pools: int) -> None:
    trunk = trunk_of("koch", size=105, filters=[3, 4, 4, 5], dense=6, pools=pools, init="torch")
    *convolutions, dense = layers_of(trunk)
    maps = pictures = some_pictures(105)
    for at, layer in enumerate(convolutions):
        maps = filtered(maps, layer).relu()
        maps = functional.max_pool2d(maps, 2) if at < pools else maps
    wanted = torch.sigmoid(functional.linear(maps.flatten(1), dense.weight, dense.bias))
    embeddings = trunk(pictures)
    assert embeddings.allclose(wanted, atol=1e-6)
    parameters = list(trunk.parameters())
    ours = torch.autograd.grad(embeddings.square().sum(), parameters)
    theirs = torch.autograd.grad(wanted.square().sum(), parameters)
    assert all(one.allclose(other, rtol=1e-3, atol=1e-5) for one, other in zip(ours, theirs, strict=True))


def test_004_normalises_between_convolution_and_relu() -> None:
    trunk = trunk_of("koch", filters=[3, 4], kernels=[5, 3], dense=6, pools=2, batch_norm=True, init="torch")
    first, second, dense = layers_of(trunk)
    norms = [layer for layer in trunk.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.normal_(norm.running_mean, generator=seeded(2))  # type: ignore[arg-type]
        nn.init.constant_(norm.weight, -1)  # turned round, so that a pool before the norm would show
    maps = pictures = some_pictures()
    for layer, norm in zip((first, second), norms, strict=True):
        maps = functional.max_pool2d(norm(filtered(maps, layer)).relu(), 2)
    wanted = torch.sigmoid(functional.linear(maps.flatten(1), dense.weight, dense.bias))
    assert trunk(pictures).allclose(wanted, atol=1e-6)


def test_000_has_strides_and_no_pools() -> None:
    trunk = trunk_of("strided", filters=4, dense=5)
    first, second, dense = layers_of(trunk)
    pictures = some_pictures()
    maps = filtered(filtered(pictures, first, stride=2).relu(), second, stride=2).relu()
    wanted = torch.sigmoid(functional.linear(maps.flatten(1), dense.weight, dense.bias))
    assert trunk(pictures).allclose(wanted, atol=1e-6)


def test_harveyslash_mirrors_edges_and_normalises_behind_relu() -> None:
    trunk = trunk_of("padded", size=20)
    *convolutions, first, second, last = layers_of(trunk)
    maps = pictures = some_pictures(20)
    for layer in convolutions:
        maps = filtered(functional.pad(maps, (1, 1, 1, 1), "reflect"), layer).relu() / (1 + 1e-5) ** 0.5
    dense = maps.flatten(1)
    for layer in (first, second):
        dense = functional.linear(dense, layer.weight, layer.bias).relu()
    assert trunk(pictures).allclose(functional.linear(dense, last.weight, last.bias), atol=1e-5)


@pytest.mark.parametrize("size", [33, 64, 105])
def test_efficientnet_pads_as_tensorflow_does(size: int) -> None:
    """out = ceil(in / stride); what is missing is split, the odd pixel goes right and below."""
    trunk = trunk_of("efficientnet-lite0", size=size)
    sides: list[tuple[int, int, int, int, int]] = []

    def see(layer: nn.Module, given: tuple[Tensor], output: Tensor) -> None:
        assert isinstance(layer, nn.Conv2d)
        before = layer.amounts[0] if isinstance(layer, SameConv2d) else int(layer.padding[0])
        sides.append((given[0].shape[2], output.shape[2], layer.kernel_size[0], layer.stride[0], before))

    for layer in layers_of(trunk):
        layer.register_forward_hook(see)
    with torch.no_grad():
        trunk(torch.rand(1, 1, size, size, generator=seeded(1)))
    for entered, left, kernel, stride, before in sides:
        assert left == -(-entered // stride)
        assert before == max((left - 1) * stride + kernel - entered, 0) // 2


def test_dropout_falls_only_in_training() -> None:
    trunk = trunk_of("mahler", size=125, dropout=0.5, dropout_dense=0.2)
    pictures = some_pictures(125)
    with torch.no_grad():
        assert torch.equal(trunk(pictures), trunk(pictures))
        trunk.train()
        assert not torch.equal(trunk(pictures), trunk(pictures))
