"""Nine thousand photos against one another -> time and memory from vectors to the finished report.

    python benchmarks/all_pairs.py                     prints (some four minutes: photos are looked at first)
    python benchmarks/all_pairs.py --resume FILE       goes on from what was seen before
    python benchmarks/all_pairs.py --write             also writes docs/results/all-pairs.md

Photos: all of LFW's development people, whole people until 9,000 photos are reached. Looking at photos is not timed: a
process of its own then starts with what was seen, compares all pairs, and writes page, JSON, card and plots. Its time
is given as a multiple of numpy's for the bare similarities of the same pairs, taken in the same process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from twinlens.datasets.pairing import by_person
from twinlens.datasets.place import data_root
from twinlens.datasets.records import Dataset, Photo, Split
from twinlens.datasets.registry import open_dataset
from twinlens.evaluate.folder import check_folder, write_report
from twinlens.evaluate.lenses import RecognizerLens
from twinlens.evaluate.machine import machine
from twinlens.evaluate.memory import ResumeFile
from twinlens.evaluate.runner import Options, evaluate
from twinlens.evaluate.sight import see
from twinlens.recognizer import Recognizer

PHOTOS = 9000
PAGE = Path(__file__).parent.parent / "docs" / "results" / "all-pairs.md"
LIMIT_S, LIMIT_GIB = 60.0, 2.0


def people(photos: int) -> Dataset:
    """Return whole people of LFW with so many photos in all, or the first that exceed it."""
    lfw = open_dataset("lfw-dev-unrestricted", data_root(os.environ))
    chosen: list[Photo] = []
    for owned in by_person(lfw.photos).values():
        if len(chosen) + len(owned) <= photos:
            chosen += owned
    return Dataset("lfw-9000", lfw.root, {"all": Split("all", tuple(chosen))}, terms=lfw.terms)


def reported(resume: Path) -> dict[str, float]:
    """Evaluate from what was seen; return seconds and memory of this process."""
    dataset = people(PHOTOS)
    with Recognizer.default() as recognizer:
        lens = RecognizerLens(recognizer, detector="yunet, scales multi", engine="default")
        with ResumeFile(resume, lens.system) as memory, tempfile.TemporaryDirectory() as folder:
            vectors = see(dataset.photos, lens, memory=memory).vectors
            begun = time.perf_counter()
            for start in range(0, len(vectors), 512):
                np.sum(vectors[start : start + 512] @ vectors.T)
            bare_s = time.perf_counter() - begun
            place = Path(folder) / "report"
            check_folder(place, replace=False)
            begun = time.perf_counter()
            report = evaluate(dataset, lens, card=recognizer.card, options=Options(card_thresholds=True), memory=memory)
            write_report(report, place, photos=None)
            seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {"pairs": report.speed.comparisons, "seconds": seconds, "bare_s": bare_s, "peak_gib": peak}


def main() -> None:
    """Look at the photos, then measure in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resume", type=Path, help="keep what was seen there; holds templates")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(reported(arguments.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        resume = arguments.resume or Path(folder) / "seen.db"
        with Recognizer.default() as recognizer:
            lens = RecognizerLens(recognizer, detector="yunet, scales multi", engine="default")
            with ResumeFile(resume, lens.system) as memory:
                see(people(PHOTOS).photos, lens, memory=memory)
        done = subprocess.run(
            [sys.executable, __file__, "--measure", str(resume)], stdout=subprocess.PIPE, check=True, text=True
        )
    result = json.loads(done.stdout)
    met = result["seconds"] < LIMIT_S and result["peak_gib"] < LIMIT_GIB
    row = (
        f"{result['pairs']:,}",
        f"{result['seconds']:.1f} s",
        f"{result['seconds'] / result['bare_s']:.0f}",
        f"{result['peak_gib']:.2f} GiB",
        "yes" if met else "no",
    )
    head = ("pairs", "vectors to written report", "times the bare similarities", "peak memory", "under 60 s and 2 GiB")
    lines = [
        "# All pairs of 9,000 photos",
        "",
        "Made by `python benchmarks/all_pairs.py --write`; one run. The bare similarities: numpy, in the same process.",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        f"| {' | '.join(row)} |",
        "",
        f"{machine()}. The report holds every error rate with its interval by person, the card's calibration held",
        "against all pairs, slices, figures of searches, plots and page.",
        "",
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
