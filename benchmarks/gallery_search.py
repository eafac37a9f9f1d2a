"""Galleries of real faces grown to a size -> CPU time and recall of a search, and time to open.

    python benchmarks/gallery_search.py --data DATA --cache FOLDER [--sizes 10000 50000 200000 1000000]

DATA holds lfw/lfw2/PERSON/PHOTO.jpg. One thread. The yardstick is one matrix-vector product of all float32 vectors with
a probe and the ten best of it, by numpy, alternating with the gallery's search in one loop; medians of CPU time.
Opening is compared with reading the same vectors from the same SQLite file into one array.
"""

# ruff: noqa: E402 - the number of threads must be set before numpy is imported
from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import faiss
import numpy as np
from grown_faces import Grower, compare, embed_faces

from twinlens.evaluate.machine import machine
from twinlens.gallery import Contract, GalleryOptions, SqliteGallery
from twinlens.protocols import Enrolment, Erasure
from twinlens.types import Embedding

MODEL, TOP, PROBES, BATCH = "sface", 10, 200, 64
PHOTOS_A_PERSON = 1.25  # every fourth person has two


def cpu_s(call: Callable[[], object]) -> tuple[float, object]:
    """Return the CPU seconds of this process for one call, and its value."""
    start = time.process_time()
    value = call()
    return time.process_time() - start, value


def exact_top(vectors: np.ndarray, probe: np.ndarray) -> np.ndarray:
    """Return the rows most alike a probe: the yardstick."""
    scores = vectors @ probe
    return np.argpartition(scores, scores.size - TOP)[-TOP:]


def best_subjects(vectors: np.ndarray, owners: np.ndarray, probe: np.ndarray) -> set[int]:
    """Return the ten subjects with the highest scores, by comparing everything."""
    scores = vectors @ probe
    deep = np.argsort(-scores)[: 4 * TOP]
    return set(list(dict.fromkeys(owners[deep].tolist()))[:TOP])


def fill(path: Path, vectors: np.ndarray, owners: np.ndarray) -> str:
    """Enrol everything in calls of 20,000; return the pace."""
    start = time.process_time()
    with SqliteGallery(path, Contract(MODEL, vectors.shape[1])) as gallery:
        for at in range(0, len(vectors), 20_000):
            rows = range(at, min(at + 20_000, len(vectors)))
            gallery.add(Enrolment(f"person {owners[i]:07d}", Embedding(vectors[i], MODEL), f"photo {i}") for i in rows)
    spent = time.process_time() - start
    return f"{len(vectors) / spent:,.0f} enrolments a CPU second, index included"


def open_and_search(path: Path, probe: Embedding) -> None:
    """Open a gallery and answer once."""
    gallery = SqliteGallery(path)
    gallery.search([probe], TOP)
    globals()["opened"] = gallery  # closing is not part of opening


