"""``twinlens models``: what is at hand, where it comes from, whether it is what it claims to be."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.exits import Exit
from twinlens.cli.output import counted, emit, note, percent

if TYPE_CHECKING:
    from twinlens.zoo import ModelCard

app = typer.Typer(no_args_is_help=True, help="Models: list, show, fetch, check.")
Name = Annotated[str, typer.Argument(metavar="NAME|CARD", help="A model's name, or a path to a card.")]


@app.command("list")
def list_models(json: o.Json = False) -> None:
    """List every model, and whether its files are on this machine."""
    from twinlens.zoo import faulty_cards, list_cards

    for fault in faulty_cards():
        note(f"twinlens: {fault}")
    for card in list_cards():
        here = _state(card)
        record = {"name": card.name, "kind": card.kind, "here": not here, "licence_weights": card.licence_weights}
        emit(
            {**record, "summary": card.summary},
            f"{card.name:16} {card.kind:9} {here or 'here':8} {card.summary}",
            as_json=json,
        )


@app.command("show")
def show(name: Name, json: o.Json = False) -> None:
    """Show a model's card: licences, training data, provenance, measured error rates."""
    from twinlens.zoo import calibrated, find_card, own_calibration

    card = find_card(name)
    own = own_calibration(card) if card.kind == "embedder" else None
    emit(_record(calibrated(card) if own else card), _text(calibrated(card) if own else card), as_json=json)
    if own is not None:
        note(f"note: your calibration {own.name!r} of {own.made} is in force (twinlens models forget {own.name})")


@app.command("calibrations")
def calibrations(json: o.Json = False) -> None:
    """List your own calibrations; the one named like a model is in force without being asked for."""
    from twinlens.zoo import list_calibrations

    found, faults = list_calibrations()
    for own in found:
        record = {"name": own.name, "model": own.model, "made": own.made, "people": own.calibration.people}
        said = f"{own.name:16} {own.model:22} {own.made:25} {own.calibration.protocol}"
        emit({**record, "protocol": own.calibration.protocol}, said, as_json=json)
    for fault in faults:
        note(f"twinlens: {fault}")
    if not found:
        note("no calibrations of your own: twinlens calibrate FOLDER --save NAME")


@app.command("forget")
def forget(name: Annotated[str, typer.Argument(metavar="CALIBRATION")], json: o.Json = False) -> None:
    """Delete a calibration of your own; the model's card is in force again."""
    from twinlens.zoo import remove_calibration

    path = remove_calibration(name)
    emit({"name": name, "removed": str(path)}, f"removed {path}", as_json=json)


@app.command("check")
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Default: all that are here.")] = None,
    engine: o.Engine = None,
    json: o.Json = False,
) -> None:
    """Compare every file with its card's sha256 and every embedder's answer with its golden values."""
    from twinlens.errors import TwinlensError
    from twinlens.zoo import faulty_cards, find_card, list_cards

    cards = [find_card(name) for name in names] if names else [c for c in list_cards() if not _state(c)]
    worst = Exit.YES
    for fault in [] if names else faulty_cards():
        worst = Exit.MACHINERY
        emit({"name": None, "ok": False, "found": str(fault)}, f"FAIL {fault}", as_json=json)
    for card in cards:
        try:
            said, good = examine(card, engine), True
        except TwinlensError as error:
            said, good, worst = str(error), False, Exit.MACHINERY
        emit(
            {"name": card.name, "ok": good, "found": said},
            f"{'ok  ' if good else 'FAIL'} {card.name}: {said}",
            as_json=json,
        )
    raise typer.Exit(worst)


@app.command("fetch")
def fetch(name: Name, json: o.Json = False) -> None:
    """Download what a model's card gives an address for to the user's folder, checking each sha256."""
    from twinlens.datasets.fetch import download
    from twinlens.datasets.sources import Source
    from twinlens.errors import DatasetError, ModelNotFoundError
    from twinlens.zoo import find_card, locate, user_folder

    card = find_card(name)
    for file in card.files:
        try:
            path = locate(card, file)
        except ModelNotFoundError:
            if not file.url:
                raise
            user_folder().mkdir(parents=True, exist_ok=True)
            try:
                path = download(Source(file.name, (file.url,), file.sha256, file.size_bytes), user_folder())
            except DatasetError as error:
                raise ModelNotFoundError(str(error)) from error
        emit({"name": name, "file": str(path)}, f"{path}", as_json=json)


