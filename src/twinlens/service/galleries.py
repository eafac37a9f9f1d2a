"""Names -> open galleries: one file a gallery in one folder, or another engine by a template of its URL.

A name that comes from outside is a small alphabet, never a path. What the service itself must remember of a gallery
(its kind, how long its subjects are kept) lies in a small JSON file beside it.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from twinlens.errors import ConflictError, GalleryError, GalleryUnavailableError, ModelError, OptionError
from twinlens.gallery import open_gallery
from twinlens.protocols import Gallery
from twinlens.recognizer import Recognizer
from twinlens.service.refusals import Refusal
from twinlens.zoo.tables import write_whole

Kind = Literal["people", "album"]
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
PATIENCE_S = 10.0  # how long a deletion waits for requests that use the gallery
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """What the service remembers of a gallery.

    Attributes:
        name: unique, lower case.
        kind: people by name, or faces of photos.
        retention_days: days after which a subject is erased; None for never.
        created_at: UTC, ISO 8601.
    """

    name: str
    kind: Kind
    retention_days: int | None
    created_at: str


@dataclass(frozen=True, slots=True)
class Removal:
    """The receipt of a gallery's removal; see `twinlens.protocols.Erasure`."""

    gallery: str
    subjects: int
    templates: int
    places_checked: tuple[str, ...]
    remains: tuple[str, ...]


@dataclass(slots=True)
class OpenGallery:
    """A gallery in use.

    Attributes:
        recognizer: the networks, and this gallery.
        writing: held while a face is compared with who is enrolled and stored, so that two requests do not enrol one
            person under two names.
        users: requests that use it now.
        closing: it is about to be deleted, or was.
        file: which file it is, as the system tells files apart; None for another engine. Another process of the
            service may have deleted the gallery and made one of that name.
        used_at: when it was used last, by the monotonic clock.
    """

    recognizer: Recognizer
    writing: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    closing: bool = False
    file: tuple[int, int] | None = None
    used_at: float = 0.0


