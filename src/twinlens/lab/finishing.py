"""A trained network and its material -> what its recipe's ``finish`` learns of the training part, in closed form."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from twinlens.errors import RecipeError
from twinlens.lab.data import Material
from twinlens.lab.heap import keep_freed_memory
from twinlens.lab.joint_bayesian import fit_linear
from twinlens.lab.objectives import EMBEDDING_HEADS
from twinlens.lab.projection import Projected, finish_options, learn
from twinlens.lab.recipe import Recipe
from twinlens.lab.scaling import scaled, unit
from twinlens.lab.siamese import Siamese
from twinlens.lab.streams import seed_of

CHUNK = 32  # photos at a time


def check_finish(recipe: Recipe) -> None:
    """Refuse a finish that cannot be.

    Raises:
        RecipeError: an unknown name or option; nobody knows who is who; or the head has weights of its own.
    """
    if finish_options(recipe.finish) is None:
        return
    if recipe.data.labels == "pairs":
        msg = f"finish {recipe.finish.name!r} has to know who is who: set data.labels = 'names', or 'linked'"
        raise RecipeError(msg)
    if recipe.head.name not in EMBEDDING_HEADS:
        msg = f"finish {recipe.finish.name!r} makes embeddings anew: take head {' or '.join(EMBEDDING_HEADS)}"
        raise RecipeError(msg)


@torch.no_grad()
def finished(siamese: Siamese, material: Material, recipe: Recipe) -> Siamese:
    """Return the network with what is learned of its features; itself where the recipe wants nothing.

    Every training photo and its mirror image count.

    Raises:
        DatasetError: too few photos for the dimensions wanted.
    """
    options = finish_options(recipe.finish)
    if options is None:
        return siamese
    keep_freed_memory()
    photos = material.train.photos
    features = np.empty((2 * len(photos), siamese.trunk.breadth), np.float32)
    siamese.eval()
    for start in range(0, len(photos), CHUNK):
        some = photos[start : start + CHUNK]
        pictures = scaled(unit(material.pictures[some]), recipe.data.scale).contiguous(
            memory_format=torch.channels_last
        )
        for side, seen in enumerate((pictures, pictures.flip(-1))):
            at = side * len(photos) + start
            features[at : at + len(some)] = siamese.trunk.representation(seen).float().numpy()
    people = material.people[photos].numpy()
    rng = np.random.default_rng(seed_of(recipe.training.seed, "finish"))
    trunk = Projected(siamese.trunk, options)
    fit = partial(fit_linear, people=np.concatenate([people, people]), rounds=options.rounds, rng=rng)
    for piece, place in zip(trunk.pieces, trunk.places, strict=True):
        learn(piece, fit(features[:, place.numpy()], dim=options.part_dim))
    if trunk.pieces:
        rows = torch.from_numpy(features).split(CHUNK)
        features = torch.cat([trunk.pieced(some) for some in rows]).numpy()
    learn(trunk, fit(features, dim=options.dim))
    return Siamese(trunk, siamese.head).eval()
