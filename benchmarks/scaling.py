"""This machine -> the constants that docs/scaling.md reckons with.

    python benchmarks/scaling.py                 prints; three minutes, one thread
    python benchmarks/scaling.py --write         also writes docs/results/scaling.md
    python benchmarks/scaling.py --templates 50000      a quick look

Times are CPU time of one thread: medians, with the least and the largest of the rounds; they are upper bounds on a busy
machine. Templates are random unit vectors of 128 numbers by seed 0: time and bytes do not depend on what they mean;
recall does, and is measured on grown real faces in docs/gallery.md.
"""

# ruff: noqa: E402 - the number of threads must be set before numpy is imported
from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import faiss
import numpy as np
from skimage import data

from twinlens.evaluate.machine import machine
from twinlens.gallery import Contract, SqliteGallery
from twinlens.gallery.codes import Coder
from twinlens.protocols import Enrolment
from twinlens.recognizer import Recognizer
from twinlens.runtime import RuntimeOptions
from twinlens.types import Embedding, Image

PAGE = Path(__file__).parents[1] / "docs" / "results" / "scaling.md"
DIM, TOP, RERANKED, BATCH, ROUNDS = 128, 10, 400, 64, 9
MODEL = "random"


def vectors_of(count: int) -> np.ndarray:
    """Return random unit vectors."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((count, DIM), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def spent(call: Callable[[], object], rounds: int = ROUNDS) -> np.ndarray:
    """Return CPU seconds of each round, after one that does not count."""
    call()
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        call()
        times.append(time.process_time() - begun)
    return np.array(times)


def told(times: np.ndarray, factor: float, digits: int = 2) -> str:
    """Write median (least to largest) of times, each multiplied."""
    low, middle, high = (f"{factor * value:.{digits}f}" for value in (times.min(), np.median(times), times.max()))
    return f"{middle} ({low} to {high})"


def scans(rows: np.ndarray) -> Iterator[str]:
    """Yield what a query costs a million templates, by engine."""
    probes = vectors_of(BATCH)
    million = 1e6 / len(rows) * 1e3  # ms a million
    scalar = faiss.IndexScalarQuantizer(DIM, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    scalar.train(rows)  # type: ignore[arg-type, call-arg] # stubs of the C++ signature
    scalar.add(rows)  # type: ignore[arg-type, call-arg]
    coder = Coder.train(rows)
    packed = coder.pack(coder.encode(rows))

    def exact() -> None:
        scores = rows @ probes[0]
        np.argpartition(scores, scores.size - TOP)

    def batch() -> None:
        scores = probes @ rows.T
        np.argpartition(scores, scores.shape[1] - TOP, axis=1)

    def squeezed() -> None:
        _, near = scalar.search(probes[:1], 40)  # type: ignore[call-arg]
        rows[near[0]] @ probes[0]

    def coded() -> None:
        (near,) = packed.nearest(probes[:1], RERANKED)
        rows[near] @ probes[0]

    ways: list[tuple[str, int, Callable[[], None], int]] = [
        ("exact, float32", 4 * DIM, exact, 1),
        (f"exact, float32, {BATCH} probes at once", 4 * DIM, batch, BATCH),
        ("SQ8, 40 compared exactly", DIM, squeezed, 1),
        (f"PQ64x4, {RERANKED} compared exactly", DIM // 4, coded, 1),
    ]
    for name, size, call, many in ways:
        yield f"| {name} | {size} | {told(spent(call), million / many)} |"


def stored(rows: np.ndarray, folder: Path) -> Iterator[str]:
    """Yield what a template takes on the disk, and how long a gallery takes to load."""
    path = folder / "faces.db"
    begun = time.process_time()
    with SqliteGallery(path, Contract(MODEL, DIM)) as gallery:
        for at in range(0, len(rows), 20_000):
            gallery.add(
                Enrolment(f"person {i:08d}", Embedding(rows[i], MODEL), f"photo {i}")
                for i in range(at, min(at + 20_000, len(rows)))
            )
    pace = len(rows) / (time.process_time() - begun)
    side = sum(file.stat().st_size for file in path.with_name(f"{path.name}.index").rglob("*") if file.is_file())
    probe = Embedding(rows[0], MODEL)

    def opened() -> None:
        with SqliteGallery(path) as gallery:
            gallery.search([probe], TOP)

    def loaded() -> None:
        with SqliteGallery(path) as gallery:
            sum(1 for _ in gallery.entries())

    million = 1e6 / len(rows)
    yield f"| SQLite file, bytes a template | {path.stat().st_size / len(rows):.0f} |"
    yield f"| scan index beside it, bytes a template | {side / len(rows):.0f} |"
    yield f"| enrolling in calls of 20,000, templates a CPU second | {pace:,.0f} |"
    yield f"| open and answer with the scan index, CPU s a million | {told(spent(opened, 3), million)} |"
    yield f"| read everything from SQLite, CPU s a million | {told(spent(loaded, 2), million)} |"
    with SqliteGallery(path) as gallery:
        times = spent(lambda: gallery.search([probe], TOP))
    yield f"| `search` in a gallery of {len(rows):,}, CPU ms | {told(times, 1e3)} |"


def looked() -> Iterator[str]:
    """Yield what a face and a photo cost, one thread."""
    photo = Image(np.asarray(data.astronaut(), np.uint8))
    large = Image(np.ascontiguousarray(np.tile(photo.pixels, (2, 3, 1))))
    with Recognizer.default(runtime=RuntimeOptions(threads=1)) as recognizer:
        crop = recognizer.examine(photo).portraits[0].crop
        face = spent(lambda: recognizer.embedder.embed([crop] * 32)) / 32
        yield f"| embedding, CPU ms a face (batches of 32) | {told(face, 1e3)} |"
        yield f"| embeddings a second a core | {1 / np.median(face):.0f} |"
        small = spent(lambda: recognizer.detector.detect([photo]))
        yield f"| detection, CPU ms a 512x512 photo | {told(small, 1e3, 1)} |"
        wide = spent(lambda: recognizer.detector.detect([large]), 5)
        yield f"| detection, CPU ms a 1536x1024 photo | {told(wide, 1e3, 1)} |"


def page(templates: int) -> Iterator[str]:
    """Yield the lines of the results."""
    rows = vectors_of(templates)
    yield "# Constants for the arithmetic of scale\n"
    yield f"Made by `python benchmarks/scaling.py --write --templates {templates}`; seed 0, one thread, CPU time, median (least to"
    yield f"largest) of up to {ROUNDS} rounds. {machine()}.\n"
    yield f"## A query, CPU ms a million templates of {DIM} numbers (measured at {templates:,})\n"
    yield "| engine | bytes a template scanned | ms a million |\n|---|---|---|"
    yield from scans(rows)
    yield f"\n## A gallery in SQLite, {templates:,} templates\n"
    yield "| | |\n|---|---|"
    with tempfile.TemporaryDirectory() as folder:
        yield from stored(rows, Path(folder))
    yield "\n## A face\n"
    yield "| | |\n|---|---|"
    yield from looked()


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", type=int, default=200_000)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(1)
    text = "\n".join(page(arguments.templates)) + "\n"
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
