"""LFW development view -> accuracy of the default models, and the error rates that go into their card.

    python benchmarks/lfw.py               prints the accuracy on the 1,000 test pairs
    python benchmarks/lfw.py --write-card  also measures thresholds on the training people and writes them to the card

The accuracy's threshold comes from the 2,200 training pairs; the card's from all pairs of photos of the training
people; nothing is chosen on the test people. A photo without a face counts as a non-match.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

import numpy as np

from twinlens.datasets.lfw import load_development, load_development_unrestricted
from twinlens.datasets.place import data_root
from twinlens.datasets.records import Photo, Split
from twinlens.evaluate.machine import machine
from twinlens.metrics.intervals import wilson
from twinlens.metrics.verification import auc, best_accuracy_threshold
from twinlens.recognizer import Recognizer
from twinlens.recognizer.choice import main_face
from twinlens.runtime import PRECISIONS, RuntimeOptions
from twinlens.zoo import find_card

NO_FACE = -1.0  # the similarity of a photo without a face to anything: never a match
RATES = tuple(step * 10.0**-power for power in range(1, 7) for step in (1.0, 0.5, 0.2))[:-2]  # 0.1 ... 1e-6
PROTOCOL = "LFW-a development view, all pairs of photos of the training people (press photos, grey, about 100 px)"


def embed(photos: list[Photo], recognizer: Recognizer) -> tuple[np.ndarray, np.ndarray]:
    """Return one row a photo (n, dim), and which photos showed a face."""
    rows = np.zeros((len(photos), recognizer.embedder.dim), np.float32)
    found = np.zeros(len(photos), bool)
    examined = recognizer.examine_all((photo.path for photo in photos), main_face)
    for i, photo in enumerate(examined):
        if photo.portraits:
            rows[i], found[i] = photo.portraits[0].embedding.vector, True
    return rows, found


def pair_scores(
    split: Split, rows: np.ndarray, found: np.ndarray, photos: list[Photo]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the similarities of a split's pairs: genuine, impostor."""
    place = {photo: i for i, photo in enumerate(photos)}
    first = np.array([place[pair.first] for pair in split.pairs])
    second = np.array([place[pair.second] for pair in split.pairs])
    same = np.array([pair.same for pair in split.pairs])
    scores = (rows[first] * rows[second]).sum(1)
    scores[~(found[first] & found[second])] = NO_FACE
    return scores[same], scores[~same]


def all_pairs(rows: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the similarities of all pairs of photos with a face: genuine, impostor."""
    genuine, impostor = [], []
    for i in range(len(rows) - 1):
        scores = rows[i + 1 :] @ rows[i]
        same = people[i + 1 :] == people[i]
        genuine.append(scores[same])
        impostor.append(scores[~same])
    return np.concatenate(genuine), np.concatenate(impostor)


def accuracy_table(root: Path) -> list[str]:
    """Return one row a precision."""
    data = load_development(root)
    lines = [
        "| precision | threshold | test accuracy (95 % Wilson) | false matches | false non-matches | AUC | no face |"
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    for precision in PRECISIONS:
        with Recognizer.default(runtime=RuntimeOptions(precision=precision)) as recognizer:
            train, test = data.split("train"), data.split("test")
            threshold = best_accuracy_threshold(
                *pair_scores(train, *embed(list(train.photos), recognizer), list(train.photos))
            )
            rows, found = embed(list(test.photos), recognizer)
        genuine, impostor = pair_scores(test, rows, found, list(test.photos))
        misses, matches = int((genuine < threshold).sum()), int((impostor >= threshold).sum())
        total = len(genuine) + len(impostor)
        interval = wilson(total - misses - matches, total)
        lines.append(
            f"| {precision} | {threshold:.4f} | {1 - (misses + matches) / total:.4f} ({interval.low:.4f} to "
            f"{interval.high:.4f}) | {matches} of {len(impostor)} | {misses} of {len(genuine)} | "
            f"{auc(genuine, impostor):.4f} | {int((~found).sum())} of {len(found)} photos |"
        )
    return lines


def measure(root: Path) -> str:
    """Return the card's ``[measured]`` table."""
    photos = list(load_development_unrestricted(root).split("train").photos)
    with Recognizer.default() as recognizer:
        rows, found = embed(photos, recognizer)
    people = np.array([photo.subject for photo in photos])[found]
    genuine, impostor = all_pairs(rows[found], people)
    impostor.sort()
    lines = [
        "[measured]",
        f'protocol = "{PROTOCOL}"',
        'command = "python benchmarks/lfw.py --write-card"',
        f"impostors = {len(impostor)}",
        f"genuine = {len(genuine)}",
        f"people = {len(set(people))}",
        "points = [",
    ]
    for rate in RATES:
        threshold = float(impostor[-max(int(rate * len(impostor)), 1)])
        lines.append(
            f"  {{ fmr = {rate:.1e}, threshold = {threshold:.4f}, fnmr = {(genuine < threshold).mean():.5f} }},"
        )
    return "\n".join([*lines, "]", ""])


def main() -> None:
    """Print the table; with ``--write-card`` also write the card."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=None, help="default: $TWINLENS_DATA/lfw")
    parser.add_argument("--write-card", action="store_true")
    arguments = parser.parse_args()
    root = arguments.data or data_root(os.environ) / "lfw"
    print(f"{machine()}\n")
    print("\n".join(accuracy_table(root)))
    if arguments.write_card:
        card = find_card("sface").folder / "sface.toml"
        text = re.sub(r"\n\[measured\].*?\n\]\n", "\n", card.read_text(), flags=re.DOTALL).rstrip() + "\n\n"
        card.write_text(text + measure(root))
        print(f"\nwrote {card.name}")


if __name__ == "__main__":
    main()
