"""Folder, gallery, who looks -> reports: the gallery follows the folder, and only what changed is looked at."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from twinlens.errors import GalleryUnavailableError, MissingPhotosError
from twinlens.gallery import SqliteGallery
from twinlens.protocols import Gallery
from twinlens.recognizer.collection.keeping import Keeper
from twinlens.recognizer.collection.ledger import Entry, Ledger, Row, subjects_of
from twinlens.recognizer.collection.looking import Look, Task
from twinlens.recognizer.collection.walking import Closed, walk
from twinlens.recognizer.results import EnrolmentReport, Outcome

LookAt = Callable[[Iterable[Task]], Iterator[Look]]
_KEEP = 64  # photos stored at once: a commit is shared, and a kill costs this many
_KEEP_S = 2.0  # nor is anything kept waiting for longer
MOST_GONE = 0.2  # of the photos known: more than these, and
FEWEST_GONE = 10  # at least so many, are not erased unasked
_STAMP = re.compile(r"(\d+):(\d+):(.+)#(\d+)", re.DOTALL)
_KNOWN: dict[str, Outcome] = {"done": "already enrolled", "unreadable": "still unreadable"}


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How a folder is indexed.

    Attributes:
        ledger: where to note what was looked at; None: beside the gallery's file, or in the folder.
        settings: how photos are looked at, in a few words; kept with each photo.
        again: also look at photos that were looked at with other settings, or could not be read.
        forget_missing: erase the faces of photos that are gone however many they are.
        progress: called with (photos looked at, photos to look at), the first time when these are counted.
    """

    ledger: Path | None = None
    settings: str = ""
    again: bool = False
    forget_missing: bool = False
    progress: Callable[[int, int], None] | None = None


@runtime_checkable
class Identified(Protocol):
    """A gallery that can be told from another in its place."""

    @property
    def identity(self) -> str:
        """What it alone is called."""
        ...


def ledger_path(gallery: Gallery, folder: Path) -> Path:
    """Return where an index notes what was looked at: beside a gallery's file, otherwise in the folder."""
    if isinstance(gallery, SqliteGallery):
        return gallery.path.with_name(f"{gallery.path.name}.seen")
    return folder / ".twinlens.seen"


def index_collection(
    folder: Path, gallery: Gallery, look_at: LookAt, options: IndexOptions | None = None
) -> Iterator[EnrolmentReport]:
    """Make a gallery hold the faces of the photos under a folder; what a report tells is safe on the disk.

    One report a photo, at first for those that need no look (``already enrolled``, ``unchanged`` where nobody is on
    them, ``still unreadable`` where it failed before), then as they are looked at, at last for those that are gone
    (``removed``). A folder that cannot be listed is
    reported, and what is known of it stays. A photo whose faces a person removed from the gallery is not added again
    until it changes. Where more than `MOST_GONE` of the photos are gone, and `FEWEST_GONE` or more, or the folder shows
    none at all, nothing is erased unless ``forget_missing`` says so; those that were moved do not count.

    Args:
        folder: photos; links are followed.
        gallery: where faces go, each a subject ``PHOTO#N``.
        look_at: tasks -> looks, in any order.
        options: where to note things, and what to do again.

    Raises:
        ImageError: the folder cannot be listed.
        MissingPhotosError: too many photos are gone; everything else was done.
        GalleryError: gallery or ledger cannot be used, or another index is at work.
        ModelError: the networks do not work.
    """
    options = options or IndexOptions()
    root = folder.resolve()
    with Ledger(options.ledger or ledger_path(gallery, root), root, options.settings) as ledger:
        _match(ledger, gallery, root)
        if isinstance(gallery, SqliteGallery):
            with suppress(GalleryUnavailableError):  # it is in use: the next run will
                gallery.finish_removals()  # what a killed run erased, and did not prove
        before = ledger.known()
        photos = iter(()) if before and not root.exists() else walk(root)
        for known in ledger.survey(photos, again=options.again):
            yield _unlisted(known, root) if isinstance(known, Closed) else _unchanged(known, root)
        if not options.forget_missing:
            _believe(ledger, folder, before, moved=ledger.to_do())  # in vain is nothing looked at
        keeper = Keeper(gallery, ledger, root)
        yield from _look(ledger, keeper, root, look_at, options)
        if not options.forget_missing:
            _believe(ledger, folder, before)
        yield from keeper.remove(ledger.missing())


