"""A fit -> a model: one ONNX file (the base network and the head) and its card, measured on the people held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from twinlens.embed import OnnxEmbedder
from twinlens.embed.golden import golden_crop
from twinlens.evaluate.own import Material as Compared
from twinlens.lab.card_figures import CardFigures, card_figures
from twinlens.lab.fit.fitting import Fit
from twinlens.lab.fit.graph import OUTPUT, with_head
from twinlens.lab.fit.head import Head
from twinlens.metrics.encounters import meet_everyone, meet_listed
from twinlens.metrics.folded import fold_pairs, fold_vectors
from twinlens.metrics.people import PeopleScores
from twinlens.runtime import load_network
from twinlens.types import Crop
from twinlens.zoo import ModelCard, checked_paths
from twinlens.zoo.writing import free_name, write_model

GOLDEN = 16  # numbers of a vector that a card keeps


@dataclass(frozen=True, slots=True)
class About:
    """What the card says of a fit.

    Attributes:
        name: the new model's.
        data: whose photos these are, in words.
        terms: of these photos; empty where nobody stated any.
        command: what was typed.
    """

    name: str
    data: str
    terms: str
    command: str


def save_fit(
    found: Fit, base: ModelCard, about: About, folder: Path | None = None, *, replace_old: bool = False
) -> Path:
    """Write the model and its card; return where the card is.

    Args:
        found: the fit.
        base: the card of the model under the head.
        about: for the card.
        folder: where; the user's models folder by default.
        replace_old: put it in the place of a model of the same name.

    Raises:
        OptionError: a name that cannot be a file's.
        ModelError: the name is taken, the base's file is not as its card says, or the folder cannot be written.
    """
    free_name(about.name, folder, replace_old=replace_old)
    head = found.chosen.head
    network = with_head(checked_paths(base)[0], head, output=base.input.output)
    figures = figures_of(found, about)
    card = ModelCard(
        name=about.name,
        kind="embedder",
        summary=f"{base.name} with a head fitted on {about.data}: {head.dim} numbers",
        files=base.files,  # replaced by its own
        dim=head.dim,
        input=replace(base.input, output=OUTPUT),
        licence_code=base.licence_code,
        licence_weights=base.licence_weights if not about.terms else f"{base.licence_weights}; head: {about.terms}",
        training_data=f"Head: {about.data}, {found.trained} people. Under it: {base.training_data}",
        source=f"{base.identity}, whose weights are unchanged",
        provenance=f"{about.command}: plan {found.chosen.plan}; {found.verdict.text}",
        parameters=base.parameters + head.parameters if base.parameters else 0,
        golden=golden_of(base, head),
        measured=figures.measured,
        calibration=figures.calibration,
    )
    return write_model(card, network, folder, replace_old=replace_old)


def golden_of(base: ModelCard, head: Head) -> tuple[float, ...]:
    """Return the first numbers of the golden crop's vector: the base by its own file, the head by numpy."""
    crop = golden_crop()
    mirrored = Crop(np.ascontiguousarray(crop.pixels[:, ::-1]))
    embedder = OnnxEmbedder(base, load_network(checked_paths(base)[0]))
    answers = embedder.answers([crop, mirrored][: head.views])
    lengths = np.linalg.norm(answers, axis=1)
    mean = np.exp(np.log(lengths).mean(keepdims=True)).astype(np.float32)
    (new,) = head.apply((answers / lengths[:, None]).reshape(1, -1), mean)
    return tuple(round(float(number), 7) for number in new[:GOLDEN])


def figures_of(found: Fit, about: About) -> CardFigures:
    """Return thresholds and calibration on the people held out."""
    people, vectors = found.held_out, found.chosen.head.apply(found.held_out.vectors, found.held_out.lengths)
    rng = np.random.default_rng(0)
    if people.listed is None:
        names = [people.names[person] for person in people.people]
        compared = Compared(fold_vectors(vectors, names, rng=rng), meet_everyone(vectors, names))
    else:
        listed, same = people.listed, people.listed.same
        scores = np.einsum("ij,ij->i", vectors[listed.left], vectors[listed.right])
        who = np.stack((people.people[listed.left], people.people[listed.right]), axis=1)
        pairs = PeopleScores(scores[same], scores[~same], who[same, 0], who[~same])
        compared = Compared(fold_pairs(pairs, rng=rng), meet_listed(pairs))
    return card_figures(compared, protocol=f"{about.data}, people held out", command=about.command)
