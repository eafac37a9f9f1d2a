"""LFW's training people and CFP -> the two quality tables of docs/images.md.

    python benchmarks/quality.py [--people 300]

First: how often photos that nobody spoiled are refused, and why. Second: photos spoiled in one way (spoiling.py), how
often the face is still found, how often the intended reason is given, and what the spoiling does to recognition: the
share of genuine pairs (spoiled photo against another good photo of the person) below the model's threshold.
Nobody of a test list is looked at. Needs TWINLENS_DATA with lfw and cfp; takes a quarter of an hour on one core.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import spoiling

from twinlens.align import align
from twinlens.image import load_image
from twinlens.quality import assess
from twinlens.recognizer import Recognizer
from twinlens.types import Embedding, Face, Image

SEED = 20
Spoiler = Callable[[spoiling.Rgb, Face], spoiling.Rgb]


@dataclass
class Row:
    """Counts of one kind of photo."""

    photos: int = 0
    found: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    scores: list[float] = field(default_factory=list)
    seconds: float = 0.0


def main_face(recognizer: Recognizer, image: Image) -> Face | None:
    """Return the largest face."""
    faces = recognizer.detector.detect([image])[0]
    return max(faces, key=lambda face: face.box.area) if faces else None


def judge(row: Row, image: Image, face: Face | None) -> None:
    """Count one photo."""
    row.photos += 1
    if face is None:
        return
    row.found += 1
    start = time.thread_time()
    quality = assess(image, face)
    row.seconds += time.thread_time() - start
    row.refused += not quality.acceptable
    row.reasons.update({reason.partition(":")[0].removesuffix(" or in shadow") for reason in quality.reasons})


def training_photos(root: Path, per_person: int) -> Iterator[list[Path]]:
    """Yield the first photos of each person of LFW's training list who is there."""
    for line in (root / "lfw/peopleDevTrain.txt").read_text().splitlines()[1:]:
        photos = sorted((root / "lfw/lfw2" / line.split("\t")[0]).glob("*.jpg"))[:per_person]
        if photos:
            yield photos


def unspoiled(recognizer: Recognizer, root: Path) -> None:
    """Print the first table."""
    sets: dict[str, Sequence[Path]] = {
        "LFW, training people, two photos each": [p for photos in training_photos(root, 2) for p in photos],
        "CFP frontal, four each": sorted(root.glob("cfp/Data/Images/*/frontal/0[1-4].jpg")),
        "CFP profile, four each": sorted(root.glob("cfp/Data/Images/*/profile/0[1-4].jpg")),
    }
    print("| photos | number | face found | refused | reasons | ms a face |\n|---|---|---|---|---|---|")
    for name, paths in sets.items():
        row = Row()
        for path in paths:
            image = load_image(path)
            judge(row, image, main_face(recognizer, image))
        reasons = ", ".join(f"{reason} {count / row.found:.1%}" for reason, count in row.reasons.most_common())
        print(
            f"| {name} | {row.photos} | {row.found / row.photos:.1%} | {row.refused / row.found:.1%} | {reasons} "
            f"| {1000 * row.seconds / row.found:.2f} |",
            flush=True,
        )


def spoilers(rng: np.random.Generator) -> Iterator[tuple[str, str, Spoiler]]:
    """Yield what is done, the reason it should give, and how it is done."""
    yield "nothing", "", lambda pixels, _: pixels
    for sigma in (1.0, 1.5, 2.0, 3.0, 4.0):
        yield f"blur, sigma {sigma:g} crop pixels", "blurred", partial(spoiling.blurred, sigma=sigma)
    for width in (60, 45, 35, 25, 18):
        yield f"face {width} pixels wide", "too small", partial(spoiling.shrunk, width=width)
    for gain in (0.5, 0.3, 0.2, 0.1):
        yield f"light x {gain:g}", "too dark", partial(spoiling.lit, gain=gain)
    for gain in (2.0, 3.0, 5.0):
        yield f"light x {gain:g}", "too bright", partial(spoiling.lit, gain=gain)
    for gain in (0.5, 0.3, 0.15):
        yield f"contrast x {gain:g}", "low contrast", partial(spoiling.flattened, gain=gain)
    for share in (0.1, 0.2, 0.3, 0.4):

        def cut(pixels: spoiling.Rgb, face: Face, share: float = share) -> spoiling.Rgb:
            return spoiling.cut_off(pixels, face, share, int(rng.integers(4)))

        yield f"{share:.0%} out of the picture, any side", "cut off", cut
    yield "dark glasses, drawn", "eyes covered", partial(spoiling.dark_glasses, rng=rng)
    yield "cloth over the eyes, drawn", "eyes covered", partial(spoiling.cloth, rng=rng)
    yield "hand over the eyes, drawn", "eyes covered", partial(spoiling.hand, rng=rng)


def spoiled(recognizer: Recognizer, root: Path, people: int) -> None:
    """Print the second table."""
    threshold = recognizer.verify(*next(p for p in training_photos(root, 2) if len(p) == 2)).threshold
    pairs: list[tuple[Image, Face, Embedding]] = []
    for photos in training_photos(root, 2):
        if len(photos) < 2 or len(pairs) == people:
            continue
        good, other = (load_image(path) for path in photos)
        face, mate = main_face(recognizer, good), main_face(recognizer, other)
        if face and mate and assess(good, face).acceptable:
            pairs.append((good, face, recognizer.embedder.embed([align(other, mate)])[0]))
    print(f"\n{len(pairs)} photos that were accepted; threshold {threshold:.4f}\n")
    print("| done to the photo | face found | intended reason | refused | FNMR at the threshold | mean similarity |")
    print("|---|---|---|---|---|---|")
    for name, reason, spoil in spoilers(np.random.default_rng(SEED)):
        row = Row()
        for image, face, mate_vector in pairs:
            worse = Image(spoil(image.pixels, face))
            again = main_face(recognizer, worse)
            judge(row, worse, again)
            vector = recognizer.embedder.embed([align(worse, again)])[0] if again else None
            row.scores.append(vector.similarity(mate_vector) if vector else -1.0)
        found, scores = max(row.found, 1), np.array(row.scores)
        missed = float((scores < threshold).mean())
        given = f"{row.reasons[reason] / found:.1%}" if reason else "-"
        print(
            f"| {name} | {row.found / row.photos:.1%} | {given} | {row.refused / found:.1%} | {missed:.1%} "
            f"| {scores[scores > -1].mean():.3f} |",
            flush=True,
        )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Measure the quality gate.")
    parser.add_argument("--people", type=int, default=300)
    options = parser.parse_args()
    root = Path(os.environ.get("TWINLENS_DATA", "data"))
    if not (root / "lfw").is_dir():
        raise SystemExit(f"no lfw folder in {root}: set TWINLENS_DATA")
    recognizer = Recognizer.default()
    unspoiled(recognizer, root)
    spoiled(recognizer, root, options.people)


if __name__ == "__main__":
    main()
