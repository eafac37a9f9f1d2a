"""LFW development people -> how well photos are grouped by person.

    python benchmarks/clustering.py

The FMR whose threshold clustering uses is chosen on the training people; the test people are grouped once with it.
Reported are the pairwise precision and recall and B-cubed (Bagga and Baldwin 1998) of the groups.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
from lfw import embed

from twinlens.cluster import group
from twinlens.datasets.lfw import load_development_unrestricted
from twinlens.datasets.place import data_root
from twinlens.evaluate.machine import machine
from twinlens.recognizer import Recognizer
from twinlens.score import threshold_at
from twinlens.types import Embedding

RATES = (0.01, 0.001, 0.0001, 0.00001)


def scores(groups: list[list[int]], people: list[str]) -> tuple[float, float, float]:
    """Return pairwise precision, pairwise recall and B-cubed F."""
    total = Counter(people)
    pairs_made = sum(len(g) * (len(g) - 1) // 2 for g in groups)
    pairs_true = sum(n * (n - 1) // 2 for n in total.values())
    right, precision, recall = 0, 0.0, 0.0
    for members in groups:
        counts = Counter(people[i] for i in members)
        right += sum(n * (n - 1) // 2 for n in counts.values())
        precision += sum(n * n / len(members) for n in counts.values())
        recall += sum(n * n / total[person] for person, n in counts.items())
    precision, recall = precision / len(people), recall / len(people)
    return right / max(pairs_made, 1), right / pairs_true, 2 * precision * recall / (precision + recall)


def main(root: Path) -> None:
    """Print the table."""
    splits = load_development_unrestricted(root).splits
    best = None
    print(f"{machine()}\n\n| people | FMR | photos | groups | pair precision | pair recall | B-cubed F |")
    print("|---|---|---|---|---|---|---|")
    with Recognizer.default() as recognizer:
        measured = recognizer.card.measured
        if measured is None:
            raise SystemExit("the default model's card holds no thresholds: python benchmarks/lfw.py --write-card")
        for name in ("train", "test"):
            photos = list(splits[name].photos)
            rows, found = embed(photos, recognizer)
            faces = [Embedding(row, recognizer.embedder.model) for row in rows[found]]
            people = list(np.array([photo.subject for photo in photos])[found])
            for rate in RATES if best is None else (best[1],):
                groups = group(faces, [str(i) for i in range(len(faces))], threshold_at(measured, rate))
                precision, recall, f_score = scores(groups, people)
                print(
                    f"| {name} | {rate:g} | {len(faces)} | {len(groups)} of {len(set(people))} people | "
                    f"{precision:.4f} | {recall:.4f} | {f_score:.4f} |",
                    flush=True,
                )
                if name == "train" and (best is None or f_score > best[0]):
                    best = (f_score, rate)


if __name__ == "__main__":
    main(data_root(os.environ) / "lfw")
