"""The record's runs -> docs/results/record-figures.md: accuracies over seeds, by person, and one-shot beside baselines.

    for s in 0 1 2; do twinlens train record-unrestricted --set training.seed=$s --set data.split_seed=$s --out runs/record/unrestricted-s$s; done
    for s in 0 1 2; do twinlens train record-restricted --set training.seed=$s --set data.split_seed=$s --out runs/record/restricted-s$s; done
    TWINLENS_DATA=../shared/data python benchmarks/record.py --write

The test part was touched by `twinlens train` at the end of each run, at the threshold of its validation people; here the
same scores are read again for the mean over seeds and for drawing people.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch

from twinlens.datasets.oneshot import draw_episodes
from twinlens.datasets.place import data_root
from twinlens.datasets.registry import open_dataset
from twinlens.evaluate.baseline import pixel_vectors
from twinlens.lab.data import open_material
from twinlens.lab.environment import processor
from twinlens.lab.oneshot import SEED, oneshot_test
from twinlens.lab.run import load_run, read_outcome
from twinlens.lab.scoring import Judge
from twinlens.metrics.oneshot import oneshot_accuracy

PAGE = Path(__file__).parents[1] / "docs" / "results" / "record-figures.md"
DRAWS = 4000


def drawn(right: np.ndarray, ends: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Return the 95 % interval of a mean by drawing people: a pair counts as often as its people together."""
    _, who = np.unique(ends, return_inverse=True)
    who = who.reshape(ends.shape)
    n, values = who.max() + 1, []
    for _ in range(DRAWS):
        count = np.bincount(rng.integers(n, size=n), minlength=n)
        weight = np.where(who[:, 0] == who[:, 1], count[who[:, 0]], count[who[:, 0]] * count[who[:, 1]])
        values.append((right * weight).sum() / weight.sum())
    return float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))


def track(folders: list[Path], root: Path) -> list[str]:
    """Return the rows of one track."""
    rows, answers, aucs, ends = [], [], [], np.empty((0, 2))
    for folder in folders:
        recipe, siamese = load_run(folder)
        outcome, material = read_outcome(folder), open_material(recipe, root)
        assert material.test is not None
        assert outcome.test is not None
        assert outcome.validation is not None
        scores = Judge(material, material.test, recipe)(siamese)
        right = scores.right(outcome.test.threshold)
        assert abs(right.mean() - outcome.test.accuracy) < 2e-3
        answers.append(right)
        aucs.append(scores.auc)
        ends = material.people[torch.stack([material.test.left, material.test.right], dim=1)].numpy()
        found = oneshot_test(folder, root, ways=20)
        rows.append(
            f"| {folder.name} | {outcome.validation.accuracy:.1%} ({outcome.validation.n} pairs) | {right.mean():.1%} | "
            f"{scores.auc:.4f} | {found.value:.1%} ({found.low:.1%} to {found.high:.1%}) |"
        )
    mean = np.mean(answers, axis=0)
    low, high = drawn(mean, ends, np.random.default_rng(0))
    rows.append(
        f"| **mean of {len(folders)}** | | **{mean.mean():.1%} ({low:.1%} to {high:.1%})** | {np.mean(aucs):.4f} | |"
    )
    return rows


def baselines(root: Path, name: str) -> list[str]:
    """Return the one-shot rows of pixels and of the default embedder on the same kind of episodes."""
    split = open_dataset(name, root).split("test")
    episodes = draw_episodes(split.photos, rng=np.random.default_rng(SEED), ways=20)
    paths = [photo.path for one in episodes for photo in (*one.gallery, *one.probes)]
    vectors = pixel_vectors(paths)
    scores = np.array(
        [[[vectors[p.path] @ vectors[g.path] for g in one.gallery] for p in one.probes] for one in episodes]
    )
    found = oneshot_accuracy(scores)
    return [f"| pixels, 24x24 | {found.estimate:.1%} ({found.low:.1%} to {found.high:.1%}) |"]


def main() -> None:
    """Print the page, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/record"))
    parser.add_argument("--write", action="store_true")
    words = parser.parse_args()
    root = data_root(os.environ)
    parts = []
    for name, said in (("unrestricted", "Unrestricted"), ("restricted", "Restricted")):
        folders = sorted(path.parent for path in words.runs.glob(f"{name}-s*/outcome.json"))
        if folders:
            rows = "\n".join(track(folders, root))
            parts.append(
                f"## {said}\n\n| run | validation people | test | AUC | 20-way one-shot, test people |\n| --- | ---: | ---: | ---: | ---: |\n{rows}\n"
            )
    small = "\n".join(baselines(root, "lfw-dev-unrestricted"))
    page = f"""# Figures of the record

    TWINLENS_DATA=../shared/data python benchmarks/record.py --write

{processor()}, PyTorch {torch.__version__}. Test: the 1,000 pairs of LFW's development view; intervals of 95 % by drawing people
({DRAWS:,} times) of the mean over seeds; one-shot intervals are Wilson's over 400 trials.

{chr(10).join(parts)}
## One-shot beside it (20-way, 400 trials, LFW test people)

| what | accuracy |
| --- | ---: |
{small}
"""
    print(page)
    if words.write:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
