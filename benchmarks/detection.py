"""WIDER FACE photos -> a table: average precision of every carried detector, and what it costs.

    python benchmarks/detection.py            prints the tables (three minutes on one core)
    python benchmarks/detection.py --write    also puts them into docs/detection.md

Photos: two of each event of the validation set, where ``TWINLENS_DATA`` has them. Boxes from a score of 0.02 on, the
owners' matching rules, intervals by drawing photos. Time: CPU time of one thread at the default score, each photo by
every setting in turn, so that a busy machine slows all alike.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinlens.datasets.place import data_root
from twinlens.datasets.wider import LEVELS, WiderPhoto, read_wider
from twinlens.detect import DetectOptions, build_detector
from twinlens.detect.options import Scales
from twinlens.evaluate.machine import machine
from twinlens.image import load_image
from twinlens.metrics.detection import Found, Tally, Truth, overlaps, tally
from twinlens.protocols import Detector
from twinlens.runtime import RuntimeOptions
from twinlens.types import Image
from twinlens.zoo.cabinet import checked_paths, find_card

SETTINGS: tuple[tuple[str, Scales], ...] = (
    ("yunet", "single"),
    ("yunet", "multi"),
    ("yunet", "tiny"),
    ("mtcnn", "single"),
    ("mtcnn", "tiny"),
)
AP_SCORE = 0.02  # boxes below decide nothing
RESAMPLES = 1000
PAGE = Path(__file__).parent.parent / "docs" / "detection.md"
START, END = "<!-- made by benchmarks/detection.py -->\n", "<!-- end -->"


@dataclass
class Result:
    """One setting on all photos."""

    found: list[Found]
    cpu_s: list[float]

    def tallies(self, photos: Sequence[WiderPhoto]) -> dict[str, Tally]:
        """Return the counts at each level."""
        return {
            level: tally(self.found, [Truth(photo.boxes, photo.counted[level]) for photo in photos]) for level in LEVELS
        }


def detector(name: str, scales: Scales, min_score: float) -> Detector:
    """Return a carried detector on one thread."""
    options = DetectOptions(scales=scales, min_score=min_score)
    return build_detector(name, checked_paths(find_card(name)), runtime=RuntimeOptions(threads=1), options=options)


def measure(photos: Sequence[WiderPhoto]) -> dict[tuple[str, Scales], Result]:
    """Show every photo to every setting, twice: for the time and for the boxes."""
    results = {setting: Result([], []) for setting in SETTINGS}
    quick = {setting: detector(*setting, DetectOptions().min_score) for setting in SETTINGS}
    full = {setting: detector(*setting, AP_SCORE) for setting in SETTINGS}
    for photo in photos:
        image = load_image(photo.path)
        for setting, result in results.items():
            result.cpu_s.append(cpu_s(quick[setting], image))
            faces = full[setting].detect([image])[0]
            boxes = np.array([face.box.xyxy for face in faces], np.float32).reshape(-1, 4)
            result.found.append(Found(boxes, np.array([face.score for face in faces], np.float32)))
    return results


def cpu_s(quick: Detector, image: Image) -> float:
    """Return the processor seconds for one picture, once the engine has prepared itself for its size."""
    quick.detect([image])
    start = time.process_time()
    quick.detect([image])
    return time.process_time() - start


def precision_recall(result: Result, photos: Sequence[WiderPhoto], level: str) -> tuple[float, float]:
    """Return both at the default score: what a user meets."""
    reported = right = faces = 0
    for found, photo in zip(result.found, photos, strict=True):
        counted = photo.counted[level]
        faces += int(counted.sum())
        boxes = found.boxes[found.scores >= DetectOptions().min_score]
        if len(boxes) == 0 or len(photo.boxes) == 0:
            reported += len(boxes)
            continue
        table = overlaps(boxes, photo.boxes)
        nearest, hit = table.argmax(axis=1), table.max(axis=1) >= 0.5
        reported += int((~hit | counted[nearest]).sum())
        right += len(set(nearest[hit & counted[nearest]].tolist()))
    return right / reported, right / faces


def overview(results: dict[tuple[str, Scales], Result], photos: Sequence[WiderPhoto]) -> list[str]:
    """Return the table of all settings."""
    reference = sum(results[SETTINGS[0]].cpu_s)
    lines = [
        "| detector | scales | AP easy (95 %) | AP medium (95 %) | AP hard (95 %) | precision / recall at 0.6, hard "
        "| CPU ms a photo | times YuNet single |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (name, scales), result in results.items():
        row = [name, scales]
        for level, counts in result.tallies(photos).items():
            low, high = counts.interval(np.random.default_rng(LEVELS.index(level)), resamples=RESAMPLES)
            row.append(f"{counts.average_precision():.3f} ({low:.3f} to {high:.3f})")
        precision, recall = precision_recall(result, photos, "hard")
        row.append(f"{precision:.3f} / {recall:.3f}")
        row += [f"{1000 * np.mean(result.cpu_s):.0f}", f"{sum(result.cpu_s) / reference:.1f}"]
        lines.append(f"| {' | '.join(row)} |")
    return lines


def gains(results: dict[tuple[str, Scales], Result], photos: Sequence[WiderPhoto]) -> list[str]:
    """Return what the tiny mode adds to the single scale: in all, and on each half of the events."""
    events = sorted({photo.event for photo in photos})
    chosen = np.array([events.index(photo.event) % 2 == 0 for photo in photos])
    single, tiny = (results[("yunet", scales)].tallies(photos) for scales in ("single", "tiny"))
    halves = {
        "all": np.ones(len(photos), bool),
        "chosen on (every other event)": chosen,
        "measured on (the other events)": ~chosen,
    }
    lines = ["| photos | easy | medium | hard |", "|---|---|---|---|"]
    for name, half in halves.items():
        row = [f"{name}: {int(half.sum())}"]
        for level in LEVELS:
            gain = difference(single[level], tiny[level], half.astype(np.int64))
            rng = np.random.default_rng(0)
            draws = rng.multinomial(half.sum(), half / half.sum(), size=RESAMPLES)
            low, high = np.quantile([difference(single[level], tiny[level], draw) for draw in draws], [0.025, 0.975])
            row.append(f"{gain:+.1f} ({low:+.1f} to {high:+.1f})")
        lines.append(f"| {' | '.join(row)} |")
    return lines


def difference(one: Tally, other: Tally, weights: np.ndarray) -> float:
    """Return how many points of average precision the other has more."""
    return 100 * (other.average_precision(weights) - one.average_precision(weights))


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/detection.md")
    arguments = parser.parse_args()
    photos = read_wider(data_root(os.environ) / "wider")
    results = measure(photos)
    counts = [sum(int(photo.counted[level].sum()) for photo in photos) for level in LEVELS]
    text = "\n".join(
        [
            f"{len(photos)} photos, {sum(len(photo.boxes) for photo in photos)} boxes; counted as easy {counts[0]}, "
            f"medium {counts[1]}, hard {counts[2]}. {machine()}.",
            "",
            *overview(results, photos),
            "",
            "Points of average precision that the tiny mode adds to YuNet's single scale (95 % by drawing photos):",
            "",
            *gains(results, photos),
            "",
        ]
    )
    print(text)
    if arguments.write:
        before, rest = PAGE.read_text(encoding="utf-8").split(START)
        after = rest.split(END)[1]
        PAGE.write_text(before + START + text + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
