"""Log, head -> what was changed, removed, put elsewhere or cut off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twinlens.service.audit_entry import LONGEST_LINE, Entry, read_line

_MOST_PROBLEMS = 20  # told; after that they are the same story


@dataclass(frozen=True, slots=True)
class Head:
    """How far a log goes.

    Attributes:
        count: entries.
        size: bytes.
        hash: of the last entry, hexadecimal; the chain's own random number before the first.
    """

    count: int
    size: int
    hash: str

    def after(self, entry: Entry) -> Head:
        """Return the head with one more entry."""
        return Head(entry.seq, self.size + len(entry.line()), entry.hash)


@dataclass(frozen=True, slots=True)
class Tail:
    """What stands above a head.

    Attributes:
        head: after the entries that are whole and follow.
        foreign: whether a whole entry comes next that does not follow: it belongs to another chain.
    """

    head: Head
    foreign: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Attributes:
        entries: how many were read.
        head: hash of the last one.
        problems: in words, with places; empty for a sound log.
        unfinished: bytes of a line at the end that was not finished: of a process that was killed, or is writing now.
    """

    entries: int
    head: str
    problems: tuple[str, ...] = ()
    unfinished: int = 0

    @property
    def sound(self) -> bool:
        """Whether the log is what was written."""
        return not self.problems


def _lines(path: Path, start: int) -> Iterator[bytes]:
    """Yield lines from a place on; what is longer than any entry comes in pieces, the last may lack its end."""
    with path.open("rb") as file:
        file.seek(start)
        while line := file.readline(LONGEST_LINE):
            yield line


def read_tail(path: Path, head: Head) -> Tail:
    """Return how far whole entries follow a head.

    Raises:
        OSError: the file cannot be read.
    """
    for line in _lines(path, head.size):
        entry = read_line(line)
        if entry is None:
            return Tail(head, foreign=False)
        if not entry.sound() or entry.seq != head.count + 1 or entry.before != head.hash:
            return Tail(head, foreign=entry.sound())
        head = head.after(entry)
    return Tail(head, foreign=False)


class _Reading:
    """One walk through a log."""

    def __init__(self, start: Head, head: Head, noted: Head | None) -> None:
        self._head, self._noted = head, noted
        self.at, self.found = start, list[str]()
        self._line, self._offset = 0, 0
        self._seen: dict[int, str] = {0: start.hash}
        self._wanted = {head.count} | ({noted.count} if noted else set())
        self.unfinished = 0

    def walk(self, path: Path) -> None:
        for line in _lines(path, 0):
            self._line += 1
            above = self._offset >= self._head.size
            self._offset += len(line)
            entry = read_line(line)
            if entry is not None and entry.sound():
                self._follow(entry)
            elif above:
                self.unfinished += len(line)
            elif not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                continue  # the end of the file: `end` tells that it was cut off
            elif entry is None:
                self._tell("what stands there is no entry: it was changed")
                self.at = Head(self.at.count + 1, self._offset, "")
            else:
                self._tell(f"entry {entry.seq} was changed")
                self.at = Head(entry.seq, self._offset, entry.hash)

    def _follow(self, entry: Entry) -> None:
        """Compare an entry with the one before, then go on from it."""
        if entry.seq != self.at.count + 1:
            expected = self.at.count + 1
            self._tell(f"entry {entry.seq} stands where {expected} is expected: entries were removed or put elsewhere")
        elif self.at.hash and entry.before != self.at.hash:
            self._tell(f"entry {entry.seq} does not follow the one before it: one of them was written anew")
        self.at = Head(entry.seq, self._offset, entry.hash)
        if entry.seq in self._wanted:
            self._seen[entry.seq] = entry.hash

    def end(self) -> None:
        """Compare what was read with the heads."""
        if self.at.count < self._head.count:
            self.found.append(f"the log ends with entry {self.at.count} of {self._head.count}: it was cut off")
        for name, head in (("its head notes", self._head), ("was noted elsewhere", self._noted)):
            if head is not None and self._seen.get(head.count) != head.hash:
                self.found.append(f"entry {head.count} is not the one that {name}: the log was written anew or cut off")

    def _tell(self, problem: str) -> None:
        self.found.append(f"line {self._line}: {problem}")


def check_log(path: Path, start: Head, head: Head, noted: Head | None = None) -> Verdict:
    """Read a whole log.

    Args:
        path: the lines.
        start: before the first entry.
        head: of the last acknowledged entry; more may follow.
        noted: a head noted elsewhere.
    """
    reading = _Reading(start, head, noted)
    try:
        reading.walk(path)
    except FileNotFoundError:
        reading.found.append("there is no log")
    except OSError as error:
        reading.found.append(f"the log cannot be read: {error.strerror or error}")
    reading.end()
    problems = reading.found
    if len(problems) > _MOST_PROBLEMS:
        problems = [*problems[:_MOST_PROBLEMS], f"and {len(problems) - _MOST_PROBLEMS} more"]
    return Verdict(reading.at.count, reading.at.hash, tuple(problems), reading.unfinished)
