"""A recipe with a fused trunk -> its members trained, each in a folder of its own, and put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from twinlens.errors import RecipeError
from twinlens.lab.networks.fused import Fused, FusedOptions
from twinlens.lab.options import options_of
from twinlens.lab.reading import read_recipe
from twinlens.lab.recipe import Recipe
from twinlens.lab.run import Outcome, load_run
from twinlens.lab.siamese import Siamese

FOLDER = "members"  # of the run


def members_of(recipe: Recipe) -> list[Recipe]:
    """Return the recipes of a fused trunk's members, on the same people and with the same seeds; none for others.

    Raises:
        RecipeError: no such recipe, or one that sees another part of the photo than what is fused shows.
    """
    if recipe.trunk.name != "fused":
        return []
    options = options_of(FusedOptions, recipe.trunk.options, "trunk")
    plan, found = recipe.data, []
    for name in options.members:
        member = read_recipe(name)
        shown = (plan.size, 1.0) if member.data.centre else (0, 1.0)
        if (plan.centre, plan.share) != shown:
            wanted = "data.centre = data.size" if member.data.centre else "data.centre = 0, the whole photo"
            msg = f"member {member.name!r} wants {wanted} of what is fused, got a centre of {plan.centre}"
            raise RecipeError(msg)
        data = replace(
            member.data,
            dataset=plan.dataset,
            train=plan.train,
            validation=plan.validation,
            validation_share=plan.validation_share,
            validation_pairs=plan.validation_pairs,
            test=plan.test,
            labels=plan.labels,
            split_seed=plan.split_seed,
        )
        found.append(replace(member, data=data, training=replace(member.training, seed=recipe.training.seed)))
    return found


def joined(siamese: Siamese, recipe: Recipe, folder: Path, train: Callable[[Recipe, Path], Outcome]) -> list[str]:
    """Train the members that a run has not trained yet, and load them all; return what readers must know of them.

    Args:
        siamese: whose trunk is fused; others are left alone.
        recipe: of the run.
        folder: of the run.
        train: trains a recipe in a folder, and goes on where it was.
    """
    trunk = siamese.trunk
    if not isinstance(trunk, Fused):
        return []
    said = []
    for place, member in zip(trunk.members, members_of(recipe), strict=True):
        outcome = train(member, folder / FOLDER / member.name)
        _, trained = load_run(outcome.folder)
        place.trunk.load_state_dict(trained.trunk.state_dict())  # type: ignore[union-attr]
        scored = outcome.validation
        of = "" if scored is None else f": validation {scored.accuracy:.1%}, AUC {scored.auc:.3f}"
        said.append(f"member {member.name}{of}")
    siamese.eval()
    return said
