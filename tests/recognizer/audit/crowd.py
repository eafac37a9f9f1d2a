"""People as exact directions: photos whose similarities are known without computing anything.

Every person, and every photo, has axes of their own. Two photos of one person at ``alike`` to the person are exactly
``alike * alike`` similar to each other; photos of different people have similarity 0, unless one is mixed on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from twinlens.gallery import open_gallery
from twinlens.protocols import Enrolment
from twinlens.recognizer.audit import Audit, AuditOptions, Finding, audit_gallery
from twinlens.score import Policy
from twinlens.types import Embedding
from twinlens.zoo import find_card

CARD = find_card("sface")


class Crowd:
    """Draws photos of named people, and enrols them."""

    def __init__(self) -> None:
        self._free = iter(range(CARD.dim))
        self._axes: dict[str, int] = {}
        self.enrolled: list[Enrolment] = []

    def direction(self, parts: Mapping[str, float]) -> np.ndarray:
        """A photo that is so similar to each of these people, with the rest on an axis of its own."""
        vector = np.zeros(CARD.dim, np.float32)
        for person, share in parts.items():
            if person not in self._axes:
                self._axes[person] = next(self._free)
            vector[self._axes[person]] = share
        rest = 1.0 - float(vector @ vector)
        if rest > 1e-6:
            vector[next(self._free)] = rest**0.5
        return vector

    def near(self, photo: Enrolment, alike: float) -> np.ndarray:
        """A photo so similar to another one."""
        vector: np.ndarray = photo.embedding.vector * np.float32(alike)
        vector[next(self._free)] = (1.0 - alike**2) ** 0.5
        return vector

    def enrol(
        self, subject: str, parts: Mapping[str, float] | np.ndarray, *, source: str | None = None, quality: float = 0.9
    ) -> str:
        """Enrol a photo under a name; return its digest, which is its source too unless another is given."""
        photo = f"photo-{len(self.enrolled)}"
        vector = parts if isinstance(parts, np.ndarray) else self.direction(parts)
        embedding = Embedding(vector, CARD.identity)
        self.enrolled.append(Enrolment(subject, embedding, photo, quality, photo if source is None else source))
        return photo

    def people(self, *names: str, photos: int = 3, alike: float = 0.8) -> None:
        """Enrol people with some photos each, under their own names."""
        for name in names:
            for _ in range(photos):
                self.enrol(name, {name: alike})

    def audit(self, folder: Path, *, policy: Policy | None = None, options: AuditOptions | None = None) -> Audit:
        """Audit a real gallery file of them."""
        return audited(self.enrolled, folder, policy=policy, options=options)


def audited(
    enrolments: Iterable[Enrolment], folder: Path, *, policy: Policy | None = None, options: AuditOptions | None = None
) -> Audit:
    """Audit a real gallery file."""
    with open_gallery(folder / "people.db", model=CARD.identity, dim=CARD.dim) as gallery:
        gallery.add(enrolments)
        return audit_gallery(gallery, CARD, policy=policy, options=options)


def told(audit: Audit) -> set[str]:
    """The kinds that were found, but for people with one photo."""
    return {str(finding.kind) for finding in audit.findings} - {"one photo"}


def commands(finding: Finding) -> list[tuple[str, ...]]:
    """What the finding advises, as words."""
    return [
        (*remedy.command, *(word for option in remedy.options for word in option if word), *remedy.words)
        for remedy in finding.remedies
        if remedy.command
    ]
