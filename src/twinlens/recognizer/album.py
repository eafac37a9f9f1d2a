"""A folder of photos -> a gallery of faces without names, to be searched and grouped by person.

Each face is a subject named ``PHOTO#N``: its photo's path relative to the folder, and its number in the photo.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from twinlens.cluster import group
from twinlens.image import list_pictures
from twinlens.protocols import Enrolment, Gallery
from twinlens.recognizer.pipeline import Pipeline
from twinlens.recognizer.results import Cluster, EnrolmentReport, Examined


def index_photos(pipeline: Pipeline, folder: Path, gallery: Gallery) -> Iterator[EnrolmentReport]:
    """Store the faces of every photo under a folder; one report a photo, each safe on disk when it is reported.

    A photo whose faces are stored is skipped without being opened.
    """
    known = {subject.name.rpartition("#")[0] for subject in gallery.subjects()}
    paths = list_pictures(folder)
    fresh = [path for path in paths if _name(path, folder) not in known]
    for path in paths:
        if _name(path, folder) in known:
            yield EnrolmentReport(str(path), _name(path, folder), "already enrolled")
    for path, photo in zip(fresh, pipeline.stream(fresh), strict=True):
        yield _store(_name(path, folder), photo, gallery)


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def _store(name: str, photo: Examined, gallery: Gallery) -> EnrolmentReport:
    if photo.image is None:
        return EnrolmentReport(photo.source, name, "unreadable", (str(photo.error),))
    if not photo.portraits:
        return EnrolmentReport(photo.source, name, "no face")
    digest = photo.image.digest()
    gallery.add(
        Enrolment(f"{name}#{number}", portrait.embedding, f"{digest}#{name}", portrait.quality.score, photo.source)
        for number, portrait in enumerate(photo.portraits, 1)
    )
    return EnrolmentReport(photo.source, name, "done", quality=max(p.quality.score for p in photo.portraits))


def clusters_of(gallery: Gallery, threshold: float) -> list[Cluster]:
    """Group a gallery's templates by person; templates of one subject that fall apart appear as several clusters."""
    entries = list(gallery.entries())
    groups = group([e.embedding for e in entries], [e.photo for e in entries], threshold)
    return [
        Cluster(
            members=tuple(sorted({entries[i].subject for i in members})),
            cohesion=_cohesion(np.stack([entries[i].embedding.vector for i in members])),
        )
        for members in groups
    ]


def _cohesion(vectors: np.ndarray) -> float:
    """Return the mean similarity over pairs: of n unit vectors with sum s, (|s|^2 - n) / (n (n - 1))."""
    count = len(vectors)
    if count == 1:
        return 1.0
    total = vectors.sum(axis=0, dtype=np.float64)
    return float((total @ total - count) / (count * (count - 1)))
