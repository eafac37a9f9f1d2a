"""A crew of processes on this machine, started afresh (never forked: networks and SQLite have threads and files).

A worker ends when its pipe does: whatever kills the process that hired it ends it as well.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from twinlens.errors import OptionError, TwinlensError
from twinlens.recognizer.collection.crew import Reply
from twinlens.recognizer.collection.looking import Look, Opener, Task

_PATIENCE_S = 5.0  # for a process that was told to end


@dataclass(frozen=True, slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection[list[Task], Reply]


def _serve(pipe: Connection[Reply, list[Task]], number: int, opener: Opener) -> None:
    """Do what comes through the pipe until it closes: what a worker process runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal: the hirer's decides
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            looker = opener.open()
            pipe.send(Reply(number, model=looker.model))
            while True:
                pipe.send(_reply(number, looker.look, pipe.recv()))
        except TwinlensError as error:
            pipe.send(Reply(number, refusal=error))


def _reply(number: int, look: Callable[[list[Task]], list[Look]], tasks: list[Task]) -> Reply:
    try:
        return Reply(number, looks=look(tasks))
    except TwinlensError:
        raise
    except Exception as error:  # a fault of a decoder or of ours: it costs one photo, and is reported
        return Reply(number, fault=f"{type(error).__name__}: {error}")


class ProcessCrew:
    """Worker processes.

    Args:
        opener: what each makes its eyes of.
        size: how many, 1 or more.
    """

    def __init__(self, opener: Opener, size: int) -> None:
        if size < 1:
            msg = f"processes must be 1 or more, got {size}"
            raise OptionError(msg)
        self._opener = opener
        self._size = size
        self._context = multiprocessing.get_context("spawn")
        self._workers: dict[int, _Worker] = {}
        self._hired = 0

    @property
    def size(self) -> int:
        """How many workers there may be."""
        return self._size

    def hire(self) -> int:
        """Start a worker; return its number."""
        self._hired += 1
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._hired, self._opener), daemon=True)
        process.start()
        theirs.close()  # so that the pipe ends when the worker does
        self._workers[self._hired] = _Worker(process, ours)
        return self._hired

    def give(self, worker: int, tasks: Sequence[Task]) -> None:
        """Give a worker a batch."""
        with suppress(OSError):  # gone: `wait` says so
            self._workers[worker].pipe.send(list(tasks))

    def wait(self, timeout_s: float) -> list[Reply]:
        """Return what has come back; the end of a worker after everything that it sent."""
        pipes = {worker.pipe: number for number, worker in self._workers.items()}
        return [self._received(pipes[pipe], pipe) for pipe in wait(list(pipes), timeout_s)]  # type: ignore[index, arg-type]

    def _received(self, number: int, pipe: Connection[list[Task], Reply]) -> Reply:
        try:
            return pipe.recv()
        except (EOFError, OSError):
            process = self._workers[number].process
            process.join(_PATIENCE_S)
            code = process.exitcode
            self.dismiss(number)
        return Reply(number, fault=f"its process ended with {_ending(code)}", dead=True)

    def dismiss(self, worker: int) -> None:
        """End a worker at once."""
        gone = self._workers.pop(worker)
        gone.pipe.close()
        gone.process.kill()
        gone.process.join(_PATIENCE_S)

    def close(self) -> None:
        """End all workers."""
        for number in list(self._workers):
            self.dismiss(number)

    def pids(self) -> list[int]:
        """Return the process ids of the workers."""
        return [worker.process.pid for worker in self._workers.values() if worker.process.pid is not None]


def _ending(code: int | None) -> str:
    if code is None:
        return "no exit code"
    if code < 0:
        with suppress(ValueError):
            return f"signal {-code} ({signal.Signals(-code).name})"
    return f"exit code {code}"
