from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from twinlens.errors import RecipeError
from twinlens.lab.averaging import Average
from twinlens.lab.recipe import Part
from twinlens.lab.schedules import SCHEDULES, build_schedule

EPOCHS, STEPS, LR = 6, 5, 0.02
Scheduler = Callable[[torch.optim.Optimizer], Any]


def rates(scheduler: Scheduler, *, by_step: bool) -> list[float]:
    """Return the rate that PyTorch's own scheduler has at each step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], LR)
    theirs, seen = scheduler(optimizer), []
    for _ in range(EPOCHS):
        for _ in range(STEPS):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if by_step and len(seen) < EPOCHS * STEPS:
                theirs.step()
        if not by_step:
            theirs.step()
    return seen


def ours(part: Part) -> list[float]:
    factor = build_schedule(part, epochs=EPOCHS)
    return [LR * factor(step / STEPS) for step in range(EPOCHS * STEPS)]


@pytest.mark.parametrize(
    ("part", "scheduler", "by_step"),
    [
        (Part("step", {"every": 2, "gamma": 0.3}), lambda o: lr_scheduler.StepLR(o, 2, 0.3), False),
        (Part("multi-step", {"milestones": (1, 3, 5)}), lambda o: lr_scheduler.MultiStepLR(o, [1, 3, 5], 0.1), False),
        (Part("exponential", {"gamma": 0.9}), lambda o: lr_scheduler.ExponentialLR(o, 0.9), False),
        (Part("cosine"), lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS * STEPS), True),
        (Part("none"), lambda o: lr_scheduler.ConstantLR(o, 1.0), False),
    ],
)
def test_rates_are_pytorchs(part: Part, scheduler: Scheduler, by_step: bool) -> None:
    assert ours(part) == pytest.approx(rates(scheduler, by_step=by_step), rel=1e-6)


def test_one_cycle_rises_and_falls_as_pytorchs() -> None:
    total = EPOCHS * STEPS

    def cycle(optimizer: torch.optim.Optimizer) -> Any:
        return lr_scheduler.OneCycleLR(optimizer, LR, total_steps=total, pct_start=0.3, cycle_momentum=False)

    theirs, mine = rates(cycle, by_step=True), ours(Part("one-cycle"))
    assert mine[0] == pytest.approx(theirs[0])
    assert mine[9] == pytest.approx(max(theirs))  # step 9 of 30: PyTorch counts one step less
    assert mine == pytest.approx(theirs, abs=0.15 * LR)


def test_warm_up_rises_to_the_schedule() -> None:
    plain, warm = ours(Part("exponential", {"gamma": 0.9})), ours(Part("exponential", {"gamma": 0.9, "warm_up": 2.0}))
    assert warm[10:] == plain[10:]
    assert warm[:10] == pytest.approx([rate * step / 10 for step, rate in enumerate(plain[:10])])


def test_unknown_schedules_are_refused() -> None:
    with pytest.raises(RecipeError, match="did you mean 'cosine'"):
        build_schedule(Part("cosin"), epochs=2)
    with pytest.raises(RecipeError, match="needs milestones"):
        build_schedule(Part("multi-step"), epochs=2)
    with pytest.raises(RecipeError, match="every"):
        build_schedule(Part("step", {"every": 0}), epochs=2)
    assert set(SCHEDULES) == {"none", "step", "multi-step", "exponential", "cosine", "one-cycle"}


def test_an_average_is_the_plain_loops() -> None:
    layer = torch.nn.Linear(3, 2)
    average, wanted = Average(layer, 0.5), layer.weight.detach().clone()
    for step in range(5):
        with torch.no_grad():
            layer.weight += torch.randn(2, 3, generator=torch.Generator().manual_seed(step))
        average.update(layer)
        decay = min(0.5, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * layer.weight.detach()
    assert torch.allclose(average.values["weight"], wanted, atol=1e-6)
    own = layer.weight.detach().clone()
    with average.within(layer):
        assert torch.allclose(layer.weight, wanted, atol=1e-6)
    assert torch.equal(layer.weight, own)
