"""Layers, a distribution and a generator -> drawn weights: the initialisations that were published, by name.

Every layer is drawn from the generator that is passed; PyTorch's global one is never used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Generator, Tensor, nn

Draw = Callable[[Tensor, Generator], None]
Layer = nn.Conv2d | nn.Linear

TRUNCATED_DEVIATION = 0.87962566103423978  # of a unit normal cut off at two deviations; what Keras divides by


def normal(mean: float, deviation: float) -> Draw:
    """Return a draw from a normal distribution."""

    def draw(weight: Tensor, generator: Generator) -> None:
        nn.init.normal_(weight, mean, deviation, generator=generator)

    return draw


def zeros(weight: Tensor, generator: Generator) -> None:
    """Set to zero."""
    del generator
    nn.init.zeros_(weight)


def glorot_uniform(weight: Tensor, generator: Generator) -> None:
    """Draw from ±sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010); what Keras does unless told."""
    nn.init.xavier_uniform_(weight, generator=generator)


def lecun_normal(weight: Tensor, generator: Generator) -> None:
    """Draw from a normal of deviation sqrt(1 / fan in), cut off at two deviations and widened again, as Keras does."""
    deviation = math.sqrt(1 / _fan_in(weight)) / TRUNCATED_DEVIATION
    nn.init.trunc_normal_(weight, 0, deviation, -2 * deviation, 2 * deviation, generator=generator)


def he_normal(weight: Tensor, generator: Generator) -> None:
    """Draw from a normal of deviation sqrt(2 / fan out) (He et al. 2015), as torchvision's networks do."""
    nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu", generator=generator)


def pytorch_uniform(weight: Tensor, generator: Generator) -> None:
    """Draw from ±1 / sqrt(fan in): PyTorch's own for weights of dense layers and convolutions."""
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)


WEIGHTS: Mapping[str, Draw] = {
    "glorot": glorot_uniform,
    "lecun": lecun_normal,
    "he": he_normal,
    "torch": pytorch_uniform,
}


def initialise(layers: Iterable[Layer], weights: Draw, biases: Draw | None, generator: Generator) -> None:
    """Draw the weights and biases of layers, in order.

    Args:
        layers: convolutions and dense layers.
        weights: how their weights are drawn.
        biases: how their biases are; None for PyTorch's own, ±1 / sqrt(fan in) of the weights.
        generator: source of randomness.
    """
    for layer in layers:
        weights(layer.weight, generator)
        if layer.bias is None:
            continue
        if biases is None:
            bound = 1 / math.sqrt(_fan_in(layer.weight))
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
        else:
            biases(layer.bias, generator)


def reset_norms(module: nn.Module) -> None:
    """Set every batch norm to what it is before training: scale 1, shift 0, mean 0, variance 1."""
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            norm.reset_parameters()


def layers_of(module: nn.Module) -> list[Layer]:
    """Return convolutions and dense layers in the order they were made."""
    return [one for one in module.modules() if isinstance(one, nn.Conv2d | nn.Linear)]


def on_processor(module: nn.Module) -> None:
    """Give memory to what a module has on the meta device, and is to be drawn next; tables it came with stay."""
    with torch.no_grad():
        module._apply(lambda one: torch.empty_like(one, device="cpu") if one.is_meta else one)  # type: ignore[no-untyped-call] # noqa: SLF001


def _fan_in(weight: Tensor) -> int:
    return weight[0].numel()
