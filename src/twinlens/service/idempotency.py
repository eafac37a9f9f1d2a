"""Idempotency-Key -> the answer that was given, so that a request may be repeated without being done twice.

Follows https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/: the same key with another request
is 422, with one that is still being worked on 409. A claim whose process was killed, or whose client left, is taken
over by whoever repeats the request; the work is then done again, which is why only work that may be done again is put
behind a key (a photo that is enrolled is "already enrolled" the second time). Who was erased in between is not stored
again: that is 410, for as long as the key is kept.

What is kept is a digest of the request and the answer: no photo, no template. An answer names people; when one of them
is erased it is blanked, and its key stays taken: an old request that is repeated late brings nobody back. A request
that is still in work then has its answer blanked when it ends; with a gallery all answers about it are blanked, also
those that name only people who were not enrolled.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from twinlens.errors import OptionError
from twinlens.service.ledger import Kind, Ledger
from twinlens.service.presence import Presence
from twinlens.service.refusals import PROBLEM, Refusal

DAY_S = 86_400.0
_LONGEST_KEY = 255
_LONGEST_BODY = 8 * 1024 * 1024
_CLEAN_EVERY = 100  # claims
_KIND = Kind(
    "stored answers",
    0x54574C49,  # "TWLI"
    """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE answers (
  id INTEGER PRIMARY KEY AUTOINCREMENT, caller TEXT NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL,
  owner TEXT NOT NULL, expires_at REAL NOT NULL, status INTEGER, content_type TEXT, body BLOB,
  content BLOB);
CREATE UNIQUE INDEX answers_by_key ON answers (caller, key);
CREATE INDEX answers_by_expiry ON answers (expires_at);
CREATE TABLE mentions (
  subject BLOB NOT NULL, answer INTEGER NOT NULL REFERENCES answers(id) ON DELETE CASCADE,
  PRIMARY KEY (subject, answer)) WITHOUT ROWID;
CREATE INDEX mentions_by_answer ON mentions (answer);
INSERT INTO meta VALUES ('pepper', randomblob(32))
""",
    upgrades=(
        """
ALTER TABLE answers ADD COLUMN gallery TEXT NOT NULL DEFAULT '';
CREATE INDEX answers_by_gallery ON answers (gallery);
CREATE TABLE erased (
  subject BLOB NOT NULL, answer INTEGER NOT NULL REFERENCES answers(id) ON DELETE CASCADE,
  PRIMARY KEY (subject, answer)) WITHOUT ROWID;
CREATE INDEX erased_by_answer ON erased (answer)
""",
    ),
    afresh="move it away: requests that are repeated are then done again",
)
_MARK = "INSERT OR IGNORE INTO erased SELECT ?, id FROM answers WHERE gallery = ? AND status IS NULL"
_EVERYBODY = b""  # of a gallery, in the table of those who were erased while an answer was in work
_FACE = re.compile(r"(.+)#\d+")  # a face of an album; answers name its photo
GONE = 410
_TOO_LONG = "this was done; the answer was too long to be kept: ask for what is stored now"


class Digest:
    """What tells one request from another: named parts, in order, as they come.

    A repeated multipart request has other boundaries, so what was parsed counts, not the bytes of the body.
    """

    def __init__(self) -> None:
        self._whole = hashlib.sha256()

    def add(self, name: str, content: bytes) -> None:
        """Take in one part: the method, the path, options as JSON, a photo as it came."""
        for piece in (name.encode(errors="surrogatepass"), content):
            self._whole.update(len(piece).to_bytes(8, "big"))
            self._whole.update(piece)

    def value(self) -> bytes:
        """Return the digest of what came so far, 32 bytes."""
        return self._whole.digest()


def digest_of(method: str, path: str, parts: Iterable[tuple[str, bytes]] = ()) -> bytes:
    """Return the digest of a request that is at hand as a whole."""
    digest = Digest()
    for name, content in (("method", method.encode()), ("path", path.encode(errors="surrogatepass")), *parts):
        digest.add(name, content)
    return digest.value()


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer as it was given.

    Attributes:
        status: of HTTP.
        content_type: of the body.
        body: what was sent.
        content: digest of the photos that were answered, where they were not known yet when the claim was made.
    """

    status: int
    content_type: str
    body: bytes
    content: bytes = b""

    def check(self, content: bytes) -> None:
        """Refuse to give this answer to other photos: for requests that are worked on while they still come.

        Raises:
            Refusal: 422.
        """
        if not hmac.compare_digest(self.content, content):
            raise _another_request()


