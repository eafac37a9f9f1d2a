"""Heads against plain loops in numpy; order of pairs, symmetry, precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tests.lab.parts import seeded
from torch import Tensor, nn

from twinlens.errors import RecipeError
from twinlens.lab.heads import HEADS, Head, build_head
from twinlens.lab.heads.weighted_l1 import WeightedL1
from twinlens.lab.recipe import Part

DIM = 7
SMALL: dict[str, dict[str, Any]] = {"decision": {"hidden": [5, 4]}, "decision-linear": {"hidden": [5], "linear": 6}}
Array = npt.NDArray[np.float64]


def small(name: str, **options: Any) -> Head:
    return build_head(Part(name, {**SMALL.get(name, {}), **options}), DIM, generator=seeded()).eval()


def some_pairs(count: int = 9) -> tuple[Tensor, Tensor]:
    return torch.randn(count, DIM, generator=seeded(1)), torch.randn(count, DIM, generator=seeded(2))


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def array(tensor: Tensor) -> Array:
    return tensor.detach().numpy().astype(np.float64)


def weights(layer: nn.Module) -> tuple[Array, Array]:
    assert isinstance(layer, nn.Linear)
    return array(layer.weight), array(layer.bias)


@pytest.mark.parametrize("says", ["same", "different"])
def test_weighted_l1_in_a_loop(says: str) -> None:
    head = small("weighted-l1", says=says, init="koch")
    assert isinstance(head, WeightedL1)
    left, right = some_pairs()
    ((alphas,), (bias,)) = weights(head.dense)
    similarities, raw = array(head.similarity(left, right)), array(head(left, right))
    for at in range(len(left)):
        total = bias
        for j in range(DIM):
            total += alphas[j] * abs(float(left[at, j]) - float(right[at, j]))
        assert raw[at] == pytest.approx(total, abs=1e-5)
        wanted = sigmoid(total) if says == "same" else 1 - sigmoid(total)  # 004's unit says P(different)
        assert similarities[at] == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("unit_length", [False, True])
def test_euclidean_in_a_loop(unit_length: bool) -> None:
    head = small("euclidean", unit_length=unit_length, threshold=0.5)
    left, right = some_pairs()
    for at, distance in enumerate(array(head.distance(left, right))):
        a, b = array(left[at]), array(right[at])
        if unit_length:
            a, b = a / np.sqrt((a * a).sum()), b / np.sqrt((b * b).sum())
        assert distance == pytest.approx(np.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True))), abs=1e-5)
    assert torch.equal(head.similarity(left, right), -head.distance(left, right))
    assert head.half == -0.5


def test_cosine_in_a_loop() -> None:
    head = small("cosine")
    left, right = some_pairs()
    for at, cosine in enumerate(array(head.similarity(left, right))):
        a, b = array(left[at]), array(right[at])
        assert cosine == pytest.approx((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()), abs=1e-5)
    assert head.similarity(left, left).allclose(torch.ones(9))
    assert not head.similarity(torch.zeros(2, DIM), left[:2]).any()


@pytest.mark.parametrize("name", ["decision", "decision-linear"])
def test_decisions_in_a_loop(name: str) -> None:
    head = small(name)
    left, right = some_pairs()
    layers = [layer for layer in head.modules() if isinstance(layer, nn.Linear)]
    for at, similarity in enumerate(array(head.similarity(left, right))):
        a, b = array(left[at]), array(right[at])
        chain = list(layers)
        if name == "decision-linear":
            matrix, bias = weights(chain.pop(0))
            a, b = matrix @ a + bias, matrix @ b + bias
        x = np.concatenate((a, b))
        for layer in chain[:-1]:
            matrix, bias = weights(layer)
            x = np.maximum(matrix @ x + bias, 0)
        matrix, bias = weights(chain[-1])
        different, same = matrix @ x + bias
        assert similarity == pytest.approx(np.exp(same) / (np.exp(same) + np.exp(different)), abs=1e-5)


@pytest.mark.parametrize("name", HEADS)
def test_pairs_are_independent_and_the_order_of_a_pair_matters_only_where_it_is_said(name: str) -> None:
    head = small(name)
    left, right = some_pairs()
    turned = torch.randperm(len(left), generator=seeded(3))
    similarity = head.similarity(left, right)
    assert similarity.shape == (9,)
    assert head.similarity(left[turned], right[turned]).allclose(similarity[turned], atol=1e-6)
    assert head.similarity(right, left).allclose(similarity, atol=1e-6) == head.symmetric
    assert bool((head.distance(left, right) >= 0).all())
    assert (head.log_odds(left, right).argsort() == similarity.argsort()).all()
    assert (head.distance(left, right).argsort(descending=True) == similarity.argsort()).all()


def test_a_decision_that_is_asked_both_ways_is_symmetric() -> None:
    head = small("decision", both_ways=True)
    left, right = some_pairs()
    assert head.symmetric
    assert head.similarity(left, right).allclose(head.similarity(right, left), atol=1e-6)


@pytest.mark.parametrize("name", HEADS)
def test_heads_compute_in_float32_whatever_comes(name: str) -> None:
    head = small(name)
    left, right = (one.bfloat16() for one in some_pairs())
    assert head.similarity(left, right).dtype == torch.float32
    assert torch.equal(head.similarity(left, right), head.similarity(left.float(), right.float()))


def test_the_same_picture_twice_has_a_gradient() -> None:
    left, _ = some_pairs()
    left.requires_grad_()
    (gradient,) = torch.autograd.grad(small("euclidean").distance(left, left.detach().clone()).sum(), left)
    assert not gradient.any()


def test_an_unknown_head_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="no head 'cosin'; did you mean 'cosine'"):
        small("cosin")
    with pytest.raises(RecipeError, match=r"head\.threshold is a cosine"):
        small("cosine", threshold=2.0)
