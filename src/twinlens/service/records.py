"""A gallery -> what the service remembers of it, and what is left to say when it was erased."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["people", "album"]
UNKNOWN = -1  # of a gallery that could not be read any more


@dataclass(frozen=True, slots=True)
class Record:
    """What the service remembers of a gallery.

    Attributes:
        name: unique, lower case.
        kind: people by name, or faces of photos.
        retention_days: days after which a subject is erased; None for never.
        created_at: UTC, ISO 8601.
        erasing: its erasure has begun: it is no gallery any more.
        subjects: how many were in it then; `UNKNOWN` where it could not be read.
        templates: the same of their vectors.
        id: drawn when it was made, so that a later gallery of the same name is another one; empty where an early
            version of Twinlens made it.
    """

    name: str
    kind: Kind
    retention_days: int | None
    created_at: str
    erasing: bool = False
    subjects: int = 0
    templates: int = 0
    id: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """All galleries of a service.

    Attributes:
        records: what is remembered of those that can be used, by name.
        damaged: names of those whose note cannot be read.
    """

    records: tuple[Record, ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """The receipt of a gallery's removal; see `twinlens.protocols.Erasure`.

    Attributes:
        gallery: its name.
        subjects: how many were in it; `UNKNOWN` where it could not be read.
        templates: the same of their vectors.
        places_checked: what was looked at afterwards.
        remains: where something is left.
        resumed: a process that was killed had begun it.
    """

    gallery: str
    subjects: int
    templates: int
    places_checked: tuple[str, ...]
    remains: tuple[str, ...]
    resumed: bool = False
