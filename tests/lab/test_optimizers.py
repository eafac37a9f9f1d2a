"""Groups by layer, Koch's rising momentum, what decays; and Keras' L2 in the loss."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.lab.parts import a_recipe, seeded
from torch import nn

from twinlens.errors import RecipeError
from twinlens.lab.objectives import Objective, build_objective
from twinlens.lab.optimizers import build_optimizer, parameter_groups, raise_momentum
from twinlens.lab.penalty import penalty
from twinlens.lab.recipe import Part, TrainingPlan
from twinlens.lab.siamese import Siamese, build_siamese

KOCH = {"name": "koch", "filters": [2, 3], "kernels": [3, 3], "pools": 1, "dense": 5, "batch_norm": True}
LAYERS = {"layer_lr": [1e-4, 1e-3, 1e-2, 1e-1], "layer_momentum": [0.6, 0.7, 0.8, 0.9]}


def koch(head: str = "weighted-l1", loss: str = "bce", **trunk: Any) -> tuple[Siamese, Objective]:
    recipe = a_recipe({**KOCH, **trunk}, {"name": head}, {"name": loss}, size=16)
    siamese = build_siamese(recipe, generator=seeded())
    return siamese, build_objective(recipe, siamese.trunk.dim, 3, generator=seeded())


def test_every_parameter_is_in_one_group() -> None:
    for options in ({}, LAYERS, {"decay": "weights", "weight_decay": 1e-4}):
        for head, loss in (("weighted-l1", "bce"), ("cosine", "arcface")):
            if options is LAYERS and head == "cosine":
                continue
            siamese, objective = koch(head, loss)
            groups = parameter_groups(siamese, objective, Part("sgd", {"lr": 0.01, **options}))
            grouped = [id(one) for group in groups for one in group["params"]]
            wanted = [id(one) for one in (*siamese.parameters(), *objective.parameters())]
            assert sorted(grouped) == sorted(wanted)


def test_layers_have_rates_decays_and_momenta_of_their_own() -> None:
    siamese, objective = koch()
    options = {"lr": 1.0, "momentum": 0.5, "momentum_start": 0.5, "layer_weight_decay": [0, 0.1, 0.2, 0.3], **LAYERS}
    part = Part("sgd", options)
    optimizer = build_optimizer(siamese, objective, part)
    first, second, *_, last = optimizer.param_groups
    assert [one.shape[0] for one in first["params"]] == [2] * 4  # the batch norm goes with its convolution
    assert (first["lr"], second["lr"], last["lr"]) == (1e-4, 1e-3, 1e-1)
    assert (first["weight_decay"], second["weight_decay"]) == (0.0, 0.1)
    for epoch, wanted in ((0, 0.5), (2, 0.7), (4, 0.9)):
        raise_momentum(optimizer, part, epoch=epoch, epochs=5)
        assert last["momentum"] == pytest.approx(wanted)
    assert first["momentum"] == pytest.approx(0.6)
    with pytest.raises(RecipeError, match="this network has 4 layers, got 2 values"):
        parameter_groups(siamese, objective, Part("sgd", {"lr": 1.0, "layer_lr": [1, 2]}))


def test_biases_and_norms_need_not_decay() -> None:
    siamese, objective = koch()
    groups = parameter_groups(siamese, objective, Part("adamw", {"lr": 1, "weight_decay": 0.1, "decay": "weights"}))
    for group in groups:
        assert {one.ndim >= 2 for one in group["params"]} == {group["weight_decay"] > 0}


def test_a_trunk_may_be_tuned_gently_and_frozen_parts_not_at_all() -> None:
    recipe = a_recipe({"name": "mobilenet-v2", "frozen": 19}, size=32)
    siamese = build_siamese(recipe, generator=seeded())
    objective = build_objective(recipe, 1280, 0, generator=seeded())
    (group,) = parameter_groups(siamese, objective, Part("adam", {"lr": 0.01}))
    assert group["params"] == list(siamese.head.parameters())
    siamese, objective = koch()
    trunk, head = parameter_groups(siamese, objective, Part("adam", {"lr": 0.01, "trunk_factor": 0.1}))
    assert (trunk["lr"], head["lr"]) == (pytest.approx(0.001), 0.01)
    recipe = a_recipe({"name": "mobilenet-v2", "frozen": 19}, {"name": "cosine"}, size=32)
    with pytest.raises(RecipeError, match="nothing would train"):
        build_optimizer(build_siamese(recipe, generator=seeded()), objective_without_weights(), recipe.optimizer)


def objective_without_weights() -> Objective:
    return koch("cosine")[1]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sgd", "SGD"), ("adam", "Adam"), ("adamw", "AdamW"), ("rmsprop", "RMSprop")],
)
def test_optimizers_are_torch_s(name: str, kind: str) -> None:
    optimizer = build_optimizer(*koch(), Part(name, {"lr": 0.25}))
    assert type(optimizer).__name__ == kind
    assert optimizer.defaults["lr"] == 0.25


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Part("adma", {"lr": 1}), "no optimizer 'adma'; did you mean 'adam'"),
        (Part("adam"), r"\[optimizer\] needs lr"),
        (Part("adam", {"lr": 1, "momentum": 0.9}), r"no key 'optimizer\.momentum'"),
        (Part("sgd", {"lr": 0}), "above 0"),
        (Part("sgd", {"lr": 1, "decay": "some"}), "'all' or 'weights', got 'some'"),
    ],
)
def test_bad_optimizers_are_refused(part: Part, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build_optimizer(*koch(), part)


def test_the_penalty_is_the_sum_over_the_trunk_s_weights() -> None:
    siamese, _ = koch()
    wanted = 0.0
    for name, value in siamese.trunk.named_parameters():
        if value.ndim == 4:
            wanted += 0.3 * value.square().sum().item()
        elif name == "dense.weight":
            wanted += 0.7 * value.square().sum().item()
    plan = TrainingPlan(l2_convolution=0.3, l2_dense=0.7)
    with torch.autocast("cpu", torch.bfloat16):
        total = penalty(siamese, plan)
    assert total.item() == pytest.approx(wanted, rel=1e-5)
    assert penalty(siamese, TrainingPlan()).item() == 0
    dense = siamese.trunk.get_submodule("dense")
    assert isinstance(dense, nn.Linear)
    (gradient,) = torch.autograd.grad(total, dense.weight)
    assert gradient.allclose(2 * 0.7 * dense.weight)  # a weight decay of twice the factor


def test_the_penalty_of_003_begins_where_its_logs_begin() -> None:
    """Its logs begin at 42.25: L2 of N(0, 0.2) dense weights, 1e-3 x 0.04 x 4096 x 256 = 41.9 (SEEDS.md, 4.5)."""
    siamese = build_siamese(a_recipe({"name": "mahler"}, size=125), generator=seeded())
    assert penalty(siamese, TrainingPlan(l2_convolution=2e-4, l2_dense=1e-3)).item() == pytest.approx(41.94, abs=0.2)
    glorot = build_siamese(a_recipe({"name": "mahler", "init": "glorot"}, size=125), generator=seeded())
    assert penalty(glorot, TrainingPlan(l2_convolution=2e-4, l2_dense=1e-3)).item() < 1
