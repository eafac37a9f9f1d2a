"""``twinlens calibrate``: probability and thresholds for photos like yours."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.output import counted, emit, meter, note, percent

if TYPE_CHECKING:
    import numpy as np

    from twinlens.datasets.records import Photo
    from twinlens.evaluate.own import Material, Own
    from twinlens.evaluate.sight import Seen
    from twinlens.metrics.thresholds import Refusal, Row

FAILURES_SAID = 10


def calibrate(
    data: Annotated[
        str, typer.Argument(metavar="DIR|CSV|DATA", help="One folder a person, a CSV of pairs or of scores, or a set.")
    ],
    target_fmr: Annotated[
        list[float] | None, typer.Option("--target-fmr", metavar="RATE", help="A row of the table; may be repeated.")
    ] = None,
    save: Annotated[
        str | None,
        typer.Option("--save", metavar="NAME", help="Keep it; named like the model it is in force at once."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Write the reliability diagram there.")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", metavar="NAME", help="Only this part of a data set, such as train.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="FILE", help="Keep what was seen there, and go on from it. Holds templates."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of folds and resampled people.", min=0)] = 0,
    model: o.Model = "sface",
    detector: o.DetectorOption = "yunet",
    scales: o.Scales = "multi",
    engine: o.Engine = None,
    precision: o.Precision = "float32",
    json: o.Json = False,
) -> None:
    """Fit similarity to probability and choose thresholds on people you know, everybody alike."""
    import numpy as np

    from twinlens.evaluate.own import TARGETS, calibrate as fit
    from twinlens.score import DEFAULT_FMR
    from twinlens.zoo import OwnCalibration, find_card, save_calibration
    from twinlens.zoo.calibrations import check_name

    if save is not None:
        check_name(save)
    setup = o.Setup(model=model, detector=detector, scales=scales, engine=engine, precision=precision)
    rng = np.random.default_rng(seed)
    card = find_card(model)
    material, protocol = _material(data, split, setup, resume, rng)
    command = shlex.join(["twinlens", *sys.argv[1:]])
    own = fit(material, protocol=protocol, command=command, targets=target_fmr or TARGETS, rng=rng)
    emit(record(own), text(own), as_json=json)
    for remark in own.fitted.notes:
        note(f"note: {remark}")
    if out is not None:
        for path in _draw(own, out):
            note(f"wrote {path}")
    if save is not None:
        made = datetime.now(UTC).isoformat(timespec="seconds")
        kept = OwnCalibration(save, card.identity, detector, made, own.fitted.calibration, own.measured)
        note(f"saved {save_calibration(kept)}{_how_used(save, model)}")
        if own.measured is None:
            note(
                f"note: too few pairs of people for thresholds at the default FMR of {percent(DEFAULT_FMR)}: those of "
                f"{model}'s card stay, and only the probability is yours; a threshold of the table above is used with "
                "--threshold"
            )


def _how_used(name: str, model: str) -> str:
    if name == model:
        return f": in force for {model} from now on (twinlens models forget {name} ends that)"
    return f": use it with --calibration {name}"


def _material(
    data: str, split: str | None, setup: o.Setup, resume: Path | None, rng: np.random.Generator
) -> tuple[Material, str]:
    """Return the comparisons and what they are, in words."""
    from twinlens.datasets.place import data_root
    from twinlens.datasets.registry import open_dataset
    from twinlens.datasets.score_list import is_score_list, read_scores
    from twinlens.evaluate.own import from_photos, from_scores, only

    path = Path(data).expanduser()
    if path.is_file() and is_score_list(path):
        scores = read_scores(path)
        return from_scores(scores, rng=rng), f"{path.name}: {counted(scores.scores.size, 'score')}"
    dataset = open_dataset(data, data_root(os.environ))
    if split is not None:
        dataset = only(dataset, split)
    seen = _seen(dataset.photos, setup, resume)
    failed = [f"{photo.path.name}: {fault}" for photo, fault in zip(seen.photos, seen.faults, strict=True) if fault]
    if failed:
        note(f"left out: {len(failed):,} of {counted(len(seen.photos), 'photo')}; the first:")
        for line in failed[:FAILURES_SAID]:
            note(f"  {line}")
    return from_photos(dataset, seen, rng=rng), dataset.name if split is None else f"{dataset.name}, {split}"


def _seen(photos: Sequence[Photo], setup: o.Setup, resume: Path | None) -> Seen:
    from twinlens.cli.evaluate import lens_of
    from twinlens.evaluate.memory import ResumeFile
    from twinlens.evaluate.sight import see

    with ExitStack() as stack:
        lens, _ = lens_of(setup, stack)
        memory = None if resume is None else stack.enter_context(ResumeFile(resume, lens.system))
        with meter("photos") as moved:
            return see(photos, lens, memory=memory, progress=moved)


def record(own: Own) -> dict[str, object]:
    """Return everything as plain values."""
    held = own.fitted.held_out
    return {
        "calibration": asdict(own.fitted.calibration),
        "held_out": {"cllr": held.cllr, "min_cllr": held.min_cllr, "ece": held.ece, "brier": held.brier},
        "methods": {one.method: one.cllr for one in own.fitted.candidates},
        "thresholds": [asdict(row) for row in own.rows],
        "notes": list(own.fitted.notes),
    }


def text(own: Own) -> str:
    """Return the table and the probability's figures for people."""
    calibration, held = own.fitted.calibration, own.fitted.held_out
    who = f"{counted(calibration.people, 'person', 'people')}, " if calibration.people else ""
    lines = [
        f"{calibration.protocol}: {who}{calibration.genuine:,} genuine and "
        f"{counted(calibration.impostors, 'impostor pair')}",
        "",
        "target FMR   threshold (95 %)            FNMR (95 %)              FMR among other such people (95 %)",
        *map(_line, own.rows),
        "",
        f"probability: {calibration.method} map; on people left out of the fit: ECE {held.ece:.4f}, Brier "
        f"{held.brier:.4f}, Cllr {held.cllr:.4f} bits (at best {held.min_cllr:.4f}; 1 says nothing)",
        "Cllr of each family on people left out: "
        + ", ".join(f"{one.method} {one.cllr:.4f}" for one in own.fitted.candidates),
    ]
    return "\n".join(lines)


def _line(row: Row | Refusal) -> str:
    from twinlens.metrics.thresholds import Refusal

    target = f"{percent(row.target):<12}"
    if isinstance(row, Refusal):
        return f"{target} refused: {row.reason}"
    place = f"{row.threshold:.4f} ({row.threshold_low:.4f} to {row.threshold_high:.4f})"
    missed = f"{row.fnmr.estimate:.2%} ({row.fnmr.low:.2%} to {row.fnmr.high:.2%})"
    return f"{target} {place:<27} {missed:<24} {row.elsewhere.low:.2g} to {row.elsewhere.high:.2g}"


def _draw(own: Own, folder: Path) -> list[Path]:
    from twinlens.evaluate.extra import check_extra

    check_extra()
    from twinlens.evaluate.plots.ink import drawing, write
    from twinlens.evaluate.plots.scores import reliability_plot

    folder.mkdir(parents=True, exist_ok=True)
    with drawing():
        plot = reliability_plot(own.check)
    paths = [folder / f"reliability.{kind}" for kind in ("svg", "png")] if plot else []
    for path in paths:
        if plot is not None:
            write(plot, path)
    return paths
