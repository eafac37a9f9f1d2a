"""What ``identify`` was asked, what became of it, and how an answer is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinlens.cli.exits import Exit, exit_code
from twinlens.cli.output import likely, note

if TYPE_CHECKING:
    from twinlens.cli.copies import Copies
    from twinlens.errors import TwinlensError
    from twinlens.recognizer import Identification
    from twinlens.types import Match


@dataclass(frozen=True, slots=True)
class Ask:
    """The options that answers depend on.

    Attributes:
        top: candidates to report.
        tags: only subjects that carry all of these.
        copies: where drawn copies go; None for no copies.
        every: look at every n-th frame of a video; None for the usual number a second.
        json: objects instead of sentences.
    """

    top: int
    tags: dict[str, str]
    copies: Copies | None
    every: int | None
    json: bool


@dataclass(slots=True)
class Tally:
    """What became of it so far.

    Attributes:
        known: how many were given a name.
        worst: the exit code of the last failure.
    """

    known: int = 0
    worst: Exit = Exit.YES

    def fail(self, error: TwinlensError) -> None:
        """Say what went wrong, and go on."""
        note(f"twinlens: {error}")
        self.worst = exit_code(error)


def match_record(match: Match) -> dict[str, object]:
    """Return a candidate as plain values."""
    return {
        "subject": match.subject,
        "score": match.score,
        "probability": match.probability,
        "rank": match.rank,
    }


def said(answer: Identification) -> str:
    """Return an answer in words."""
    if answer.match is not None:
        chance = answer.match.probability
        sure = "" if chance is None else f", probability {likely(chance)}"
        return f"{answer.match.subject} (similarity {answer.match.score:.3f}{sure})"
    if answer.candidates:
        best = answer.candidates[0]
        return f"unknown (nearest {best.subject}, {best.score:.3f}, below {answer.bar.threshold:.3f})"
    return "unknown"
