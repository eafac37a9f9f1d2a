"""The joints: what a detector, an embedder, a network and a gallery promise.

Whole batches go in, the same order comes out. Every implementation may be called from several threads at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from twinlens.types import Crop, Embedding, Face, Image, Match, Template


@runtime_checkable
class Network(Protocol):
    """An ONNX graph ready to run, whatever the engine."""

    def run(self, batch: Float32[np.ndarray, "batch ..."]) -> dict[str, np.ndarray]:
        """Return every output by its name; the first axis of each is the batch."""
        ...


@runtime_checkable
class Detector(Protocol):
    """Image -> [Face]."""

    @property
    def name(self) -> str:
        """The name it is registered under."""
        ...

    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        """Return the faces of each image, the most confident first; an empty list where there is none."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """[Crop] -> [Embedding]."""

    @property
    def model(self) -> str:
        """The model's name, which every embedding carries."""
        ...

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        ...

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        """Return one embedding a crop, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One face to be stored.

    Attributes:
        subject: the name it is stored under.
        embedding: its vector.
        photo: identifies the photo it came from (a digest of its pixels); two faces of one photo share it.
        quality: 0 to 1.
        source: where the photo came from, for people to read (a file name); may be empty.
    """

    subject: str
    embedding: Embedding
    photo: str
    quality: float = 1.0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a gallery knows about a person, without the vectors."""

    name: str
    templates: int
    tags: Mapping[str, str] = field(default_factory=dict)
    created_at: str = ""  # UTC, ISO 8601
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """The receipt of a removal.

    Attributes:
        subject: the name that was removed.
        templates: how many vectors were erased.
        places_checked: files that were read byte by byte after the removal, or what else was asked.
        remains: places where a vector's bytes were still found, or could not be looked for (another machine's disk);
            empty when the erasure is proven.
    """

    subject: str
    templates: int
    places_checked: tuple[str, ...]
    remains: tuple[str, ...] = ()


@runtime_checkable
class Search(Protocol):
    """Embedding -> [Match]: the reading half of a gallery."""

    def search(
        self,
        probes: Sequence[Embedding],
        top: int,
        *,
        tags: Mapping[str, str] | None = None,
        exclude: Collection[str] = (),
    ) -> list[list[Match]]:
        """Return the ``top`` most alike subjects for each probe, best first, whatever their score.

        A subject's score is the highest over its templates. ``probability`` is None here.

        Args:
            probes: embeddings of the gallery's model.
            top: how many subjects at the most.
            tags: only subjects that carry all of these.
            exclude: names to leave out.

        Raises:
            ModelMismatchError: a probe comes from another model.
        """
        ...

    def subjects(self, *, tags: Mapping[str, str] | None = None) -> list[Subject]:
        """Return who is enrolled, by name in alphabetical order."""
        ...

    def templates(self, subject: str) -> Template:
        """Return a subject's vectors.

        Raises:
            UnknownSubjectError: nobody of that name.
        """
        ...

    def __len__(self) -> int:
        """How many subjects are enrolled."""
        ...


@runtime_checkable
class Store(Protocol):
    """The writing half of a gallery. When a call returns, its effect survives a power cut."""

    def add(self, enrolments: Iterable[Enrolment]) -> int:
        """Store all or none; return how many were new.

        A face whose photo is already stored for the same subject is skipped. Two faces of one photo under one
        subject are refused.

        Raises:
            ConflictError: the same photo holds this face already under another name, or twice under one.
            ModelMismatchError: an embedding of another model than the gallery's.
            GalleryUnavailableError: locked for too long, or the disk is full; nothing was stored.
        """
        ...

    def remove(self, subject: str) -> Erasure:
        """Erase a subject's vectors from every file, then look whether anything is left.

        Raises:
            UnknownSubjectError: nobody of that name.
        """
        ...

    def tag(self, subject: str, tags: Mapping[str, str]) -> None:
        """Set tags; an empty value removes one.

        Raises:
            UnknownSubjectError: nobody of that name.
        """
        ...

    def rename(self, subject: str, name: str) -> None:
        """Give a subject another name.

        Raises:
            UnknownSubjectError: nobody of that name.
            ConflictError: the new name is taken.
        """
        ...


@runtime_checkable
class Merging(Protocol):
    """What an engine offers that can give all photos of one subject to another in a single step."""

    def merge(self, subject: str, into: str) -> int:
        """Give a subject's templates, and the tags that the other lacks, to another subject; return how many.

        The first name is gone then. All or nothing, and on the disk when it returns.

        Raises:
            UnknownSubjectError: nobody of one of the names.
            ConflictError: one name twice, or both have a face of the same photo.
        """
        ...


@runtime_checkable
class Contents(Protocol):
    """What a gallery holds, vector by vector."""

    def count(self) -> int:
        """How many templates are stored; answered without reading them."""
        ...

    def entries(self) -> Iterator[Enrolment]:
        """Return everything stored, in the order of enrolment, without holding all of it in memory."""
        ...

    def photo_subjects(self, photo: str) -> list[str]:
        """Return who has a template of the photo with this digest, by name."""
        ...

    def remove_photo(self, subject: str, photo: str) -> Erasure:
        """Erase what one photo gave to a subject, as `Store.remove`; the last template takes the subject along.

        Raises:
            UnknownSubjectError: nobody of that name, or no such photo of theirs.
        """
        ...


@runtime_checkable
class Upkeep(Protocol):
    """What a person does with a whole gallery."""

    def export_to(self, path: Path | str, *, replace: bool = False) -> int:
        """Write everything to one portable file; return how many templates.

        Raises:
            GalleryError: there is a file and ``replace`` is False, or it cannot be written.
        """
        ...

    def import_from(self, path: Path | str) -> int:
        """Add everything from an export, all or nothing; return how many templates were new.

        Raises:
            GalleryError: not an export, or a damaged one.
            ModelMismatchError: it holds another model's vectors.
            ConflictError: as in `Store.add`.
        """
        ...

    def verify_integrity(self) -> tuple[str, ...]:
        """Read everything; return what is wrong and what to do, nothing for a sound gallery."""
        ...

    def rebuild_index(self) -> None:
        """Make what speeds up searches anew from what is stored."""
        ...


class Gallery(Search, Store, Contents, Upkeep, Protocol):
    """All of it, and the model whose vectors it holds; closes itself at the end of a ``with`` block."""

    def __enter__(self) -> Gallery:
        """Return itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        ...

    @property
    def model(self) -> str:
        """The name of the model whose embeddings it holds."""
        ...

    def close(self) -> None:
        """Release files and connections; what was acknowledged is already safe."""
        ...
