"""Weights after every step -> their running average (Polyak), which is scored and kept instead of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Average:
    """The exponential moving average of a module's floating-point weights and statistics.

    The decay rises to its final value, ``min(decay, (1 + steps) / (10 + steps))``, so that the first weights, which
    were drawn, are soon forgotten.

    Attributes:
        decay: final share of the old average that each step keeps, 0 to 1.
        steps: how many weights were averaged.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.values = {key: value.detach().clone() for key, value in _averaged(module).items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take a module's present weights in."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        current = [value.detach() for value in _averaged(module).values()]
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        average(list(self.values.values()), current, self.steps)

    @contextmanager
    def within(self, module: nn.Module) -> Iterator[None]:
        """Put the average into a module for a while."""
        own = {key: value.detach().clone() for key, value in _averaged(module).items()}
        _copy(self.values, module)
        try:
            yield
        finally:
            _copy(own, module)


@torch.no_grad()
def _copy(values: Mapping[str, Tensor], module: nn.Module) -> None:
    for key, value in _averaged(module).items():
        value.copy_(values[key])


def _averaged(module: nn.Module) -> dict[str, Tensor]:
    return {key: value for key, value in module.state_dict().items() if value.is_floating_point()}
