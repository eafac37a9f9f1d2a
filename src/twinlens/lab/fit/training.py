"""Material -> Head: an affine map that pulls the hardest photos of a person in and the nearest strangers away.

For each photo the loss holds its least alike mates against its most alike strangers, both smoothly (log-sum-exp over
the batch, as in circle loss: Sun et al. 2020, CVPR, equation 1):

    softplus(logsumexp(s * strangers) + logsumexp(-s * mates)) / s

The map starts where it changes nothing, is pulled back there (``hold``, times the sum of squared changes), and makes
few steps: with some hundred people both are what keeps it from learning these people by heart (docs/results/fit.md).

Last, one number is learned from all pairs: how much less alike two photos need be of whose faces the network is unsure
(`twinlens.lab.fit.certainty`). It is what makes the likeness the best ground for odds, by logistic regression in which
one pair in fifty is of one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from twinlens.lab.fit.certainty import Certainty
from twinlens.lab.fit.head import Head
from twinlens.lab.fit.material import Material

PEOPLE, PHOTOS = 48, 8  # of a batch
RATE = 1e-3  # of AdamW, at its height
CERTAINTY = "certainty"  # the plan of lengths alone
FAR = -1e4  # a similarity that counts for nothing
GENUINE = 0.02  # of the pairs that the exponent is learned from, by weight
TAILS = 0.01  # of the training photos at either end, beyond which lengths are clipped
LEAST_SPREAD = 0.01  # of the lengths' logarithms: below it they say nothing
ROUNDS = 60  # of L-BFGS, which stops earlier where nothing moves


@dataclass(frozen=True, slots=True)
class Plan:
    """How a head is trained.

    Attributes:
        hold: how strongly it is held to where it started.
        steps: how many; 0 leaves it there: the mean of both views alone.
        sharpness: s; the higher, the fewer pairs decide.
        certainty: learn what the vectors' lengths are worth.
    """

    hold: float
    steps: int = 100
    sharpness: float = 24.0
    certainty: bool = True


PLANS: Mapping[str, Plan] = MappingProxyType(
    {
        "mirror": Plan(0.0, steps=0, certainty=False),
        CERTAINTY: Plan(0.0, steps=0),
        "held": Plan(0.1),
        "free": Plan(0.01),
    }
)


def train_head(material: Material, plan: Plan, *, seed: int) -> Head:
    """Train a head.

    Args:
        material: of the training people.
        plan: how.
        seed: draws batches.
    """
    head = _moved(material, plan, seed=seed) if plan.steps else Head.unchanged(material.vectors.shape[1] // 2, 2)
    return replace(head, certainty=_certainty(material, head, seed=seed)) if plan.certainty else head


def _moved(material: Material, plan: Plan, *, seed: int) -> Head:
    """Return the affine map."""
    dim = material.vectors.shape[1] // 2
    vectors = torch.from_numpy(material.vectors)
    start = vectors[:, :dim] + vectors[:, dim:]
    means = start / start.norm(dim=1, keepdim=True)
    weight = torch.eye(dim, requires_grad=True)
    bias = torch.zeros(dim, requires_grad=True)
    optimizer = torch.optim.AdamW([weight, bias], lr=RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=plan.steps)
    draws = _Draws(material, seed)
    for _ in range(plan.steps):
        rows = draws.rows()
        new = torch.nn.functional.normalize(means[torch.from_numpy(rows)] @ weight + bias, dim=1)
        same, strange = draws.masks(rows)
        loss = _loss(new @ new.T, same, strange, plan.sharpness)
        change = ((weight - torch.eye(dim)) ** 2).sum() + (bias**2).sum()
        optimizer.zero_grad()
        (loss + plan.hold * change).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return _of_mean(weight.detach().numpy(), bias.detach().numpy())


def _of_mean(weight: np.ndarray, bias: np.ndarray) -> Head:
    """Return a map of the mean of two unit vectors as a map of both, whose bias is worth the same."""
    plain = Head.unchanged(weight.shape[0], 2)
    return Head(2, plain.weight @ weight, bias, plain.into, plain.into_bias, plain.out)


def _certainty(material: Material, head: Head, *, seed: int) -> Certainty | None:
    """Learn what lengths are worth beside a head's vectors; None where they are worth nothing."""
    if material.lengths is None:
        return None
    lowest, middle, highest = (float(x) for x in np.quantile(material.lengths, [TAILS, 0.5, 1 - TAILS]))
    if np.log(highest / lowest) < LEAST_SPREAD:
        return None
    rule = Certainty(1.0, middle, lowest, highest, least=float(material.lengths.min()))
    pairs = material.comparisons(np.random.default_rng((seed, 4)))
    vectors = head.apply(material.vectors)
    similar = torch.from_numpy(np.einsum("ij,ij->i", vectors[pairs.left], vectors[pairs.right])).double()
    column = torch.from_numpy(np.log(rule.column(material.lengths)[:, 0] / rule.share)).double()  # of q, exponent 1
    left, right = (column[torch.from_numpy(side)] for side in (pairs.left, pairs.right))
    same = torch.from_numpy(pairs.same)
    weight = torch.where(same, GENUINE / same.sum(), (1 - GENUINE) / (~same).sum())
    sign = torch.where(same, 1.0, -1.0)
    learned = torch.tensor(
        [0.5, np.log(20.0), -8.0], dtype=torch.float64, requires_grad=True
    )  # exponent, slope, offset
    optimizer = torch.optim.LBFGS([learned], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        exponent, slope, offset = learned
        one, other = (rule.share * torch.exp(exponent * side) for side in (left, right))
        cosine = (similar + one * other) / torch.sqrt((1 + one**2) * (1 + other**2))
        cost = (weight * torch.nn.functional.softplus(-sign * (slope.exp() * cosine + offset))).sum()
        optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        return cost

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    exponent = float(learned[0].detach())
    return replace(rule, exponent=exponent) if exponent > 0 else None


def _loss(similar: Tensor, same: Tensor, strange: Tensor, sharpness: float) -> Tensor:
    mates = torch.logsumexp((-sharpness * similar).masked_fill(~same, FAR), dim=1)
    strangers = torch.logsumexp((sharpness * similar).masked_fill(~strange, FAR), dim=1)
    counted = same.any(dim=1) & strange.any(dim=1)
    if not counted.any():
        return similar.sum() * 0
    return torch.nn.functional.softplus(mates + strangers)[counted].mean() / sharpness * 8


class _Draws:
    """Draws batches of a few photos of a few people, and says who in them is known to be one or two people."""

    def __init__(self, material: Material, seed: int) -> None:
        self._material = material
        self._rng = np.random.default_rng(seed)
        order = np.argsort(material.people, kind="stable")
        cuts = np.searchsorted(material.people[order], np.arange(1, len(material.names)))
        self._photos = np.split(order, cuts)
        self._mated = material.mated
        listed = material.listed
        codes = np.zeros(0, np.int64)
        if listed is not None:
            different = np.stack((listed.left, listed.right))[:, ~listed.same]
            codes = self._codes(*np.concatenate((different, different[::-1]), axis=1))
        self._strangers = np.sort(codes)

    def rows(self) -> Int64[np.ndarray, " batch"]:
        """Return the photos of a batch; where pairs are listed, half of it comes from pairs of two people."""
        who = self._rng.permutation(self._mated)[:PEOPLE]
        listed = self._material.listed
        if listed is not None:
            different = np.flatnonzero(~listed.same)
            drawn = self._rng.permutation(different)[: PEOPLE // 2]
            met = self._material.people[np.concatenate((listed.left[drawn], listed.right[drawn]))]
            who = np.unique(np.concatenate((who[: PEOPLE // 2], met)))
        return np.concatenate([self._rng.permutation(self._photos[person])[:PHOTOS] for person in who])

    def masks(self, rows: Int64[np.ndarray, " batch"]) -> tuple[Tensor, Tensor]:
        """Return which pairs of a batch show one person, and which two."""
        people = self._material.people[rows]
        same = people[:, None] == people[None, :]
        if self._material.listed is None:
            strange = ~same
        else:
            strange = np.isin(self._codes(rows[:, None], rows[None, :]), self._strangers)
        return torch.from_numpy(same & ~np.eye(rows.size, dtype=np.bool_)), torch.from_numpy(strange)

    def _codes(self, left: np.ndarray, right: np.ndarray) -> Int64[np.ndarray, "..."]:
        return np.asarray(left * self._material.people.size + right, np.int64)
