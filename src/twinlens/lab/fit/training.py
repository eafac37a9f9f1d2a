"""Material -> Head: an affine map that pulls the hardest photos of a person in and the nearest strangers away.

For each photo the loss holds its least alike mates against its most alike strangers, both smoothly (log-sum-exp over
the batch, as in circle loss: Sun et al. 2020, CVPR, equation 1):

    softplus(logsumexp(s * strangers) + logsumexp(-s * mates)) / s

The map starts where it changes nothing, is pulled back there (``hold``, times the sum of squared changes), and makes
few steps: with some hundred people both are what keeps it from learning these people by heart (docs/results/fit.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from twinlens.lab.fit.head import Head
from twinlens.lab.fit.material import Material

PEOPLE, PHOTOS = 48, 8  # of a batch
RATE = 1e-3  # of AdamW, at its height
FAR = -1e4  # a similarity that counts for nothing


@dataclass(frozen=True, slots=True)
class Plan:
    """How a head is trained.

    Attributes:
        hold: how strongly it is held to where it started.
        steps: how many; 0 leaves it there: the mean of both views alone.
        sharpness: s; the higher, the fewer pairs decide.
    """

    hold: float
    steps: int = 100
    sharpness: float = 24.0


PLANS: Mapping[str, Plan] = MappingProxyType(
    {
        "mirror": Plan(0.0, steps=0),
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
    dim = material.vectors.shape[1] // 2
    if not plan.steps:
        return Head.unchanged(dim, 2)
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
