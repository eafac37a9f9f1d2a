"""Name of a gallery -> its note: what the service remembers of it, a small JSON file beside the gallery's own.

A note may come from a backup, a hand or another version, so nothing in it is taken on trust: its types are strict, and
it must name the gallery whose file it is. A note that is not as it must be is damaged: it counts for nothing, least of
all for an erasure, and only its own gallery cannot be used.
"""

from __future__ import annotations

import json
import re
import stat
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from twinlens.errors import GalleryUnavailableError, ModelError, ServiceUnavailableError
from twinlens.gallery.header import fsync_folder
from twinlens.service.asked import Days
from twinlens.service.records import UNKNOWN, Kind, Record
from twinlens.service.refusals import Refusal
from twinlens.zoo.tables import write_whole

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MOST_BYTES = 1 << 16
_Count = Annotated[int, Field(ge=UNKNOWN)]


def _date(text: str) -> str:
    if not text.isascii():
        msg = "a date in ISO 8601 was wanted"
        raise ValueError(msg)
    datetime.fromisoformat(text)
    return text


class _Note(BaseModel):
    """A note as it must be; see `Record`."""

    model_config = ConfigDict(strict=True, extra="forbid")
    name: str
    kind: Kind
    retention_days: Days | None
    created_at: Annotated[str, AfterValidator(_date)]
    erasing: bool = False
    subjects: _Count = 0
    templates: _Count = 0
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{0,64}$")] = ""


class DamagedNoteError(ServiceUnavailableError):
    """What is remembered of one gallery cannot be read; the gallery can be erased all the same."""


class Notes:
    """The notes of one folder; every method waits for a disk.

    Args:
        folder: where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the galleries that have a note, also a damaged one.

        Raises:
            GalleryUnavailableError: the folder is gone or cannot be read.
        """
        try:
            stems = [path.stem for path in self._folder.iterdir() if path.suffix == ".json"]
        except OSError as error:
            msg = f"the folder of galleries {self._folder}: {error.strerror}: put it back, then restart the service"
            raise GalleryUnavailableError(msg) from error
        return sorted(stem for stem in stems if NAME.fullmatch(stem))

    def exists(self, name: str) -> bool:
        """Return whether a gallery has a note, also a damaged one."""
        return self._path(name).exists()

    def read(self, name: str) -> Record:
        """Return what is remembered of a gallery, also of one that is being erased.

        Raises:
            Refusal: 404, no gallery of that name.
            DamagedNoteError: its note is damaged, or of another gallery.
        """
        if not NAME.fullmatch(name):
            raise unknown(name)
        try:
            found = _Note.model_validate_json(_content(self._path(name)))
        except FileNotFoundError:
            raise unknown(name) from None
        except (OSError, ValueError) as error:
            raise self._damaged(name, _fault(error)) from error
        if found.name != name:
            raise self._damaged(name, f"it is the note of another gallery, {found.name[:80]!r}")
        return Record(**found.model_dump())

    def write(self, record: Record) -> None:
        """Write a note, in place of the one that is there.

        Raises:
            GalleryUnavailableError: it cannot be written.
        """
        try:
            write_whole(self._path(record.name), json.dumps(asdict(record)).encode())
        except ModelError as error:  # it cannot be written: the disk is full, say
            msg = f"what is remembered of the gallery {record.name!r} cannot be written: free space, or try again later"
            raise GalleryUnavailableError(msg) from error

    def remove(self, name: str) -> None:
        """Remove a note for good.

        Raises:
            OSError: it cannot be removed.
        """
        self._path(name).unlink(missing_ok=True)
        fsync_folder(self._folder)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _damaged(self, name: str, why: str) -> DamagedNoteError:
        msg = (
            f"{self._path(name)}: cannot read what is remembered of the gallery {name!r} ({why}): restore the file, or "
            "upgrade Twinlens if a later one wrote it; or delete the gallery, which erases all that is in it"
        )
        return DamagedNoteError(msg)


def _content(path: Path) -> bytes:
    """Return what is in a note.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no file, or far too long for a note.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
        msg = "it is no file"
        raise ValueError(msg)
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        msg = f"it is longer than {_MOST_BYTES} bytes"
        raise ValueError(msg)
    return content


def _fault(error: OSError | ValueError) -> str:
    """Say in a few words what is wrong; what came is not repeated."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:80]
        return f"{place}: {first['msg']}" if place else str(first["msg"])
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)


def unknown(name: str) -> Refusal:
    """Return what is said where there is no gallery of a name."""
    return Refusal(404, "UnknownGalleryError", f"no gallery {name[:80]!r}: GET /v1/galleries lists them")
