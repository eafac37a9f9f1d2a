"""``twinlens detect PATH``: where are the faces?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.copies import Copies
from twinlens.cli.exits import Exit, exit_code
from twinlens.cli.output import counted, emit, note, progress
from twinlens.cli.photos import expand

if TYPE_CHECKING:
    from twinlens.recognizer import Examined, Portrait


def detect(
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO|DIR...", help="Pictures, or folders of them.")],
    draw: Annotated[Path | None, typer.Option("--draw", metavar="DIR", help="Save copies with the faces here.")] = None,
    detector: o.DetectorOption = "yunet",
    scales: o.Scales = "multi",
    engine: o.Engine = None,
    threads: o.Threads = None,
    allow_url: o.AllowUrl = False,
    json: o.Json = False,
) -> None:
    """Print the faces of each photo, the most confident first: box, points, quality. Exit code 1: nobody anywhere."""
    setup = o.Setup(detector=detector, scales=scales, engine=engine, threads=threads, allow_url=allow_url)
    names = expand(photos)
    faces, worst = 0, Exit.YES
    copies = None if draw is None else Copies(draw, names)
    with o.build(setup) as recognizer:
        sources = map(o.photo_source, names)
        for photo in progress(recognizer.examine_all(sources), "detecting", len(names)):
            if photo.error is not None:
                note(f"twinlens: {photo.error}")
                worst = exit_code(photo.error)
                continue
            faces += len(photo.portraits)
            emit(_record(photo), _text(photo), as_json=json)
            if copies is not None:
                _draw(photo, copies.place(photo.source, ".png"))
    raise typer.Exit(worst or (Exit.YES if faces else Exit.NO))


def face_record(portrait: Portrait) -> dict[str, object]:
    """Return one face as plain values; pixels of the photo."""
    return {
        "xyxy": portrait.face.box.xyxy.tolist(),
        "landmarks": portrait.face.landmarks.tolist(),
        "score": portrait.face.score,
        "quality": portrait.quality.score,
        "reasons": list(portrait.quality.reasons),
    }


def seen_part(photo: Examined, portrait: Portrait) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of a face's box in whole pixels, cut at the photo's edges, for people to read."""
    left, top, right, bottom = (round(float(v)) for v in portrait.face.box.xyxy)
    if photo.image is None:
        return left, top, right, bottom
    wide, high = photo.image.width, photo.image.height
    return min(max(left, 0), wide), min(max(top, 0), high), min(max(right, 0), wide), min(max(bottom, 0), high)


def _record(photo: Examined) -> dict[str, object]:
    size = [photo.image.width, photo.image.height] if photo.image is not None else None
    return {"photo": photo.source, "width_height": size, "faces": [face_record(p) for p in photo.portraits]}


def _text(photo: Examined) -> str:
    count = len(photo.portraits)
    lines = [f"{photo.source}: {counted(count, 'face') if count else 'no faces'}"]
    for portrait in photo.portraits:
        left, top, right, bottom = seen_part(photo, portrait)
        why = f" ({', '.join(portrait.quality.reasons)})" if portrait.quality.reasons else ""
        lines.append(
            f"  {right - left} x {bottom - top} at ({left}, {top}), confidence {portrait.face.score:.2f}, "
            f"quality {portrait.quality.score:.2f}{why}"
        )
    return "\n".join(lines)


def _draw(photo: Examined, path: Path) -> None:
    from twinlens.draw import Mark, draw, save

    if photo.image is not None:
        marks = [Mark(p.face, f"{p.face.score:.2f}") for p in photo.portraits]
        save(draw(photo.image, marks), path)
