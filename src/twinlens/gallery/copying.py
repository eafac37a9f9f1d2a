"""Gallery, gallery -> everything of the one in the other, whatever their engines, proven by a count and a checksum."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from twinlens.errors import GalleryError, OptionError
from twinlens.gallery import portable, writing
from twinlens.gallery.contract import Contract, GalleryOptions
from twinlens.gallery.database import Database
from twinlens.protocols import Enrolment, Gallery, Subject

_CHUNK = 2_000  # templates a step: what is lost when it is interrupted
_ROUND = 1 << 256

Progress = Callable[[str, int, int], None]
"""Is told "reading", "copying" or "comparing", how many templates are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy came to.

    Attributes:
        subjects: in both galleries now.
        templates: in both galleries now.
        added: templates that were not in the target before.
        checksum: over all templates and subjects of the target, 64 hexadecimal digits; the source's is the same.
    """

    subjects: int
    templates: int
    added: int
    checksum: str


def _digest(parts: Iterable[bytes]) -> bytes:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.digest()


def _template_digest(entry: Enrolment) -> bytes:
    texts = (entry.subject, entry.photo, entry.source, float(entry.quality).hex())
    return _digest([*(text.encode() for text in texts), entry.embedding.vector.astype(writing.VECTOR).tobytes()])


def _subject_digest(subject: Subject) -> bytes:
    pairs = [text for pair in sorted(subject.tags.items()) for text in pair]
    return _digest(text.encode() for text in ("subject", subject.name, subject.created_at, *pairs))


def checksum_of(gallery: Gallery, progress: Progress | None = None) -> tuple[int, str]:
    """Return how many templates a gallery holds and a checksum that does not depend on their order.

    Args:
        gallery: is read as a whole.
        progress: is told how far it is.
    """
    digests = [_template_digest(entry) for entry in _told(gallery, "comparing", progress)]
    return len(digests), _summed(digests, gallery.subjects())


def _told(gallery: Gallery, stage: str, progress: Progress | None) -> Iterator[Enrolment]:
    """Yield everything in a gallery, and tell now and then how far it is."""
    total = gallery.count() if progress is not None else 0
    for number, entry in enumerate(gallery.entries()):
        if progress is not None and number % _CHUNK == 0:
            progress(stage, number, max(total, number))
        yield entry


def _summed(digests: Iterable[bytes], subjects: Iterable[Subject]) -> str:
    total = sum(int.from_bytes(digest, "big") for digest in digests)
    total += sum(int.from_bytes(_subject_digest(subject), "big") for subject in subjects)
    return f"{total % _ROUND:064x}"


def copy_gallery(source: Gallery, target: Gallery, progress: Progress | None = None) -> Copied:
    """Copy everything; where a copy was interrupted, the rest of it. The source stays as it is.

    Nobody should write to either meanwhile; if somebody did, the checksums differ and the error says so.
    Memory: some 100 bytes a template.

    Args:
        source: where from.
        target: where to: empty, or with a part of the source's content and nothing else.
        progress: is told how far it is, a few times a second.

    Raises:
        OptionError: both are one gallery's object.
        GalleryError: the target holds something else, or the two differ in the end.
        ModelMismatchError: the target is for another model.
        GalleryUnavailableError: one of them does not answer; the same call goes on where it stopped.
    """
    if source is target:
        msg = "a gallery cannot be copied into itself; name another one"
        raise OptionError(msg)
    wanted = {_template_digest(entry) for entry in _told(source, "reading", progress)}
    subjects = {subject.name: subject for subject in source.subjects()}
    there = _contained(target, wanted)
    missing = (entry for entry in source.entries() if _template_digest(entry) not in there)
    done = len(there)
    for chunk in _steps(missing):
        _hand_over(chunk, subjects, target)
        done += len(chunk)
        if progress is not None:
            progress("copying", done, len(wanted))
    count, checksum = checksum_of(target, progress)
    expected = _summed(wanted, subjects.values())
    if (count, checksum) != (len(wanted), expected):
        msg = (
            f"the copy is not equal: {len(wanted)} templates and checksum {expected[:12]} in the source, {count} and "
            f"{checksum[:12]} in the target; somebody wrote meanwhile, or tags were changed: make the target empty and "
            "copy again"
        )
        raise GalleryError(msg)
    return Copied(len(subjects), count, count - len(there), checksum)


def _contained(target: Gallery, wanted: set[bytes]) -> set[bytes]:
    """Return what a target holds already.

    Raises:
        GalleryError: something that is not wanted.
    """
    there: set[bytes] = set()
    for entry in target.entries():
        digest = _template_digest(entry)
        if digest not in wanted:
            msg = (
                f"the target holds something else, for instance {entry.subject!r} ({entry.source or entry.photo}): "
                "name an empty gallery; to merge two, use export and import"
            )
            raise GalleryError(msg)
        there.add(digest)
    return there


def _steps(entries: Iterator[Enrolment]) -> Iterator[list[Enrolment]]:
    while step := list(islice(entries, _CHUNK)):
        yield step


def _hand_over(held: Sequence[Enrolment], subjects: Mapping[str, Subject], target: Gallery) -> None:
    """Import some templates, with the dates and tags of their subjects, all or none."""
    contract = Contract(held[0].embedding.model, held[0].embedding.vector.size)
    with tempfile.TemporaryDirectory(prefix="twinlens-") as folder:
        path = Path(folder) / "step.zip"
        with closing(Database(Path(folder) / "step.db", contract, GalleryOptions())) as database:
            with database.writing() as connection:
                for entry in held:
                    writing.add(connection, [entry], subjects[entry.subject].created_at)
                for name in {entry.subject for entry in held}:
                    writing.tag(connection, name, subjects[name].tags)
            portable.write_export(database, path, replace=False)
        target.import_from(path)