def erased() -> Refusal:
    """Return what is said instead of an answer about somebody who was erased."""
    told = "this was done; somebody whom the answer named was erased since, or renamed while it was done"
    return Refusal(GONE, "ErasedError", told)


def _blank(content: bytes = b"") -> Stored:
    return Stored(GONE, PROBLEM, json.dumps(erased().problem()).encode(), content)


def _another_request() -> Refusal:
    told = "this Idempotency-Key was sent with another request: a new request needs a new key"
    return Refusal(422, "IdempotencyKeyError", told)


class Claim:
    """A request that is being worked on; ends with `finish`, or is let go of at the end of its ``with`` block."""

    def __init__(self, answers: Answers, row: int, gone: frozenset[bytes] = frozenset(), *, worked: bool) -> None:
        self._answers = answers
        self._row = row
        self._gone = gone
        self._worked = worked
        self._ended = False

    def work(self, gallery: str, subject: str) -> None:
        """Say whom the work is about, before anything is stored: from here on the key stays taken.

        Raises:
            Refusal: 410, they were erased or renamed since the work was first begun: it would bring them back.
        """
        if self._answers.mention(gallery, subject) in self._gone:
            raise erased()
        self._worked = True

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._ended:
            self._ended = True
            self._answers.release(self._row, worked=self._worked)

    def finish(self, answer: Stored, *, gallery: str = "", subjects: Iterable[str] = ()) -> None:
        """Keep the answer; once this has returned, a repeated request gets it, also after a power cut.

        Args:
            answer: what was said.
            gallery: of the people whom it names; the one that was claimed for.
            subjects: these people.

        Raises:
            ServiceError: it cannot be stored; the work is done all the same.
        """
        self._answers.keep(self._row, answer, gallery, subjects)
        self._ended = True


