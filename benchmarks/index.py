"""Made-up collections -> photos a second of ``twinlens index``, with one process and several, and its memory.

    python benchmarks/index.py                      prints; 25 minutes on two busy cores
    python benchmarks/index.py --write              also writes docs/results/index.md
    python benchmarks/index.py --photos 240 --files 20000 --rounds 2    a quick look

Photos: 1600x1200 JPEG files of one to four faces of LFW's development people on a noisy ground, by seed 0. Every
configuration indexes the same folder into a new gallery, in turns within a round, as a command of its own; its clock
runs from the first photo that is done to the last, so that loading networks is told apart.

Files: hard links to a few small files with names of their own, and eyes that know what is on them (random unit vectors,
1.3 faces a photo): what is left is listing, ledger, gallery and index. Each size runs in a process of its own.
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
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from twinlens.datasets.place import data_root
from twinlens.evaluate.machine import machine
from twinlens.gallery import open_gallery
from twinlens.metrics.intervals import over_folds
from twinlens.recognizer.collection import Eyes, Foreman, IndexOptions, Look, ProcessCrew, Task, index_collection
from twinlens.runtime import RuntimeOptions, usable_cores
from twinlens.zoo import find_card

PAGE = Path(__file__).parents[1] / "docs" / "results" / "index.md"
WIDTH, HEIGHT, FACE = 1600, 1200, 360
LINKS = 20_000  # to one file; file systems allow 65,000
FACES = (0, 1, 1, 1, 1, 1, 1, 1, 2, 4)  # on a file: 1.3 in the mean


def make_photos(source: Path, target: Path, count: int) -> None:
    """Write photos of one to four faces each."""
    rng = np.random.default_rng(0)
    faces = sorted((source / "lfw" / "lfw2").rglob("*.jpg"))
    target.mkdir(parents=True)
    for number in range(count):
        ground = cv2.resize(rng.integers(0, 256, (HEIGHT // 40, WIDTH // 40, 3), np.uint8), (WIDTH, HEIGHT))
        for place in rng.permutation(12)[: rng.integers(1, 5)]:
            face = cv2.imread(str(faces[rng.integers(len(faces))]))
            x, y = int(place % 4) * 400 + 20, int(place // 4) * 400 + 20
            ground[y : y + FACE, x : x + FACE] = cv2.resize(face, (FACE, FACE))
        cv2.imwrite(str(target / f"{number:05}.jpg"), ground, [cv2.IMWRITE_JPEG_QUALITY, 90])


def paced(folder: Path, place: Path, processes: int, threads: int) -> dict[str, float]:
    """Index real photos; return seconds from the first to the last, and before the first."""
    card = find_card("sface")
    eyes = Eyes(str(folder), "yunet", "sface", runtime=RuntimeOptions(threads=threads))
    crew = ProcessCrew(eyes, processes)
    begun = time.perf_counter()
    marks: list[tuple[float, int]] = []
    with open_gallery(place, model=card.identity, dim=card.dim) as gallery:

        def looks(tasks: Iterable[Task]) -> Iterator[Look]:
            for look in Foreman(crew, gallery.model).work(tasks):
                marks.append((time.perf_counter(), len(look.qualities)))
                yield look

        done = sum(r.outcome == "done" for r in index_collection(folder, gallery, looks))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        crew.close()
        late = resource.getrusage(resource.RUSAGE_CHILDREN)
        first = marks[0][0]
        after = sum(at > first for at, _ in marks)
        return {
            "photos": done, "faces": sum(n for _, n in marks), "rate": after / (marks[-1][0] - first),
            "start_s": first - begun, "parent_mib": peak, "worker_mib": late.ru_maxrss / 1024,
            "cpu_s": late.ru_utime + late.ru_stime,
        }  # fmt: skip


def make_files(folder: Path, count: int) -> None:
    """Write files and hard links to them, a hundred a folder."""
    for number in range(count):
        path = folder / f"{number // 10_000:03}" / f"{number // 100 % 100:02}" / f"IMG_{number:07}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = folder / f".seed{number // LINKS}"
        if number % LINKS == 0:
            seed.write_bytes(os.urandom(2000))
        path.hardlink_to(seed)


def knowing(tasks: Iterable[Task]) -> Iterator[Look]:
    """Look at files that show nothing, and see random faces."""
    rng = np.random.default_rng(1)
    for number, task in enumerate(tasks):
        faces = FACES[number % len(FACES)]
        vectors = rng.standard_normal((faces, 128)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        digest = number.to_bytes(16, "big")
        yield Look(task, task.size, task.mtime_ns, digest, vectors, (0.9,) * faces)


def followed(folder: Path, place: Path) -> dict[str, float]:
    """Index files once and again; return files a second and the peak of memory."""
    figures: dict[str, float] = {}
    for turn in ("first", "second"):
        begun = time.perf_counter()
        with open_gallery(place, model="random", dim=128) as gallery:
            count = sum(1 for _ in index_collection(folder, gallery, knowing, IndexOptions()))
        figures[turn] = count / (time.perf_counter() - begun)
        figures[f"{turn}_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures["ledger_bytes"] = place.with_name(f"{place.name}.seen").stat().st_size / count
    return figures


def apart(*words: object) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    command = [sys.executable, __file__, *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def photos_table(folder: Path, scratch: Path, rounds: int) -> Iterator[str]:
    """Yield the table of real photos: configurations in turns."""
    cores = usable_cores()
    ways = {"1 process, 1 thread": (1, 1), f"1 process, {cores} threads": (1, cores), f"{cores} processes": (cores, 1)}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, (processes, threads) in ways.items():
            place = scratch / f"{number}-{processes}-{threads}.db"
            runs[name].append(apart("--paced", folder, place, processes, threads))
            print(name, runs[name][-1], file=sys.stderr, flush=True)
    base = runs["1 process, 1 thread"]
    yield "| | photos/s, median | photos/s over the first row's, mean (95 %) | CPU s a photo | first photo after, s | memory of a worker / of the writer, MiB |"
    yield "|---|---|---|---|---|---|"
    for name, figures in runs.items():
        ratios = [run["rate"] / first["rate"] for run, first in zip(figures, base, strict=True)]
        told = "1"
        if len(ratios) > 1 and figures is not base:
            found = over_folds(ratios).interval
            told = f"{found.estimate:.2f} ({found.low:.2f} to {found.high:.2f})"
        middle = {key: float(np.median([run[key] for run in figures])) for key in figures[0]}
        yield (
            f"| {name} | {middle['rate']:.1f} | {told} | {middle['cpu_s'] / middle['photos']:.3f} | "
            f"{middle['start_s']:.1f} | {middle['worker_mib']:.0f} / {middle['parent_mib']:.0f} |"
        )
    yield f"\n{base[0]['photos']:.0f} photos with {base[0]['faces']:.0f} faces, {rounds} rounds."


def files_table(scratch: Path, sizes: list[int]) -> Iterator[str]:
    """Yield the table of many files."""
    yield "| files | first run, files/s | second run, files/s | peak memory of first / both runs, MiB | ledger, bytes a photo |"
    yield "|---|---|---|---|---|"
    for size in sizes:
        folder = scratch / f"files-{size}"
        make_files(folder, size)
        found = apart("--followed", folder, scratch / f"{size}.db")
        print(size, found, file=sys.stderr, flush=True)
        yield (
            f"| {size:,} | {found['first']:,.0f} | {found['second']:,.0f} | {found['first_mib']:.0f} / "
            f"{found['second_mib']:.0f} | {found['ledger_bytes']:.0f} |"
        )


def page(arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the results."""
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as made:
        scratch = Path(made)
        make_photos(data_root(os.environ), scratch / "photos", arguments.photos)
        yield "# How fast `twinlens index` is\n"
        yield f"Made by `python benchmarks/index.py --write --photos {arguments.photos} --files {arguments.files} --rounds {arguments.rounds}`."
        yield f"{machine()}.\n"
        yield f"## {WIDTH}x{HEIGHT} photos, one to four faces each\n"
        yield from photos_table(scratch / "photos", scratch, arguments.rounds)
        yield "\n## Many files, eyes that cost nothing\n"
        yield from files_table(scratch, [arguments.files // 4, arguments.files])


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=480)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scratch", type=Path, help="where to make collections; the system's folder for such things")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}; what stands below NOTES is kept")
    parser.add_argument("--paced", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--followed", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.paced:
        folder, place, processes, threads = arguments.paced
        print(json.dumps(paced(Path(folder), Path(place), int(processes), int(threads))))
        return
    if arguments.followed:
        print(json.dumps(followed(*map(Path, arguments.followed))))
        return
    text = "\n".join(page(arguments)) + "\n"
    print(text)
    if arguments.write:
        notes = PAGE.read_text(encoding="utf-8").partition("<!-- NOTES -->") if PAGE.exists() else ("", "", "")
        PAGE.write_text(text + (f"\n{notes[1]}{notes[2]}" if notes[1] else ""), encoding="utf-8")


if __name__ == "__main__":
    main()
