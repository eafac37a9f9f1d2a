"""Run folder -> a model of the recognizer: framed, written, compared with torch, measured, saved with its card."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from twinlens.datasets.records import Dataset
from twinlens.datasets.registry import open_dataset
from twinlens.detect import build_detector
from twinlens.errors import DatasetError, OptionError
from twinlens.evaluate.sight import Progress
from twinlens.lab.data import Material, open_material
from twinlens.lab.export import measuring
from twinlens.lab.export.agreement import Agreement, agreements, reference_answer, sample_crops
from twinlens.lab.export.framing import Framing, frame, frame_lfw_a
from twinlens.lab.export.graph import OUTPUT, CropNetwork, Shape, to_onnx
from twinlens.lab.export.measuring import Answered, Probe
from twinlens.lab.export.weights import packed
from twinlens.lab.recipe import Recipe
from twinlens.lab.run import load_run
from twinlens.lab.siamese import Siamese
from twinlens.recognizer import Recognizer
from twinlens.runtime import RuntimeOptions
from twinlens.zoo import DEFAULT_DETECTOR, InputSpec, ModelCard, checked_paths, find_card
from twinlens.zoo.card import ModelFile
from twinlens.zoo.writing import free_name, write_model

# numbers of a vector that a card keeps: all of ours, as joint Bayesian puts its weakest, hardly more than 0, first
GOLDEN = 256
LFW = "lfw"  # how the names of data sets of LFW-a's photos begin
UNNAMED = ModelFile("unnamed.onnx", "0" * 64, 0)  # until the file is written


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of an export.

    Attributes:
        name: the model's; None for the run's recipe.
        int8: pack the weights.
        measure: measure accuracies and thresholds on the run's validation people, where the photos are at hand.
        replace_old: put it in the place of a model of the same name.
        command: what was typed, for the card.
        mirror: average with the mirror image: None for as the recipe tests, False for half the time.
        dim: the strongest directions of a joint Bayesian finish that are kept; None for all.
    """

    name: str | None = None
    int8: bool = False
    measure: bool = True
    replace_old: bool = False
    command: str = ""
    mirror: bool | None = None
    dim: int | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """What came of it.

    Attributes:
        card: as it was written.
        path: where.
        framing: how the network's input lies in the recognizer's crop.
        agreements: each engine against torch.
        answers: how the validation pairs are answered; empty where the photos are not at hand.
        part: which pairs these are; empty likewise.
        notes: what a user must know.
    """

    card: ModelCard
    path: Path
    framing: Framing
    agreements: tuple[Agreement, ...]
    answers: tuple[Answered, ...]
    part: str
    notes: tuple[str, ...]


def export(
    run: Path,
    wish: Wish,
    data_root: Path,
    folder: Path | None = None,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Export:
    """Export a run.

    Args:
        run: its folder.
        wish: name and options.
        data_root: where registered data sets lie.
        folder: where the model goes; the user's models folder by default.
        cache: of decoded pictures; the lab's by default.
        progress: called with (photos looked at, of how many).

    Raises:
        ModelNotFoundError: no weights there.
        ModelError: damaged weights, a name that is taken, engines that answer otherwise, or a folder that cannot be
            written.
        OptionError: a name that cannot be a file's, or more directions than there are.
        RecipeError: the run's recipe cannot be read.
    """
    recipe, siamese = load_run(run)
    name = free_name(wish.name or recipe.name, folder, replace_old=wish.replace_old)
    material, dataset, notes = _data(recipe, data_root, cache, decode=wish.measure)
    middle, how = _middle(recipe, siamese, material)
    framing, placed = _framing(recipe, dataset)
    network = CropNetwork(recipe, siamese, framing, middle=middle, shape=Shape(wish.mirror, wish.dim)).eval()
    models = {"float32": to_onnx(network)}
    agreed = agreements(network, models["float32"])
    if wish.int8:
        models["int8"] = packed(models["float32"])
        agreed += agreements(network, models["int8"], packed=True)
    card = _card(name, recipe, network, dataset, wish)
    if wish.int8:
        # packed weights answer a little otherwise by design: their golden values are the reference's, of this file
        card = replace(card, golden=_golden(reference_answer(models["int8"])))
    answers: tuple[Answered, ...] = ()
    probe = _probe(material)
    if probe is not None:
        in_torch = measuring.answer_in_torch(probe, recipe, siamese, middle)
        card, answers, more = _measured(probe, in_torch, models, card, progress)
        notes += more
    path = write_model(card, list(models.values())[-1], folder, replace_old=wish.replace_old)
    part = "" if probe is None else f"{len(probe.portion):,} {probe.portion.name} pairs of {recipe.data.dataset}"
    return Export(card, path, framing, tuple(agreed), answers, part, (*notes, *how, *placed))


def _middle(recipe: Recipe, siamese: Siamese, material: Material | None) -> tuple[torch.Tensor | None, tuple[str, ...]]:
    """Return what is taken off embeddings that were not made for cosines, and what a user must know."""
    if recipe.head.name == "cosine":
        return None, ()
    said = f"the network's own head ({recipe.head.name}) is not in the model: the recognizer compares by cosine"
    if material is None:
        return None, (f"{said}, of embeddings as they are",)
    middle = measuring.middle_of(material, recipe, siamese)
    return middle, (f"{said}, of embeddings less their mean over training photos",)


def _data(
    recipe: Recipe, data_root: Path, cache: Path | None, *, decode: bool
) -> tuple[Material | None, Dataset | None, tuple[str, ...]]:
    """Return the run's photos, decoded if asked for, and its data set where they are at hand."""
    try:
        dataset = open_dataset(recipe.data.dataset, data_root)
        return open_material(recipe, data_root, cache=cache) if decode else None, dataset, ()
    except (DatasetError, OptionError) as error:
        said = "the run's photos are not at hand, so faces were placed by what is known and nothing was measured"
        return None, None, (f"{said}: {error}",)


def _framing(recipe: Recipe, dataset: Dataset | None) -> tuple[Framing, tuple[str, ...]]:
    """Return where the network's input lies in the crop, and what a user must know."""
    if dataset is None and recipe.data.dataset.startswith(LFW):
        return frame_lfw_a(recipe.data), ()
    why = "its photos are not at hand"
    if dataset is not None:
        known = {part.name: part for part in dataset.parts}
        train = known[recipe.data.train].photos if recipe.data.train in known else dataset.photos
        detector = build_detector(
            DEFAULT_DETECTOR, checked_paths(find_card(DEFAULT_DETECTOR)), runtime=RuntimeOptions(threads=1)
        )
        try:
            return frame([photo.path for photo in train], recipe.data, detector), ()
        except DatasetError as error:
            why = str(error)
    return Framing.whole(recipe.data.size), (f"the network is shown the whole crop, as nothing says better: {why}",)


def _golden(answer: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(number), 7) for number in answer[:GOLDEN])


