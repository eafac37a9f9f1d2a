"""People made of waves: what the lab's tests train on instead of real faces."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from tests.lab.waves import make_people

from twinlens.lab.reading import read_recipe
from twinlens.lab.recipe import Recipe

RECIPE = """
name = "tiny"
title = "A tiny network on people made of waves"
source = "ours"
[data]
dataset = "{dataset}"
validation_share = 0.25
size = 24
[trunk]
name = "residual"
stages = [1, 1]
width = 4
dim = 8
[head]
name = "weighted-l1"
[loss]
name = "bce"
[batch]
size = 16
[optimizer]
name = "adam"
lr = 1e-2
[training]
epochs = 2
"""


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve people with four photos each."""
    return make_people(tmp_path_factory.mktemp("waves") / "people")


@pytest.fixture(scope="session")
def pairs(people: Path) -> Path:
    """A CSV of their pairs: all genuine ones, as many impostor ones."""
    photos = [
        (folder.name, path.relative_to(people)) for folder in sorted(people.iterdir()) for path in folder.iterdir()
    ]
    every = list(combinations(sorted(photos), 2))
    same = [pair for pair in every if pair[0][0] == pair[1][0]]
    other = [pair for pair in every if pair[0][0] != pair[1][0]]
    chosen = np.random.default_rng(0).choice(len(other), 6 * len(same), replace=False)
    lines = ["first,second,same,first_subject,second_subject"]
    for (who, path), (whom, other_path) in [*same, *(other[at] for at in sorted(chosen))]:
        lines.append(f"{path},{other_path},{int(who == whom)},{who},{whom}")
    file = people / "pairs.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where decoded pictures are kept."""
    return tmp_path_factory.mktemp("cache")


Make = Callable[..., Recipe]


@pytest.fixture
def make(pairs: Path, tmp_path: Path) -> Make:
    """Give a function from changes (``key=value``) to a tiny recipe on the list of pairs."""

    def made(*changes: str, dataset: Path | str = pairs) -> Recipe:
        file = tmp_path / "tiny.toml"
        file.write_text(RECIPE.format(dataset=dataset), encoding="utf-8")
        return read_recipe(file, changes)

    return made


@pytest.fixture
def make_named(make: Make, people: Path) -> Make:
    """Give the same on the folder of people, whose names may be used; pairs are drawn."""

    def made(*changes: str, dataset: Path | str = people) -> Recipe:
        return make("batch.kind=drawn-pairs", "data.labels=names", *changes, dataset=dataset)

    return made
