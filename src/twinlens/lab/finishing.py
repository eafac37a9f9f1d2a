"""A trained network and its material -> what its recipe's ``finish`` learns of the training part, in closed form."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from twinlens.errors import DatasetError, RecipeError
from twinlens.lab.data import Material
from twinlens.lab.heads.cohort_cosine import CohortCosine
from twinlens.lab.heap import keep_freed_memory
from twinlens.lab.joint_bayesian import fit_linear
from twinlens.lab.objectives import EMBEDDING_HEADS
from twinlens.lab.projection import Projected, finish_options, learn
from twinlens.lab.recipe import Recipe
from twinlens.lab.scaling import scaled, unit
from twinlens.lab.scoring import embed
from twinlens.lab.siamese import Siamese
from twinlens.lab.streams import seed_of, stream

CHUNK = 32  # photos at a time
SURVEYED = 800  # photos: hundreds of thousands of details
COHORT = "cohort-cosine"


def check_finish(recipe: Recipe) -> None:
    """Refuse a finish that cannot be.

    Raises:
        RecipeError: an unknown name or option; nobody knows who is who; the head has weights of its own; or it would
            be asked before it has met strangers.
    """
    if recipe.head.name == COHORT and (recipe.training.epochs or recipe.data.labels == "pairs"):
        msg = (
            f"head {COHORT!r} meets its strangers when all is trained, and has to know who is who: training.epochs = "
            "0, with what trains as a member of a fused trunk, and data.labels = 'names' or 'linked'"
        )
        raise RecipeError(msg)
    if finish_options(recipe.finish) is None:
        return
    if recipe.data.labels == "pairs":
        msg = f"finish {recipe.finish.name!r} has to know who is who: set data.labels = 'names', or 'linked'"
        raise RecipeError(msg)
    if recipe.head.name not in (*EMBEDDING_HEADS, COHORT):
        msg = f"finish {recipe.finish.name!r} makes embeddings anew: take head {' or '.join(EMBEDDING_HEADS)}"
        raise RecipeError(msg)


@torch.no_grad()
def surveyed(siamese: Siamese, material: Material, recipe: Recipe) -> None:
    """Show training photos to a trunk that learns of them without labels.

    Raises:
        DatasetError: too few photos, or such as say nothing.
    """
    generator = stream(recipe.training.seed, "survey")
    photos = material.train.photos
    drawn = photos[torch.randperm(len(photos), generator=generator)[:SURVEYED]]
    siamese.trunk.survey((_shown(material, some, recipe) for some in torch.split(drawn, CHUNK)), generator)


def finished(siamese: Siamese, material: Material, recipe: Recipe) -> Siamese:
    """Return the network with what is learned of its features, and strangers for a head that wants them.

    Raises:
        DatasetError: too few photos for the dimensions wanted, or too few people for the strangers.
    """
    done = _projected(siamese, material, recipe)
    if isinstance(done.head, CohortCosine):
        head = CohortCosine(done.head.options, done.trunk.dim)  # as wide as what the finish makes
        _meet(done, head, material, recipe)
        done = Siamese(done.trunk, head).eval()
    return done


@torch.no_grad()
def _meet(siamese: Siamese, head: CohortCosine, material: Material, recipe: Recipe) -> None:
    """Draw people, and of each the first photo, as strangers."""
    photos, wanted = material.train.photos, head.options.photos
    people = material.people[photos]
    first = torch.tensor([int(torch.nonzero(people == one)[0]) for one in torch.unique(people)])
    if len(first) < wanted:
        msg = f"head.photos = {wanted} strangers are wanted, training has {len(first)} people: ask for fewer"
        raise DatasetError(msg)
    drawn = first[torch.randperm(len(first), generator=stream(recipe.training.seed, "cohort"))[:wanted]]
    siamese.eval()
    head.meet(embed(siamese, material, photos[drawn], recipe))


@torch.no_grad()
def _projected(siamese: Siamese, material: Material, recipe: Recipe) -> Siamese:
    """Return the network with what the finish learns of every training photo and its mirror image."""
    options = finish_options(recipe.finish)
    if options is None:
        return siamese
    keep_freed_memory()
    photos = material.train.photos
    if max(options.dim, options.part_dim) >= 2 * len(photos):
        msg = (
            f"joint Bayesian with finish.dim = {options.dim} and part_dim = {options.part_dim} needs more photos than "
            f"directions; training has {len(photos)}, and as many mirror images"
        )
        raise DatasetError(msg)
    features = np.empty((2 * len(photos), siamese.trunk.breadth), np.float32)
    siamese.eval()
    for start in range(0, len(photos), CHUNK):
        some = photos[start : start + CHUNK]
        pictures = _shown(material, some, recipe)
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
        rows = torch.split(torch.from_numpy(features), CHUNK)
        features = torch.cat([trunk.pieced(some) for some in rows]).numpy()
    learn(trunk, fit(features, dim=options.dim))
    return Siamese(trunk, siamese.head).eval()


def _shown(material: Material, photos: Tensor, recipe: Recipe) -> Tensor:
    pictures: Tensor = material.pictures[photos]
    return scaled(unit(pictures), recipe.data.scale).contiguous(memory_format=torch.channels_last)
