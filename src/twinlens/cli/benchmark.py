"""``twinlens benchmark detectors|speed``: which detector for whom, and what every stage costs here."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.output import emit, meter, note
from twinlens.errors import DatasetError, OptionError

if TYPE_CHECKING:
    from twinlens.evaluate.detector_records import DetectorBenchmark
    from twinlens.evaluate.scenes import SceneSet

app = typer.Typer(no_args_is_help=True, help="Benchmarks: detectors on data sets, speed of this machine.")


@app.command("detectors")
def detectors(
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on",
            metavar="wider|fddb|DIR",
            help="Photos with boxes: DIR holds boxes.txt in WIDER FACE's layout. Default: those of the first two here.",
        ),
    ] = None,
    detector: Annotated[
        list[str] | None,
        typer.Option(
            "--detector", metavar="NAME[:SCALES]", help="Only these, and YuNet as the reference; may be repeated."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Save JSON, tables and graphs here.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped, in --out.")] = False,
    photos: Annotated[
        int | None, typer.Option("--photos", metavar="N", help="A quick look at about N photos; marked as such.")
    ] = None,
    json: o.Json = False,
) -> None:
    """Compare detectors: average precision, recall, time and size, as a table and bubble graphs.

    Three to ten minutes for the 122 photos that Twinlens is developed with, more than an hour for all of WIDER FACE;
    with --out a stopped run goes on with --resume.
    """
    import numpy as np

    from twinlens.detect import DetectOptions
    from twinlens.evaluate.detector_runs import run, save
    from twinlens.evaluate.detectors import Occasion
    from twinlens.evaluate.looks import chosen_settings, default_settings

    if resume and out is None:
        msg = "--resume goes on in a folder: name it with --out"
        raise OptionError(msg)
    settings = chosen_settings(detector) if detector else default_settings()
    sets = _sets(on)
    if photos is not None:
        sets = [scenes.part(photos) for scenes in sets]
    occasion = Occasion(_command(), DetectOptions().min_score)
    found = []
    for scenes in sets:
        with meter(scenes.key) as moved:
            found.append(
                run(
                    scenes,
                    settings,
                    occasion=occasion,
                    rng=np.random.default_rng(0),
                    out=out,
                    resume=resume,
                    progress=moved,
                )
            )
    for benchmark in found:
        _show(benchmark, as_json=json)
    if out is not None:
        note(f"written: {', '.join(str(file) for file in save(found, out))}")


def _sets(names: Sequence[str] | None) -> list[SceneSet]:
    """Return the sets that are named, else those that are on this machine, saying what is not."""
    from twinlens.datasets.place import data_root
    from twinlens.evaluate.scenes import SETS, open_scenes

    root = data_root(os.environ)
    if names:
        return _apart([open_scenes(name, root) for name in dict.fromkeys(names)])
    found = []
    for name in SETS:
        try:
            found.append(open_scenes(name, root))
        except DatasetError as error:
            note(f"twinlens: without {name}: {error}")
    if not found:
        msg = f"no photos with boxes in {root}: see twinlens data list, or give a folder with --on DIR"
        raise DatasetError(msg)
    return found


def _apart(sets: list[SceneSet]) -> list[SceneSet]:
    """Refuse two sets that would overwrite each other's results.

    Raises:
        OptionError: there are.
    """
    keys = [scenes.key for scenes in sets]
    if len(set(keys)) < len(keys):
        msg = f"wanted data sets of different names, got {', '.join(keys)}: rename a folder, or run them one by one"
        raise OptionError(msg)
    return sets


def _command() -> str:
    """Return what was typed; a run that goes on is the run that was begun."""
    return shlex.join(["twinlens", *(word for word in sys.argv[1:] if word != "--resume")])


def _show(benchmark: DetectorBenchmark, *, as_json: bool) -> None:
    """Print a set's table, or one object for each setting."""
    from dataclasses import asdict

    from twinlens.evaluate.detector_tables import FLATTERS, facts, plain_table

    if not as_json:
        emit({}, "\n".join([*facts(benchmark), "", plain_table(benchmark), "", FLATTERS, ""]), as_json=False)
        return
    about = {"set": benchmark.key, "quick": benchmark.quick, "photos": benchmark.photos, "machine": benchmark.machine}
    for result in benchmark.settings:
        emit({**about, **asdict(result)}, "", as_json=True)
