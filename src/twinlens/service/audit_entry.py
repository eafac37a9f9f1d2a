"""Event, entry before -> one line of the audit log: canonical JSON with its own sha256 and that of the line before.

How a chain of hashes shows changes: Haber and Stornetta, How to time-stamp a digital document, Journal of Cryptology 3
(1991), section 5.1.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from twinlens.errors import OptionError

Fact = int | bool | str
LONGEST_LINE = 64 * 1024
_MOST_FACTS = 32
_LONGEST_ID = 256
_WORD = re.compile(r"[a-z0-9][a-z0-9 ._:-]{0,63}")


class Pseudonym(str):
    """How a person is called in the log; written as it is where an `Event` has it instead of a name."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done, as the service knows it.

    Attributes:
        who: id of the API key, ``everybody`` of a service without keys, ``service`` for what it does by itself.
        did: in the past: ``enrolled``, ``compared``, ``identified``, ``searched``, ``listed``, ``renamed``, ``tagged``,
            ``merged``, ``erasing`` (begun), ``erased``, ``made gallery``, ``erased gallery``, ``read log``, ...
        gallery: which; empty where none was concerned.
        subject: name of the person concerned, which is *not* written, or their pseudonym; empty where nobody was named.
        other: name of a second person: into whom somebody was merged; not written either.
        facts: numbers, yes or no, and words of a fixed vocabulary in lower case (outcomes, places); never a name.
        request: id of the request.
    """

    who: str
    did: str
    gallery: str = ""
    subject: str = ""
    other: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    request: str = ""

    def __post_init__(self) -> None:
        words = [self.did, *self.facts, *(fact for fact in self.facts.values() if isinstance(fact, str) and fact)]
        wrong = [word for word in words if not _WORD.fullmatch(word)]
        if wrong:
            msg = f"the audit log takes words in lower case of 64 letters at the most, got {wrong[0][:80]!r}"
            raise OptionError(msg)
        if len(self.facts) > _MOST_FACTS or max(map(len, (self.who, self.gallery, self.request))) > _LONGEST_ID:
            msg = f"an event has {_MOST_FACTS} facts and ids of {_LONGEST_ID} letters at the most, got {self.did!r}"
            raise OptionError(msg)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log.

    Attributes:
        seq: 1, 2, 3 ...
        at: UTC, ISO 8601.
        who: see `Event`.
        did: see `Event`.
        gallery: see `Event`.
        subject: pseudonym of the person concerned; empty where nobody was named.
        other: pseudonym of a second person.
        facts: see `Event`.
        request: see `Event`.
        before: hash of the entry before, hexadecimal; of the first, the chain's own random number.
        hash: sha256 of everything else.
    """

    seq: int
    at: str
    who: str
    did: str
    gallery: str
    subject: str
    other: str
    facts: Mapping[str, Fact]
    request: str
    before: str
    hash: str = ""

    def line(self) -> bytes:
        """Return the entry as it is written, with its end of line."""
        return _canonical({**self._facts(), "hash": self.hash}) + b"\n"

    def sealed(self) -> Entry:
        """Return the entry with its hash."""
        told = self._facts()
        return Entry(**told, hash=hashlib.sha256(_canonical(told)).hexdigest())  # type: ignore[arg-type]

    def sound(self) -> bool:
        """Whether the entry is what was hashed."""
        return self.sealed().hash == self.hash

    def _facts(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in _NAMES if name != "hash"}


_NAMES = tuple(sorted(field.name for field in fields(Entry)))


def _canonical(told: Mapping[str, object]) -> bytes:
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def read_line(line: bytes) -> Entry | None:
    """Return the entry of a whole line, its hash unchecked; None where it is none, or not written as we write it."""
    try:
        told = json.loads(line)
        entry = Entry(**told) if _typed(told) else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return entry if entry is not None and entry.line() == line else None


def _typed(told: dict[str, object]) -> bool:
    """Whether the members of an entry are of their kinds: a forger may write anything."""
    texts = all(isinstance(value, str) for name, value in told.items() if name not in {"seq", "facts"})
    return texts and type(told["seq"]) is int and isinstance(told["facts"], dict)
