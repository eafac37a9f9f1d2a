"""Material -> a head that people who never trained it prefer, or a refusal.

People are divided twice by seed: a quarter is held out and judges once, at the end; of the others a third chooses the
plan (`PLANS`, by equal error rate), which is then trained on all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from twinlens.errors import CalibrationError
from twinlens.lab.fit.head import Head
from twinlens.lab.fit.material import Material, parted
from twinlens.lab.fit.training import CERTAINTY, PLANS, train_head
from twinlens.lab.fit.verdict import Verdict, equal_error, judge

HELD_OUT = 0.25  # of the people: they judge
CHOOSING = 1 / 3  # of the others: they choose the plan


@dataclass(frozen=True, slots=True)
class Chosen:
    """A head and how its plan was chosen.

    Attributes:
        head: trained on everybody it was given.
        plan: a key of `PLANS`.
        rates: equal error rate of each plan on the people who chose.
    """

    head: Head
    plan: str
    rates: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Fit:
    """A head and what people who trained it not say of it.

    Attributes:
        chosen: the head.
        verdict: of the people held out.
        trained: how many people trained it.
        held_out: the material that judged: what thresholds are measured on.
    """

    chosen: Chosen
    verdict: Verdict
    trained: int
    held_out: Material


def choose_head(
    material: Material,
    *,
    seed: int,
    certainty: bool = True,
    progress: Callable[[int, int | None], None] | None = None,
) -> Chosen:
    """Choose a plan on some of the people, then train it on all of them.

    Args:
        material: of training people.
        seed: divides people, draws batches.
        certainty: let heads look at how sure the network is of a face.
        progress: called with (heads trained, of how many).

    Raises:
        DatasetError: too few people, or pairs of one kind.
    """
    told = progress or (lambda done, total: None)
    learning, choosing = parted(material, CHOOSING, rng=np.random.default_rng((seed, 1)))
    rates = {}
    plans = (
        PLANS
        if certainty
        else {name: replace(plan, certainty=False) for name, plan in PLANS.items() if name != CERTAINTY}
    )
    for at, (name, plan) in enumerate(plans.items()):
        head = train_head(learning, plan, seed=seed)
        rates[name] = equal_error(choosing, head, rng=np.random.default_rng((seed, 2)))
        told(at + 1, len(plans) + 1)
    best = min(rates, key=rates.__getitem__)
    head = train_head(material, plans[best], seed=seed)
    told(len(plans) + 1, len(plans) + 1)
    return Chosen(head, best, rates)


def fit(
    material: Material,
    *,
    seed: int = 0,
    certainty: bool = True,
    progress: Callable[[int, int | None], None] | None = None,
) -> Fit:
    """Fit a head and have people who trained it not judge it.

    Args:
        material: everybody.
        seed: divides people, draws batches and resampled people.
        certainty: let heads look at how sure the network is of a face.
        progress: called with (heads trained, of how many).

    Raises:
        DatasetError: too few people, or pairs of one kind.
    """
    training, held_out = parted(material, HELD_OUT, rng=np.random.default_rng((seed, 0)))
    chosen = choose_head(training, seed=seed, certainty=certainty, progress=progress)
    verdict = judge(held_out, chosen.head, rng=np.random.default_rng((seed, 3)))
    return Fit(chosen, verdict, len(training.names), held_out)


def refuse_no_better(found: Fit) -> None:
    """Refuse a head that is not better.

    Raises:
        CalibrationError: it is not, beyond its interval; the message gives the figures.
    """
    if not found.verdict.better:
        msg = (
            f"the head is not saved: {found.verdict.text}. The model as it is serves these people as well; more people "
            "or photos unlike each other may change that, or set thresholds for them: twinlens calibrate"
        )
        raise CalibrationError(msg)
