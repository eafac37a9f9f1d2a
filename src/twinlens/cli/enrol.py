"""``twinlens enrol SUBJECT PHOTO...``: from one photo a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.exits import Exit
from twinlens.cli.output import emit, note, progress
from twinlens.cli.photos import expand, people_of
from twinlens.errors import OptionError

if TYPE_CHECKING:
    from twinlens.recognizer import EnrolmentReport


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

    Exit code 1: some photo was not enrolled; the report says why.
    """
    from twinlens.recognizer import EnrolOptions, summary

    if photos and Path(subject).is_dir():
        msg = f"{subject} is a folder: name the person first, or give the folder alone, with one folder a person in it"
        raise OptionError(msg)
    if not subject.strip():
        msg = "an empty name: give the person's name, or a folder of people"
        raise OptionError(msg)
    pairs = [(subject, photo) for photo in expand(photos)] if photos else people_of(Path(subject))
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
    reports: list[EnrolmentReport] = []
    o.check_threshold(setup)  # before a gallery is made
    with o.build(setup, gallery="new") as recognizer:
        sources = ((name, o.photo_source(photo)) for name, photo in pairs)
        work = recognizer.enrol_all(sources, tags=o.tags_of(tag), options=rules)
        for report in progress(work, "enrolling", len(pairs)):
            reports.append(report)
            emit(_record(report), _text(report), as_json=json)
    counts = summary(reports)
    if len(reports) > 1:
        note(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    good = counts.get("done", 0) + counts.get("already enrolled", 0)
    raise typer.Exit(Exit.YES if good == len(reports) else Exit.NO)


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


def _text(report: EnrolmentReport) -> str:
    ways = {"poor quality": ["--accept-poor stores it all the same"]}
    reasons = [*report.reasons, *ways.get(report.outcome, [])]
    why = f": {'; '.join(reasons)}" if reasons else ""
    return f"{report.subject}  {report.source}  {report.outcome}{why}"
