"""``twinlens reproduce SYSTEM``: what a document published, beside what its networks come to here."""

from __future__ import annotations

import json as json_module
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.lab import Threads, check_lab, quick_said
from twinlens.cli.output import emit, note
from twinlens.errors import OptionError

if TYPE_CHECKING:
    from twinlens.lab.reproduction import Reproduction

System = Annotated[str, typer.Argument(metavar="SYSTEM", help="000, 001, 002, 003, 004 or koch.")]


def reproduce(
    system: System,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Holds one folder a run (runs/SYSTEM).")
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", metavar="N", min=0, help="Runs of each configuration; 0 for the usual three.")
    ] = 0,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="This configuration; may be repeated.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Sizes for small machines; marked in the table.")] = False,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change every recipe; said above the table.")
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes", metavar="N", min=0, help="Begin no run later than that; 0 for no end.")
    ] = 0.0,
    run: Annotated[bool, typer.Option("--run/--no-run", help="--no-run: only the table of what has run.")] = True,
    table: Annotated[
        Path | None, typer.Option("--table", metavar="FOLDER", help="Write table, JSON and plots there (as --out).")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Only list the configurations.")] = False,
    threads: Threads = None,
    json: o.Json = False,
) -> None:
    """Train a document's distinct configurations, and print published | ours | honest reading.

    The same command goes on where it stopped. Test pairs are scored once a run and choose nothing.
    """
    from twinlens.lab.study import read_study

    study = read_study(system)
    if listed:
        for one in study.configurations:
            record = {"name": one.name, "recipe": one.recipe, "title": one.title, "changes": list(one.changes)}
            emit(record, f"{one.name:<28} {one.title}", as_json=json)
        return
    check_lab()
    from twinlens.datasets.place import data_root
    from twinlens.lab.reproduce import Plan, gathered, run_tasks, tasks_of

    place = out or Path("runs") / system
    plan = Plan(place, seeds, tuple(only or ()), quick, tuple(changes or ()), minutes, threads)
    tasks = tasks_of(study, plan)
    missing = run_tasks(tasks, plan, data_root(os.environ), told=note, progress=sys.stderr.isatty()) if run else []
    done, folders = gathered(study, plan, missing)
    if not folders:
        why = missing[0].why if missing else f"{place} holds no finished run of {system}; leave out --no-run"
        raise OptionError(why)
    _report(done, folders, table or place, json=json)


def _report(done: Reproduction, folders: list[Path], folder: Path, *, json: bool) -> None:
    """Print a line a configuration, and write the whole table with its JSON and plots."""
    from twinlens.lab.brief import brief
    from twinlens.lab.reproduction_plots import write_plots
    from twinlens.lab.tables import markdown, record

    command = shlex.join(["twinlens", *sys.argv[1:]])
    said = {"command": command, "machine": _machine()}
    emit(record(done, **said), brief(done), as_json=json)
    name = f"reproduce-{done.study.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        plots = write_plots(done, folders, folder)
        text = markdown(done, **said, plots=[path.name for path in plots])
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
        plain = json_module.dumps(record(done, **said), ensure_ascii=False, indent=1)
        (folder / f"{name}.json").write_text(plain + "\n", encoding="utf-8")
    except OSError as error:
        msg = f"cannot write the table to {folder}: {error.strerror or error}; name another --table"
        raise OptionError(msg) from error
    for path in (folder / f"{name}.md", folder / f"{name}.json", *plots):
        note(f"wrote {path}")
    if any(one.quick and not done.study.configuration(one.configuration).shortened for one in done.figures):
        note(f"note: {quick_said()}")
    if not json:
        emit({}, f"every published figure, and how to read it: {folder / name}.md", as_json=False)


def _machine() -> str:
    """Return processor, cores and versions; nothing that names the machine or its owner."""
    import platform
    from importlib.metadata import version

    from twinlens.lab.environment import processor
    from twinlens.runtime import usable_cores

    return (
        f"{processor()}, {usable_cores()} cores, PyTorch {version('torch')}, Python {platform.python_version()}. "
        "Seconds are those of each run, on a machine that may have had other work; they claim no speed."
    )