def examine(card: ModelCard, engine: o.EngineName | None) -> str:
    """Check one model; return what was seen.

    Raises:
        ModelError: a file is missing or changed, or the engine answers otherwise than the reference.
    """
    from twinlens.embed import OnnxEmbedder
    from twinlens.embed.golden import TOLERANCE, golden_error
    from twinlens.errors import ModelError
    from twinlens.runtime import RuntimeOptions, chosen_engine, load_network
    from twinlens.zoo import checked_paths

    path, *_ = checked_paths(card)
    if card.kind != "embedder":
        return "files match their sha256"
    options = RuntimeOptions(engine=engine)
    error = golden_error(OnnxEmbedder(card, load_network(path, options)))
    if error is None:
        return "files match their sha256; the card holds no golden values"
    runs_on = chosen_engine(options)
    if not error <= TOLERANCE:  # NaN too
        msg = (
            f"on {runs_on} the answer differs from the reference by {error:.2g} (at most {TOLERANCE:g}): do not trust "
            "it; use another engine (--engine) or version"
        )
        raise ModelError(msg)
    return f"files match their sha256; on {runs_on} golden values agree within {error:.1e}"


def _state(card: ModelCard) -> str:
    """Return what is missing, or nothing."""
    from twinlens.errors import ModelNotFoundError
    from twinlens.zoo import locate

    try:
        for file in card.files:
            locate(card, file)
    except ModelNotFoundError:
        return "missing"
    return ""


def _record(card: ModelCard) -> dict[str, object]:
    measured = card.measured
    return {
        "name": card.name,
        "kind": card.kind,
        "identity": card.identity,
        "summary": card.summary,
        "dim": card.dim,
        "licence_code": card.licence_code,
        "licence_weights": card.licence_weights,
        "training_data": card.training_data,
        "source": card.source,
        "provenance": card.provenance,
        "files": [{"name": f.name, "sha256": f.sha256, "size_bytes": f.size_bytes} for f in card.files],
        "accuracy": [
            {"protocol": a.protocol, "value": a.value, "low": a.low, "high": a.high, "command": a.command}
            for a in card.accuracy
        ],
        "measured": measured
        and {
            "protocol": measured.protocol,
            "command": measured.command,
            "impostors": measured.impostors,
            "genuine": measured.genuine,
            "people": measured.people,
            "points": [{"fmr": p.fmr, "threshold": p.threshold, "fnmr": p.fnmr} for p in measured.points],
        },
        "calibration": card.calibration and asdict(card.calibration),
    }


def _text(card: ModelCard) -> str:
    lines = [
        f"{card.name} ({card.kind}, {card.identity})",
        card.summary,
        f"licence   code {card.licence_code}, weights {card.licence_weights}",
        f"trained   {card.training_data}",
        f"source    {card.source}",
        f"made      {card.provenance}",
        *(f"file      {f.name}, {f.size_bytes:,} bytes, sha256 {f.sha256}" for f in card.files),
        *(f"accuracy  {a.protocol}: {a.value:.4f} ({a.low:.4f} to {a.high:.4f})" for a in card.accuracy),
    ]
    measured = card.measured
    if measured is None:
        lines.append("measured  nothing: no threshold of this model stands for an error rate")
    else:
        lines.append(
            f"measured  {measured.protocol}: {counted(measured.people, 'person', 'people')}, "
            f"{counted(measured.impostors, 'comparison')} of strangers, {measured.genuine:,} of the same person"
        )
        lines += [
            f"          FMR {percent(p.fmr):>14}  threshold {p.threshold:.4f}  FNMR {p.fnmr:.4f}"
            for p in measured.points
        ]
    if card.calibration is None:
        lines.append("probable  nothing: no similarity of this model stands for a probability")
    else:
        own = card.calibration
        lines.append(
            f"probable  {own.method} map fitted on {own.protocol}: {counted(own.people, 'person', 'people')}; on "
            f"people left out ECE {own.ece:.4f}, Cllr {own.cllr:.4f} bits; never more than "
            f"{math.exp(own.highest):,.0f} to 1 for the same person, {math.exp(-own.lowest):,.0f} to 1 against"
        )
    return "\n".join(lines)
