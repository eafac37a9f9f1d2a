"""``twinlens identify`` and ``twinlens search``: who is this?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.detect import face_record
from twinlens.cli.exits import Exit, exit_code
from twinlens.cli.output import emit, note, percent, progress
from twinlens.cli.photos import expand

if TYPE_CHECKING:
    from twinlens.recognizer import Examined, Identification
    from twinlens.types import Match

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
    engine: o.Engine = None,
    threads: o.Threads = None,
    allow_url: o.AllowUrl = False,
    json: o.Json = False,
) -> None:
    """Name every face, or say *unknown*. Exit code 1: nobody known anywhere."""
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
    names = expand(photos)
    tags = o.tags_of(tag)
    known, worst = 0, Exit.YES
    with o.build(setup, with_gallery=True) as recognizer:
        sources = map(o.photo_source, names)
        for photo in progress(recognizer.examine_all(sources), "identifying", len(names)):
            if photo.error is not None:
                note(f"twinlens: {photo.error}")
                worst = exit_code(photo.error)
                continue
            found = recognizer.identify(photo, top=top, tags=tags)
            known += sum(answer.match is not None for answer in found)
            emit(_record(photo, found), _text(photo, found), as_json=json)
            if draw is not None:
                _draw(photo, found, draw)
    raise typer.Exit(worst or (Exit.YES if known else Exit.NO))


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
        allow_url=allow_url,
    )
    with o.build(setup, with_gallery=True) as recognizer:
        matches = recognizer.search(o.photo_source(photo), top=top, tags=o.tags_of(tag))
        bar = recognizer.identification_bar()
    for match in matches:
        reaches = match.score >= bar.threshold
        record = {**match_record(match), "accepted": reaches, "threshold": bar.threshold, "fpir": bar.fpir}
        mark = "*" if reaches else " "
        emit(record, f"{mark} {match.rank:>3}  {match.score:6.3f}  {match.subject}", as_json=json)
    if not json:
        note(f"* reaches the threshold {bar.threshold:.3f} (expected FPIR {percent(bar.fpir)})")
    raise typer.Exit(Exit.YES if matches and matches[0].score >= bar.threshold else Exit.NO)


def match_record(match: Match) -> dict[str, object]:
    """Return a candidate as plain values."""
    return {
        "subject": match.subject,
        "score": match.score,
        "probability": match.probability,
        "rank": match.rank,
    }


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
    lines = [f"{photo.source}: {len(found) or 'no'} face{'s' if len(found) != 1 else ''}"]
    for answer in found:
        left, top = (round(float(v)) for v in answer.portrait.face.box.xyxy[:2])
        if answer.match is not None:
            said = f"{answer.match.subject} (similarity {answer.match.score:.3f})"
        elif answer.candidates:
            best = answer.candidates[0]
            said = f"unknown (nearest {best.subject}, {best.score:.3f}, below {answer.bar.threshold:.3f})"
        else:
            said = "unknown"
        why = f"  [{'; '.join(answer.reasons)}]" if answer.reasons else ""
        lines.append(f"  at ({left}, {top}): {said}{why}")
    return "\n".join(lines)


def _draw(photo: Examined, found: list[Identification], folder: Path) -> None:
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
        save(draw(photo.image, marks), folder / f"{Path(photo.source).stem}.png")
