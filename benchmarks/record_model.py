"""The exported network of the record, scratch64 -> thresholds and calibration for its card; one look at the test set.

    python benchmarks/record_model.py --write-card   people whom the run held out, all pairs of their photos
    python benchmarks/record_model.py --test         1,000 test pairs: the lab on LFW-a's cuts, the model from photos

The run (`twinlens train record-network --set training.seed=0 --set data.split_seed=0 --out runs/record/network-s0
--no-test`) held out a tenth of LFW's development training people. Its card's
thresholds and probabilities are measured on them, from detection on. `--test` takes the threshold of the held-out
people's drawn pairs for each of the two and opens the test people, once.
"""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from twinlens.datasets.place import data_root
from twinlens.datasets.records import Photo
from twinlens.evaluate.lenses import RecognizerLens
from twinlens.evaluate.machine import machine
from twinlens.evaluate.memory import ResumeFile
from twinlens.evaluate.own import Material as Compared
from twinlens.evaluate.sight import see
from twinlens.lab.card_figures import card_figures
from twinlens.lab.data import Material, Portion, open_material
from twinlens.lab.export.measuring import Probe, similarities
from twinlens.lab.recipe import Recipe
from twinlens.lab.run import load_run
from twinlens.lab.scoring import Judge, Scores
from twinlens.metrics.encounters import meet_everyone
from twinlens.metrics.folded import fold_vectors
from twinlens.recognizer import Recognizer
from twinlens.zoo import find_card
from twinlens.zoo.tables import write_tables

NAME = "scratch64"
RUN = Path("runs/record/network-s0")
COMMAND = "python benchmarks/record_model.py --write-card"
PROTOCOL = (
    "LFW-a development view, all pairs of photos of the {people} training people whom its run held out (a tenth, seed "
    "0; press photos, grey, about 100 px), everybody alike"
)


def write_card(material: Material, recognizer: Recognizer, resume: Path | None) -> None:
    """Measure on held-out people and write the card's tables."""
    assert material.validation is not None
    paths = [material.paths[int(i)] for i in material.validation.photos]
    photos = [Photo(path.parent.name, path) for path in paths]
    lens = RecognizerLens(recognizer, detector="yunet, scales multi", engine="openvino, float32")
    with ExitStack() as stack:
        memory = stack.enter_context(ResumeFile(resume, lens.system)) if resume else None
        seen = see(photos, lens, memory=memory)
    rows = seen.of(photos)
    there = seen.found[rows]
    vectors = seen.vectors[rows[there]]
    people = [photo.subject for photo, has in zip(photos, there, strict=True) if has]
    folded = fold_vectors(vectors, people, rng=np.random.default_rng(0))
    compared = Compared(folded, meet_everyone(vectors, people))
    protocol = PROTOCOL.format(people=len(set(people)))
    figures = card_figures(compared, protocol=protocol, command=COMMAND)
    print(figures)
    write_tables(find_card(NAME).folder / f"{NAME}.toml", measured=figures.measured, calibration=figures.calibration)


def pipeline(material: Material, portion: Portion, recognizer: Recognizer) -> Scores:
    """Return what the recognizer answers; photos without a face match nothing."""
    probe = Probe(material, portion)
    scores = similarities(probe, recognizer, detector="yunet, scales multi", engine="openvino, float32")
    print(f"{portion.name}: {int(np.isnan(scores).sum())} of {len(scores)} pairs with a photo without a face")
    return Scores(np.nan_to_num(scores, nan=-1.0), probe.same, True, None)


def test(material: Material, recipe: Recipe, run: Path, recognizer: Recognizer) -> None:
    """Print both accuracies on the test pairs, each at the threshold of its own held-out pairs."""
    assert material.validation is not None
    assert material.test is not None
    _, siamese = load_run(run)
    parts = (material.validation, material.test)
    lab = [Judge(material, part, recipe)(siamese) for part in parts]
    whole = [pipeline(material, part, recognizer) for part in parts]
    judge = Judge(material, material.test, recipe)
    for who, (held, tested) in (("lab, LFW-a's cuts, both mirror images", lab), (f"{NAME}, from photos", whole)):
        found = judge.result(tested, held.best_threshold, 0.0)
        print(
            f"{who}: threshold {found.threshold:.4f}, accuracy {found.accuracy:.4f} ({found.interval[0]:.4f} to "
            f"{found.interval[1]:.4f}), AUC {found.auc:.4f}; held out: AUC {held.auc:.4f}"
        )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=RUN)
    parser.add_argument("--resume", type=Path, help="keep what was seen there; holds templates")
    parser.add_argument("--write-card", action="store_true")
    parser.add_argument("--test", action="store_true")
    arguments = parser.parse_args()
    recipe, _ = load_run(arguments.run)
    material = open_material(recipe, data_root(os.environ))
    print(machine())
    with Recognizer.default(embedder=NAME, calibration="card") as recognizer:
        if arguments.write_card:
            write_card(material, recognizer, arguments.resume)
        if arguments.test:
            test(material, recipe, arguments.run, recognizer)


if __name__ == "__main__":
    main()
