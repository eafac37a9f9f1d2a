"""Galleries of random templates, copied -> seconds, and for how long at once nothing moved.

    python benchmarks/gallery_copy.py [--templates 50000 60000] [--busy 2]

What `twinlens gallery copy FROM TO` does, with both galleries in files. ``--busy N`` keeps N other processes at work, as
on a machine that does something else as well. Templates are random unit vectors of 128 numbers by seed 0, two a subject.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from twinlens.evaluate.machine import machine
from twinlens.gallery import Contract, SqliteGallery, copy_gallery
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

CONTRACT = Contract("random", 128)
CALL = 5_000  # templates enrolled at once


def filled(path: Path, count: int) -> SqliteGallery:
    """Make a gallery."""
    rows = np.random.default_rng(0).standard_normal((count, CONTRACT.dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gallery = SqliteGallery(path, CONTRACT)
    for at in range(0, count, CALL):
        gallery.add(
            Enrolment(f"s{i // 2}", Embedding(rows[i], CONTRACT.model), f"photo {i}", 0.5, f"{i}.jpg")
            for i in range(at, min(count, at + CALL))
        )
    return gallery


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep other processes at work."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def measure(folder: Path, count: int, others: int) -> str:
    """Return a row: seconds in all, the longest standstill, templates a second."""
    moments = []
    with filled(folder / "from.db", count) as source, busy(others):
        moments.append(time.perf_counter())
        cpu = time.process_time()
        with SqliteGallery(folder / "to.db", CONTRACT) as target:
            copy_gallery(source, target, lambda *_: moments.append(time.perf_counter()))
            moments.append(time.perf_counter())
        moments.append(time.perf_counter())
        cpu = time.process_time() - cpu
    whole, still = moments[-1] - moments[0], float(np.diff(moments).max())
    return f"| {count:,} | {others} | {whole:.1f} | {cpu:.1f} | {still:.1f} | {count / whole:,.0f} |"


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", type=int, nargs="+", default=[50_000, 60_000])
    parser.add_argument("--busy", type=int, default=0)
    args = parser.parse_args()
    print(f"{machine()}\n")
    print("| templates | other processes | seconds | CPU seconds | longest standstill, s | templates a second |")
    print("|---|---|---|---|---|---|")
    for count in args.templates:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(Path(folder), count, args.busy), flush=True)


if __name__ == "__main__":
    main()
