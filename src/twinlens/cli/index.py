"""``twinlens index DIR``: every face of a photo collection, to be searched and grouped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.exits import Exit
from twinlens.cli.output import emit, note, progress
from twinlens.errors import ImageError


def index(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of photos.")],
    gallery: Annotated[
        str | None,
        typer.Option(
            "--gallery", "-g", metavar="FILE|URL", help="Default: DIR/.twinlens.db. Not the gallery of people."
        ),
    ] = None,
    model: o.Model = "sface",
    detector: o.DetectorOption = "yunet",
    scales: o.Scales = "multi",
    engine: o.Engine = None,
    threads: o.Threads = None,
    json: o.Json = False,
) -> None:
    """Store every face of every photo below a folder. Run it again to add what is new; interrupt it at any time.

    Then: twinlens search FACE --gallery DIR/.twinlens.db, twinlens gallery cluster --gallery DIR/.twinlens.db
    """
    from twinlens.image import list_pictures

    total = len(list_pictures(folder))
    if not total and not (folder / ".twinlens.db").exists():
        msg = f"{folder}: no pictures in this folder"
        raise ImageError(msg)
    place = gallery or str(folder / ".twinlens.db")
    setup = o.Setup(gallery=place, model=model, detector=detector, scales=scales, engine=engine, threads=threads)
    counts: dict[str, int] = {}
    with o.build(setup, gallery="new") as recognizer:
        for report in progress(recognizer.index(folder), "indexing", total):
            counts[report.outcome] = counts.get(report.outcome, 0) + 1
            if report.outcome == "unreadable":
                note(f"twinlens: {'; '.join(report.reasons)}")
            if json:
                record = {"photo": report.source, "outcome": report.outcome, "reasons": list(report.reasons)}
                emit(record, "", as_json=True)
        faces = recognizer.gallery.count()
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no pictures"
    note(f"{said}; {faces} faces in {place}")
    raise typer.Exit(Exit.INPUT if counts.get("unreadable") else Exit.YES)
