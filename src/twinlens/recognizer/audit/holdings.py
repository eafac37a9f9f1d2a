"""Gallery -> its vectors in one matrix, the templates of a subject side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Int64

from twinlens.protocols import Gallery
from twinlens.recognizer.album import is_face_of_album
from twinlens.recognizer.audit.findings import StoredPhoto


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """What a gallery holds.

    Attributes:
        vectors: one row a template, sorted by subject: those with names first.
        owners: each row's subject, as a number.
        starts: each subject's first row, and at the end the number of rows.
        names: each subject's name.
        nameless: subjects that are faces of an index, without a person's name.
        photos: each row's photo.
    """

    vectors: Float32[np.ndarray, "rows dim"]
    owners: Int64[np.ndarray, " rows"]
    starts: Int64[np.ndarray, " ends"]
    names: tuple[str, ...]
    nameless: Bool[np.ndarray, " subjects"]
    photos: tuple[StoredPhoto, ...]

    @property
    def rows(self) -> int:
        """How many templates."""
        return len(self.photos)

    def span(self, subject: int) -> slice:
        """Return the rows of a subject, the first enrolled first."""
        return slice(int(self.starts[subject]), int(self.starts[subject + 1]))

    def count(self, subject: int) -> int:
        """Return how many templates a subject has."""
        return int(self.starts[subject + 1] - self.starts[subject])


def read_holdings(gallery: Gallery) -> Holdings:
    """Read everything once: as much memory as the vectors take, twice.

    Raises:
        GalleryError: it cannot be read.
    """
    rows: list[np.ndarray] = []
    photos: list[StoredPhoto] = []
    named: dict[str, bool] = {}
    for entry in gallery.entries():
        rows.append(entry.embedding.vector)
        photos.append(StoredPhoto(entry.subject, entry.source, entry.photo, entry.quality))
        named[entry.subject] = named.get(entry.subject, False) or not is_face_of_album(entry)
    places = Counter((photo.subject, photo.source) for photo in photos)
    photos = [replace(photo, shared=True) if places[photo.subject, photo.source] > 1 else photo for photo in photos]
    names = sorted(named, key=lambda name: (not named[name], name))
    number = {name: place for place, name in enumerate(names)}
    owners = np.array([number[photo.subject] for photo in photos], np.int64)
    order = np.argsort(owners, kind="stable")
    vectors = np.stack([rows[place] for place in order]) if rows else np.empty((0, 1), np.float32)
    return Holdings(
        vectors,
        owners[order],
        np.searchsorted(owners[order], np.arange(len(names) + 1)),
        tuple(names),
        np.array([not named[name] for name in names], bool),
        tuple(photos[place] for place in order),
    )