class Answers:
    """Answers by caller and Idempotency-Key, in one file for all processes of the service.

    Args:
        path: the file, made with mode 0600; marks of living processes lie in a folder beside it.
        lifetime_s: how long an answer is kept, seconds.
        most: answers kept; above, the oldest are dropped.
        clock: seconds since 1970.

    Raises:
        ServiceError: the file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        lifetime_s: float = DAY_S,
        most: int = 50_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not lifetime_s > 0 or most < 1:
            msg = f"answers are kept for more than 0 s and 1 or more of them, got {lifetime_s} and {most}"
            raise OptionError(msg)
        self._lifetime_s, self._most, self._clock = lifetime_s, most, clock
        self._ledger = Ledger(path, _KIND)
        self._presence = Presence(path.with_name(f"{path.name}.owners"))
        self._lock = threading.Lock()
        self._held: set[int] = set()
        self._claims = 0
        with self._ledger.writing() as connection:
            (self._pepper,) = connection.execute("SELECT value FROM meta WHERE key = 'pepper'").fetchone()

    def claim(self, caller: str, key: str, digest: bytes, gallery: str = "") -> Stored | Claim:
        """Return the answer that was given, or the right to work on it.

        Args:
            caller: the id of the API key: callers do not see each other's answers.
            key: the header Idempotency-Key.
            digest: see `digest_of`; of method, path and options alone where photos are stored while others still come:
                then `Stored.content` and `Stored.check` tell photos apart.
            gallery: of the people whom the answer will name.

        Raises:
            Refusal: 422 for an unusable key or another request under the same key; 409 while another works on it; 410
                where what was begun was about a gallery that was erased since.
            ServiceError: the file cannot be used.
        """
        if not 1 <= len(key) <= _LONGEST_KEY or not key.isascii() or not key.isprintable():
            told = f"an Idempotency-Key has 1 to {_LONGEST_KEY} printable ASCII characters: send a random UUID"
            raise Refusal(422, "IdempotencyKeyError", told)
        gone = frozenset[bytes]()
        with self._lock, self._ledger.writing() as connection:
            self._clean(connection)
            found = connection.execute(
                "SELECT id, digest, owner, status, content_type, body, content FROM answers "
                "WHERE caller = ? AND key = ?",
                (caller, key),
            ).fetchone()
            if found is None:
                row = self._insert(connection, (caller, key, digest), gallery)
            elif not hmac.compare_digest(found[1], digest):
                raise _another_request()
            elif found[3] is not None:
                return Stored(*found[3:])
            else:
                row, gone = self._take_over(connection, found[0], found[2])
            self._held.add(row)
        return Claim(self, row, gone, worked=found is not None)

    def _insert(self, connection: sqlite3.Connection, request: tuple[str, str, bytes], gallery: str) -> int:
        values = (*request, self._presence.token, self._clock() + self._lifetime_s, gallery)
        done = connection.execute(
            "INSERT INTO answers (caller, key, digest, owner, expires_at, gallery) VALUES (?, ?, ?, ?, ?, ?)", values
        )
        return int(done.lastrowid or 0)

    def _take_over(self, connection: sqlite3.Connection, row: int, owner: str) -> tuple[int, frozenset[bytes]]:
        """Go on with what was begun, if nobody works on it any more; return also who was erased since."""
        held = row in self._held if owner == self._presence.token else owner and self._presence.lives(owner)
        if held:
            told = "the same request is being worked on: ask again soon"
            raise Refusal(409, "InProgressError", told, retry_after_s=1)
        gone = _gone(connection, row)
        if _EVERYBODY in gone:
            raise erased()
        connection.execute("UPDATE answers SET owner = ? WHERE id = ?", (self._presence.token, row))
        return row, frozenset(gone)

    def _clean(self, connection: sqlite3.Connection) -> None:
        """Drop answers whose time is over, and the oldest where there are too many."""
        now = self._clock()
        connection.execute("DELETE FROM answers WHERE expires_at <= ? AND status IS NOT NULL", (now,))
        connection.execute("DELETE FROM answers WHERE expires_at <= ?", (now - self._lifetime_s,))
        self._claims += 1
        if self._claims % _CLEAN_EVERY == 1:
            connection.execute(
                "DELETE FROM answers WHERE status IS NOT NULL AND id <= (SELECT max(id) FROM answers) - ?",
                (self._most,),
            )

    def keep(self, row: int, answer: Stored, gallery: str, subjects: Iterable[str]) -> None:
        """Store an answer; see `Claim.finish`."""
        if len(answer.body) > _LONGEST_BODY:
            body = json.dumps({"detail": _TOO_LONG}).encode()
            answer = replace(answer, content_type="application/json", body=body)
        names = {self.mention(gallery, subject) for subject in subjects}
        with self._ledger.writing() as connection:
            if _gone(connection, row) & {*names, _EVERYBODY}:
                answer, names = _blank(answer.content), set()
            connection.execute("DELETE FROM erased WHERE answer = ?", (row,))
            connection.execute(
                "UPDATE answers SET status = ?, content_type = ?, body = ?, content = ? WHERE id = ?",
                (answer.status, answer.content_type, answer.body, answer.content, row),
            )
            connection.executemany("INSERT INTO mentions VALUES (?, ?)", [(name, row) for name in names])
        with self._lock:
            self._held.discard(row)

    def release(self, row: int, *, worked: bool) -> None:
        """Let a repeated request do the work: this one failed, or its client left.

        Args:
            row: which.
            worked: something may have been stored, so the key stays taken: a repeated request must not bring back
                somebody who is erased in between.
        """
        let_go = "UPDATE answers SET owner = '' WHERE id = ?" if worked else "DELETE FROM answers WHERE id = ?"
        try:
            with self._ledger.writing() as connection:
                connection.execute(f"{let_go} AND status IS NULL", (row,))
        finally:
            with self._lock:
                self._held.discard(row)

    def forget(self, gallery: str, *subjects: str) -> int:
        """Blank every answer that names one of these people; return how many. Those in work are blanked at their end.

        An answer about an album names photos: it is blanked with the first of a photo's faces.
        """
        called = {name for subject in subjects for name in (subject, *_FACE.findall(subject))}
        names = [(self.mention(gallery, name),) for name in called]
        blank = _blank()
        with self._ledger.writing() as connection:
            done = connection.executemany(
                "UPDATE answers SET status = ?, content_type = ?, body = ? "
                "WHERE id IN (SELECT answer FROM mentions WHERE subject = ?)",
                [(blank.status, blank.content_type, blank.body, *name) for name in names],
            )
            connection.executemany("DELETE FROM mentions WHERE subject = ?", names)
            connection.executemany(_MARK, [(*name, gallery) for name in names])
        return max(done.rowcount, 0)

    def forget_gallery(self, gallery: str) -> int:
        """Blank every answer about a gallery; return how many. Those in work are blanked at their end."""
        blank = _blank()
        about = (
            "(gallery = ? OR gallery = '')"  # the latter of the time before galleries were noted: which is not known
        )
        with self._ledger.writing() as connection:
            done = connection.execute(
                f"UPDATE answers SET status = ?, content_type = ?, body = ? WHERE {about} AND status IS NOT NULL",
                (blank.status, blank.content_type, blank.body, gallery),
            )
            connection.execute(
                f"DELETE FROM mentions WHERE answer IN (SELECT id FROM answers WHERE {about})",
                (gallery,),
            )
            connection.execute(_MARK, (_EVERYBODY, gallery))
        return done.rowcount

    def renaming(self, gallery: str, old: str, new: str) -> None:
        """Let answers about a person be found under a name that they are about to get, too; harmless if they do not.

        An answer in work that will have the old name could not be found: it is blanked at its end.
        """
        before, after = self.mention(gallery, old), self.mention(gallery, new)
        with self._ledger.writing() as connection:
            wanted = "SELECT ?, answer FROM mentions WHERE subject = ?"
            connection.execute(f"INSERT OR IGNORE INTO mentions {wanted}", (after, before))
            connection.execute(_MARK, (before, gallery))

    def renamed(self, gallery: str, old: str, new: str) -> None:
        """Let answers about a person be found under the new name alone; see `renaming`."""
        before, after = self.mention(gallery, old), self.mention(gallery, new)
        with self._ledger.writing() as connection:
            connection.execute("UPDATE OR REPLACE mentions SET subject = ? WHERE subject = ?", (after, before))
            connection.execute(_MARK, (before, gallery))

    def mention(self, gallery: str, subject: str) -> bytes:
        """Return a name as it is kept here: not to be read, and not to be guessed without this file."""
        return hmac.digest(self._pepper, f"{gallery}\0{subject}".encode(errors="surrogatepass"), "sha256")

    def close(self) -> None:
        """Release the file and let others take over what is not finished."""
        self._ledger.close()
        self._presence.leave()


def _gone(connection: sqlite3.Connection, row: int) -> set[bytes]:
    """Return who was erased or renamed while an answer was in work."""
    return {bytes(name) for (name,) in connection.execute("SELECT subject FROM erased WHERE answer = ?", (row,))}
