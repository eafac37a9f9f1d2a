"""The pool: what waits is bounded, what nobody waits for is not done, faces of several photos go in one call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import pytest

from twinlens.errors import ImageError, ModelError
from twinlens.recognizer import PhotoOptions
from twinlens.recognizer.choice import everyone
from twinlens.recognizer.pipeline import Pipeline
from twinlens.service.pool import BATCH, Pool
from twinlens.service.refusals import Refusal
from twinlens.types import Box, Crop, Embedding, Face, Image

T = TypeVar("T")
PHOTO = np.full((64, 64, 3), 128, np.uint8)


class Looks:
    """A detector that finds one face, when it may."""

    name = "looks"

    def __init__(self) -> None:
        self.may = threading.Event()
        self.may.set()
        self.looked = 0

    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        assert self.may.wait(10)
        self.looked += len(images)
        box = Box(np.array([10, 10, 50, 50], np.float32))
        marks = np.array([[22, 25], [40, 25], [31, 33], [24, 42], [38, 42]], np.float32)
        return [[Face(box, marks, 0.9)] for _ in images]


class Counts:
    """An embedder that remembers how many crops came together."""

    model, dim = "counts", 4

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.broken = False

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        if self.broken:
            msg = "the network does not work"
            raise ModelError(msg)
        self.calls.append(len(crops))
        return [Embedding(np.array([1, 0, 0, 0], np.float32), self.model) for _ in crops]


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def make(looks: Looks, counts: Counts) -> Iterator[Callable[..., Pool]]:
    made: list[Pool] = []

    def pool(*, workers: int = 1, line: int = 100, batching: bool = True) -> Pool:
        pipeline = Pipeline(looks, counts, PhotoOptions(), threads=1)
        made.append(Pool(pipeline, workers=workers, line=line, batching=batching))
        return made[-1]

    yield pool
    looks.may.set()
    for one in made:
        one.close()
        one.pipeline.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 20))


@pytest.mark.parametrize("batching", [True, False])
def test_faces_of_waiting_photos_go_in_one_call(
    make: Callable[..., Pool], looks: Looks, counts: Counts, batching: bool
) -> None:
    pool = make(batching=batching)

    async def many() -> None:
        looks.may.clear()
        asking = [asyncio.ensure_future(pool.examine([PHOTO], everyone)) for _ in range(20)]
        await asyncio.sleep(0.05)
        looks.may.set()
        for (found,) in await asyncio.gather(*asking):
            assert len(found.portraits) == 1

    run(many())
    assert sum(counts.calls) == 20
    assert counts.calls == ([BATCH, BATCH, 20 - 2 * BATCH] if batching else [1] * 20)


def test_a_photo_alone_does_not_wait_for_others(make: Callable[..., Pool], counts: Counts) -> None:
    pool = make()
    run(pool.examine([PHOTO, PHOTO], everyone))
    assert sum(counts.calls) == 2


def test_more_than_may_wait_are_turned_away_before_their_bodies_are_read(make: Callable[..., Pool]) -> None:
    pool = make(workers=2, line=3)
    places = [pool.admitted() for _ in range(5)]
    for place in places:
        place.__enter__()
    with pytest.raises(Refusal) as refused, pool.admitted():
        pass
    assert (refused.value.status, refused.value.error) == (503, "BusyError")
    assert int(refused.value.headers["retry-after"]) >= 1
    assert pool.full
    places[0].__exit__(None, None, None)
    with pool.admitted():
        assert pool.full
    assert not pool.full


def test_what_nobody_waits_for_is_not_done(make: Callable[..., Pool], looks: Looks) -> None:
    pool = make()

    async def leave() -> None:
        looks.may.clear()
        asking = [asyncio.ensure_future(pool.examine([PHOTO], everyone)) for _ in range(10)]
        await asyncio.sleep(0.05)
        for one in asking[1:]:
            one.cancel()
        await asyncio.gather(*asking[1:], return_exceptions=True)
        looks.may.set()
        await asking[0]
        await pool.compute(lambda: None)  # whatever was in the line before this is through

    run(leave())
    assert looks.looked == 1


def test_errors_belong_to_their_photo(make: Callable[..., Pool], counts: Counts) -> None:
    pool = make()
    with pytest.raises(ImageError):
        run(pool.examine([PHOTO, b"no photo"], everyone))
    (found,) = run(pool.examine([PHOTO], everyone))
    assert found.portraits
    counts.broken = True
    with pytest.raises(ModelError):
        run(pool.examine([PHOTO], everyone))
    counts.broken = False
    assert run(pool.examine([PHOTO], everyone))[0].portraits  # and the worker lives on


def test_a_slow_gallery_does_not_stop_photos(make: Callable[..., Pool]) -> None:
    pool = make()
    slow = threading.Event()

    async def both() -> None:
        waiting = [asyncio.ensure_future(pool.store(slow.wait)) for _ in range(4)]
        await pool.examine([PHOTO], everyone)
        assert not any(one.done() for one in waiting)
        slow.set()
        await asyncio.gather(*waiting)

    run(both())
