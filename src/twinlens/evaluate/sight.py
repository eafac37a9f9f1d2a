"""Photos -> what a system made of them: a vector each, or the reason why there is none, and what may explain errors.

Every photo is looked at once, however many pairs it is in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int

from twinlens.datasets.records import Photo
from twinlens.errors import DatasetError
from twinlens.evaluate.records import System

Progress = Callable[[int, int], None]
NO_FACE = "no face"
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class View:
    """What a system made of one photo.

    Attributes:
        vector: of unit length; None where there is none.
        fault: ``no face`` or ``unreadable: why``; empty where there is a vector.
        measures: what may explain an error, by name, with units (`twinlens.quality`).
    """

    vector: Float32[np.ndarray, " dim"] | None
    fault: str = ""
    measures: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@runtime_checkable
class Lens(Protocol):
    """A system under evaluation."""

    @property
    def system(self) -> System:
        """What it is."""
        ...

    def look(self, photos: Sequence[Path]) -> list[View]:
        """Return one view a photo, in order."""
        ...


@runtime_checkable
class Memory(Protocol):
    """Keeps views between runs, so that a long evaluation goes on where it was stopped."""

    def recall(self, photo: Path) -> View | None:
        """Return what was seen of this photo, if it is still the same file."""
        ...

    def keep(self, views: Sequence[tuple[Path, View]]) -> None:
        """Store views; they survive a kill once this returns."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a system made of many photos.

    Attributes:
        photos: each once.
        rows: photo -> its row.
        vectors: of unit length; zeros where there is none.
        found: whether there is one.
        faults: the reason where there is none, else empty.
        measures: by name; NaN where there is none.
        seconds: wall time of looking, for photos that were not remembered.
        cpu_seconds: processor time of it, all threads.
        looked: how many these were.
    """

    photos: tuple[Photo, ...]
    rows: Mapping[Photo, int]
    vectors: Float32[np.ndarray, "photos dim"]
    found: Bool[np.ndarray, " photos"]
    faults: tuple[str, ...]
    measures: Mapping[str, Float64[np.ndarray, " photos"]]
    seconds: float
    cpu_seconds: float
    looked: int

    def of(self, photos: Sequence[Photo]) -> Int[np.ndarray, " chosen"]:
        """Return the rows of photos."""
        return np.array([self.rows[photo] for photo in photos], dtype=np.int64)


BATCH = 64  # photos between two commits of the memory


def see(photos: Sequence[Photo], lens: Lens, *, memory: Memory | None = None, progress: Progress | None = None) -> Seen:
    """Show every photo to a system once.

    Args:
        photos: of a data set; repeats are looked at once.
        lens: the system.
        memory: what was seen in an earlier run, and where to keep more.
        progress: called with (photos done, of how many).

    Raises:
        DatasetError: no photo at all gave a vector.
    """
    unique = tuple(dict.fromkeys(photos))
    views: dict[Path, View] = {}
    if memory is not None:
        views = {photo.path: view for photo in unique if (view := memory.recall(photo.path)) is not None}
    waiting = [path for path in dict.fromkeys(photo.path for photo in unique) if path not in views]
    looked, seconds, cpu_seconds = len(waiting), 0.0, 0.0
    total = len(waiting) + len(views)
    for start in range(0, len(waiting), BATCH):
        batch = waiting[start : start + BATCH]
        begun, cpu_begun = time.perf_counter(), time.process_time()
        fresh = list(zip(batch, lens.look(batch), strict=True))
        seconds += time.perf_counter() - begun
        cpu_seconds += time.process_time() - cpu_begun
        if memory is not None:
            memory.keep(fresh)
        views.update(fresh)
        if progress is not None:
            progress(len(views), total)
    return _table(unique, [views[photo.path] for photo in unique], (seconds, cpu_seconds), looked)


def _table(photos: tuple[Photo, ...], views: Sequence[View], spent: tuple[float, float], looked: int) -> Seen:
    dim = next((view.vector.size for view in views if view.vector is not None), 0)
    if not dim:
        first = next((view.fault for view in views), "there are none")
        msg = f"not one of {len(photos)} photos gave an embedding (the first: {first}); are these photos of faces?"
        raise DatasetError(msg)
    vectors = np.zeros((len(views), dim), dtype=np.float32)
    for row, view in zip(vectors, views, strict=True):
        if view.vector is not None:
            row[:] = view.vector
    names = dict.fromkeys(name for view in views for name in view.measures)
    return Seen(
        photos=photos,
        rows={photo: row for row, photo in enumerate(photos)},
        vectors=vectors,
        found=np.array([view.vector is not None for view in views]),
        faults=tuple(view.fault for view in views),
        measures={name: np.array([view.measures.get(name, np.nan) for view in views]) for name in names},
        seconds=spent[0],
        cpu_seconds=spent[1],
        looked=looked,
    )
