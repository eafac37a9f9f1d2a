"""``twinlens enrol SUBJECT PHOTO...``: from one photo a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.exits import Exit
from twinlens.cli.output import counted, emit, note, progress
from twinlens.cli.photos import expand, people_of
from twinlens.errors import OptionError

if TYPE_CHECKING:
    from twinlens.recognizer import EnrolmentReport


ADVICE = {
    "conflict": "the same person under two names, or a relative; if they are two people accept the conflict",
    "unlike": "somebody else? If not, accept the conflict",
}


def enrol(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT|DIR", help="A name; or, alone, a folder of people.")],
    photos: Annotated[list[str] | None, typer.Argument(metavar="PHOTO...", help="One photo is enough.")] = None,
    gallery: o.GalleryOption = None,
    tag: o.Tags = None,
    main_face: Annotated[
        bool, typer.Option("--main-face", help="Of several people take the one in the middle.")
    ] = False,
    accept_poor: Annotated[bool, typer.Option("--accept-poor", help="Store faces of poor quality too.")] = False,
    accept_conflict: Annotated[
        bool, typer.Option("--accept-conflict", help="Store faces that look like another subject, or unlike this one.")
    ] = False,
    target_fpir: o.TargetFpir = None,
    threshold: o.Threshold = None,
    model: o.Model = "sface",
    detector: o.DetectorOption = "yunet",
    scales: o.Scales = "multi",
    engine: o.Engine = None,
    threads: o.Threads = None,
    allow_url: o.AllowUrl = False,
    json: o.Json = False,
) -> None:
    """Enrol a person from photos, or everybody in a folder with one folder a person; one report a photo.

    Exit code 3: some photo could not be used (unreadable, no face, several, poor quality), as with other commands.
    Exit code 1: all could be, and some face is somebody else's, or unlike the subject. The reports say why.
    """
    from twinlens.recognizer import EnrolOptions, summary

    if photos and Path(subject).is_dir():
        msg = f"{subject} is a folder: name the person first, or give the folder alone, with one folder a person in it"
        raise OptionError(msg)
    if not subject.strip():
        msg = "an empty name: give the person's name, or a folder of people"
        raise OptionError(msg)
    pairs = [(subject, photo) for photo in expand(photos)] if photos else people_of(Path(subject))
    reports = [] if photos else _nameless(pairs)
    pairs = [pair for pair in pairs if pair[0] not in {report.subject for report in reports}]
    setup = o.Setup(
        gallery=gallery,
        model=model,
        detector=detector,
        scales=scales,
        engine=engine,
        threads=threads,
        target_fpir=target_fpir,
        threshold=threshold,
        allow_url=allow_url,
    )
    rules = EnrolOptions(accept_poor=accept_poor, accept_conflict=accept_conflict, main_face=main_face)
    o.check_threshold(setup)  # before a gallery is made
    for report in reports:
        emit(_record(report), _text(report), as_json=json)
    with o.build(setup, gallery="new") as recognizer:
        sources = ((name, o.photo_source(photo)) for name, photo in pairs)
        work = recognizer.enrol_all(sources, tags=o.tags_of(tag), options=rules)
        often = {name for name, count in Counter(name for name, _ in pairs).items() if count > 1}
        for name, told in groupby(progress(work, "enrolling", len(pairs)), lambda report: report.subject):
            mine = list(_say(told, briefly=name in often, json=json))
            for line in _advice(mine) if name in often and not json else []:
                emit({}, line, as_json=False)
            reports += mine
    counts = summary(reports)
    if len(reports) > 1:
        note(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    raise typer.Exit(exit_of(set(counts)))


def exit_of(outcomes: Set[str]) -> Exit:
    """Return the exit code: a photo that cannot be used is input, one of somebody else a no."""
    refused = outcomes - {"done", "already enrolled"}
    if refused - set(ADVICE):
        return Exit.INPUT
    return Exit.NO if refused else Exit.YES


def _record(report: EnrolmentReport) -> dict[str, object]:
    return {
        "photo": report.source,
        "subject": report.subject,
        "outcome": report.outcome,
        "reasons": list(report.reasons),
        "quality": report.quality,
        "conflict": report.conflict,
        "score": report.score,
    }


def _nameless(pairs: Iterable[tuple[str, str]]) -> list[EnrolmentReport]:
    """Return a report for each photo of a folder whose name cannot be a person's (a line break in it)."""
    from twinlens.gallery.contract import label
    from twinlens.recognizer import EnrolmentReport

    reports = []
    for subject, photo in pairs:
        try:
            label(subject, "subject")
        except OptionError as error:
            reports.append(EnrolmentReport(photo, subject, "unreadable", (f"{error}: rename the folder",)))
    return reports


def _say(told: Iterable[EnrolmentReport], *, briefly: bool, json: bool) -> Iterator[EnrolmentReport]:
    """Print reports as they come, and pass them on."""
    for report in told:
        emit(_record(report), _brief(report) if briefly else _text(report), as_json=json)
        yield report


def _advice(reports: Iterable[EnrolmentReport]) -> Iterator[str]:
    """Return once a subject what every single photo would repeat."""
    counts = Counter((r.subject, r.outcome, r.conflict) for r in reports if r.outcome in ADVICE and r.score is not None)
    for (subject, outcome, rival), count in counts.items():
        like = f"like {rival!r}" if outcome == "conflict" else "unlike the others"
        verb = "looks" if count == 1 else "look"
        yield f"{_plain(subject)}: {counted(count, 'photo')} {verb} {like}: {ADVICE[outcome]} (--accept-conflict)"


def _brief(report: EnrolmentReport) -> str:
    """Return a report without the advice that follows once a subject."""
    if report.outcome not in ADVICE or report.score is None:
        return _text(report)
    rival = "" if report.conflict is None else f" with {report.conflict!r}"
    return f"{_plain(report.subject)}  {_plain(report.source)}  {report.outcome}{rival}, similarity {report.score:.3f}"


def _plain(name: str) -> str:
    """Return a name as it is, or quoted where it would break the line."""
    return name if name.isprintable() else repr(name)


def _text(report: EnrolmentReport) -> str:
    ways = {"poor quality": ["--accept-poor stores it all the same"]}
    reasons = [*report.reasons, *ways.get(report.outcome, [])]
    why = f": {'; '.join(reasons)}" if reasons else ""
    return f"{_plain(report.subject)}  {_plain(report.source)}  {report.outcome}{why}"
