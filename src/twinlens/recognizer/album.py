"""A gallery of faces without names -> groups, by person.

Each face is a subject named ``PHOTO#N``: its photo's path relative to the folder, and its number in the photo; see
`twinlens.recognizer.collection`.
"""

from __future__ import annotations

import re

import numpy as np

from twinlens.cluster import group
from twinlens.image import PICTURE_SUFFIXES
from twinlens.protocols import Enrolment, Gallery
from twinlens.recognizer.results import Cluster

_KEY = re.compile(r"\d+:\d+:.+#(\d+)", re.DOTALL)  # of a face: its photo's size, time and name, and its number
_PLACE = re.compile(r".+(\.[^./#]+)#(\d+)", re.DOTALL)


def is_face_of_album(entry: Enrolment) -> bool:
    """Return whether an entry is a face that an index stored, which has a place and no person's name.

    A photo that was moved keeps its key and has another name; number and suffix tell a place from a person's name.
    """
    if entry.photo.endswith(f":{entry.subject}"):
        return True
    key, name = _KEY.fullmatch(entry.photo), _PLACE.fullmatch(entry.subject)
    return key is not None and name is not None and key[1] == name[2] and name[1].lower() in PICTURE_SUFFIXES


def shot_of(photo: str) -> str:
    """Return what faces of one photo of an index have in common: the photo's key without the number of the face."""
    return photo.rpartition("#")[0] or photo


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