def _probe(material: Material | None) -> Probe | None:
    if material is None:
        return None
    part = material.validation or material.train
    both = len(part) > 0 and bool(part.same.any()) and not bool(part.same.all())
    return Probe(material, part) if both else None


def _card(name: str, recipe: Recipe, network: CropNetwork, dataset: Dataset | None, wish: Wish) -> ModelCard:
    with torch.no_grad():
        golden = network(torch.from_numpy(sample_crops()[:1])).numpy().reshape(-1).astype(np.float64)
    golden = golden / max(float(np.linalg.norm(golden)), 1e-12)
    terms = dataset.terms if dataset is not None and dataset.terms else ""
    kind = "int8 weights" if wish.int8 else "float32"
    return ModelCard(
        name=name,
        kind="embedder",
        summary=f"{recipe.title}: trunk {recipe.trunk.name}, {golden.size} numbers, {kind}; trained in the lab",
        files=(UNNAMED,),
        dim=int(golden.size),
        input=InputSpec(output=OUTPUT),
        licence_code="Apache-2.0",
        licence_weights=f"Of the training photos: {terms}" if terms else "not stated: see the training photos",
        training_data=f"{recipe.data.dataset}, part {recipe.data.train}. {terms or 'Terms not stated.'}",
        source=f"recipe {recipe.name} ({recipe.source})",
        provenance=wish.command or "twinlens export",
        parameters=sum(one.numel() for one in network.trunk.parameters()),
        golden=_golden(golden),
    )


def _measured(
    probe: Probe,
    in_torch: tuple[Answered, Answered],
    models: Mapping[str, bytes],
    card: ModelCard,
    progress: Progress | None,
) -> tuple[ModelCard, tuple[Answered, ...], tuple[str, ...]]:
    """Return the card with thresholds and calibration, the accuracies, and notes."""
    answers = [*in_torch]
    scores = np.zeros(0)
    for kind, model in models.items():
        with tempfile.TemporaryDirectory(prefix="twinlens-export-") as folder:
            path = write_model(replace(card, golden=()), model, Path(folder), replace_old=True)
            with Recognizer.default(embedder=str(path), calibration="card") as recognizer:
                scores = measuring.similarities(
                    probe, recognizer, detector=DEFAULT_DETECTOR, engine=kind, progress=progress
                )
        answers.append(measuring.answered(f"recognizer, {kind}", scores, probe.same))
    protocol = f"{card.training_data.partition(',')[0]}, {probe.portion.name} pairs of the run"
    if probe.portion.name == "train":
        said = "the run has no validation people: its training pairs flatter every figure, and no threshold is kept"
        return replace(card, provenance=_with(card, answers)), tuple(answers), (said,)
    figures = measuring.figures_of(probe, scores, protocol=protocol, command=card.provenance)
    told = replace(card, measured=figures.measured, calibration=figures.calibration, provenance=_with(card, answers))
    return told, tuple(answers), figures.notes


def _with(card: ModelCard, answers: list[Answered]) -> str:
    said = "; ".join(f"{one.by} {one.accuracy.estimate:.4f}" for one in answers)
    return f"{card.provenance}. Accuracy at the best threshold of the run's own pairs: {said}"
