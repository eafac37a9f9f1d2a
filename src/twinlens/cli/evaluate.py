"""``twinlens evaluate MODEL --on DATA``: how good is it, on whom, and how sure is that?"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twinlens.cli import options as o
from twinlens.cli.output import counted, emit, meter, note

if TYPE_CHECKING:
    from twinlens.evaluate.records import Report
    from twinlens.evaluate.score_records import Figure
    from twinlens.evaluate.sight import Lens
    from twinlens.zoo import ModelCard

Thresholds = Literal["own", "card"]
Model = Annotated[str, typer.Argument(metavar="[MODEL]", help="A model's name or card; 'pixels' for the baseline.")]
On = Annotated[
    str, typer.Option("--on", metavar="DATA", help="A data set's name, a folder with one folder a person, or a CSV.")
]


def evaluate(
    on: On,
    model: Annotated[
        str, typer.Argument(metavar="[MODEL]", help="A model or card; 'pixels' for the baseline.")
    ] = "sface",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Write the page, the JSON and the card there.")
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Show the worst mistakes as photos in the page.")
    ] = True,
    thresholds: Annotated[
        Thresholds,
        typer.Option(help="own: chosen on other people of the set; card: the model's, so that everybody is tested."),
    ] = "own",
    all_pairs: Annotated[bool, typer.Option("--all-pairs", help="Compare all photos, not the listed pairs.")] = False,
    baseline: Annotated[bool, typer.Option("--baseline/--no-baseline", help="Put bare pixels beside it.")] = True,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="FILE", help="Keep what was seen there, and go on from it. Holds templates."),
    ] = None,
    quick: Annotated[
        int | None, typer.Option("--quick", metavar="N", help="Only N pairs of each kind (or people) a part; marked.")
    ] = None,
    leakage: Annotated[
        Literal["full", "names"], typer.Option(help="names: do not open photos to look for copies.")
    ] = "full",
    seed: Annotated[int, typer.Option(help="Of whatever is drawn.", min=0)] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an earlier report in the folder.")] = False,
    detector: o.DetectorOption = "yunet",
    scales: o.Scales = "multi",
    engine: o.Engine = None,
    precision: o.Precision = "float32",
    json: o.Json = False,
) -> None:
    """Evaluate a model by a protocol: error rates with intervals, thresholds, calibration, slices, mistakes."""
    from twinlens.datasets.place import data_root
    from twinlens.datasets.registry import open_dataset
    from twinlens.evaluate.extra import check_extra

    check_extra()
    from twinlens.evaluate.folder import check_folder, write_report
    from twinlens.evaluate.lenses import PixelLens
    from twinlens.evaluate.memory import ResumeFile
    from twinlens.evaluate.runner import Options, evaluate as run
    from twinlens.evaluate.storage import report_text
    from twinlens.zoo.calibrations import OF_THE_CARD

    dataset = open_dataset(on, data_root(os.environ))
    if out is not None:
        check_folder(out, replace=replace)
    # the card's own numbers: a calibration of the user's may have been fitted on the very people who are tested
    setup = o.Setup(
        model=model, detector=detector, scales=scales, engine=engine, precision=precision, calibration=OF_THE_CARD
    )
    options = Options(
        seed=seed,
        card_thresholds=thresholds == "card",
        all_pairs=all_pairs,
        quick=quick,
        leakage=leakage,
        command=_command(sys.argv[1:]),
    )
    with ExitStack() as stack:
        lens, card = lens_of(setup, stack)
        memory = None if resume is None else stack.enter_context(ResumeFile(resume, lens.system))
        trivial = PixelLens() if baseline and model != "pixels" else None
        with meter(f"{dataset.name}: photos") as moved:
            report = run(
                dataset,
                lens,
                card=card,
                baseline=trivial,
                options=options,
                memory=memory,
                progress=moved,
            )
    emit(loads(report_text(report)) if json else {}, text(report), as_json=json)  # first: the disk may be full
    if out is not None:
        for path in write_report(report, out, photos=dataset.root if pictures else None):
            note(f"wrote {path}")


def text(report: Report) -> str:
    """Return what a person reads first."""
    tested = [part for part in report.parts if part.role != "threshold"]
    genuine, impostors = sum(part.genuine for part in tested), sum(part.impostors for part in tested)
    lines = [
        f"{report.title}{' (a quick look: not a result)' if report.quick else ''}",
        f"{report.protocol.title}; tested: {counted(sum(part.people for part in tested), 'person', 'people')}, "
        f"{genuine:,} genuine and {counted(impostors, 'impostor pair')}",
        "",
        *(figure_line(figure) for figure in (*report.headline, *(report.search.figures if report.search else ()))),
        "",
        "target FMR   threshold   FMR measured (95 %)            FNMR measured (95 %)",
    ]
    source = ""
    for row in report.operating:
        if row.source != source:
            source = row.source
            lines.append(f"thresholds {source}:")
        if row.threshold is None or row.fmr is None or row.fnmr is None:
            lines.append(f"{row.target_fmr:<12g} refused     {row.refused}")
        else:
            lines.append(f"{row.target_fmr:<12g} {row.threshold:<11.4f} {_span(row.fmr):<30} {_span(row.fnmr)}")
    lines += ["", *(f"{caution.level}: {caution.text}" for caution in report.leakage)]
    if report.baseline:
        lines += [f"baseline, {report.baseline.name}:", *(figure_line(figure) for figure in report.baseline.figures)]
    return "\n".join(lines)


def figure_line(figure: Figure) -> str:
    """Write a figure with its interval and what stands behind it."""
    if figure.value is None:
        return f"{figure.name:<36} not measured: {figure.note}"
    return f"{figure.name:<36} {_span(figure):<30} {figure.note}"


def _span(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    shown = f"{figure.value:.4g}" if figure.value < 0.01 else f"{figure.value:.4f}"
    if figure.low is None or figure.high is None:
        return shown
    ends = [f"{end:.2g}" if end < 0.01 else f"{end:.4f}" for end in (figure.low, figure.high)]
    return f"{shown} ({ends[0]} to {ends[1]})"


def lens_of(setup: o.Setup, stack: ExitStack) -> tuple[Lens, ModelCard | None]:
    """Return the system under evaluation, and its card."""
    from twinlens.evaluate.lenses import PixelLens, RecognizerLens
    from twinlens.runtime import RuntimeOptions, chosen_engine

    if setup.model == "pixels":
        return PixelLens(), None
    recognizer = stack.enter_context(o.build(setup))
    engine = chosen_engine(RuntimeOptions(engine=setup.engine, precision=setup.precision))
    lens = RecognizerLens(
        recognizer, detector=f"{setup.detector}, scales {setup.scales}", engine=f"{engine}, {setup.precision}"
    )
    return lens, recognizer.card


def _command(words: Sequence[str]) -> str:
    """Return the command as it was typed, with the program's name alone.

    Where a run keeps what it saw changes no figure and is nobody's business: ``--resume FILE`` is left out.
    """
    kept = [
        word
        for before, word in zip(["", *words], words, strict=False)
        if "--resume" not in {before, word} and not word.startswith("--resume=")
    ]
    return shlex.join(["twinlens", *kept])
