"""Report -> its plots, for a page or as files (matplotlib by its objects: no pyplot, no state that outlives a call)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Literal

from twinlens.errors import OptionError
from twinlens.evaluate.plots.curves import Line, cmc_plot, det_plot, roc_plot
from twinlens.evaluate.plots.ink import Plot, drawing, markup, write
from twinlens.evaluate.plots.scores import folds_plot, histogram_plot, reliability_plot
from twinlens.evaluate.plots.slices import compared_slices, slices_plots
from twinlens.evaluate.records import Report

__all__ = ["Plot", "bar_of", "compared_plots", "drawing", "markup", "report_plots", "save_plots"]


def report_plots(report: Report) -> tuple[Plot, ...]:
    """Draw everything that the report has the numbers for."""
    line = Line("", report.curve, report.operating)
    with drawing():
        plots = [
            histogram_plot(report.histogram, bar_of(report)),
            roc_plot([line]),
            det_plot([line]),
            *(reliability_plot(c, name=f"reliability-{i}") for i, c in enumerate(report.calibrations, 1)),
            folds_plot(report.folds),
            cmc_plot([("", report.search)]) if report.search else None,
            *slices_plots(report.slices),
        ]
    return tuple(plot for plot in plots if plot is not None)


def compared_plots(reports: Sequence[tuple[str, Report]]) -> dict[str, list[Plot]]:
    """Draw several reports over one another or side by side: curves, reliability, slices.

    Args:
        reports: each with the name it goes by.
    """
    lines = [Line(name, report.curve) for name, report in reports]
    searches = [(name, report.search) for name, report in reports if report.search]
    with drawing():
        curves = [roc_plot(lines), det_plot(lines), cmc_plot(searches)]
        reliability = [
            reliability_plot(replace(check, name=f"{name}, {check.name}"), at, f"reliability-{at + 1}-{i}")
            for at, (name, report) in enumerate(reports)
            for i, check in enumerate(report.calibrations, 1)
        ]
        slices = compared_slices([(name, report.slices) for name, report in reports])
    drawn: dict[str, Sequence[Plot | None]] = {"curves": curves, "reliability": reliability, "slices": slices}
    return {kind: [plot for plot in plots if plot is not None] for kind, plots in drawn.items()}


def bar_of(report: Report) -> float | None:
    """Return where the decisions fell: the threshold of the listed mistakes, the middle one where folds differ."""
    return median(mistake.threshold for mistake in report.mistakes) if report.mistakes else None


def save_plots(report: Report, folder: Path, *, kind: Literal["svg", "png"] = "svg") -> list[Path]:
    """Write every plot of a report into a folder and return the files.

    Raises:
        OptionError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for plot in report_plots(report):
            paths.append(folder / f"{plot.name}.{kind}")
            write(plot, paths[-1])
    except OSError as error:
        msg = f"cannot write plots to {folder}: {error.strerror or error}; name a folder that can be written to"
        raise OptionError(msg) from error
    return paths
