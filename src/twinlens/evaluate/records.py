"""What an evaluation found -> plain values: a Report is all that its page, its JSON and its Markdown show.

Nothing here computes. Every figure carries its interval and how that was made; arrays are tuples of floats, so that a
report is the same after a round trip through JSON (`twinlens.evaluate.storage`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from twinlens.evaluate.score_records import CalibrationCheck, ErrorCurve, Figure, Histogram, OperatingRow, Search


@dataclass(frozen=True, slots=True)
class System:
    """What was evaluated.

    Attributes:
        model: the embedder's name.
        identity: name and head of the file's sha256.
        summary: the card's one line.
        training_data: what it was trained on, as far as documented.
        licence: of the weights.
        dim: numbers in an embedding.
        detector: the detector's name and scales; empty where the photos were used as they are.
        engine: inference engine and precision.
        pretrained: True where the network brings outside data with it.
    """

    model: str
    identity: str
    summary: str
    training_data: str
    licence: str
    dim: int
    detector: str
    engine: str
    pretrained: bool


@dataclass(frozen=True, slots=True)
class Protocol:
    """What was asked, and of whom.

    Attributes:
        dataset: the registered name, or the folder's or file's.
        title: one line for people.
        rule: in sentences: where thresholds come from, what a failure counts as, how many times the test was looked at.
        outside_data: what was used beyond the protocol's labels: detector, embedder, the photos' own alignment.
        terms: what the owners of the data allow.
        notes: what is peculiar to this copy of the data.
        pairs: ``listed`` by the protocol, ``all`` pairs of photos, or ``drawn``.
        seed: of whatever was drawn.
    """

    dataset: str
    title: str
    rule: tuple[str, ...]
    outside_data: tuple[str, ...]
    terms: str
    notes: tuple[str, ...]
    pairs: Literal["listed", "all", "drawn"]
    seed: int


@dataclass(frozen=True, slots=True)
class Part:
    """One split or fold, counted.

    Attributes:
        name: ``train``, ``test``, ``01``...
        role: ``threshold`` (chosen here), ``test``, or ``fold`` (both, in turn).
        people: subjects.
        photos: distinct photos.
        genuine: pairs of one person.
        impostors: pairs of two people.
        failures: photos in which no face was found, or that could not be read.
    """

    name: str
    role: Literal["threshold", "test", "fold"]
    people: int
    photos: int
    genuine: int
    impostors: int
    failures: int


@dataclass(frozen=True, slots=True)
class Failures:
    """Whom the system could not see.

    Attributes:
        photos: attempted.
        no_face: photos without a face found.
        unreadable: photos that could not be decoded.
        genuine: genuine test pairs without a score.
        impostors: impostor test pairs without a score.
        examples: photos, relative to the data set's folder, each with the reason; at most 50.
    """

    photos: int
    no_face: int
    unreadable: int
    genuine: int
    impostors: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slice:
    """The errors of the test pairs that have something in common.

    Attributes:
        by: what: ``face width``, ``head turned``, ``brightness``, ``photos of the person``, or a user's column.
        value: which: ``under 60 pixels``.
        genuine: pairs of one person in the slice, failures included.
        impostors: pairs of two people in it.
        fmr: at the report's threshold; None without impostor pairs.
        fnmr: at the report's threshold; None without genuine pairs.
    """

    by: str
    value: str
    genuine: int
    impostors: int
    fmr: Figure | None
    fnmr: Figure | None


@dataclass(frozen=True, slots=True)
class Mistake:
    """A test pair answered wrongly, and how far on the wrong side.

    Attributes:
        kind: ``false match`` or ``false non-match``.
        first: photo, relative to the data set's folder.
        second: likewise.
        subjects: who the labels say they show; twice the same for a false non-match.
        score: similarity.
        threshold: where the decision fell.
        part: the fold or split.
        note: what the leakage check or the labels say of these photos.
    """

    kind: Literal["false match", "false non-match"]
    first: str
    second: str
    subjects: tuple[str, str]
    score: float
    threshold: float
    part: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that flatters or damages the figures: a leak, a label in doubt.

    Attributes:
        level: ``clean``, ``note`` or ``leak``.
        text: one sentence with counts.
        examples: at most 20.
    """

    level: Literal["clean", "note", "leak"]
    text: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """The trivial system on the same pairs.

    Attributes:
        name: what it is.
        figures: the same headline figures.
        mcnemar: p-value of the difference to the system, pair by pair.
    """

    name: str
    figures: tuple[Figure, ...]
    mcnemar: Figure


@dataclass(frozen=True, slots=True)
class Speed:
    """What it cost here.

    Attributes:
        photos: looked at, from the file to the embedding.
        seconds: wall time of that.
        photos_per_s: throughput with all threads.
        comparisons: of embeddings.
        machine: processor, cores, engine.
        cpu_seconds: processor time of looking, all threads: what a busy machine does not stretch; 0 where unknown.
    """

    photos: int
    seconds: float
    photos_per_s: float
    comparisons: int
    machine: str
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Answers:
    """The score of every listed test pair, in the protocol's order, so that two reports can be compared pair by pair.

    Attributes:
        digest: sha256 of the pairs: equal digests are the same pairs in the same order.
        scores: similarity; None where there was none (a failure).
        same: the label.
        accepted: the answer given.
    """

    digest: str
    scores: tuple[float | None, ...]
    same: tuple[bool, ...]
    accepted: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One system on one protocol.

    Attributes:
        title: ``sface on lfw-dev``.
        system: what was evaluated.
        protocol: what was asked.
        parts: splits or folds.
        failures: whom it could not see.
        leakage: what the leakage check found; at least one entry.
        headline: accuracy first, with failures counted; then AUC, EER, TAR at FMR...
        folds: accuracy of each fold, in order; empty without folds.
        operating: thresholds for target rates.
        curve: ROC and DET.
        histogram: of scores.
        calibrations: the card's, and one fitted on the part that thresholds come from.
        search: one to many; None where the people have one photo each.
        slices: errors by what pairs have in common.
        mistakes: the most certain ones of both kinds, the worst first.
        baseline: the trivial system; None where it was left out.
        speed: cost.
        answers: None where all pairs were compared.
        command: the exact command.
        made: UTC date and time, ISO 8601.
        version: of Twinlens.
        quick: True where only a part of the data was looked at; such a report is marked.
    """

    title: str
    system: System
    protocol: Protocol
    parts: tuple[Part, ...]
    failures: Failures
    leakage: tuple[Caution, ...]
    headline: tuple[Figure, ...]
    folds: tuple[float, ...]
    operating: tuple[OperatingRow, ...]
    curve: ErrorCurve
    histogram: Histogram
    calibrations: tuple[CalibrationCheck, ...]
    search: Search | None
    slices: tuple[Slice, ...]
    mistakes: tuple[Mistake, ...]
    baseline: Baseline | None
    speed: Speed
    answers: Answers | None
    command: str
    made: str
    version: str
    quick: bool = False
