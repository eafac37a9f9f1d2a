"""The record's closed-form members by the number of training people -> docs/results/record-learning-curve.md and its plot.

    TWINLENS_DATA=../shared/data python benchmarks/record_learning_curve.py --write

A fifth of LFW's development training people is held out by seed and judges every point; the test part is not opened. Of the
others, 125, 250, 500 ... people are drawn, three times, each draw a part of the next larger one. Descriptions of photos and
the answers of each fit are kept below ``--work``: stopped, the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from twinlens.datasets.place import data_root
from twinlens.evaluate.plots.ink import GENUINE, MUTED, SYSTEMS, Plot, canvas, drawing, write
from twinlens.lab.data import Material, open_material
from twinlens.lab.environment import processor
from twinlens.lab.heap import keep_freed_memory
from twinlens.lab.joint_bayesian import fit_linear
from twinlens.lab.networks import outline_trunk
from twinlens.lab.reading import read_recipe
from twinlens.lab.scaling import scaled, unit
from twinlens.metrics.verification import auc, best_accuracy_threshold

RESULTS = Path(__file__).parents[1] / "docs" / "results"
PAGE, PLOT = RESULTS / "record-learning-curve.md", RESULTS / "record-learning-curve.svg"
MEMBERS = {"patterns": "record-patterns", "gradients": "record-gradients"}
SIZES = (125, 250, 500, 1000)  # and all
DRAWS = 3
HELD_OUT = 0.2
PEOPLE_DRAWS = 2000  # behind an interval
BATCH = 32


@dataclass(frozen=True)
class Point:
    """A system fitted on some people."""

    system: str
    people: int
    photos: int
    draw: int
    auc: float
    accuracy: float
    scores: np.ndarray


def described(name: str, recipe_name: str, root: Path, work: Path) -> tuple[np.ndarray, Material]:
    """Return float16 (2, photos, numbers), of photos and their mirror images, and whose they are."""
    recipe = read_recipe(recipe_name, [f"data.validation_share={HELD_OUT}", "data.split_seed=0"])
    material = open_material(recipe, root)
    file = work / f"{name}.npy"
    if file.exists():
        return np.load(file, mmap_mode="r"), material
    trunk = outline_trunk(recipe.trunk, channels=1, size=recipe.data.size).eval()
    found = np.empty((2, len(material.pictures), trunk.breadth), np.float16)
    with torch.no_grad():
        for start in range(0, len(material.pictures), BATCH):
            pictures = scaled(unit(material.pictures[start : start + BATCH]), recipe.data.scale)
            for side, seen in enumerate((pictures, pictures.flip(-1))):
                found[side, start : start + BATCH] = trunk.representation(seen).numpy()
    work.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".part").open("wb") as beside:
        np.save(beside, found)
    file.with_suffix(".part").replace(file)
    return found, material


def subsets(people: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Return who trains, by size and draw: each size holds the next smaller one of its draw."""
    everybody, found = np.unique(people), {}
    for draw in range(DRAWS):
        order = np.random.default_rng((5, draw)).permutation(everybody)
        found |= {(size, draw): order[:size] for size in SIZES if size < len(everybody)}
    return found | {(len(everybody), 0): everybody}


