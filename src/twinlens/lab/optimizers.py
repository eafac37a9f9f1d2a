"""A recipe's optimizer -> groups of parameters and a torch optimizer; Koch's rates, momenta and decays by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from twinlens.errors import RecipeError
from twinlens.lab.objectives import Objective
from twinlens.lab.options import options_of, unknown
from twinlens.lab.recipe import Part
from twinlens.lab.siamese import Siamese

Group = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OptimizerOptions:
    """Options of every optimizer.

    Attributes:
        lr: learning rate.
        weight_decay: L2 in the gradient (for ``adamw`` taken from the weights themselves).
        decay: what decays: ``all`` parameters, as PyTorch does, or ``weights`` without biases and norms.
        trunk_factor: times lr is the trunk's rate: below 1 to tune pretrained weights gently.
        layer_lr: one rate for each layer, first to last, trunk then head; empty for lr in all.
        layer_weight_decay: the same for weight_decay.
    """

    lr: float
    weight_decay: float = 0.0
    decay: str = "all"
    trunk_factor: float = 1.0
    layer_lr: tuple[float, ...] = ()
    layer_weight_decay: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.lr <= 0 or self.weight_decay < 0 or self.trunk_factor <= 0:
            msg = f"optimizer.lr and trunk_factor are above 0, weight_decay 0 or more; got lr = {self.lr}"
            raise RecipeError(msg)
        if self.decay not in {"all", "weights"}:
            msg = f"optimizer.decay is 'all' or 'weights', got {self.decay!r}"
            raise RecipeError(msg)


@dataclass(frozen=True, slots=True)
class SgdOptions(OptimizerOptions):
    """Options of ``sgd``.

    Attributes:
        momentum: of every layer.
        nesterov: look ahead.
        layer_momentum: one final momentum for each layer; empty for momentum in all.
        momentum_start: where momenta begin; they rise linearly, epoch by epoch, to their final values (Koch: 0.5).
    """

    momentum: float = 0.0
    nesterov: bool = False
    layer_momentum: tuple[float, ...] = ()
    momentum_start: float | None = None


@dataclass(frozen=True, slots=True)
class AdamOptions(OptimizerOptions):
    """Options of ``adam`` and ``adamw``.

    Attributes:
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of their squares.
        eps: added to the root; Keras has 1e-7.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8


@dataclass(frozen=True, slots=True)
class RmspropOptions(OptimizerOptions):
    """Options of ``rmsprop``.

    Attributes:
        alpha: decay of the mean of squares of gradients; Keras has 0.9.
        momentum: of the steps.
        eps: added to the root; Keras has 1e-7.
    """

    alpha: float = 0.99
    momentum: float = 0.0
    eps: float = 1e-8


OPTIMIZERS: Mapping[str, type[OptimizerOptions]] = {
    "sgd": SgdOptions,
    "adam": AdamOptions,
    "adamw": AdamOptions,
    "rmsprop": RmspropOptions,
}


def optimizer_options(part: Part) -> OptimizerOptions:
    """Return the options of a recipe's optimizer.

    Raises:
        RecipeError: an unknown name or option.
    """
    if part.name not in OPTIMIZERS:
        raise RecipeError(unknown("optimizer", part.name, part.name, OPTIMIZERS))
    return options_of(OPTIMIZERS[part.name], part.options, "optimizer")


def parameter_groups(siamese: Siamese, objective: Objective, optimizer: Part) -> list[Group]:
    """Return groups for a torch optimizer: each with params, lr, weight_decay and what else its layer has of its own.

    Frozen parameters are left out. With momentum that rises, a group carries ``final_momentum`` for `raise_momentum`.

    Raises:
        RecipeError: an unknown name or option, or lists that are not as long as there are layers.
    """
    options = optimizer_options(optimizer)
    if options.layer_lr or options.layer_weight_decay or _momenta(options):
        groups = _by_layer(siamese, options)
    else:
        groups = [
            {"params": _trainable(siamese.trunk), "lr": options.lr * options.trunk_factor},
            {"params": _trainable(siamese.head), "lr": options.lr},
        ]
    groups.append({"params": _trainable(objective), "lr": options.lr})
    whole: list[Group] = []
    for group in groups:
        whole += _divided({"weight_decay": options.weight_decay, **group}, options)
    return whole


