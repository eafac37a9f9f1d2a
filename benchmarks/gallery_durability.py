"""Galleries whose writers are killed -> what was lost, what came back, what was left.

    python benchmarks/gallery_durability.py [--kills 200] [--folder FOLDER] [--seed 0]

A writer enrols and removes people and prints a line before and after each call. At a random moment it is killed with
signal 9; every third time two writers work at once, and every other time of these the second one is interrupted (signal
15) and closes the gallery in order. Limits are so small that the scan index is extended, learnt anew and rewritten all
the time, so that kills hit these, too. Then the gallery is opened and compared
with what was acknowledged: whoever was enrolled is there with the same vectors, whoever was removed is not, and nothing
of their vectors is in any file; the call in flight may have happened or not. Exit code 1 where anything differs.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from twinlens.evaluate.machine import machine
from twinlens.gallery import Contract, GalleryOptions, SqliteGallery
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

CONTRACT = Contract("killed-net", 64)
OPTIONS = GalleryOptions(busy_timeout_s=30.0, exact_rows=64, snapshot_rows=16, tail_rows=8)
POPULATION = 150  # subjects around which enrolments and removals balance


def vectors_of(name: str) -> np.ndarray:
    """Return the one to three vectors of a name, always the same."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    vectors = generator.standard_normal((1 + len(name) % 3, CONTRACT.dim)).astype(np.float32)
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def say(mark: str, kind: str, names: list[str]) -> None:
    """Write a line at once, past every buffer."""
    os.write(1, f"{mark} {kind} {' '.join(names)}\n".encode())


def work(path: Path, session: str) -> None:
    """Enrol, remove and compact until killed."""
    choose = random.Random(session)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with SqliteGallery(path, CONTRACT, OPTIONS) as gallery:
        mine = [subject.name for subject in gallery.subjects() if subject.name.startswith(session[0])]
        for number in range(1_000_000):
            dice = choose.random()
            if dice < 0.15:
                say("?", "compact", [])
                gallery.rebuild_index()
                say("!", "compact", [])
            elif dice < 0.15 + 0.85 * len(mine) / (len(mine) + POPULATION / 2):
                name = mine.pop(choose.randrange(len(mine)))
                say("?", "remove", [name])
                receipt = gallery.remove(name)
                say("!" if not receipt.remains else "R", "remove", [name])
            else:
                many = choose.choice((1, 1, 1, 4, 20))
                names = [f"{session}-{number}-{i}{'x' * choose.randrange(3)}" for i in range(many)]
                say("?", "enrol", names)
                gallery.add(
                    Enrolment(name, Embedding(vector, CONTRACT.model), f"{name} photo {i}")
                    for name in names
                    for i, vector in enumerate(vectors_of(name))
                )
                say("!", "enrol", names)
                mine += names


@dataclass
class Book:
    """What was acknowledged so far."""

    alive: set[str] = field(default_factory=set)
    gone: list[str] = field(default_factory=list)
    acknowledged: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    in_flight: Counter[str] = field(default_factory=Counter)

    def read(self, report: bytes) -> tuple[str, list[str]]:
        """Enter a writer's report; return the call that was in flight."""
        lines = [line.split(" ") for line in report.decode().split("\n")[:-1]]  # a torn last line says nothing
        flying: tuple[str, list[str]] = ("nothing", [])
        for mark, kind, *rest in lines:
            names = [name for name in rest if name]
            if mark == "?":
                flying = (kind, names)
                continue
            flying = ("nothing", [])
            self.acknowledged[kind] += 1
            if kind == "enrol":
                self.alive |= set(names)
            elif kind == "remove":
                self.alive -= set(names)
                self.gone += names
        self.in_flight[flying[0]] += 1
        return flying