class Galleries:
    """The galleries of one service; every method may wait for a disk.

    Args:
        folder: where files lie.
        recognizer: puts an open gallery together with the networks.
        model: whose vectors they hold.
        dim: numbers in one.
        url: of another engine, with ``{gallery}`` in it; empty for files.
        most_open: galleries held open at once.

    Raises:
        OptionError: a URL without ``{gallery}``.
        GalleryError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        recognizer: Callable[[Gallery], Recognizer],
        *,
        model: str,
        dim: int,
        url: str = "",
        most_open: int = 32,
    ) -> None:
        if url and "{gallery}" not in url:
            msg = f"gallery_url needs {{gallery}} in it, as milvus://host:19530/{{gallery}}, got {url!r}"
            raise OptionError(msg)
        self._folder, self._recognizer, self._model, self._dim = folder, recognizer, model, dim
        self._url, self._most_open = url, most_open
        self._lock = threading.Condition()
        self._open: dict[str, OpenGallery] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            msg = f"cannot make the folder of galleries {folder}: {error.strerror}"
            raise GalleryError(msg) from error

    def records(self) -> list[Record]:
        """Return the galleries by name.

        Raises:
            GalleryUnavailableError: the folder is gone or cannot be read.
        """
        try:
            notes = sorted(path for path in self._folder.iterdir() if path.suffix == ".json")
        except OSError as error:
            msg = f"the folder of galleries {self._folder}: {error.strerror}: put it back, then restart the service"
            raise GalleryUnavailableError(msg) from error
        found: list[Record] = []
        for name in (path.stem for path in notes if NAME.fullmatch(path.stem)):
            with suppress(Refusal):  # deleted since
                found.append(self.record(name))
        return found

    def record(self, name: str) -> Record:
        """Return what is remembered of a gallery.

        Raises:
            Refusal: 404, no gallery of that name.
        """
        if not NAME.fullmatch(name):
            raise _unknown(name)
        try:
            return Record(**json.loads(self._note(name).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise _unknown(name) from None
        except (OSError, ValueError, TypeError) as error:
            msg = f"cannot read what is remembered of the gallery {name!r}: {error}"
            raise GalleryError(msg) from error

    def create(self, name: str, kind: Kind, retention_days: int | None) -> Record:
        """Make a gallery.

        Raises:
            OptionError: a name that is not one.
            ConflictError: there is one of that name.
            GalleryError: it cannot be made.
        """
        if not NAME.fullmatch(name):
            msg = f"a gallery's name is 1 to 64 of a-z, 0-9, - and _, not beginning with - or _; got {name[:80]!r}"
            raise OptionError(msg)
        if self._url and "-" in name:
            msg = f"the engine of this service allows no - in a name, got {name!r}: use _"
            raise OptionError(msg)
        with self._lock:
            if self._note(name).exists():
                msg = f"there is a gallery {name!r} already: choose another name"
                raise ConflictError(msg)
            made = Record(name, kind, retention_days, datetime.now(UTC).isoformat(timespec="seconds"))
            self._opened(name)
            self._write(made)
        return made

    def keep(self, name: str, retention_days: int | None) -> Record:
        """Change how long subjects are kept.

        Raises:
            Refusal: 404, no gallery of that name.
        """
        with self._lock:
            changed = replace(self.record(name), retention_days=retention_days)
            self._write(changed)
        return changed

    @contextmanager
    def use(self, name: str) -> Iterator[OpenGallery]:
        """Hold a gallery open.

        Raises:
            Refusal: 404, no gallery of that name.
            GalleryError: it cannot be opened.
            GalleryUnavailableError: it is being deleted.
        """
        with self._lock:
            self.record(name)
            found = self._opened(name)
            if found.closing:
                msg = f"the gallery {name!r} is being deleted"
                raise GalleryUnavailableError(msg)
            found.users += 1
        try:
            yield found
        finally:
            self._leave(name, found)

    def _leave(self, name: str, found: OpenGallery) -> None:
        with self._lock:
            found.users -= 1
            found.used_at = time.monotonic()
            self._lock.notify_all()
            if found.closing and not found.users and self._open.get(name) is not found:
                found.recognizer.close()

    def delete(self, name: str) -> Removal:
        """Erase a gallery with all that is in it, and look whether anything is left.

        Raises:
            Refusal: 404, no gallery of that name.
            GalleryUnavailableError: requests use it for too long; nothing was deleted.
        """
        with self._lock:
            self.record(name)
            found = self._opened(name)
            if found.closing:
                msg = f"the gallery {name!r} is being deleted by another request"
                raise GalleryUnavailableError(msg)
            found.closing = True
            if not self._lock.wait_for(lambda: found.users == 0, PATIENCE_S):
                found.closing = False
                msg = f"the gallery {name!r} is in use: ask again when enrolments have ended"
                raise GalleryUnavailableError(msg)
        try:
            receipt = self._emptied(name, found.recognizer.gallery)
        except BaseException:
            self._drop(name, found)  # it was closed: whoever asks next opens what is left of it
            raise
        with self._lock:
            self._open.pop(name, None)
            self._note(name).unlink(missing_ok=True)
        found.recognizer.close()
        return receipt

    def close(self) -> None:
        """Close all."""
        with self._lock:
            for found in self._open.values():
                found.recognizer.close()
            self._open.clear()

    def _opened(self, name: str) -> OpenGallery:
        """Return an open gallery; close the one that was idle longest where too many are open."""
        place = self._url.replace("{gallery}", name) if self._url else self._folder / f"{name}.db"
        found = self._open.get(name)
        if found is not None and not found.closing and found.file != _file(place):
            self._open.pop(name)  # another process deleted it; the last who uses it closes it
            found.closing = True
            if not found.users:
                found.recognizer.close()
            found = None
        if found is None:
            self._make_room()
            recognizer = self._recognizer(open_gallery(place, model=self._model, dim=self._dim))
            found = self._open[name] = OpenGallery(recognizer, file=_file(place))
        return found

    def _drop(self, name: str, found: OpenGallery) -> None:
        with self._lock:
            self._open.pop(name, None)
        found.recognizer.close()

    def _make_room(self) -> None:
        idle = [(found.used_at, name) for name, found in self._open.items() if not found.users and not found.closing]
        if len(self._open) >= self._most_open and idle:
            _, name = min(idle)
            self._open.pop(name).recognizer.close()

    def _emptied(self, name: str, gallery: Gallery) -> Removal:
        subjects, templates = len(gallery), gallery.count()
        if self._url:
            receipts = [gallery.remove(subject.name) for subject in gallery.subjects()]
            places = sorted({place for receipt in receipts for place in receipt.places_checked})
            remains = sorted({place for receipt in receipts for place in receipt.remains})
            return Removal(name, subjects, templates, tuple(places), tuple(remains))
        gallery.close()
        places = sorted(path.name for path in self._files(name))
        for path in self._files(name):
            _shred(path)
        return Removal(name, subjects, templates, tuple(places), tuple(sorted(p.name for p in self._files(name))))

    def _files(self, name: str) -> list[Path]:
        """Return the database and all that lies beside it; no other gallery's name has a dot."""
        found = [path for path in self._folder.glob(f"{name}.db*") if not path.is_dir()]
        for folder in (path for path in self._folder.glob(f"{name}.db*") if path.is_dir()):
            found += [path for path in folder.rglob("*") if path.is_file()]
        return found

    def _note(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _write(self, record: Record) -> None:
        try:
            write_whole(self._note(record.name), json.dumps(asdict(record)).encode())
        except ModelError as error:  # it cannot be written: the disk is full, say
            msg = f"what is remembered of the gallery {record.name!r} cannot be written: free space, or try again later"
            raise GalleryUnavailableError(msg) from error


def _file(place: Path | str) -> tuple[int, int] | None:
    """Return how the system tells a file from others; None for another engine, or where there is none."""
    try:
        known = place.stat() if isinstance(place, Path) else None
    except FileNotFoundError:
        return None
    return (known.st_dev, known.st_ino) if known else None


def _unknown(name: str) -> Refusal:
    return Refusal(404, "UnknownGalleryError", f"no gallery {name[:80]!r}: GET /v1/galleries lists them")


def _shred(path: Path) -> None:
    """Overwrite a file with zeros, then remove it; a disk that remaps blocks may keep old ones all the same."""
    with path.open("r+b") as file:
        left = path.stat().st_size
        while left > 0:
            left -= file.write(bytes(min(left, _CHUNK)))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
