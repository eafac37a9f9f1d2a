"""Task (a photo to look at) -> Look (its faces' vectors, or why there are none): what workers do."""

from __future__ import annotations

import hashlib
import os
import platform
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from twinlens.detect import DetectOptions
from twinlens.embed import load_embedder
from twinlens.errors import ImageError, OptionError
from twinlens.image import ImageLimits, Source
from twinlens.recognizer.loading import load_detector
from twinlens.recognizer.pipeline import PhotoOptions, Pipeline
from twinlens.recognizer.results import Examined
from twinlens.runtime import RuntimeOptions

_ATTEMPTS = 2  # at a file that changes while it is read
_DIGEST_BYTES = 16  # of BLAKE2b: two of 10^9 photos agree by chance once in 10^20


@dataclass(frozen=True, slots=True)
class Task:
    """A photo to look at.

    Attributes:
        name: as the ledger has it.
        path: where it is.
        size: bytes, when the folder was listed.
        mtime_ns: time of change, when the folder was listed.
        known: digests of photos that need no second look; a file of the same content comes back as ``same``.
    """

    name: str
    path: str
    size: int
    mtime_ns: int
    known: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a photo shows.

    Attributes:
        task: what was asked.
        size: bytes that were read.
        mtime_ns: the file's time of change when it was read.
        digest: of its content; empty where it could not be read.
        vectors: one a face, the most confident first.
        qualities: one a face, 0 to 1.
        error: why it could not be looked at.
        same: its digest is one of ``task.known``: it was not looked at.
        lasting: the same file would give the same again.
    """

    task: Task
    size: int
    mtime_ns: int
    digest: bytes = b""
    vectors: Float32[np.ndarray, "faces dim"] = field(default_factory=lambda: np.zeros((0, 1), np.float32))
    qualities: tuple[float, ...] = ()
    error: str = ""
    same: bool = False
    lasting: bool = True


class _NamedBytes(BytesIO):
    """A file's bytes that messages call by the file's path."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


@dataclass(frozen=True, slots=True)
class _Read:
    task: Task
    source: Source
    size: int
    mtime_ns: int
    digest: bytes


def look_at(pipeline: Pipeline, tasks: Iterable[Task], *, limits: ImageLimits | None = None) -> Iterator[Look]:
    """Look at photos side by side, one a thread; what needs no look may come before its turn.

    Raises:
        ModelError: the networks do not work.
    """
    reads: deque[_Read] = deque()
    done: deque[Look] = deque()
    bound = limits or ImageLimits()

    def sources() -> Iterator[Source]:
        for task in tasks:
            read = _read(task, bound)
            if isinstance(read, Look):
                done.append(read)
            else:
                reads.append(read)
                yield read.source

    for examined in pipeline.stream(sources()):
        while done:
            yield done.popleft()
        yield _seen(reads.popleft(), examined)
    yield from done


def _read(task: Task, limits: ImageLimits) -> _Read | Look:
    """Read a file as it is at one moment."""
    size, mtime_ns = task.size, task.mtime_ns
    try:
        for _ in range(_ATTEMPTS):
            with Path(task.path).open("rb") as file:
                before = os.fstat(file.fileno())
                size, mtime_ns = before.st_size, before.st_mtime_ns
                if not stat.S_ISREG(before.st_mode):
                    return Look(task, size, mtime_ns, error=f"{task.path}: no plain file any more", lasting=False)
                limits.check_bytes(task.path, size)
                data = file.read(size + 1)
                after = os.fstat(file.fileno())
            if len(data) == size and (after.st_size, after.st_mtime_ns) == (size, mtime_ns):
                digest = hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
                if digest in task.known:
                    return Look(task, size, mtime_ns, digest, same=True)
                return _Read(task, _NamedBytes(data, task.path), size, mtime_ns, digest)
    except ImageError as error:  # too large
        return Look(task, size, mtime_ns, error=str(error))
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        return Look(task, size, mtime_ns, error=f"{task.path}: cannot be read: {said}", lasting=False)
    return Look(task, size, mtime_ns, error=f"{task.path}: it changes while it is read; run again", lasting=False)


def _seen(read: _Read, examined: Examined) -> Look:
    if examined.image is None:
        return Look(read.task, read.size, read.mtime_ns, read.digest, error=str(examined.error))
    portraits = examined.portraits
    if not portraits:
        return Look(read.task, read.size, read.mtime_ns, read.digest)
    return Look(
        read.task,
        read.size,
        read.mtime_ns,
        read.digest,
        np.stack([portrait.embedding.vector for portrait in portraits]),
        tuple(portrait.quality.score for portrait in portraits),
    )


@runtime_checkable
class Looker(Protocol):
    """A worker's eyes, open."""

    @property
    def model(self) -> str:
        """Whose vectors it makes."""
        ...

    def look(self, tasks: list[Task]) -> list[Look]:
        """Look at some photos."""
        ...

    def close(self) -> None:
        """End its threads."""
        ...


@runtime_checkable
class Opener(Protocol):
    """What a worker is given to make its eyes of: to be sent to another process."""

    def open(self) -> Looker:
        """Load the networks."""
        ...


@dataclass(frozen=True, slots=True)
class Eyes:
    """Which networks a worker loads, and how it runs them.

    Attributes:
        folder: the folder of photos, which the worker must see.
        detector: name of the detector.
        embedder: name of the embedder, or a path to its card.
        detect: what to look for.
        runtime: engine, precision and threads of one worker.
    """

    folder: str
    detector: str
    embedder: str
    detect: DetectOptions = field(default_factory=DetectOptions)
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)

    def open(self) -> Looker:
        """Load the networks.

        Raises:
            ModelError: a model is unknown, missing or not the one its card describes.
            OptionError: the folder is not there.
        """
        if not Path(self.folder).is_dir():
            msg = f"a worker on {platform.node()} sees no folder {self.folder}: share it under the same path"
            raise OptionError(msg)
        return PipelineLooker(self)


class PipelineLooker:
    """A pipeline, as a worker uses it."""

    def __init__(self, eyes: Eyes) -> None:
        self._pipeline = Pipeline(
            load_detector(eyes.detector, eyes.runtime, eyes.detect),
            load_embedder(eyes.embedder, eyes.runtime),
            PhotoOptions(),
            threads=eyes.runtime.threads,
        )

    @property
    def model(self) -> str:
        """Whose vectors it makes."""
        return self._pipeline.embedder.model

    def look(self, tasks: list[Task]) -> list[Look]:
        """Look at some photos.

        Raises:
            ModelError: the networks do not work.
        """
        return list(look_at(self._pipeline, tasks))

    def close(self) -> None:
        """End its threads."""
        self._pipeline.close()
