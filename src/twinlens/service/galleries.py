"""Names -> open galleries: one file a gallery in one folder, or another engine by a template of its URL.

A name that comes from outside is a small alphabet, never a path. What the service itself must remember of a gallery
(its kind, how long its subjects are kept) lies in a small JSON file beside it, its note; see `twinlens.service.notes`.

A gallery is erased in three steps: its note says that it is being erased, and from then on there is no gallery of that
name; what is in it is destroyed; the note is removed. A process that is killed in between leaves a note that says so,
and whoever finds it does the rest: nothing half erased is ever opened.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from twinlens.errors import ConflictError, GalleryError, GalleryUnavailableError, OptionError
from twinlens.gallery import open_gallery
from twinlens.gallery.header import fsync_folder
from twinlens.gallery.locks import SUPPORTED, exclusive
from twinlens.protocols import Gallery
from twinlens.recognizer import Recognizer
from twinlens.service.notes import NAME, DamagedNoteError, Notes, unknown
from twinlens.service.records import UNKNOWN, Kind, Record, Removal, Survey
from twinlens.service.refusals import Refusal
from twinlens.service.shredding import files_of, shred

PATIENCE_S = 10.0  # how long an erasure waits for requests that use the gallery, and for another erasure
ERASING = "erasing.lock"  # held by the process that erases; no gallery's name has a dot


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
        self._url, self._most_open, self._notes = url, most_open, Notes(folder)
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
        return list(self.survey().records)

    def survey(self) -> Survey:
        """Return the galleries by name, and which cannot be used because their note is damaged.

        Raises:
            GalleryUnavailableError: the folder is gone or cannot be read.
        """
        found: list[Record] = []
        damaged: list[str] = []
        for name in self._notes.names():
            try:
                found.append(self.record(name))
            except DamagedNoteError:
                damaged.append(name)
            except Refusal:  # deleted since
                continue
        return Survey(tuple(found), tuple(damaged))

    def record(self, name: str) -> Record:
        """Return what is remembered of a gallery.

        Raises:
            Refusal: 404, no gallery of that name, or one that is being erased.
            DamagedNoteError: it cannot be read.
        """
        found = self._notes.read(name)
        if found.erasing:
            raise unknown(name)
        return found

    def erasing(self) -> list[str]:
        """Return the galleries whose erasure has begun and not ended; a process that was killed may have left them."""
        found: list[str] = []
        for name in self._notes.names():
            with suppress(Refusal, DamagedNoteError):  # only a note that can be read says so
                if self._notes.read(name).erasing:
                    found.append(name)
        return found

    def create(self, name: str, kind: Kind, retention_days: int | None) -> Record:
        """Make a gallery.

        Raises:
            OptionError: a name that is not one.
            ConflictError: there is one of that name.
            DamagedNoteError: there is one, and its note cannot be read.
            GalleryError: it cannot be made.
        """
        if not NAME.fullmatch(name):
            msg = f"a gallery's name is 1 to 64 of a-z, 0-9, - and _, not beginning with - or _; got {name[:80]!r}"
            raise OptionError(msg)
        if self._url and "-" in name:
            msg = f"the engine of this service allows no - in a name, got {name!r}: use _"
            raise OptionError(msg)
        with self._lock:
            if self._notes.exists(name):
                erasing = self._notes.read(name).erasing
                told = "is being erased: ask again soon, or" if erasing else "is there already:"
                msg = f"the gallery {name!r} {told} choose another name"
                raise ConflictError(msg)
            made = replace(_fresh(name), kind=kind, retention_days=retention_days)
            self._opened(name)
            self._notes.write(made)
        return made

    def keep(self, name: str, retention_days: int | None) -> Record:
        """Change how long subjects are kept.

        Raises:
            Refusal: 404, no gallery of that name.
            GalleryUnavailableError: one is being erased for too long.
        """
        self.record(name)
        with self._alone(name), self._lock:
            changed = replace(self.record(name), retention_days=retention_days)
            self._notes.write(changed)
        return changed

    @contextmanager
    def use(self, name: str, made: str | None = None) -> Iterator[OpenGallery]:
        """Hold a gallery open.

        Args:
            name: of the gallery.
            made: the id of its record when a long request began; None where it does not matter.

        Raises:
            Refusal: 404, no gallery of that name; 410, it is another one than that which the request began with.
            DamagedNoteError: what is remembered of it cannot be read.
            GalleryError: it cannot be opened.
            GalleryUnavailableError: it is being deleted.
        """
        with self._lock:
            self._check(name, made)
            found = self._opened(name)
            if found.closing:
                msg = f"the gallery {name!r} is being deleted"
                raise GalleryUnavailableError(msg)
            if made is not None:  # what was opened is what was there before: a note goes first and comes last
                self._check(name, made)
            found.users += 1
        try:
            yield found
        finally:
            self._leave(name, found)

    def _check(self, name: str, made: str | None) -> None:
        if self.record(name).id != made and made is not None:
            msg = f"the gallery {name!r} was erased meanwhile, and one of that name made anew: send the photos again"
            raise Refusal(410, "ErasedError", msg)

    def _leave(self, name: str, found: OpenGallery) -> None:
        with self._lock:
            found.users -= 1
            found.used_at = time.monotonic()
            self._lock.notify_all()
            if found.closing and not found.users and self._open.get(name) is not found:
                found.recognizer.close()

    @contextmanager
    def erasure(self, name: str, begin: Callable[[], None] = lambda: None) -> Iterator[Removal]:
        """Erase a gallery with all that is in it, and look whether anything is left; or do the rest of that.

        In the block the receipt is written down; the name is free when it has ended. Where the block is not reached or
        fails, the erasure is not over: see `erasing`. A gallery whose note is damaged is erased, too.

        Args:
            name: of the gallery.
            begin: called when nobody uses the gallery any more and nothing has been done yet; not where an erasure
                that had begun is resumed.

        Raises:
            Refusal: 404, no gallery of that name.
            GalleryUnavailableError: requests use it for too long, nothing was erased; or its files cannot be erased
                now, and it is no gallery any more.
        """
        self._erasable(name)
        with self._alone(name):
            record = self._erasable(name)
            resumed = record.erasing
            if not resumed:
                record = self._marked(record, begin)
            try:
                places, remains = self._remove_all(name) if self._url else self._shred_all(name)
            except OSError as error:
                msg = f"the gallery {name!r} is not wholly erased yet ({error.strerror or error}): ask again"
                raise GalleryUnavailableError(msg) from error
            yield Removal(name, record.subjects, record.templates, places, remains, resumed)
            with self._lock:
                self._notes.remove(name)

    def _erasable(self, name: str) -> Record:
        """Return what is remembered of a gallery; of one whose note is damaged that it is there."""
        try:
            return self._notes.read(name)
        except DamagedNoteError:
            return _fresh(name)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Hold what one process at a time may hold: whoever erases a gallery, or changes a note."""
        with exclusive(self._folder / ERASING, PATIENCE_S) as free:
            if not free and SUPPORTED:
                msg = f"the gallery {name!r}: another one is being erased; ask again"
                raise GalleryUnavailableError(msg)
            yield

    def _marked(self, record: Record, begin: Callable[[], None]) -> Record:
        """Make a gallery none: from here on its erasure will be finished."""
        with self._lock, self._quiet(record.name) as gallery:
            sizes = (UNKNOWN, UNKNOWN) if gallery is None else (len(gallery), gallery.count())
            begin()
            marked = replace(record, erasing=True, subjects=sizes[0], templates=sizes[1])
            self._notes.write(marked)
        return marked

    @contextmanager
    def _quiet(self, name: str) -> Iterator[Gallery | None]:
        """Give a gallery that nobody uses; closed at the end. None where it cannot be read: it can still be erased."""
        try:
            found = self._opened(name)
        except GalleryUnavailableError:
            raise
        except GalleryError:
            yield None
            return
        self._keep_others_out(name, found)
        try:
            yield found.recognizer.gallery
        except BaseException:
            found.closing = False
            raise
        self._open.pop(name, None)
        found.recognizer.close()

    def _keep_others_out(self, name: str, found: OpenGallery) -> None:
        if found.closing:
            msg = f"the gallery {name!r} is being deleted by another request"
            raise GalleryUnavailableError(msg)
        found.closing = True
        if not self._lock.wait_for(lambda: found.users == 0, PATIENCE_S):
            found.closing = False
            msg = f"the gallery {name!r} is in use: ask again when enrolments have ended"
            raise GalleryUnavailableError(msg)

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

    def _make_room(self) -> None:
        idle = [(found.used_at, name) for name, found in self._open.items() if not found.users and not found.closing]
        if len(self._open) >= self._most_open and idle:
            _, name = min(idle)
            self._open.pop(name).recognizer.close()

    def _shred_all(self, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Destroy the files of a gallery; return which they were, and which are left."""
        files = files_of(self._folder, f"{name}.db")
        for path in files:
            with suppress(FileNotFoundError):  # closed by its last user, who took it away
                shred(path)
        fsync_folder(self._folder)
        left = files_of(self._folder, f"{name}.db")
        return tuple(path.name for path in files), tuple(path.name for path in left)

    def _remove_all(self, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Remove everybody from a gallery of another engine; return where was looked, and where something is left."""
        gallery = open_gallery(self._url.replace("{gallery}", name), model=self._model, dim=self._dim)
        try:
            receipts = [gallery.remove(subject.name) for subject in gallery.subjects()]
        finally:
            gallery.close()
        places = sorted({place for receipt in receipts for place in receipt.places_checked})
        remains = sorted({place for receipt in receipts for place in receipt.remains})
        return tuple(places), tuple(remains)


def _file(place: Path | str) -> tuple[int, int] | None:
    """Return how the system tells a file from others; None for another engine, or where there is none."""
    try:
        known = place.stat() if isinstance(place, Path) else None
    except FileNotFoundError:
        return None
    return (known.st_dev, known.st_ino) if known else None


def _fresh(name: str) -> Record:
    """Return the record of a gallery that is made now."""
    return Record(name, "people", None, datetime.now(UTC).isoformat(timespec="seconds"), id=secrets.token_hex(16))
