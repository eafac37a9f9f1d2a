"""``twinlens export RUN``: a network of the lab becomes a model of the recognizer."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli.options import Json
from twinlens.cli.output import counted, emit, meter, note
from twinlens.score import DEFAULT_FMR

if TYPE_CHECKING:
    from twinlens.lab.export.exporting import Export
    from twinlens.zoo import ModelCard


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, as twinlens train names it.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The model's. Default: the recipe's.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where it goes. Default: the user's models folder.")
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Pack weights into int8, and say what that costs.")] = False,
    mirror: Annotated[
        bool | None,
        typer.Option("--mirror/--no-mirror", help="Average with the mirror image, in twice the time. Default: as run."),
    ] = None,
    dim: Annotated[
        int | None,
        typer.Option("--dim", metavar="N", help="Keep the N strongest directions of a joint Bayesian finish.", min=1),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option("--measure/--no-measure", help="Measure on the run's validation people, where they are here."),
    ] = True,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a model of that name.")] = False,
    json: Json = False,
) -> None:
    """Write a run as one ONNX file with a card; twinlens verify --model NAME then uses it."""
    from twinlens.lab.extra import check_lab

    check_lab()
    from twinlens.datasets.place import data_root
    from twinlens.lab.export.exporting import Wish, export as write

    wish = Wish(name, int8, measure, replace, shlex.join(["twinlens", *sys.argv[1:]]), mirror, dim)
    with meter("photos") as moved:
        found = write(run, wish, data_root(os.environ), out, progress=moved)
    emit(record(found), text(found), as_json=json)
    for remark in found.notes:
        note(f"note: {remark}")
    named = str(found.card.name if out is None else found.path)
    note(f"saved {found.path}: use it with {usable_with(found.card, shlex.quote(named))}")


def usable_with(card: ModelCard, named: str) -> str:
    """Return the options that the next command takes, with a rate that the card supports."""
    if card.measured is None:
        return f"--model {named} --threshold SIMILARITY (its card holds no error rate)"
    rates = [f"{point.fmr:g}" for point in card.measured.points]
    if card.measured.points[-1].fmr <= DEFAULT_FMR:
        return f"--model {named}"
    many = f" (or {', '.join(rates[:-1])})" if rates[1:] else ""
    return f"--model {named} --target-fmr {rates[-1]}{many}: its card supports no stricter rate"


def record(found: Export) -> dict[str, object]:
    """Return everything as plain values."""
    card = found.card
    return {
        "name": card.name,
        "card": str(found.path),
        "dim": card.dim,
        "parameters": card.parameters,
        "framing": asdict(found.framing),
        "agreement": [asdict(one) for one in found.agreements],
        "pairs": found.part,
        "accuracy": [asdict(one) for one in found.answers],
        "thresholds": len(card.measured.points) if card.measured else 0,
        "target_fmrs": [point.fmr for point in card.measured.points] if card.measured else [],
        "calibrated": card.calibration is not None,
        "notes": list(found.notes),
    }


def text(found: Export) -> str:
    """Return it for people."""
    card, framing = found.card, found.framing
    lines = [
        f"{card.name}: {card.summary}",
        f"framing   crop = {framing.scale:.3f} x input + ({framing.across:.1f}, {framing.down:.1f}) pixels, from "
        f"{framing.source}",
        *(
            f"{one.engine:<12}{one.weights:<9}differs from torch by {one.difference:.1e}, cosine {one.cosine:.7f}"
            for one in found.agreements
        ),
    ]
    if found.answers:
        lines += ["", f"accuracy on {found.part}, each at its best threshold there:"]
    for one in found.answers:
        share = one.accuracy
        failed = f", {counted(one.failures, 'pair')} without a face" if one.failures else ""
        lines.append(f"  {one.by:<26} {share.estimate:.4f} ({share.low:.4f} to {share.high:.4f}){failed}")
    kept = "no thresholds"
    if card.measured is not None:
        rates = ", ".join(f"{point.fmr:g}" for point in card.measured.points)
        kept = f"{counted(len(card.measured.points), 'threshold')} (--target-fmr {rates})"
    lines.append(f"card      {kept}, {'calibrated' if card.calibration else 'not calibrated'}")
    return "\n".join(lines)
