"""Recipes of chosen parts, for tests of the lab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator

from twinlens.lab.reading import recipe_of
from twinlens.lab.recipe import Recipe

Table = Mapping[str, Any]


def seeded(seed: int = 0) -> Generator:
    return torch.Generator().manual_seed(seed)


def a_recipe(
    trunk: Table, head: Table | None = None, loss: Table | None = None, *, size: int = 64, **others: Any
) -> Recipe:
    """A recipe of these parts; keys of ``others`` are its other tables."""
    colour = others.pop("colour", "grey")
    table = {
        "name": "parts",
        "title": "parts",
        "source": "ours",
        "data": {"dataset": "none", "size": size, "colour": colour},
        "trunk": trunk,
        "head": head or {"name": "weighted-l1"},
        "loss": loss or {"name": "bce"},
        "batch": {},
        "optimizer": {"name": "sgd", "lr": 0.01},
        **others,
    }
    return recipe_of(table)
