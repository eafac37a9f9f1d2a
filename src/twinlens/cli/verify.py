"""``twinlens verify A B``: the same person?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.copies import single
from twinlens.cli.exits import Exit
from twinlens.cli.output import emit, likely, meter, note, percent
from twinlens.cli.why import draw_why, why_record, why_text
from twinlens.errors import OptionError

if TYPE_CHECKING:
    from twinlens.recognizer import Examined, Explanation, Recognizer
    from twinlens.types import Decision


def verify(
    left: o.Photo,
    right: o.Photo,
    target_fmr: o.TargetFmr = None,
    threshold: o.Threshold = None,
    draw: Annotated[
        Path | None, typer.Option("--draw", metavar="FILE", help="Save both photos with the faces.")
    ] = None,
    why: Annotated[
        Path | None,
        typer.Option("--why", metavar="FILE", help="Save a sheet of what in the two faces the answer rests on."),
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option("--gallery", "-g", metavar="FILE|URL", help="For --why: who else is enrolled, and how near."),
    ] = None,
    model: o.Model = "sface",
    detector: o.DetectorOption = "yunet",
    scales: o.Scales = "multi",
    engine: o.Engine = None,
    precision: o.Precision = "float32",
    calibration: o.CalibrationOption = None,
    prior: o.Prior = None,
    allow_url: o.AllowUrl = False,
    json: o.Json = False,
) -> None:
    """Decide whether the main faces (large and central) of two photos are the same person: exit code 0 yes, 1 no."""
    setup = o.Setup(
        gallery=gallery,
        model=model,
        detector=detector,
        scales=scales,
        engine=engine,
        precision=precision,
        target_fmr=target_fmr,
        threshold=threshold,
        calibration=calibration,
        prior=prior,
        allow_url=allow_url,
    )
    if left == right == "-":
        msg = "stdin holds one photo: give only one of the two as -"
        raise OptionError(msg)
    if gallery is not None and why is None:
        msg = "--gallery serves --why FILE only: give both, or use identify"
        raise OptionError(msg)
    target, sheet = _targets(draw, why, (left, right))
    with o.build(setup, gallery="none" if gallery is None else "there") as recognizer:
        one, other = recognizer.examine_pair(o.photo_source(left), o.photo_source(right))
        decision = recognizer.compare(one, other)
        explanation = None if sheet is None else _explained(recognizer, one, other)
    if target is not None:
        _draw(one, other, decision, target)
    said = sentence(decision, recognizer.policy.prior)
    record = {
        "left": one.source,
        "right": other.source,
        "accepted": decision.accepted,
        "score": decision.score,
        "probability": decision.probability,
        "prior": None if decision.probability is None else recognizer.policy.prior,
        "threshold": decision.threshold,
        "fmr": decision.fmr,
        "model": one.portraits[0].embedding.model,
        "quality": [one.portraits[0].quality.score, other.portraits[0].quality.score],
        "notes": {photo.source: list(hints(photo)) for photo in (one, other)},
    }
    text = said
    if explanation is not None and sheet is not None:
        draw_why(explanation, said, sheet, searched=gallery is not None)
        record["why"] = why_record(explanation, sheet)
        text = f"{said}\n{why_text(explanation, searched=gallery is not None)}"
    emit(record, text, as_json=json)
    _remark((target, sheet), (one, other))
    raise typer.Exit(Exit.YES if decision.accepted else Exit.NO)


def sentence(decision: Decision, prior: float = 0.5) -> str:
    """Put a decision into words."""
    verdict = "same person" if decision.accepted else "different people"
    start = "even odds" if prior == 0.5 else f"a prior of {prior:g}"
    chance = "" if decision.probability is None else f", probability {likely(decision.probability)} from {start}"
    means = (
        f"at this threshold {percent(decision.fmr)} of strangers are accepted"
        if decision.fmr is not None
        else "nobody measured what this threshold stands for"
    )
    return f"{verdict}: similarity {decision.score:.3f}, threshold {decision.threshold:.3f}{chance} ({means})"


def hints(photo: Examined) -> list[str]:
    """Return what a person should know about a photo before trusting the answer."""
    found = list(photo.portraits[0].quality.reasons)
    if photo.others:
        found.append(f"shows {photo.others + 1} faces; the main one was compared")
    return found


def _remark(written: Sequence[Path | None], photos: Sequence[Examined]) -> None:
    """Say what was written, and what to know of each photo."""
    for path in written:
        if path is not None:
            note(f"wrote {path}")
    for photo in photos:
        for hint in hints(photo):
            note(f"note: {photo.source}: {hint}")


def _explained(recognizer: Recognizer, one: Examined, other: Examined) -> Explanation:
    with meter("blotting out") as progress:
        return recognizer.explain(one, other, progress=progress)


def _targets(draw: Path | None, why: Path | None, photos: tuple[str, str]) -> tuple[Path | None, Path | None]:
    """Return where the pictures go; what cannot be written is said before the work, not after it."""
    from twinlens.draw import check_writable

    target = None if draw is None else single(draw, photos, "verify.png")
    sheet = None if why is None else single(why, photos, "why.png", option="--why")
    if target is not None and sheet is not None and target.resolve() == sheet.resolve():
        msg = f"--draw and --why would both write {sheet}: give two names"
        raise OptionError(msg)
    for path in (target, sheet):
        if path is not None:
            check_writable(path)
    return target, sheet


def _draw(one: Examined, other: Examined, decision: Decision, target: Path) -> None:
    from twinlens.draw import KNOWN, UNKNOWN, Mark, draw, save, side_by_side

    colour = KNOWN if decision.accepted else UNKNOWN
    pictures = [
        draw(photo.image, [Mark(photo.portraits[0].face, f"{decision.score:.2f}", colour)])
        for photo in (one, other)
        if photo.image is not None
    ]
    save(side_by_side(*pictures), target)
