"""Every trunk with every head: builds, embeds, compares; every weight is drawn from the generator that was passed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from tests.lab.parts import a_recipe, seeded

from twinlens.lab.heads import HEADS
from twinlens.lab.networks import TRUNKS
from twinlens.lab.objectives import OBJECTIVES
from twinlens.lab.optimizers import OPTIMIZERS
from twinlens.lab.siamese import Siamese, build_siamese

SMALL_TRUNKS: dict[str, dict[str, Any]] = {
    "koch": {"filters": [4, 4], "kernels": [5, 3], "pools": 2, "dense": 16, "batch_norm": True},
    "mahler": {"filters": 2, "kernels": [3, 3, 2, 2], "dense": 16},
    "strided": {"filters": 4, "dense": 16},
    "padded": {"filters": [2], "dense": [8], "dim": 6},
    "vgg16-bn": {},
    "mobilenet-v2": {"dim": 16, "norm": True},
    "efficientnet-lite0": {},
    "residual": {"width": 4, "dim": 16},
    "binary-patterns": {"sizes": [24], "radius": 1, "cell": 5},
    "gradients": {"sizes": [24]},
    "local-phase": {"windows": [5], "cells": [3]},
    "fisher-vectors": {"cells": [2, 3], "stride": 4, "reduced": 4, "components": 4, "parts": 2},
}
FIXED = ("binary-patterns", "gradients", "local-phase", "fisher-vectors")  # no step changes them
SMALL_HEADS: dict[str, dict[str, Any]] = {
    "decision": {"hidden": [8]},
    "decision-linear": {"hidden": [8], "linear": 8},
    "cohort-cosine": {"photos": 4, "nearest": 2},
}


@pytest.fixture
def no_leftovers() -> Iterator[None]:
    """Memory that nobody has written is NaN, so that a weight that was never drawn shows."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def built(trunk: str, head: str, colour: str, seed: int = 0) -> Siamese:
    parts = ({"name": trunk, **SMALL_TRUNKS[trunk]}, {"name": head, **SMALL_HEADS.get(head, {})})
    return build_siamese(a_recipe(*parts, size=32, colour=colour), generator=seeded(seed))


@pytest.mark.parametrize("trunk", SMALL_TRUNKS)
def test_every_trunk_with_every_head(trunk: str, no_leftovers: None) -> None:
    pictures = torch.rand(4, 3, 32, 32, generator=seeded(1))
    left, right = torch.tensor([0, 1, 2]), torch.tensor([1, 2, 3])
    before = torch.get_rng_state()
    with torch.no_grad():
        embeddings = None
        for head in HEADS:
            siamese = built(trunk, head, "rgb").eval()
            if embeddings is None:
                assert all(bool(value.isfinite().all()) for value in siamese.state_dict().values())
                embeddings = siamese.embed(pictures)
                assert embeddings.shape == (4, siamese.trunk.dim)
                assert bool(embeddings.isfinite().all())
            similarity = siamese.similarity(embeddings[left], embeddings[right])
            assert similarity.shape == (3,)
            assert bool(similarity.isfinite().all())
            assert -1 <= siamese.head.half <= 1
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("trunk", SMALL_TRUNKS)
def test_seeds_decide_and_pictures_do_not_see_each_other(trunk: str, no_leftovers: None) -> None:
    first, again, other = (built(trunk, "weighted-l1", "grey", seed).eval() for seed in (0, 0, 1))
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    drawn = zip(first.trunk.parameters(), other.trunk.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in drawn) == (trunk not in FIXED)
    pictures = torch.rand(3, 1, 32, 32, generator=seeded(1))
    with torch.no_grad():
        together = first.embed(pictures)
        wide = first.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        apart = wide.embed(pictures[1:2].contiguous(memory_format=torch.channels_last))
    assert together[1:2].allclose(apart, atol=1e-4)


@pytest.mark.parametrize("trunk", [name for name in SMALL_TRUNKS if name not in ("vgg16-bn", *FIXED)])
def test_every_trunk_learns_in_both_precisions(trunk: str) -> None:
    for low in (False, True):
        siamese = built(trunk, "cosine", "grey").train()
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            embeddings = siamese.embed(torch.rand(4, 1, 32, 32, generator=seeded(1)))
        loss = siamese.similarity(embeddings[:2], embeddings[2:]).sum()
        gradients = torch.autograd.grad(loss, list(siamese.parameters()))
        assert all(bool(one.isfinite().all()) for one in gradients)
        assert any(bool(one.any()) for one in gradients)


def test_registries_hold_what_the_documents_name() -> None:
    assert set(TRUNKS) == {*SMALL_TRUNKS, "fused"}  # which has recipes as members: tests/lab/test_finish.py
    assert set(HEADS) == {"weighted-l1", "euclidean", "cosine", "cohort-cosine", "decision", "decision-linear"}
    assert len(OBJECTIVES) == 12
    assert set(OPTIMIZERS) == {"sgd", "adam", "adamw", "rmsprop"}
