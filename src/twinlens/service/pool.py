"""Photos of concurrent requests -> examined photos: a bounded pool that embeds the faces of several in one call.

Requests are admitted before their bodies are read; beyond the workers and the waiting line the answer is 503. Work is
done in two steps, look (decode, find, align) and embed. A worker that is free embeds what was cut out if it fills a
batch or nothing else waits, and otherwise looks at the next photo: batches form under load, and nobody ever waits for
one to fill. Galleries are asked on threads of their own, so that a slow engine does not stop the networks.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from twinlens.image import Source
from twinlens.recognizer import Examined
from twinlens.recognizer.choice import Choice
from twinlens.recognizer.pipeline import Looked, Pipeline
from twinlens.service.refusals import Refusal

T = TypeVar("T")
BATCH = 8  # faces embedded together: beyond it a network gains nothing (docs/benchmarks.md)
STORAGE_THREADS = 8  # galleries wait for disks and networks
LONGEST_RETRY_S = 30
SMOOTHING = 0.1  # of the mean time a request stays


@dataclass(slots=True)
class Load:
    """What the pool is doing, for metrics and for Retry-After.

    Attributes:
        inside: requests admitted and not yet answered.
        turned_away: requests refused since the start.
        mean_s: how long a request stays, seconds, smoothed.
    """

    inside: int = 0
    turned_away: int = 0
    mean_s: float = 0.5


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A photo that was looked at and waits for its vectors."""

    look: Looked
    answer: Future[Examined]


class Pool:
    """Bounded work on photos; its coroutines run on one event loop.

    Args:
        pipeline: looks and embeds.
        workers: photos in work at once.
        line: requests that may wait besides as many as there are workers.
        batching: embed the faces of several photos in one call of the network.
        observe: told how many faces a call of the network had.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        workers: int,
        line: int,
        batching: bool = True,
        observe: Callable[[int], None] | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.load = Load()
        self._room = workers + line
        self._batching = batching
        self._observe = observe
        self._changed = threading.Condition()
        self._jobs: deque[Callable[[], None]] = deque()
        self._waiting: deque[_Waiting] = deque()
        self._closed = False
        self._storage = ThreadPoolExecutor(STORAGE_THREADS, thread_name_prefix="gallery")
        self._threads = [threading.Thread(target=self._serve, name=f"photos-{n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()

    @property
    def full(self) -> bool:
        """Whether the next request will be turned away."""
        return self.load.inside >= self._room

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Hold a place inside for one request.

        Raises:
            Refusal: 503 with Retry-After, where all places are taken.
        """
        if self.full:
            self.load.turned_away += 1
            detail = f"{self.load.inside} requests are in work or waiting, and no more may wait: ask again later"
            raise Refusal(503, "BusyError", detail, retry_after_s=min(self.load.mean_s, LONGEST_RETRY_S))
        self.load.inside += 1
        begun = time.monotonic()
        try:
            yield
        finally:
            self.load.inside -= 1
            self.load.mean_s += SMOOTHING * (time.monotonic() - begun - self.load.mean_s)

    async def examine(self, sources: Sequence[Source], choose: Choice) -> list[Examined]:
        """Examine photos side by side, in order; who stops waiting takes the work out of the line.

        Raises:
            TwinlensError: a photo cannot be read, or the networks do not work.
        """
        return await _all([self._look(source, choose) for source in sources])

    async def compute(self, work: Callable[[], T]) -> T:
        """Do something that needs a processor, on a worker."""
        answer: Future[T] = Future()
        self._enqueue(lambda: _run(work, answer), answer)
        return await asyncio.wrap_future(answer)

    async def store(self, work: Callable[[], T]) -> T:
        """Do something that waits for a disk or another machine, on a thread beside the workers."""
        return await asyncio.wrap_future(self._storage.submit(work))

    def close(self) -> None:
        """End the threads; what is in work is finished, what waits is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._storage.shutdown(wait=True, cancel_futures=True)

    def _look(self, source: Source, choose: Choice) -> Future[Examined]:
        answer: Future[Examined] = Future()

        def job() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                look = self.pipeline.look(source, choose)
                if self._batching:
                    self._wait_for_batch(_Waiting(look, answer))
                else:
                    self._embed([_Waiting(look, answer)])
            except BaseException as error:
                _fail(answer, error)

        self._enqueue(job, answer)
        return answer

    def _enqueue(self, job: Callable[[], None], answer: Future[T]) -> None:
        with self._changed:
            if self._closed:
                answer.cancel()
                return
            self._jobs.append(job)
            self._changed.notify()

    def _wait_for_batch(self, waiting: _Waiting) -> None:
        with self._changed:
            self._waiting.append(waiting)
            self._changed.notify()

    def _serve(self) -> None:
        """Work until the pool is closed."""
        while True:
            with self._changed:
                while not (self._jobs or self._waiting or self._closed):
                    self._changed.wait()
                batch = self._batch()
                job = None if batch or not self._jobs or self._closed else self._jobs.popleft()
            if batch:
                self._embed(batch)
            elif job is not None:
                job()
            else:
                return

    def _batch(self) -> list[_Waiting]:
        """Take what is to be embedded now: a full batch, or all there is where nothing else is to be done."""
        faces = sum(len(one.look.crops) for one in self._waiting)
        if not self._waiting or (faces < BATCH and self._jobs and not self._closed):
            return []
        batch, taken = [self._waiting.popleft()], 0
        taken += len(batch[0].look.crops)
        while self._waiting and taken + len(self._waiting[0].look.crops) <= BATCH:
            batch.append(self._waiting.popleft())
            taken += len(batch[-1].look.crops)
        return batch

    def _embed(self, batch: Sequence[_Waiting]) -> None:
        try:
            examined = self.pipeline.portray([one.look for one in batch])
        except BaseException as error:
            for one in batch:
                _fail(one.answer, error)
            return
        faces = sum(len(one.look.crops) for one in batch)
        if faces and self._observe is not None:
            self._observe(faces)
        for one, answer in zip(batch, examined, strict=True):
            one.answer.set_result(answer)


def _run(work: Callable[[], T], answer: Future[T]) -> None:
    if not answer.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:
        _fail(answer, error)
    else:
        answer.set_result(result)


def _fail(answer: Future[T], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)


async def _all(answers: Sequence[Future[T]]) -> list[T]:
    """Wait for all; where one fails or nobody waits any more, take the others out of the line."""
    try:
        return [await asyncio.wrap_future(answer) for answer in answers]
    finally:
        for answer in answers:
            answer.cancel()
