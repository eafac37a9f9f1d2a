"""Cosines beside those of the strangers nearest to each photo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from twinlens.errors import DatasetError, RecipeError
from twinlens.lab.heads.cohort_cosine import CohortCosine, CohortCosineOptions
from twinlens.lab.recipe import Recipe
from twinlens.lab.run import Limits, load_run
from twinlens.lab.train import train

Make = Callable[..., Recipe]
NOWHERE = Path("nowhere")
QUIET = Limits(panels=False, threads=1)
CLOSED = ("trunk.name=gradients", "trunk.sizes=[24]", "trunk.cell=6", "training.epochs=0", "training.monitor=auc")
PEOPLE = ("batch.kind=people", "data.labels=names", "head.name=cohort-cosine", "head.nearest=3")


def test_it_is_the_formula_written_out() -> None:
    rng = np.random.default_rng(0)
    strangers, left, right = (rng.standard_normal((rows, 6)).astype(np.float32) for rows in (40, 5, 5))
    head = CohortCosine(CohortCosineOptions(photos=40, nearest=7), 6)
    head.meet(torch.from_numpy(strangers))
    found = head.similarity(torch.from_numpy(left), torch.from_numpy(right)).numpy()
    far, one, other = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (strangers, left, right))
    for at in range(5):
        cosine, views = float(one[at] @ other[at]), []
        for side in (one[at], other[at]):
            nearest = np.sort(far @ side)[-7:]
            views.append((cosine - nearest.mean()) / nearest.std())
        assert found[at] == pytest.approx(np.mean(views), abs=1e-3)
    swapped = head.similarity(torch.from_numpy(right), torch.from_numpy(left)).numpy()
    assert np.allclose(found, swapped, atol=1e-5)


def test_who_resembles_everybody_is_believed_less() -> None:
    """Two pairs of the same cosine: one of them lies amid the strangers."""
    towards = torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.1, 0.1], [0.9, -0.1, 0.1], [0.0, 0.1, -1.0]])
    head = CohortCosine(CohortCosineOptions(photos=4, nearest=3), 3)
    head.meet(towards)
    amid, apart = torch.tensor([[1.0, 0.2, 0.0]]), torch.tensor([[0.0, 1.0, 0.2]])
    near = torch.tensor([[1.0, -0.2, 0.0]])
    far = torch.tensor([[0.0, 1.0, -0.2]])
    assert torch.allclose(torch.cosine_similarity(amid, near), torch.cosine_similarity(apart, far))
    assert float(head.similarity(amid, near)) < float(head.similarity(apart, far))


@pytest.mark.parametrize("finish", [(), ("finish.name=joint-bayesian", "finish.dim=6")])
def test_a_recipe_meets_strangers_when_all_is_trained(
    make: Make, cache: Path, tmp_path: Path, finish: tuple[str, ...]
) -> None:
    recipe = make(*CLOSED, *PEOPLE, "head.photos=5", *finish)
    outcome = train(recipe, NOWHERE, tmp_path / "run", progress=False, limits=QUIET, cache=cache)
    assert outcome.validation is not None
    assert outcome.validation.auc > 0.6
    _, siamese = load_run(tmp_path / "run")
    assert isinstance(siamese.head, CohortCosine)
    assert torch.allclose(siamese.head.cohort.norm(dim=1), torch.ones(5), atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        (("head.photos=500",), DatasetError, "ask for fewer"),
        (("head.photos=5", "training.epochs=1"), RecipeError, "training.epochs = 0"),
        (("head.photos=5", "data.labels=pairs", "batch.kind=pairs"), RecipeError, "who is who"),
        (("head.photos=2",), RecipeError, "as many or more"),
        (("head.photos=10000000000",), RecipeError, "at most"),
        (("head.scale=0.0",), RecipeError, "above 0"),
        (("head.scale=nan",), RecipeError, "got nan"),
        (("head.threshold=inf",), RecipeError, "got inf"),
    ],
)
def test_what_it_cannot_do_is_said(
    make: Make, cache: Path, tmp_path: Path, changes: tuple[str, ...], error: type[Exception], said: str
) -> None:
    recipe = make(*CLOSED, *PEOPLE, *changes)
    with pytest.raises(error, match=said):
        train(recipe, NOWHERE, tmp_path / "run", progress=False, limits=QUIET, cache=cache)
