"""``twinlens identify`` and ``twinlens search``: who is this?"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.answers import Ask, Tally, match_record, said
from twinlens.cli.copies import Copies
from twinlens.cli.detect import face_record, seen_part
from twinlens.cli.exits import Exit
from twinlens.cli.output import counted, emit, note, percent, progress
from twinlens.cli.photos import expand_media

if TYPE_CHECKING:
    from twinlens.recognizer import Examined, Identification, Recognizer

Every = Annotated[
    int | None, typer.Option("--every", metavar="N", help="Videos: look at every n-th frame (about 10 a second).")
]
Top = Annotated[int, typer.Option("--top", metavar="N", help="Candidates to report.")]


def identify(
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO|DIR|VIDEO...", help="Pictures, folders, videos.")],
    gallery: o.GalleryOption = None,
    tag: o.Tags = None,
    top: Top = 3,
    target_fpir: o.TargetFpir = None,
    threshold: o.Threshold = None,
    draw: Annotated[Path | None, typer.Option("--draw", metavar="DIR", help="Save copies with the names here.")] = None,
    model: o.Model = "sface",
    detector: o.DetectorOption = "yunet",
    scales: o.Scales = "multi",
    every: Every = None,
    engine: o.Engine = None,
    threads: o.Threads = None,
    calibration: o.CalibrationOption = None,
    prior: o.Prior = None,
    allow_url: o.AllowUrl = False,
    json: o.Json = False,
) -> None:
    """Name every face, or say *unknown*; in a video, every person once. Exit code 1: nobody known anywhere."""
    setup = o.Setup(
        gallery=gallery,
        model=model,
        detector=detector,
        scales=scales,
        engine=engine,
        threads=threads,
        target_fpir=target_fpir,
        threshold=threshold,
        calibration=calibration,
        prior=prior,
        allow_url=allow_url,
    )
    from twinlens.cli.footage import is_footage, name_people

    names = expand_media(photos)
    ask = Ask(top, o.tags_of(tag), None if draw is None else Copies(draw, names), every, json)
    tally = Tally()
    with o.build(setup, gallery="there") as recognizer:
        for moving, group in groupby(names, is_footage):
            if moving:
                for name in group:
                    name_people(recognizer, name, ask, tally)
            else:
                _name_faces(recognizer, list(group), ask, tally)
    raise typer.Exit(tally.worst or (Exit.YES if tally.known else Exit.NO))


def _name_faces(recognizer: Recognizer, names: list[str], ask: Ask, tally: Tally) -> None:
    """Answer for photos, several side by side."""
    sources = map(o.photo_source, names)
    for photo in progress(recognizer.examine_all(sources), "identifying", len(names)):
        if photo.error is not None:
            tally.fail(photo.error)
            continue
        found = recognizer.identify(photo, top=ask.top, tags=ask.tags)
        tally.known += sum(answer.match is not None for answer in found)
        emit(_record(photo, found), _text(photo, found), as_json=ask.json)
        if ask.copies is not None:
            _draw(photo, found, ask.copies.place(photo.source, ".png"))


def search(
    photo: o.Photo,
    gallery: o.GalleryOption = None,
    tag: o.Tags = None,
    top: Top = 10,
    target_fpir: o.TargetFpir = None,
    threshold: o.Threshold = None,
    model: o.Model = "sface",
    detector: o.DetectorOption = "yunet",
    engine: o.Engine = None,
    calibration: o.CalibrationOption = None,
    prior: o.Prior = None,
    allow_url: o.AllowUrl = False,
    json: o.Json = False,
) -> None:
    """Print the subjects most alike to a photo's main face, best first. Exit code 1: none reaches the threshold."""
    setup = o.Setup(
        gallery=gallery,
        model=model,
        detector=detector,
        engine=engine,
        target_fpir=target_fpir,
        threshold=threshold,
        calibration=calibration,
        prior=prior,
        allow_url=allow_url,
    )
    with o.build(setup, gallery="there") as recognizer:
        matches = recognizer.search(o.photo_source(photo), top=top, tags=o.tags_of(tag))
        bar = recognizer.identification_bar()
    for match in matches:
        reaches = match.score >= bar.threshold
        record = {**match_record(match), "accepted": reaches, "threshold": bar.threshold, "fpir": bar.fpir}
        mark = "*" if reaches else " "
        emit(record, f"{mark} {match.rank:>3}  {match.score:6.3f}  {match.subject}", as_json=json)
    if not matches:
        note("the gallery is empty, or nobody in it carries these tags")
    elif not json:
        note(f"* reaches the threshold {bar.threshold:.3f} (expected FPIR {percent(bar.fpir)})")
    raise typer.Exit(Exit.YES if matches and matches[0].score >= bar.threshold else Exit.NO)


def _record(photo: Examined, found: list[Identification]) -> dict[str, object]:
    bar = found[0].bar if found else None
    return {
        "photo": photo.source,
        "threshold": bar.threshold if bar else None,
        "fmr": bar.fmr if bar else None,
        "fpir": bar.fpir if bar else None,
        "faces": [
            {
                "subject": answer.subject,
                **face_record(answer.portrait),
                "match": match_record(answer.match) if answer.match else None,
                "candidates": [match_record(c) for c in answer.candidates],
                "reasons": list(answer.reasons),
            }
            for answer in found
        ],
    }


def _text(photo: Examined, found: list[Identification]) -> str:
    lines = [f"{photo.source}: {counted(len(found), 'face') if found else 'no faces'}"]
    for answer in found:
        left, top, _, _ = seen_part(photo, answer.portrait)
        why = f"  [{'; '.join(answer.reasons)}]" if answer.reasons else ""
        lines.append(f"  at ({left}, {top}): {said(answer)}{why}")
    return "\n".join(lines)


def _draw(photo: Examined, found: list[Identification], path: Path) -> None:
    from twinlens.draw import KNOWN, UNKNOWN, Mark, draw, save

    if photo.image is not None:
        marks = [
            Mark(
                answer.portrait.face,
                f"{answer.match.subject} {answer.match.score:.2f}" if answer.match else "unknown",
                KNOWN if answer.match else UNKNOWN,
            )
            for answer in found
        ]
        save(draw(photo.image, marks), path)
