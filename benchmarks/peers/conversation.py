"""Requests -> answers of a peer that runs in a process of its own; see adapters/serving.py for what is said."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from peers.catalogue import Peer
from peers.environments import command, surroundings


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer says of two photos.

    Attributes:
        score: similarity, higher is more alike, on the peer's own scale; None where it found no face.
        accepted: its own decision.
        missing: ``left``, ``right``: the photos in which it found no face.
        wall_s: seconds inside the peer's call.
        cpu_s: processor seconds of all its threads in that time.
    """

    score: float | None
    accepted: bool
    missing: tuple[str, ...]
    wall_s: float
    cpu_s: float


class Conversation:
    """A running peer; a context manager."""

    def __init__(self, peer: Peer, work: Path, *, one_thread: bool = False, patient: bool = False) -> None:
        self.peer = peer
        self._log = _log(peer, work)
        self._process = _start(peer, work, self._log, one_thread=one_thread, patient=patient)
        self._hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._log.close()

    def ask(self, left: Path, right: Path, *, pixels: bool = False) -> Answer:
        """Return the peer's answer; ``pixels``: the paths are of ``.npy`` files of RGB bytes."""
        assert self._process.stdin is not None
        request = {"left": str(left), "right": str(right), "pixels": pixels}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return _answer(self._hear())

    def _hear(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            msg = f"{self.peer.name} ended with code {self._process.wait()}: see {self._log.name}"
            raise RuntimeError(msg)
        return line


def cold_start_s(peer: Peer, work: Path, left: Path, right: Path) -> float:
    """Return seconds from the start of a process to its answer on two files."""
    with _log(peer, work) as log:
        began = time.perf_counter()
        process = _start(peer, work, log, files=(left, right))
        assert process.stdout is not None
        line = process.stdout.readline()
        took = time.perf_counter() - began
        if process.wait() != 0 or _answer(line).score is None:
            msg = f"{peer.name} gave no score for {left.name} and {right.name}: see {log.name}"
            raise RuntimeError(msg)
    return took


def _start(
    peer: Peer,
    work: Path,
    log: IO[str],
    *,
    files: tuple[Path, ...] = (),
    one_thread: bool = False,
    patient: bool = False,
) -> subprocess.Popen[str]:
    def settle() -> None:  # in the child, before the peer is there
        if one_thread and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        if patient:
            os.nice(10)

    return subprocess.Popen(
        [*command(peer, work), *(["--once", *map(str, files)] if files else [])],
        env=surroundings(peer, work, one_thread=one_thread),
        cwd=work,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        preexec_fn=settle,  # safe: this process has no other threads
    )


def _log(peer: Peer, work: Path) -> IO[str]:
    (work / "logs").mkdir(parents=True, exist_ok=True)
    return (work / "logs" / f"{peer.name}.txt").open("a")


def _answer(line: str) -> Answer:
    said = json.loads(line)
    return Answer(said["score"], said["accepted"], tuple(said["missing"]), said["wall_s"], said["cpu_s"])
