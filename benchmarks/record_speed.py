"""scratch64 beside the default embedder -> how many times faster, as ratios in one run (docs/results/record-speed.md).

    python benchmarks/record_speed.py [--photos DIR] [--rounds 21] [--write]

Both are asked in turns, so that other work on the machine weighs on both alike. Of an embedding, processor time is
compared (a busy machine takes the processor away in the middle of a millisecond); of `verify` on decoded photos, too.
The median of the rounds is reported, with the quarter of the rounds below and above it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from twinlens.embed import OnnxEmbedder, load_embedder
from twinlens.embed.golden import golden_crop
from twinlens.evaluate.machine import machine
from twinlens.image import list_pictures, load_image
from twinlens.recognizer import Recognizer
from twinlens.runtime import PRECISIONS, RuntimeOptions, installed_engines
from twinlens.score import Policy
from twinlens.types import Image
from twinlens.zoo import DEFAULT_EMBEDDER

PAGE = Path("docs/results/record-speed.md")
NAME = "scratch64"
GOAL = 5.0
THREADS = (1, 2)
WAYS = {  # crops a call, calls in a row
    "1 crop, the other network between": (1, 1),
    "1 crop a call, 8 calls in a row": (1, 8),
    "8 crops a call": (8, 1),
}
CROP = golden_crop()
Work = Callable[[], object]


def times_faster(ours: Work, reference: Work, rounds: int) -> tuple[float, float, float]:
    """Return median, lower and upper quartile of the reference's processor time by ours, taken in turns."""
    ours(), reference()
    found = []
    for turn in range(rounds):
        spent = {}
        for job in (ours, reference) if turn % 2 else (reference, ours):
            start = time.process_time()
            job()
            spent[job] = time.process_time() - start
        found.append(spent[reference] / spent[ours])
    middle, low, high = np.percentile(found, (50, 25, 75))
    return float(middle), float(low), float(high)


def embedding_rows(rounds: int) -> list[str]:
    """Compare the embedders alone; ONNX Runtime on one thread only.

    After another network has run, ours has to fetch its weights into the processor's cache again, and that is most of
    what one crop takes; hence the first way of asking.
    """
    rows = []
    for engine in installed_engines():
        plain = engine == "onnxruntime"
        for precision in PRECISIONS[:1] if plain else PRECISIONS:
            for threads in THREADS[:1] if plain else THREADS:
                options = RuntimeOptions(engine=engine, precision=precision, threads=threads)
                ours, default = (load_embedder(name, options) for name in (NAME, DEFAULT_EMBEDDER))
                for how, (crops, calls) in WAYS.items():
                    with ThreadPoolExecutor(threads) as pool:
                        works = [partial(embed, one, crops, calls, pool, threads) for one in (ours, default)]
                        found = times_faster(works[0], works[1], rounds * (8 // (crops * calls)))
                    rows.append(_row(f"embedding, {how}, {engine}, {precision}, {_threads(threads)}", found))
    return rows


def embed(embedder: OnnxEmbedder, crops: int, calls: int, pool: ThreadPoolExecutor, threads: int) -> None:
    """Embed so many crops a call, in so many calls a thread."""
    list(pool.map(lambda _: [embedder.embed([CROP] * crops) for _ in range(calls)], range(threads)))


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def verify_rows(images: list[Image], rounds: int) -> list[str]:
    """Compare the whole of `verify` on decoded photos: detection, which is the same, and all else."""
    rows = []
    for precision in PRECISIONS:
        for threads in THREADS:
            options = RuntimeOptions(precision=precision, threads=threads)
            policy = Policy(threshold=0.5)
            made = [
                Recognizer.default(embedder=name, runtime=options, policy=policy) for name in (NAME, DEFAULT_EMBEDDER)
            ]
            with made[0], made[1]:
                works = [lambda one=one: one.verify(images[0], images[1]) for one in made]
                found = times_faster(works[0], works[1], rounds)
            rows.append(_row(f"verify, {precision}, {_threads(threads)}", found, goal=False))
    return rows


def _row(what: str, found: tuple[float, float, float], *, goal: bool = True) -> str:
    middle, low, high = found
    met = ("met" if middle >= GOAL else "missed") if goal else "-"
    return f"| {what} | {middle:.2f} ({low:.2f} to {high:.2f}) | {met} |"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    named = os.environ.get("TWINLENS_DATA")
    folder = arguments.photos or (Path(named) / "lfw" / "lfw2" if named else None)
    if folder is None:
        parser.error("name a folder of photos: --photos DIR, or set TWINLENS_DATA")
    images = [load_image(path) for path in list_pictures(folder)[:2]]
    text = "\n".join(
        [
            "# How fast is the small network?",
            "",
            f"`python benchmarks/record_speed.py --write`. {machine()}.",
            f"`{NAME}` against the default embedder, `{DEFAULT_EMBEDDER}`: processor time of the default by that of ours, "
            f"in turns, median of {arguments.rounds} rounds (quartiles). `verify` is of two decoded photos of LFW-a and includes detection, which is the same for both.",
            "After another network has run, a small one has to fetch its weights into the cache again: the first way of "
            "asking is what `verify` does, the others are what a folder of photos comes near to.",
            f"Goal: an embedding at least {GOAL:g} times faster than the default's.",
            "",
            "| what | times faster | goal |",
            "|---|---|---|",
            *embedding_rows(arguments.rounds),
            *verify_rows(images, arguments.rounds),
            "",
        ]
    )
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