def run_and_kill(path: Path, sessions: dict[str, signal.Signals], choose: random.Random) -> list[bytes]:
    """Start writers, send each its signal at a random moment, return their reports."""
    command = [sys.executable, __file__, "--work", str(path), "--session"]
    writers = [subprocess.Popen([*command, session], stdout=subprocess.PIPE) for session in sessions]
    for writer in writers:  # the first line: it has begun
        assert writer.stdout is not None
        writer.first = writer.stdout.read(1)  # type: ignore[attr-defined]
    for writer, kind in zip(writers, sessions.values(), strict=True):
        time.sleep(choose.uniform(0.0, 0.5))
        writer.send_signal(kind)
    return [writer.first + writer.communicate()[0] for writer in writers]  # type: ignore[attr-defined]


def settle(book: Book, there: set[str], flying: list[tuple[str, list[str]]]) -> list[str]:
    """Enter what became of the calls in flight; return what may not have become of them."""
    found: list[str] = []
    for kind, names in flying:
        happened = there & set(names)
        if kind == "enrol":
            if happened and happened != set(names):
                found.append(f"half an enrolment: {len(happened)} of {len(names)}")
            book.alive |= happened
        elif kind == "remove" and not happened:
            book.alive -= set(names)
            book.gone += names
    return found


def compare(gallery: SqliteGallery, book: Book, flying: list[tuple[str, list[str]]]) -> list[str]:
    """Return what differs between a gallery and the book."""
    there = {subject.name for subject in gallery.subjects()}
    found = settle(book, there, flying)
    found += [f"lost: {name}" for name in book.alive - there]
    found += [f"resurrected: {name}" for name in there - book.alive]
    stored: dict[str, list[np.ndarray]] = {}
    for entry in gallery.entries():
        stored.setdefault(entry.subject, []).append(entry.embedding.vector)
    found += [f"altered: {n}" for n, v in stored.items() if not np.array_equal(np.stack(v), vectors_of(n))]
    names = sorted(book.alive & there)
    best = gallery.search([Embedding(vectors_of(name)[0], CONTRACT.model) for name in names], 1)
    found += [f"not found: {name}" for name, row in zip(names, best, strict=True) if row[0].subject != name]
    if any(problem.startswith("erasure") for problem in gallery.verify_integrity()):  # the killed call's proof
        book.finished += 1
        gallery.rebuild_index()
    return [*found, *gallery.verify_integrity()]


def traces(folder: Path, book: Book) -> list[str]:
    """Return who is gone and still has 32 bytes of a vector in some file."""
    data = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    gone, book.gone = book.gone, []
    width = 4 * CONTRACT.dim
    return [
        f"bytes left of: {name}"
        for name in gone
        if any(vector.tobytes()[at : at + 32] in data for vector in vectors_of(name) for at in range(0, width, 32))
    ]


def main() -> int:
    """Kill, compare, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the gallery is made; a temporary folder by default")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--session", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.session)
        return 0
    choose, book, found = random.Random(arguments.seed), Book(), []
    kills = rounds = 0
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "faces.db"
        while kills < arguments.kills:
            sessions = {f"a{rounds}": signal.SIGKILL}
            if rounds % 3 == 2:
                sessions[f"b{rounds}"] = signal.SIGKILL if rounds % 2 else signal.SIGTERM
            reports = run_and_kill(path, sessions, choose)
            flying = [book.read(report) for report in reports]
            with SqliteGallery(path, CONTRACT, OPTIONS) as gallery:
                differing = compare(gallery, book, flying)
            found += [f"round {rounds}: {text}" for text in differing + traces(path.parent, book)]
            kills, rounds = kills + list(sessions.values()).count(signal.SIGKILL), rounds + 1
    print(f"{machine()}\n")
    print(f"| kills with signal 9 | {kills} in {rounds} rounds, {rounds // 3} of them of two writers |\n|---|---|")
    print(f"| acknowledged calls | {', '.join(f'{n:,} {kind}' for kind, n in sorted(book.acknowledged.items()))} |")
    print(f"| in flight when killed | {', '.join(f'{n} {kind}' for kind, n in sorted(book.in_flight.items()))} |")
    print(f"| rounds after which a proof was made up for | {book.finished} |")
    print(f"| people at the end | {len(book.alive)} |")
    print(f"| lost, resurrected, altered, unfindable, left in a file, index differs | **{len(found)}** |")
    print("\n".join(found), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
