"""``twinlens report``: from the JSON of an evaluation to something people read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.output import counted, emit, note
from twinlens.errors import OptionError

if TYPE_CHECKING:
    from twinlens.evaluate.records import Report

app = typer.Typer(no_args_is_help=True, help="Reports: a page, a Markdown card, two or more side by side.")
JSON_NAME = "report.json"
Source = Annotated[Path, typer.Argument(metavar="REPORT", help="The JSON that twinlens evaluate wrote, or its folder.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where it goes.")]
OutOrScreen = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where it goes; without, to stdout.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Overwrite a file that is there.")]


@app.command("page")
def page(
    source: Source,
    out: Out,
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", metavar="FOLDER", help="The data set's folder: show the mistakes as photos."),
    ] = None,
    replace: Replace = False,
    json: o.Json = False,
) -> None:
    """Write a report as one HTML page that needs nothing else."""
    from twinlens.evaluate.page import page_text
    from twinlens.evaluate.pictures import Pictures

    _check_place(out, [source], replace=replace)
    report = _read(source)
    _write(out, page_text(report, pictures=Pictures(pictures) if pictures else None))
    emit({"file": str(out)}, f"{out}", as_json=json)


@app.command("card")
def card(
    source: Source,
    out: OutOrScreen = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="FOLDER", help="Save the plots there as SVG, and show them.")
    ] = None,
    replace: Replace = False,
    json: o.Json = False,
) -> None:
    """Write a report as a Markdown card, for a repository or a model card."""
    from twinlens.evaluate.extra import check_extra
    from twinlens.evaluate.markdown import markdown_card

    if out is not None:
        _check_place(out, [source], replace=replace)
    if plots is not None:
        check_extra()
        _check_plots(plots, replace=replace)
    report = _read(source)
    addresses = [] if plots is None else _save_plots(report, plots, out)
    text = markdown_card(report, plots=addresses)
    if out is None:
        emit({"card": text}, text.rstrip("\n"), as_json=json)
    else:
        _write(out, text)
        emit({"file": str(out)}, f"{out}", as_json=json)


@app.command("compare")
def compare(
    sources: Annotated[list[Path], typer.Argument(metavar="REPORT REPORT...", help="Two or more, or their folders.")],
    out: OutOrScreen = None,
    replace: Replace = False,
    json: o.Json = False,
) -> None:
    """Put reports side by side: as a page (FILE.html), or as Markdown (FILE.md, or stdout)."""
    from twinlens.evaluate.comparison import compared, comparison_markdown, comparison_text

    if out is not None:
        _check_place(out, sources, replace=replace)
    reports = [_read(source) for source in sources]
    side = compared(reports)
    if out is not None:
        markdown = out.suffix.lower() in {".md", ".markdown"}
        _write(out, comparison_markdown(reports) if markdown else comparison_text(reports))
    record = {
        "reports": list(side.names),
        "differences": list(side.differences),
        "duels": [
            {"first": d.first, "second": d.second, "only_first": d.only_first, "only_second": d.only_second}
            | {"pairs": d.pairs, "p_value": d.p_value}
            for d in side.duels
        ],
        "file": str(out) if out else None,
    }
    emit(record, str(out) if out else comparison_markdown(reports).rstrip("\n"), as_json=json)


def _read(source: Path) -> Report:
    from twinlens.evaluate.storage import read_report

    return read_report(source / JSON_NAME if source.is_dir() else source)


def _check_place(out: Path, sources: list[Path], *, replace: bool) -> None:
    """Refuse to write over what is there, before any work."""
    if any(out.resolve() in {source.resolve(), (source / JSON_NAME).resolve()} for source in sources):
        msg = f"--out {out} is the report itself: give another name"
        raise OptionError(msg)
    if out.is_dir():
        msg = f"--out {out} is a folder: give the name of a file in it"
        raise OptionError(msg)
    if out.exists() and not replace:
        msg = f"{out} exists already: give another name, or --replace to overwrite it"
        raise OptionError(msg)
    if not out.parent.is_dir():
        msg = f"no folder {out.parent} to write {out.name} into: make it first"
        raise OptionError(msg)


def _check_plots(folder: Path, *, replace: bool) -> None:
    if folder.exists() and not folder.is_dir():
        msg = f"--plots wants a folder, {folder} is a file"
        raise OptionError(msg)
    if not replace and folder.is_dir() and any(folder.glob("*.svg")):
        msg = f"{folder} holds plots already: give another folder, or --replace to overwrite them"
        raise OptionError(msg)


def _save_plots(report: Report, folder: Path, card_file: Path | None) -> list[str]:
    """Save the plots and return their addresses as seen from the card."""
    from twinlens.evaluate.plots import save_plots

    paths = save_plots(report, folder)
    note(f"wrote {counted(len(paths), 'plot')} to {folder}")
    base = card_file.resolve().parent if card_file else Path.cwd()
    return [Path(os.path.relpath(path.resolve(), base)).as_posix() for path in paths]


def _write(out: Path, text: str) -> None:
    from twinlens.evaluate.drafts import write_text

    try:
        write_text(out, text)
    except OSError as error:
        msg = f"cannot write {out}: {error.strerror or error}; name a place that can be written to"
        raise OptionError(msg) from error
