"""Eyes that see what a file's first line says: quick, and able to fail as decoders do. The seam is `Opener`."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinlens.recognizer.collection import Look, Task
from twinlens.recognizer.collection.looking import Looker

MODEL = "fake"
DIM = 128


def photo(path: Path, people: str, more: str = "") -> Path:
    """Write a file that shows these people, a letter each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{people}\n{more}", encoding="utf-8")
    return path


def vector_of(person: str) -> np.ndarray:
    """Return a person's unit vector."""
    seed = int.from_bytes(hashlib.sha256(person.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(DIM)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def look(task: Task) -> Look:
    """See what a file says."""
    info = Path(task.path).stat()
    data = Path(task.path).read_bytes()
    digest = hashlib.blake2b(data, digest_size=16).digest()
    facts = (task, info.st_size, info.st_mtime_ns, digest)
    if digest in task.known:
        return Look(*facts, same=True)
    people = data.decode().splitlines()[0]
    misbehave(people, Path(task.path))
    if people == "unreadable":
        return Look(*facts, error=f"{task.path}: damaged")
    if not people:
        return Look(*facts)
    return Look(*facts, np.stack([vector_of(p) for p in people]), tuple(0.9 for _ in people))


def misbehave(people: str, path: Path) -> None:
    """Do what decoders do at their worst."""
    if people == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if people == "kill once" and not (mark := path.with_suffix(".mark")).exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGSEGV)
    if people == "raise":
        msg = "a fault"
        raise ValueError(msg)
    if people == "hang":
        time.sleep(600)
    if people == "slow":
        time.sleep(0.02)


def look_here(tasks: Iterable[Task]) -> Iterator[Look]:
    """Look in this process."""
    return map(look, tasks)


class FakeLooker:
    """Open eyes."""

    def __init__(self, model: str) -> None:
        self.model = model

    def look(self, tasks: list[Task]) -> list[Look]:
        return [look(task) for task in tasks]

    def close(self) -> None:
        """Nothing to end."""


@dataclass(frozen=True)
class FakeEyes:
    """Opens at once; or never, or as another model's."""

    model: str = MODEL
    dies: bool = False

    def open(self) -> Looker:
        if self.dies:
            os._exit(7)
        return FakeLooker(self.model)