def load_vectors(path: Path, dim: int) -> np.ndarray:
    """Read all ids and vectors from SQLite into arrays."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT id, subject_id, vector FROM templates").fetchall()
    np.array([row[:2] for row in rows])
    return np.frombuffer(b"".join(row[2] for row in rows), "<f4").reshape(-1, dim)


def filtered(path: Path, vectors: np.ndarray, owners: np.ndarray, probes: np.ndarray) -> list[str]:
    """Return table rows: searches among those who carry a tag that one in 1000, 100, 10 or 2 carries."""
    rows = []
    shares = (1_000, 100, 10, 2)
    with closing(sqlite3.connect(path)) as connection, connection:
        for one_in in shares:
            rule = f"SELECT id, 'one in {one_in}', 'yes' FROM subjects WHERE id % {one_in} = 0"
            connection.execute(f"INSERT INTO tags {rule}")
    with SqliteGallery(path) as gallery:
        for one_in in shares:
            tags = {f"one in {one_in}": "yes"}
            chosen = np.flatnonzero((owners + 1) % one_in == 0)  # subjects are numbered from 1
            spent, hits, wanted = [], 0, 0
            gallery.search([Embedding(probes[0], MODEL)], TOP, tags=tags)
            for probe in probes:
                seconds, found = cpu_s(
                    lambda probe=probe, tags=tags: gallery.search([Embedding(probe, MODEL)], TOP, tags=tags)[0]
                )
                truth = best_subjects(vectors[chosen], owners[chosen], probe)
                spent.append(seconds)
                hits, wanted = hits + len({int(m.subject[7:]) for m in found} & truth), wanted + len(truth)
            rows.append(f"| {len(vectors):,} | 1 in {one_in} | {np.median(spent) * 1e3:.2f} | {hits / wanted:.4f} |")
    return rows


def measure(size: int, grower: Grower, real: np.ndarray, folder: Path) -> tuple[str, list[str]]:
    """Return the row of one size, and rows of filtered searches where the gallery is large."""
    random = np.random.default_rng(size)
    means = grower.people(int(size / PHOTOS_A_PERSON))
    owners = np.sort(np.concatenate([np.arange(len(means)), np.arange(0, len(means), 4)]))[:size]
    vectors = np.concatenate([grower.photos(means[owners[i : i + 50_000]]) for i in range(0, size, 50_000)])
    probes = np.concatenate(
        [grower.photos(means[random.integers(0, len(means), PROBES // 2)]), random.permutation(real)[: PROBES // 2]]
    ).astype(np.float32)
    path = folder / f"{size}" / "faces.db"
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir(parents=True)
    pace = fill(path, vectors, owners)

    embeddings = [Embedding(probe, MODEL) for probe in probes]
    opening = min(cpu_s(lambda: open_and_search(path, embeddings[0]))[0] for _ in range(3))
    loading = min(cpu_s(lambda: load_vectors(path, vectors.shape[1]))[0] for _ in range(3))
    with SqliteGallery(path) as gallery:
        gallery.search(embeddings[:5], TOP)
        ours, theirs, hits = [], [], 0
        for probe, embedding in zip(probes, embeddings, strict=True):
            theirs.append(cpu_s(lambda probe=probe: exact_top(vectors, probe))[0])
            spent, found = cpu_s(lambda embedding=embedding: gallery.search([embedding], TOP)[0])
            ours.append(spent)
            hits += len({int(m.subject[7:]) for m in found} & best_subjects(vectors, owners, probe))
        removing, receipt = cpu_s(lambda: gallery.remove(f"person {owners[size // 2]:07d}"))
        assert isinstance(receipt, Erasure)
        assert not receipt.remains
        batched = cpu_s(lambda: gallery.search(embeddings[:BATCH], TOP))[0] / BATCH
    exact, searched = np.median(theirs) * 1e3, np.median(ours) * 1e3
    mib = sum(file.stat().st_size for file in path.parent.rglob("*") if file.is_file()) >> 20
    print(f"{size:,}: {pace}; files {mib:,} MiB; removing somebody and the proof {removing:.2f} CPU s")
    narrowed = filtered(path, vectors, owners, probes[::4]) if size > GalleryOptions().exact_rows else []
    shutil.rmtree(path.parent)
    return (
        f"| {size:,} | {exact:.2f} | {searched:.2f} | **{searched / exact:.3f}** | {batched * 1e3:.2f} "
        f"| {hits / (TOP * len(probes)):.4f} | {loading:.2f} | {opening:.2f} | **{opening / loading:.3f}** |",
        narrowed,
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("TWINLENS_DATA"), help="holds lfw/lfw2")
    parser.add_argument("--cache", type=Path, required=True, help="for embeddings and galleries; outside the project")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 50_000, 200_000, 1_000_000])
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder with the data sets: --data, or the variable TWINLENS_DATA")
    faiss.omp_set_num_threads(1)
    real = embed_faces(Path(arguments.data) / "lfw" / "lfw2", arguments.cache)
    random = np.random.default_rng(1)
    grower = Grower(real, random)
    print(f"{machine()}; one thread; faiss {faiss.__version__}, SQLite {sqlite3.sqlite_version}")
    print(
        f"{len(real.vectors):,} real photos of {real.people.max() + 1:,} people ({real.without_face} without a face)\n"
    )
    print("\n".join(compare(real, grower, random)) + "\n")
    results = [measure(size, grower, real.vectors, arguments.cache) for size in arguments.sizes]
    print("\n| templates | numpy scan, ms | search, ms | ratio | batch of 64, ms each | recall@10", end=" ")
    print("| load from SQLite, CPU s | open and answer, CPU s | ratio |\n|---|---|---|---|---|---|---|---|---|")
    print("\n".join(row for row, _ in results))
    print("\n| templates | who carries the tag | search, ms | recall@10 |\n|---|---|---|---|")
    print("\n".join(row for _, rows in results for row in rows))


if __name__ == "__main__":
    main()