def _believe(ledger: Ledger, folder: Path, before: int, moved: int = 0) -> None:
    """Refuse to take photos for gone that probably are on a disk which is not mounted.

    Args:
        ledger: after the folder was listed.
        folder: as it was named.
        before: how many photos were known.
        moved: how many of those that are gone may still be found under another name.

    Raises:
        MissingPhotosError: too many.
    """
    gone = ledger.gone() - moved
    if gone <= 0 or not (ledger.seen_nothing() or (gone >= FEWEST_GONE and gone > MOST_GONE * before)):
        return
    there = "" if folder.exists() else ", which is not there itself"
    msg = (
        f"{gone:,} of the {before:,} photos that were indexed are not in {folder}{there}: is a disk not mounted? "
        "Nothing of them was erased. If they are gone for good, index again with --forget-missing"
    )
    raise MissingPhotosError(msg)


def _look(
    ledger: Ledger, keeper: Keeper, root: Path, look_at: LookAt, options: IndexOptions
) -> Iterator[EnrolmentReport]:
    """Look at what is new or changed."""
    total = ledger.to_do()
    again: deque[Task] = deque()
    done = 0
    if options.progress:
        options.progress(0, total)
    tasks: Iterable[Task] = (
        Task(photo.name, str(root / photo.name), photo.size, photo.mtime_ns, known)
        for photo, known in ledger.tasks()
    )  # fmt: skip
    while True:
        for looks in _batched(look_at(tasks)):
            reported = set()
            for report in keeper.keep(looks):
                reported.add(report.subject)
                yield report
            # of two new copies of one moved photo the second must be looked at after all
            again.extend(_unknown(look.task) for look in looks if look.task.name not in reported)
            done += len(reported)
            if options.progress:
                options.progress(done, total)
        if not again:
            return
        tasks, again = list(again), deque()


def _unknown(task: Task) -> Task:
    return Task(task.name, task.path, task.size, task.mtime_ns)


def _batched(looks: Iterator[Look]) -> Iterator[list[Look]]:
    batch: list[Look] = []
    begun = time.monotonic()
    for look in looks:
        batch.append(look)
        if len(batch) >= _KEEP or time.monotonic() - begun >= _KEEP_S:
            yield batch
            batch, begun = [], time.monotonic()
    if batch:
        yield batch


def _match(ledger: Ledger, gallery: Gallery, root: Path) -> None:
    """Begin anew from what the gallery holds, where the ledger is new or goes with another gallery."""
    identity = gallery.identity if isinstance(gallery, Identified) else ""
    if ledger.fresh or ledger.gallery() != identity:
        ledger.start(identity, _held(gallery, root))


def _held(gallery: Gallery, root: Path) -> Iterator[Entry]:
    """Read which photos of a folder a gallery holds, off the keys of their faces."""
    faces: dict[str, tuple[re.Match[str], int]] = {}
    for entry in gallery.entries():
        key = _STAMP.fullmatch(entry.photo)
        if key is not None and Path(entry.source).is_relative_to(root):
            stamp, number = entry.photo.rpartition("#")[0], int(key[4])
            faces[stamp] = (key, max(number, faces.get(stamp, (key, 0))[1]))
    for stamp, (key, count) in faces.items():
        yield Entry(key[3], key[3], int(key[1]), int(key[2]), None, "done", stamp=stamp, faces=count)


def _unlisted(closed: Closed, root: Path) -> EnrolmentReport:
    place = str(root / closed.name)
    reason = f"{place}: cannot be listed: {closed.reason}; what was indexed of it stays"
    return EnrolmentReport(place, closed.name, "unreadable", (reason,))


def _unchanged(row: Row, root: Path) -> EnrolmentReport:
    path, faces = str(root / row.name), subjects_of(row.label, row.faces)
    outcome = _KNOWN.get(row.outcome, "unchanged")
    return EnrolmentReport(path, row.name, outcome, row.reasons(path), faces=faces)
