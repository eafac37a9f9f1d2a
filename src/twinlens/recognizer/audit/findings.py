"""What an audit answers with: findings, each with photos, scores, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal

from twinlens.errors import OptionError
from twinlens.metrics.intervals import Interval
from twinlens.recognizer.explanation import Bound
from twinlens.score import CLUSTER_FMR, UNLIKE_FMR, Bar

Kind = Literal["mislabelled", "two names", "duplicate", "look-alike", "incoherent", "poor reference", "one photo"]
KINDS: dict[Kind, str] = {
    "mislabelled": "photos that show somebody else",
    "two names": "people enrolled under two names",
    "incoherent": "subjects whose photos do not belong together",
    "look-alike": "subjects that a search may confuse",
    "duplicate": "photos enrolled more than once",
    "poor reference": "photos too poor to compare with",
    "one photo": "subjects with one photo",
}


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """One template, as a person knows it.

    Attributes:
        subject: whose it is said to be.
        source: where the photo came from; may be empty.
        photo: the digest it is stored under.
        quality: 0 to 1.
        shared: True where another photo of the subject came from the same place, so that the source names both.
    """

    subject: str
    source: str
    photo: str
    quality: float
    shared: bool = False

    @property
    def name(self) -> str:
        """Its source, or its digest where the source is not known."""
        return self.source or self.photo

    @property
    def handle(self) -> str:
        """What tells it from the subject's other photos."""
        return self.photo if self.shared else self.name

    @property
    def title(self) -> str:
        """The name without its folders, for sentences."""
        return PurePath(self.name).name or self.name


@dataclass(frozen=True, slots=True)
class Likeness:
    """A similarity and how rare it is among strangers.

    Attributes:
        of: what was compared, in words.
        score: similarity, -1 to 1.
        fmr: share of strangers that score this high, by the model's card; None where nobody measured it, and for a
            mean of several comparisons.
        bound: ``at``, or ``at most`` or ``at least`` where the score lies beyond what the card measured.
    """

    of: str
    score: float
    fmr: float | None = None
    bound: Bound = "at"


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do.

    Attributes:
        text: in words.
        command: after ``twinlens``: a noun and a verb, or a verb; empty where there is none.
        words: the command's arguments, in order.
        options: its options; an empty value where the option takes none.
        files: places of photos that the command reads.
    """

    text: str
    command: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should look at.

    Attributes:
        kind: a key of `KINDS`.
        grave: True where searches may answer wrongly because of it.
        subjects: whom it concerns, the one to be changed first.
        photos: what to look at, the doubtful first.
        text: what was found, one sentence.
        likeness: the scores behind it.
        remedies: what to do.
    """

    kind: Kind
    grave: bool
    subjects: tuple[str, ...]
    photos: tuple[StoredPhoto, ...]
    text: str
    likeness: tuple[Likeness, ...] = ()
    remedies: tuple[Remedy, ...] = ()

    @property
    def weight(self) -> float:
        """The score it is sorted by, within its kind: the highest it names."""
        return max((found.score for found in self.likeness), default=0.0)


@dataclass(frozen=True, slots=True)
class Searches:
    """What a search by somebody who is not enrolled may be expected to answer.

    Attributes:
        bar: the identification threshold for a gallery of this size, and the FPIR to expect by the card.
        measured: share of subjects whose first photo, searched for without their own templates, is given a name;
            with its interval. None where the gallery is too small, or its faces have no names.
        cleared: the same without subjects of findings that may be one person (mislabelled, two names, duplicate).
    """

    bar: Bar
    measured: Interval | None = None
    cleared: Interval | None = None


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """From where on something is reported. Rates, so that they hold for any model with a measured card.

    Chosen on LFW's training people, measured on others (benchmarks/audit.py, docs/results/audit.md).

    Attributes:
        unlike_fmr: a photo less alike to its subject's others than this rate's threshold stands apart.
        rival_fmr: a photo is somebody else's only where it is as alike to them as this rate's threshold, and to none
            of its own subject's others...
        rival_margin: ... and by this much more alike to them than to its own subject's others.
        one_person_fmr: mean similarity of two subjects from which on they may be one person.
        near: pairs of subjects count as near up to this many times the rate that the threshold stands for.
        duplicate: similarity from which on two photos are copies of one.
        poor: quality below which a photo is a poor reference, 0 to 1.
        most: findings reported of one kind, the most certain first; the others are counted.
    """

    unlike_fmr: float = UNLIKE_FMR
    rival_fmr: float = CLUSTER_FMR
    rival_margin: float = 0.1
    one_person_fmr: float = CLUSTER_FMR
    near: float = 10.0
    duplicate: float = 0.9
    poor: float = 0.5
    most: int = 10_000

    def __post_init__(self) -> None:
        rates = (self.unlike_fmr, self.rival_fmr, self.one_person_fmr)
        if not all(0 < rate < 1 for rate in rates) or not self.near >= 1 or self.most < 1:
            msg = f"rates lie between 0 and 1, near and most are 1 or more, got {self}"
            raise OptionError(msg)


@dataclass(frozen=True, slots=True)
class Audit:
    """What is to be said about a gallery.

    Attributes:
        subjects: how many are enrolled.
        templates: how many photos of them.
        faces: how many of the templates are faces of an index, without a name.
        findings: the grave first, in the order of `KINDS`, the most certain of a kind first.
        omitted: findings of a kind beyond `AuditOptions.most`, counted.
        alike_from: None where every pair of subjects was looked at; else only those at least this much alike were,
            because more were alike than could be held.
        searches: thresholds and rates; None where the model's card holds no measurement.
    """

    subjects: int
    templates: int
    faces: int
    findings: tuple[Finding, ...]
    omitted: dict[Kind, int] = field(default_factory=dict)
    searches: Searches | None = None
    alike_from: float | None = None

    @property
    def sound(self) -> bool:
        """True where nothing grave was found."""
        return not any(finding.grave for finding in self.findings)

    def of(self, kind: Kind) -> tuple[Finding, ...]:
        """Return the findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind == kind)


def ranked(findings: Iterable[Finding], most: int) -> tuple[tuple[Finding, ...], dict[Kind, int]]:
    """Sort findings as `Audit` promises; return those kept, and how many of each kind were not."""
    order = list(KINDS)
    kept: list[Finding] = []
    omitted: dict[Kind, int] = {}
    counts: dict[Kind, int] = {}
    everything = sorted(findings, key=lambda f: (not f.grave, order.index(f.kind), -f.weight, f.subjects))
    for finding in everything:
        counts[finding.kind] = counts.get(finding.kind, 0) + 1
        if counts[finding.kind] <= most:
            kept.append(finding)
        else:
            omitted[finding.kind] = omitted.get(finding.kind, 0) + 1
    return tuple(kept), omitted
