"""A threshold from a tenth of the people, or crossed over all of them -> docs/results/record-threshold.md.

    TWINLENS_DATA=../shared/data python benchmarks/record_learning_curve.py
    TWINLENS_DATA=../shared/data python benchmarks/record_threshold.py --write

The record's runs hold out a tenth of the training people for the threshold. Here the closed-form members learn from four
fifths of LFW's training people; the last fifth judges thresholds that were chosen in two ways. The test part is not opened.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from record_learning_curve import MEMBERS, described, fitted, judged

from twinlens.datasets.pairing import draw_even_pairs
from twinlens.datasets.place import data_root
from twinlens.datasets.records import Photo
from twinlens.lab.data import DRAWN_EACH, DRAWN_IMPOSTORS, Material
from twinlens.lab.environment import processor
from twinlens.lab.heap import keep_freed_memory
from twinlens.metrics.verification import best_accuracy_threshold

PAGE = Path(__file__).parents[1] / "docs" / "results" / "record-threshold.md"
FOLDS = 5
TENTH = 0.1  # of all training people, as the record's recipes hold out
DRAWS = 1000


def folds_of(people: np.ndarray) -> list[np.ndarray]:
    """Divide people."""
    return np.array_split(np.random.default_rng(8).permutation(people), FOLDS)


def drawn_pairs(material: Material, who: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs (p, 2) of some training people, drawn as a validation part draws them, and which are genuine."""
    photos, people = material.train.photos.numpy(), material.people.numpy()
    some = [Photo(str(people[at]), Path(str(at))) for at in photos if people[at] in set(who.tolist())]
    pairs = draw_even_pairs(some, each=DRAWN_EACH, impostors=DRAWN_IMPOSTORS, rng=np.random.default_rng(9))
    return np.array([[int(p.first.path.name), int(p.second.path.name)] for p in pairs]), np.array(
        [p.same for p in pairs]
    )


def accuracy(scores: np.ndarray, same: np.ndarray, bar: float) -> float:
    """Return the accuracy, both kinds of pairs counting alike."""
    return float(((scores[same] >= bar).mean() + (scores[~same] < bar).mean()) / 2)


def best(scores: np.ndarray, same: np.ndarray) -> float:
    """Return the threshold with most right answers."""
    return best_accuracy_threshold(scores[same], scores[~same], balanced=True)


def crossed(root: Path, work: Path) -> tuple[Material, np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean cosine of both members: of the judges' pairs, and, crossed, of training people's with their labels."""
    whole, across, same = [], [], np.empty(0, bool)
    for name, recipe_name in MEMBERS.items():
        features, material = described(name, recipe_name, root, work)
        everybody = np.unique(material.people[material.train.photos].numpy())
        file = work / f"{name}-{len(everybody)}-0.npy"
        if not file.exists():
            np.save(file, fitted(features, material, everybody, judged(material)))
        whole.append(np.load(file))
        parts, labels = [], []
        for at, fold in enumerate(folds_of(everybody)):
            pairs, genuine = drawn_pairs(material, fold)
            file = work / f"{name}-crossed-{at}.npy"
            if not file.exists():
                np.save(file, fitted(features, material, np.setdiff1d(everybody, fold), pairs))
                print(file.stem, flush=True)
            parts.append(np.load(file))
            labels.append(genuine)
        across.append(np.concatenate(parts))
        same = np.concatenate(labels)
    return material, np.mean(whole, axis=0), np.mean(across, axis=0), same


def main() -> None:
    """Print the page, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, default=Path("runs/record-learning-curve"), help="as of the learning curve"
    )
    parser.add_argument("--write", action="store_true")
    words = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    material, scores, across, crossed_same = crossed(data_root(os.environ), words.work)
    assert material.validation is not None
    same = material.validation.same.numpy()
    ends = material.people.numpy()[judged(material)]
    people, learners = np.unique(ends), len(torch.unique(material.people[material.train.photos]))
    wanted = round(TENTH * (learners + len(people)))
    bar = best(across, crossed_same)
    rng, rows = np.random.default_rng(10), []
    for _ in range(DRAWS):
        inside = np.isin(ends, rng.permutation(people)[:wanted])
        asked, judges = inside.all(1), (~inside).all(1)
        one = best(scores[asked], same[asked])
        rest = scores[judges], same[judges]
        rows.append((one, accuracy(*rest, one), accuracy(*rest, bar), accuracy(*rest, best(*rest))))
    bars, tenth, cross, top = np.array(rows).T
    loss, gain = top - tenth, cross - tenth
    low, high = np.quantile(gain, [0.025, 0.975])
    page = f"""# Where the record's threshold comes from

    TWINLENS_DATA=../shared/data python benchmarks/record_learning_curve.py
    TWINLENS_DATA=../shared/data python benchmarks/record_threshold.py --write

{processor()}, one thread. `record-patterns` and `record-gradients` together, learned from {learners:,} of LFW's development training people; {len(people)} others judge, in {DRAWS:,} draws: {wanted} of
them, as many as a run of the record holds out, choose a threshold, the rest are asked. Crossed: the learners are cut into {FOLDS} parts, each scored by fits on the
other four ({len(across):,} pairs), one threshold for all, then everybody learns. The test part is not opened.

| threshold | value | accuracy of the rest, mean over draws | below the best possible, mean | in the worst twentieth |
| --- | --- | ---: | ---: | ---: |
| from a tenth of the people | {bars.mean():.3f} (standard deviation {bars.std():.3f}) | {tenth.mean():.2%} | {loss.mean():.2%} | {np.quantile(loss, 0.95):.2%} or more |
| crossed over all learners | {bar:.3f} | {cross.mean():.2%} | {(top - cross).mean():.2%} | {np.quantile(top - cross, 0.95):.2%} or more |
| that suits the rest best | | {top.mean():.2%} | | |

Crossing changes the accuracy by {100 * gain.mean():+.2f} points on average (95 % of draws: {100 * low:+.2f} to {100 * high:+.2f}; they share judges, so this is no interval of the mean).

It was not built: five more fits buy hardly anything. What a threshold costs that comes from other people is nearly the same whether these are few or all; and a
crossed one belongs to fits on fewer people, whose cosines are not quite those of the fit on everybody.
"""
    print(page)
    if words.write:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
