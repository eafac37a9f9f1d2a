"""A recipe's schedule -> a factor of the learning rate for every step.

The factor is a function of the epoch and of the share of it that is done, so there is nothing to keep when a run is
resumed. ``step``, ``multi-step`` and ``exponential`` change between epochs as PyTorch's do; ``cosine`` and
``one-cycle`` (Smith 2018, with PyTorch's two cosine phases) change at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from twinlens.errors import RecipeError
from twinlens.lab.options import options_of, unknown
from twinlens.lab.recipe import Part


@runtime_checkable
class Schedule(Protocol):
    """Options of a schedule."""

    @property
    def warm_up(self) -> float:
        """Epochs in which the rate rises linearly to what the schedule says."""
        ...

    def at(self, epoch: float, epochs: int) -> float:
        """Return the factor after so many epochs (with their fraction) of so many."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """The same rate throughout."""

    warm_up: float = 0.0

    def at(self, epoch: float, epochs: int) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """Times gamma every so many epochs."""

    every: int = 1
    gamma: float = 0.1
    warm_up: float = 0.0

    def __post_init__(self) -> None:
        if self.every < 1:
            msg = f"schedule.every is at least 1 epoch, got {self.every}"
            raise RecipeError(msg)

    def at(self, epoch: float, epochs: int) -> float:
        """Return the factor of an epoch."""
        return self.gamma ** (math.floor(epoch) // self.every)


@dataclass(frozen=True, slots=True)
class MultiStep:
    """Times gamma when each milestone is reached."""

    milestones: tuple[int, ...]
    gamma: float = 0.1
    warm_up: float = 0.0

    def at(self, epoch: float, epochs: int) -> float:
        """Return the factor of an epoch."""
        return self.gamma ** sum(milestone <= math.floor(epoch) for milestone in self.milestones)


@dataclass(frozen=True, slots=True)
class Exponential:
    """Times gamma every epoch."""

    gamma: float = 0.99
    warm_up: float = 0.0

    def at(self, epoch: float, epochs: int) -> float:
        """Return the factor of an epoch."""
        return float(self.gamma ** math.floor(epoch))


@dataclass(frozen=True, slots=True)
class Cosine:
    """Down a half wave to ``final`` times the rate."""

    final: float = 0.0
    warm_up: float = 0.0

    def at(self, epoch: float, epochs: int) -> float:
        """Return the factor of a step."""
        return _wave(1.0, self.final, epoch / epochs)


@dataclass(frozen=True, slots=True)
class OneCycle:
    """Up from ``1 / start`` times the rate to all of it, then down to ``1 / (start * end)``."""

    rise: float = 0.3
    start: float = 25.0
    end: float = 10_000.0
    warm_up: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.rise < 1:
            msg = f"schedule.rise is a share of the run between 0 and 1, got {self.rise}"
            raise RecipeError(msg)

    def at(self, epoch: float, epochs: int) -> float:
        """Return the factor of a step."""
        done = epoch / epochs
        if done < self.rise:
            return _wave(1 / self.start, 1.0, done / self.rise)
        return _wave(1.0, 1 / (self.start * self.end), (done - self.rise) / (1 - self.rise))


def _wave(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2


SCHEDULES: Mapping[str, Callable[..., Schedule]] = MappingProxyType(
    {
        "none": Constant,
        "step": Step,
        "multi-step": MultiStep,
        "exponential": Exponential,
        "cosine": Cosine,
        "one-cycle": OneCycle,
    }
)


@dataclass(frozen=True, slots=True)
class Factor:
    """Epochs done, with their fraction -> the factor of the learning rate.

    Attributes:
        schedule: its options.
        epochs: of the whole run.
    """

    schedule: Schedule
    epochs: int

    def __call__(self, epoch: float) -> float:
        """Return the factor after so many epochs."""
        rising = min(epoch / self.schedule.warm_up, 1.0) if self.schedule.warm_up > 0 else 1.0
        return rising * self.schedule.at(epoch, self.epochs)


def build_schedule(part: Part, *, epochs: int) -> Factor:
    """Return the function from epochs done (with their fraction) to the factor of the learning rate.

    Raises:
        RecipeError: an unknown name or option.
    """
    if part.name not in SCHEDULES:
        raise RecipeError(unknown("schedule", part.name, part.name, SCHEDULES))
    kind = SCHEDULES[part.name]
    return Factor(options_of(kind, part.options, "schedule"), epochs)  # type: ignore[arg-type]