def build_optimizer(siamese: Siamese, objective: Objective, part: Part) -> torch.optim.Optimizer:
    """Return a recipe's optimizer over everything that trains.

    Raises:
        RecipeError: as `parameter_groups`, or nothing is left to train.
    """
    options = optimizer_options(part)
    groups = parameter_groups(siamese, objective, part)
    if not groups:
        msg = "every layer is frozen and the head has no weights: nothing would train"
        raise RecipeError(msg)
    if isinstance(options, SgdOptions):
        return torch.optim.SGD(groups, options.lr, momentum=options.momentum, nesterov=options.nesterov, fused=True)
    if isinstance(options, RmspropOptions):
        momentum, alpha, eps = options.momentum, options.alpha, options.eps
        return torch.optim.RMSprop(groups, options.lr, alpha=alpha, eps=eps, momentum=momentum)
    assert isinstance(options, AdamOptions)
    kind = torch.optim.AdamW if part.name == "adamw" else torch.optim.Adam
    return kind(groups, options.lr, betas=(options.beta1, options.beta2), eps=options.eps, fused=True)


def raise_momentum(optimizer: torch.optim.Optimizer, part: Part, *, epoch: int, epochs: int) -> None:
    """Set the momenta of an epoch, counted from 0, where they rise; nothing otherwise (Koch 2015, section 3.2)."""
    options = optimizer_options(part)
    if not isinstance(options, SgdOptions) or options.momentum_start is None:
        return
    share = epoch / (epochs - 1) if epochs > 1 else 1.0
    for group in optimizer.param_groups:
        final = group.get("final_momentum", options.momentum)
        group["momentum"] = options.momentum_start + share * (final - options.momentum_start)


def _momenta(options: OptimizerOptions) -> tuple[float, ...]:
    return options.layer_momentum if isinstance(options, SgdOptions) else ()


def _by_layer(siamese: Siamese, options: OptimizerOptions) -> list[Group]:
    """Return one group a layer, with what is its own."""
    layers = _layers(siamese)
    groups: list[Group] = [{"params": params, "lr": options.lr} for params in layers]
    lists: list[tuple[str, Sequence[float]]] = [
        ("lr", options.layer_lr),
        ("weight_decay", options.layer_weight_decay),
        ("momentum", _momenta(options)),
    ]
    for key, values in lists:
        if not values:
            continue
        if len(values) != len(layers):
            msg = f"optimizer.layer_{key}: this network has {len(layers)} layers, got {len(values)} values"
            raise RecipeError(msg)
        for group, value in zip(groups, values, strict=True):
            group[key] = value
            if key == "momentum":
                group["final_momentum"] = value
    return groups


def _layers(siamese: Siamese) -> list[list[nn.Parameter]]:
    """Return the parameters of each convolution or dense layer, with the norms that follow it."""
    layers: list[list[nn.Parameter]] = []
    for module in siamese.modules():
        own = [one for one in module.parameters(recurse=False) if one.requires_grad]
        if isinstance(module, nn.Conv2d | nn.Linear):
            layers.append(own)
        elif own and layers:
            layers[-1].extend(own)
    return [layer for layer in layers if layer]


def _divided(group: Group, options: OptimizerOptions) -> list[Group]:
    """Return a group, or its weights and what does not decay, apart; none where it is empty."""
    if options.decay == "weights" and group["weight_decay"]:
        flat = [one for one in group["params"] if one.ndim < 2]
        wide = [one for one in group["params"] if one.ndim >= 2]
        parts = [{**group, "params": wide}, {**group, "params": flat, "weight_decay": 0.0}]
    else:
        parts = [group]
    return [part for part in parts if part["params"]]


def _trainable(module: nn.Module) -> list[nn.Parameter]:
    return [one for one in module.parameters() if one.requires_grad]