def fitted(features: np.ndarray, material: Material, who: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the similarity of pairs (p, 2) of photos by a fit on these people, mirror images averaged."""
    photos = material.train.photos.numpy()
    photos = photos[np.isin(material.people[material.train.photos].numpy(), who)]
    people = material.people.numpy()[photos]
    learned = np.concatenate([features[side][photos] for side in (0, 1)]).astype(np.float32)
    dim = int(read_recipe("record-patterns").finish.options["dim"])
    linear = fit_linear(learned, np.concatenate([people, people]), dim=dim, rounds=10, rng=np.random.default_rng(0))
    asked, places = np.unique(pairs, return_inverse=True)
    whole = np.zeros((len(asked), dim), np.float32)
    for side in (0, 1):
        white = (features[side][asked].astype(np.float32) - linear.mean) @ linear.basis
        whole += white / np.linalg.norm(white, axis=1, keepdims=True) @ linear.turn
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    places = places.reshape(-1, 2)
    return np.asarray((whole[places[:, 0]] * whole[places[:, 1]]).sum(axis=1), np.float64)


def judged(material: Material) -> np.ndarray:
    """Return the pairs (p, 2) of the people held out."""
    assert material.validation is not None
    return torch.stack([material.validation.left, material.validation.right], 1).numpy()


def halves(material: Material) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which validation pairs lie in the one half of people, which in the other, and which are genuine."""
    assert material.validation is not None
    ends = material.people.numpy()[judged(material)]
    people = np.unique(ends)
    first = np.isin(ends, np.random.default_rng(6).permutation(people)[: len(people) // 2])
    return first.all(1), (~first).all(1), material.validation.same.numpy()


def accuracy_of(scores: np.ndarray, one: np.ndarray, other: np.ndarray, same: np.ndarray) -> float:
    """Return the accuracy of either half at the other half's threshold, both kinds of pairs counting alike."""
    parts = []
    for learn, judge in ((one, other), (other, one)):
        bar = best_accuracy_threshold(scores[learn & same], scores[learn & ~same], balanced=True)
        parts.append(((scores[judge & same] >= bar).mean() + (scores[judge & ~same] < bar).mean()) / 2)
    return float(np.mean(parts))


def points(root: Path, work: Path) -> tuple[list[Point], Material]:
    """Fit everything that is not there yet."""
    scores: dict[tuple[str, int, int], np.ndarray] = {}
    for name, recipe_name in MEMBERS.items():
        features, material = described(name, recipe_name, root, work)
        people = material.people[material.train.photos].numpy()
        for (size, draw), who in subsets(people).items():
            file = work / f"{name}-{size}-{draw}.npy"
            if not file.exists():
                begun = time.process_time()
                np.save(file, fitted(features, material, who, judged(material)))
                print(f"{name}, {size} people, draw {draw}: {time.process_time() - begun:.0f} processor s", flush=True)
            scores[name, size, draw] = np.load(file)
    one, other, same = halves(material)
    chosen = subsets(people)
    found = []
    for size, draw in chosen:
        each = {name: scores[name, size, draw] for name in MEMBERS}
        photos = int(np.isin(people, chosen[size, draw]).sum())
        for system, value in {**each, "both": np.sum(list(each.values()), axis=0)}.items():
            found.append(
                Point(
                    system,
                    size,
                    photos,
                    draw,
                    auc(value[same], value[~same]),
                    accuracy_of(value, one, other, same),
                    value,
                )
            )
    return found, material


def drawn_accuracies(found: Sequence[Point], material: Material) -> dict[int, np.ndarray]:
    """Return the accuracy of both members for each number of people, in draws of the people held out."""
    assert material.validation is not None
    one, other, same = halves(material)
    _, ends = np.unique(material.people.numpy()[judged(material)], return_inverse=True)
    ends = ends.reshape(-1, 2)
    right: dict[int, np.ndarray] = {}
    for size in sorted({point.people for point in found}):
        some = [point for point in found if point.people == size and point.system == "both"]
        right[size] = np.mean([_right(point.scores, one, other, same) for point in some], axis=0)
    rng, people = np.random.default_rng(7), int(ends.max()) + 1
    means: dict[int, list[float]] = {size: [] for size in right}
    for _ in range(PEOPLE_DRAWS):
        times = np.bincount(rng.integers(people, size=people), minlength=people)
        weight = np.where(same, times[ends[:, 0]], times[ends[:, 0]] * times[ends[:, 1]]) * (one | other)
        for size, answers in right.items():
            kinds = [weight[kind] @ answers[kind] / weight[kind].sum() for kind in (same, ~same)]
            means[size].append(float(np.mean(kinds)))
    return {size: np.array(some) for size, some in means.items()}


def _right(scores: np.ndarray, one: np.ndarray, other: np.ndarray, same: np.ndarray) -> np.ndarray:
    found = np.zeros(len(same))
    for learn, judge in ((one, other), (other, one)):
        bar = best_accuracy_threshold(scores[learn & same], scores[learn & ~same], balanced=True)
        found[judge] = (scores[judge] >= bar) == same[judge]
    return found


def table(found: Sequence[Point], draws: dict[int, np.ndarray]) -> list[str]:
    """Return the rows, one for each number of people."""
    rows = []
    for size in sorted({point.people for point in found}):
        row = [f"{size:,}", f"{np.mean([p.photos for p in found if p.people == size]):,.0f}"]
        for system in (*MEMBERS, "both"):
            some = [point for point in found if point.people == size and point.system == system]
            row.append(f"{np.mean([point.auc for point in some]):.4f}")
            if system == "both":
                low, high = np.quantile(draws[size], [0.025, 0.975])
                row.append(f"{min(p.auc for p in some):.4f} to {max(p.auc for p in some):.4f}" if len(some) > 1 else "")
                row.append(f"**{np.mean([point.accuracy for point in some]):.1%}** ({low:.1%} to {high:.1%})")
        rows.append(f"| {' | '.join(row)} |")
    return rows


def slope(found: Sequence[Point], sizes: Sequence[int]) -> tuple[float, float]:
    """Return by how much AUC and accuracy of both grow for each doubling of people, a line through these sizes."""
    some = [point for point in found if point.system == "both" and point.people in sizes]
    weights = [1 / np.sqrt(sum(p.people == point.people for p in some)) for point in some]
    doublings = [np.log2(point.people) for point in some]
    return tuple(  # type: ignore[return-value]
        float(np.polyfit(doublings, [getattr(p, what) for p in some], 1, w=weights)[0]) for what in ("auc", "accuracy")
    )


def drawn(found: Sequence[Point]) -> Plot:
    """Draw AUC and accuracy against people."""
    with drawing():
        figure, axes = canvas(width=6.4, height=3.6)
        sizes = sorted({point.people for point in found})
        lines = [("auc", system, colour) for system, colour in zip(("patterns", "gradients"), SYSTEMS, strict=False)]
        for what, system, colour in (*lines, ("auc", "both", GENUINE), ("accuracy", "both", MUTED)):
            some = [point for point in found if point.system == system]
            means = [np.mean([getattr(p, what) for p in some if p.people == size]) for size in sizes]
            label = f"{system}: {'AUC' if what == 'auc' else 'accuracy'}"
            axes.plot(sizes, means, "o", color=colour, label=label, linestyle="--" if what == "accuracy" else "-")
            axes.plot([p.people for p in some], [getattr(p, what) for p in some], "_", color=colour, markersize=8)
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("training people")
        axes.set_title("What more people are worth")
        axes.legend(loc="lower right")
    reading = "Each dash is one draw of people, each dot their mean; the last step is less than a doubling."
    return Plot("record-learning-curve", "What more people are worth", reading, "curves that rise", figure)


def main() -> None:
    """Print the page, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("runs/record-learning-curve"), help="keeps what is computed")
    parser.add_argument("--write", action="store_true")
    words = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    words.work.mkdir(parents=True, exist_ok=True)
    found, material = points(data_root(os.environ), words.work)
    assert material.validation is not None
    sizes = sorted({point.people for point in found})
    early, late = slope(found, sizes[:3]), slope(found, sizes[-3:])
    one, other, same = halves(material)
    draws = drawn_accuracies(found, material)
    rows = "\n".join(table(found, draws))
    slopes = np.polyfit(np.log2(sizes[-3:]), np.array([draws[size] for size in sizes[-3:]]), 1)[0]
    low, high = 100 * np.quantile(slopes, [0.025, 0.975])
    held = len(torch.unique(material.people[material.validation.photos]))
    end = {
        what: np.mean([getattr(p, what) for p in found if p.system == "both" and p.people == sizes[-1]])
        for what in ("auc", "accuracy")
    }
    page = f"""# The record by the number of training people

    TWINLENS_DATA=../shared/data python benchmarks/record_learning_curve.py --write

{processor()}, one thread, PyTorch {torch.__version__}. LFW-a's development training people, names used (the unrestricted track); two descriptions that were members of the first record,
`record-patterns` and `record-gradients`, and the sum of their cosines. The test part is not opened.

{held} people are held out (seed 0) and judge every row: {int(same.sum()):,} genuine and {int((~same).sum()):,} impostor pairs drawn from them for AUC; accuracy is that of either half of
them at the threshold of the other half ({int((one | other).sum()):,} pairs inside the halves), both kinds counting alike. Of the other {sizes[-1]:,} people subsets are drawn three
times, each a part of the next larger one; all {sizes[-1]:,} are one set. Intervals of 95 % by drawing held-out people.

| training people | photos | patterns, AUC | gradients, AUC | both, AUC | over the draws | both, accuracy |
| ---: | ---: | ---: | ---: | ---: | --- | --- |
{rows}

![AUC and accuracy rise with every doubling of people](record-learning-curve.svg)

What the curve says: it still rises, and ever more slowly. For each doubling of people a line through the first three sizes gains {early[0]:+.4f} of AUC and {100 * early[1]:+.1f}
points of accuracy, one through the last three {late[0]:+.4f} and {100 * late[1]:+.1f} (95 % by drawing held-out people {low:+.1f} to {high:+.1f}; the draws of training people are three and
one). If the late slope went on, twice as many people would bring {end["accuracy"] + late[1]:.1%} and four times as many {end["accuracy"] + 2 * late[1]:.1%} (AUC {end["auc"] + late[0]:.3f} and {end["auc"] + 2 * late[0]:.3f}); that is beyond what was
measured, and rather too much, as the slope has fallen so far. 95 % would be {(0.95 - end["accuracy"]) / late[1]:.0f} doublings away: what is missing is a description that is better or learns,
not only people. At 125 people the 300 directions are many for their photos, so the first step looks steeper than it has to be.
"""
    print(page)
    if words.write:
        PAGE.write_text(page, encoding="utf-8")
        write(drawn(found), PLOT)
        plain = [{k: getattr(p, k) for k in ("system", "people", "photos", "draw", "auc", "accuracy")} for p in found]
        PAGE.with_suffix(".json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
