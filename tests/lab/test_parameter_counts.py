"""Shapes and parameter counts of every published network, outlined on the meta device: nothing is allocated."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.lab.parts import a_recipe
from torch import Tensor, nn

from twinlens.errors import RecipeError
from twinlens.lab.initialisation import layers_of
from twinlens.lab.networks import outline_trunk
from twinlens.lab.recipe import Part
from twinlens.lab.siamese import count_parameters

L1 = {"name": "weighted-l1"}
COSINE = {"name": "cosine"}
EUCLIDEAN = {"name": "euclidean"}
KOCH_004 = {"name": "koch", "batch_norm": True, "init": "torch"}
VGG = "vgg16-bn"


def mahler(**options: Any) -> dict[str, Any]:
    return {"name": "mahler", **options}


def strided(**options: Any) -> dict[str, Any]:
    return {"name": "strided", **options}


@pytest.mark.parametrize(
    ("trunk", "head", "size", "colour", "wanted"),
    [
        pytest.param({"name": "koch"}, L1, 105, "grey", 38_951_745, id="Koch 2015"),
        pytest.param(strided(), L1, 250, "grey", 243_899_073, id="000 final"),
        pytest.param(strided(dense=64), L1, 250, "grey", 15_278_913, id="000 dense 64"),
        pytest.param(strided(dense=64, layers=4), L1, 250, "grey", 914_369, id="000 start"),
        pytest.param(mahler(dense=2048), L1, 125, "grey", 8_440_857, id="003 as reported"),
        pytest.param(mahler(), L1, 125, "grey", 1_097_241, id="003 as it ran"),
        pytest.param(mahler(filters=4), L1, 125, "grey", 537_069, id="003 f=4"),
        pytest.param(mahler(filters=4), L1, 250, "grey", 4_731_373, id="003 f=4 at 250 px"),
        pytest.param(mahler(filters=16), L1, 125, "grey", 2_288_433, id="003 f=16"),
        pytest.param(mahler(filters=32), L1, 125, "grey", 4_954_209, id="003 f=32"),
        pytest.param(mahler(filters=64), L1, 125, "grey", 11_419_329, id="003 f=64"),
        pytest.param(mahler(fourth_pool=True, dropout=0.2), L1, 125, "grey", 310_809, id="003 with dropout"),
        pytest.param(mahler(filters=64, dense=4096), L1, 125, "grey", 137_256_129, id="003's 'original'"),
        pytest.param({**KOCH_004, "pools": 4}, L1, 105, "grey", 10_641_345, id="004"),
        pytest.param(KOCH_004, L1, 105, "grey", 38_952_897, id="004 without the fourth pool"),
        pytest.param({"name": VGG}, EUCLIDEAN, 224, "rgb", 14_723_136, id="VGG16-bn features"),
        pytest.param({"name": VGG, "dense": "first"}, COSINE, 224, "rgb", 117_487_680, id="002 cosine v1"),
        pytest.param({"name": VGG, "dense": "new"}, COSINE, 224, "rgb", 117_487_680, id="002 cosine v2"),
        pytest.param({"name": VGG}, {"name": "decision"}, 224, "rgb", 237_037_634, id="002 decision"),
        pytest.param({"name": VGG}, {"name": "decision-linear"}, 224, "rgb", 151_054_402, id="002 decision linear"),
        pytest.param({"name": "padded"}, EUCLIDEAN, 100, "grey", 40_254_465, id="001, harveyslash"),
        pytest.param({"name": "koch", "init": "adityajn105"}, L1, 100, "grey", 27_417_409, id="adityajn105"),
        pytest.param({"name": "mobilenet-v2"}, COSINE, 224, "rgb", 2_223_872, id="MobileNet-v2 features"),
        pytest.param({"name": "efficientnet-lite0"}, COSINE, 224, "rgb", 3_371_008, id="EfficientNet-lite0 features"),
    ],
)
def test_counts_are_those_of_the_documents(trunk: Any, head: Any, size: int, colour: str, wanted: int) -> None:
    assert count_parameters(a_recipe(trunk, head, size=size, colour=colour)).total == wanted


@pytest.mark.parametrize(
    ("trunk", "size", "channels", "convolutions", "flat"),
    [
        ({"name": "koch"}, 105, 1, [(64, 96), (128, 42), (128, 18), (256, 6)], 9216),
        ({**KOCH_004, "pools": 4}, 105, 1, [(64, 96), (128, 42), (128, 18), (256, 6)], 2304),
        ({"name": "koch"}, 100, 1, [(64, 91), (128, 39), (128, 16), (256, 5)], 6400),
        (mahler(), 125, 1, [(8, 116), (16, 52), (32, 23), (64, 8)], 4096),
        (mahler(filters=4), 125, 1, [(4, 116), (8, 52), (16, 23), (32, 8)], 2048),
        (mahler(fourth_pool=True), 125, 1, [(8, 116), (16, 52), (32, 23), (64, 8)], 1024),
        (strided(), 250, 1, [(64, 124), (64, 61)], 238_144),
        (strided(layers=4, dense=64), 250, 1, [(64, 124), (64, 61), (64, 30), (64, 14)], 12_544),
        ({"name": "padded"}, 100, 1, [(4, 100), (8, 100), (8, 100)], 80_000),
    ],
)
def test_layers_have_the_published_shapes(
    trunk: dict[str, Any], size: int, channels: int, convolutions: list[tuple[int, int]], flat: int
) -> None:
    options = {key: value for key, value in trunk.items() if key != "name"}
    network = outline_trunk(Part(trunk["name"], options), channels=channels, size=size)
    seen: list[tuple[int, int]] = []
    wide: list[int] = []

    def see(layer: nn.Module, _: Any, output: Tensor) -> None:
        if isinstance(layer, nn.Conv2d):
            seen.append((output.shape[1], output.shape[2]))
        elif isinstance(layer, nn.Linear):
            wide.append(layer.in_features)

    for layer in layers_of(network):
        layer.register_forward_hook(see)
    embeddings = network(torch.empty(3, channels, size, size, device="meta"))
    assert embeddings.shape == (3, network.dim)
    assert (seen, wide[0]) == (convolutions, flat)


def test_each_layer_of_koch_has_the_published_count() -> None:
    network = outline_trunk(Part("koch"), channels=1, size=105)
    counts = [sum(one.numel() for one in layer.parameters()) for layer in layers_of(network)]
    assert counts == [6_464, 401_536, 262_272, 524_544, 37_752_832]


def test_vgg_leaves_25088_numbers_at_any_size() -> None:
    for size in (32, 64, 100, 224):
        network = outline_trunk(Part(VGG), channels=3, size=size)
        assert network(torch.empty(2, 3, size, size, device="meta")).shape == (2, 25_088) == (2, network.dim)


def test_the_falling_dropout_of_003() -> None:
    network = outline_trunk(Part("mahler", {"dropout": 0.25, "fourth_pool": True}), channels=1, size=125)
    rates = [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)]
    assert rates == pytest.approx([0.25, 0.2, 0.15, 0.1])
    assert not [one for one in outline_trunk(Part("mahler"), channels=1, size=125).modules() if type(one) is nn.Dropout]


@pytest.mark.parametrize(
    ("name", "options", "size", "message"),
    [
        ("koch", {}, 64, r"convolution 4 looks at 4x4 pixels, 3x3 are left: take a larger data\.size"),
        ("koh", {}, 105, "no trunk 'koh'; did you mean 'koch'"),
        ("koch", {"pool": 4}, 105, r"no key 'trunk\.pool'; did you mean 'pools'"),
        ("koch", {"kernels": [10, 7]}, 105, "as many filters as kernels are wanted"),
        ("koch", {"pools": 5}, 105, "pools follow 0 to 4 convolutions, got 5"),
        ("mahler", {"kernels": [3, 3]}, 105, r"trunk\.kernels are four"),
        ("strided", {"layers": 9}, 105, "convolution 6 looks at 3x3 pixels"),
        ("vgg16-bn", {"frozen": 6}, 105, r"trunk\.frozen lies between 0 and 5, got 6"),
        ("vgg16-bn", {}, 31, "needs 32 pixels"),
        ("mobilenet-v2", {"frozen": 99}, 105, "there are 19 parts, got 99"),
        ("mobilenet-v2", {"norm": True}, 105, r"give trunk\.dim too"),
        ("residual", {"stages": []}, 105, "at least 1"),
        ("padded", {"filters": []}, 105, "at least one convolution"),
    ],
)
def test_what_cannot_be_built_is_said(name: str, options: dict[str, Any], size: int, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        outline_trunk(Part(name, options), channels=1, size=size)
