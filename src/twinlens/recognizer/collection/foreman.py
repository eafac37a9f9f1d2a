"""Tasks, a crew -> looks: small batches, few of them in work, and what a dying worker held is tried again.

Workers do their batches in order. When one dies, only its oldest batch can be to blame: its photos are tried again one
by one, each alone in a worker. One that ends its worker is tried once more, then reported: it costs nothing but itself.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from twinlens.errors import ModelError, ModelMismatchError
from twinlens.recognizer.collection.crew import Crew, Reply
from twinlens.recognizer.collection.looking import Look, Task

_BATCH = 16  # photos: two chunks of the pipeline
_BATCH_CHARACTERS = 16_384  # of paths: two batches must fit into a pipe nobody reads from
_AHEAD = 2  # batches a worker has: one in work, one waiting
_IN_VAIN = 8  # workers that end one after the other without a single look between: something else is wrong
_TICK_S = 1.0


@dataclass(slots=True)
class _Desk:
    """What one worker has."""

    batches: deque[list[Task]]
    since: float
    ready: bool = False
    alone: bool = False  # its batch is a suspect, which shares a worker with nobody


class Foreman:
    """Shares photos out among a crew; call `work` as often as there is something to do.

    Args:
        crew: the workers; closed by who made them.
        model: whose vectors are wanted.
        stuck_s: a batch that takes longer ends its worker, seconds; loading networks counts as well.
    """

    def __init__(self, crew: Crew, model: str, *, stuck_s: float = 180.0) -> None:
        self._crew = crew
        self._model = model
        self._stuck_s = stuck_s
        self._desks: dict[int, _Desk] = {}
        self._suspects: deque[Task] = deque()
        self._returned: deque[list[Task]] = deque()
        self._tried: set[str] = set()  # photos that failed alone, once
        self._in_vain = 0

    def work(self, tasks: Iterable[Task]) -> Iterator[Look]:
        """Yield a look for every task, as they are done.

        Raises:
            ModelError: workers cannot load their networks, or end whatever they are given.
            ModelMismatchError: their vectors are another model's.
        """
        waiting = iter(tasks)
        while True:
            self._share_out(waiting)
            if not any(desk.batches for desk in self._desks.values()):
                return
            for reply in self._crew.wait(_TICK_S):
                yield from self._take(reply)
            yield from self._hurry()

    # ---- out

    def _share_out(self, waiting: Iterator[Task]) -> None:
        for number, desk in self._desks.items():
            self._fill(number, desk, waiting)
        while len(self._desks) < self._crew.size and (self._suspects or (batch := self._next(waiting))):
            if not self._suspects:
                self._returned.appendleft(batch)
            number = self._crew.hire()
            self._desks[number] = _Desk(deque(), time.monotonic())
            self._fill(number, self._desks[number], waiting)

    def _fill(self, number: int, desk: _Desk, waiting: Iterator[Task]) -> None:
        if not desk.batches:
            desk.alone = False
        if self._suspects and not desk.batches:
            desk.alone = True
            self._give(number, desk, [self._suspects.popleft()])
        while not desk.alone and len(desk.batches) < _AHEAD and (batch := self._next(waiting)):
            self._give(number, desk, batch)

    def _give(self, number: int, desk: _Desk, batch: list[Task]) -> None:
        if not desk.batches:
            desk.since = time.monotonic()
        desk.batches.append(batch)
        self._crew.give(number, batch)

    def _next(self, waiting: Iterator[Task]) -> list[Task]:
        if self._returned:
            return self._returned.popleft()
        batch: list[Task] = []
        characters = 0
        for task in waiting:
            batch.append(task)
            characters += len(task.path) + len(task.name)
            if len(batch) >= _BATCH or characters >= _BATCH_CHARACTERS:
                break
        return batch

    # ---- back

    def _take(self, reply: Reply) -> Iterator[Look]:
        if reply.refusal is not None:
            raise reply.refusal
        if reply.worker not in self._desks:
            return
        desk = self._desks[reply.worker]
        desk.since = time.monotonic()
        if reply.model:
            self._check(reply.model)
            desk.ready = True
        if reply.looks is not None:
            self._in_vain = 0
            desk.batches.popleft()
            yield from reply.looks
        elif reply.fault:
            yield from self._blame(reply.worker, reply.fault, dead=reply.dead)

    def _check(self, model: str) -> None:
        if model != self._model:
            msg = f"a worker makes vectors of {model!r}, wanted {self._model!r}: install the same models everywhere"
            raise ModelMismatchError(msg)

    def _blame(self, number: int, fault: str, *, dead: bool) -> Iterator[Look]:
        """Take back what a worker failed at; report what it failed at alone."""
        desk = self._desks[number]
        if dead:
            del self._desks[number]
            self._in_vain += 1
            if self._in_vain >= _IN_VAIN:
                msg = f"{_IN_VAIN} workers ended one after the other: {fault}. Is there enough memory? Try fewer"
                raise ModelError(msg)
        if not desk.ready and dead:  # it died while loading: no photo is to blame
            self._returned.extend(desk.batches)
            return
        batch = desk.batches.popleft() if desk.batches else []
        if dead:
            self._returned.extendleft(reversed(desk.batches))
        if not desk.alone:
            self._suspects.extend(batch)
        for task in batch if desk.alone else ():
            self._in_vain = 0
            if task.path in self._tried:
                self._tried.discard(task.path)
                yield _failed(task, fault)
            else:
                self._tried.add(task.path)
                self._suspects.append(task)

    def _hurry(self) -> Iterator[Look]:
        """End workers that have been at one batch for too long."""
        now = time.monotonic()
        for number in [n for n, d in self._desks.items() if d.batches and now - d.since > self._stuck_s]:
            self._crew.dismiss(number)
            yield from self._blame(number, f"no answer for {self._stuck_s:g} s", dead=True)


def _failed(task: Task, fault: str) -> Look:
    error = f"{task.path}: looking at it failed twice: {fault}; convert it or leave it out"
    return Look(task, task.size, task.mtime_ns, error=error)
