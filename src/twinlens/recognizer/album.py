"""A folder of photos -> a gallery of faces without names, to be searched and grouped by person.

Each face is a subject named ``PHOTO#N``: its photo's path relative to the folder, and its number in the photo.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinlens.cluster import group
from twinlens.errors import ConflictError, OptionError
from twinlens.image import list_pictures
from twinlens.protocols import Enrolment, Gallery
from twinlens.recognizer.pipeline import Pipeline
from twinlens.recognizer.results import Cluster, EnrolmentReport, Examined


def index_photos(pipeline: Pipeline, folder: Path, gallery: Gallery) -> Iterator[EnrolmentReport]:
    """Make a gallery hold the faces of the photos under a folder; one report a photo, safe on disk when it is given.

    A photo of the same size and time as the one that was indexed is skipped without being opened; a changed one is
    indexed anew; the faces of one that is gone are erased. A photo without faces is looked at again each time.
    """
    known: dict[str, _Indexed] = {}
    for entry in gallery.entries():
        name = entry.subject.rpartition("#")[0]
        known.setdefault(name, _Indexed(shot_of(entry.photo), entry.source, [])).subjects.append(entry.subject)
    names = {_name(path, folder): path for path in list_pictures(folder)}
    here = folder.resolve()
    for name, indexed in known.items():
        if name not in names and Path(indexed.source).is_relative_to(here):
            _forget(indexed, gallery)
            yield EnrolmentReport(indexed.source, name, "removed")
    fresh = [name for name, path in names.items() if name not in known or known[name].photo != _photo(name, path)]
    for name in sorted(names.keys() - set(fresh)):
        yield EnrolmentReport(str(names[name]), name, "already enrolled")
    for name, photo in zip(fresh, pipeline.stream(names[name] for name in fresh), strict=True):
        if name in known:
            _forget(known[name], gallery)
        try:
            yield _store(name, names[name], photo, gallery)
        except (OptionError, ConflictError) as error:  # a name that cannot be stored must not end the index
            yield EnrolmentReport(photo.source, name, "unreadable", (f"{photo.source!r}: {error}",))


@dataclass(frozen=True, slots=True)
class _Indexed:
    """What the gallery holds of a photo."""

    photo: str
    source: str
    subjects: list[str]


def _forget(indexed: _Indexed, gallery: Gallery) -> None:
    for subject in indexed.subjects:
        gallery.remove(subject)


def is_face_of_album(entry: Enrolment) -> bool:
    """Return whether an entry is a face that an index stored, which has a place and no person's name."""
    return entry.photo.endswith(f":{entry.subject}")


def shot_of(photo: str) -> str:
    """Return what faces of one photo of an index have in common: the photo's key without the number of the face."""
    return photo.rpartition("#")[0] or photo


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def _photo(name: str, path: Path) -> str:
    """Return what tells a photo from another of the same name: its size in bytes and its time of change."""
    try:
        found = path.stat()
    except OSError:  # gone since it was listed; reading it will say so
        return f"absent:{name}"
    return f"{found.st_size}:{found.st_mtime_ns}:{name}"


def _store(name: str, path: Path, photo: Examined, gallery: Gallery) -> EnrolmentReport:
    if photo.image is None:
        return EnrolmentReport(photo.source, name, "unreadable", (str(photo.error),))
    if not photo.portraits:
        return EnrolmentReport(photo.source, name, "no face")
    stamp, source = _photo(name, path), str(path.resolve())
    gallery.add(  # a key for each face: a contact sheet may show one face twice, which a gallery refuses of one photo
        Enrolment(f"{name}#{n}", portrait.embedding, f"{stamp}#{n}", portrait.quality.score, source)
        for n, portrait in enumerate(photo.portraits, 1)
    )
    return EnrolmentReport(photo.source, name, "done", quality=max(p.quality.score for p in photo.portraits))


def clusters_of(gallery: Gallery, threshold: float) -> list[Cluster]:
    """Group a gallery's templates by person; templates of one subject that fall apart appear as several clusters."""
    entries = list(gallery.entries())
    groups = group([e.embedding for e in entries], [shot_of(e.photo) for e in entries], threshold)
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
