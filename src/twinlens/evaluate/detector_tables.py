"""DetectorBenchmark -> the tables that people read: Markdown for a page, and plain text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from twinlens.evaluate.detector_records import (
    MEAN_PRECISION,
    MEAN_RECALL,
    PRECISION,
    RECALL,
    DetectorBenchmark,
    SettingResult,
)
from twinlens.evaluate.score_records import Figure
from twinlens.evaluate.wording import count, plural

QUICK = "A quick look at a part of the photos: not a result to quote."
FLATTERS = (
    '*Mean precision (Baez)*: the "accuracy" of Baez 2019, the mean over photos of the share of reported boxes that '
    "lie on a face. A photo in which nothing is reported counts 100 %, missed faces cost nothing and second boxes on a "
    "face are right, so it never stands without the recall beside it."
)


def table(benchmark: DetectorBenchmark) -> list[list[str]]:
    """Return the rows of the table, the heading first."""
    first = benchmark.settings[0]
    quality = [f.name for f in first.figures if f.name not in {PRECISION, RECALL, MEAN_PRECISION, MEAN_RECALL}]
    where = first.figure(RECALL).note
    heading = [
        "detector",
        *(f"{name} (95 %)" for name in quality),
        f"precision / recall at {benchmark.bar:g}" + (f", {where}" if len(benchmark.counted) > 1 else ""),
        f"{MEAN_PRECISION} / {MEAN_RECALL}",
        "parameters",
        "CPU ms a photo",
        f"times {benchmark.reference} (95 %)",
    ]
    return [heading, *(_row(result, quality) for result in benchmark.settings)]


def _row(result: SettingResult, quality: Sequence[str]) -> list[str]:
    return [
        result.label,
        *(with_ends(result.figure(name)) for name in quality),
        f"{score(result.figure(PRECISION))} / {score(result.figure(RECALL))}",
        f"{score(result.figure(MEAN_PRECISION))} / {score(result.figure(MEAN_RECALL))}",
        count(result.parameters) if result.parameters else "not stated",
        milliseconds(result.cost.cpu_ms),
        with_ends(result.cost.ratio, digits=2 if (result.cost.ratio.value or 0) < 10 else 1),
    ]


def gains(benchmark: DetectorBenchmark) -> list[list[str]]:
    """Return by how many points each setting is better than the reference on the same photos; empty without others."""
    others = [result for result in benchmark.settings if result.gains]
    if not others:
        return []
    heading = [f"points above {benchmark.reference} (95 %)", *(figure.name for figure in others[0].gains)]
    return [heading, *([result.label, *(_points(figure) for figure in result.gains)] for result in others)]


def _points(figure: Figure) -> str:
    value, low, high = (100 * (number or 0.0) for number in (figure.value, figure.low, figure.high))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})".replace("-", "\N{MINUS SIGN}")


def score(figure: Figure) -> str:
    """Write a quality between 0 and 1 with three decimals."""
    return f"{figure.value:.3f}" if figure.value is not None else "none"


def with_ends(figure: Figure, *, digits: int = 3) -> str:
    """Write a number with its interval."""
    if figure.value is None or figure.low is None or figure.high is None:
        return "none"
    if figure.low == figure.high == figure.value:
        return f"{figure.value:.{digits}f}"
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def milliseconds(value: float) -> str:
    """Write a time: 4.6, 15, 202."""
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def facts(benchmark: DetectorBenchmark) -> list[str]:
    """Return what a reader must know, a sentence each."""
    levels = dict(benchmark.counted)
    counted = ", ".join(f"{level} {count(number)}" for level, number in levels.items()) if len(levels) > 1 else ""
    said = [
        f"{benchmark.title}: {plural(benchmark.photos, 'photo')}, {plural(benchmark.faces, 'face')}"
        + (f"; counted as {counted}" if counted else "")
        + f". {benchmark.machine}.",
        *(f"{note[:1].upper()}{note[1:]}." for note in benchmark.notes),
    ]
    if benchmark.quick:
        said.append(QUICK)
    if benchmark.unreadable:
        some = ", ".join(benchmark.unreadable[:3]) + (", ..." if len(benchmark.unreadable) > 3 else "")
        said.append(
            f"{plural(len(benchmark.unreadable), 'photo')} could not be decoded; nothing is found there: {some}."
        )
    quiet = [f"{result.label} {result.silent}" for result in benchmark.settings if result.silent]
    if quiet:
        said.append(f"Photos with faces in which nothing is reported: {', '.join(quiet)}.")
    return said


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table."""
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def markdown(benchmarks: Sequence[DetectorBenchmark], pictures: Sequence[tuple[str, str]]) -> str:
    """Return the whole page.

    Args:
        benchmarks: one a data set.
        pictures: file names of graphs, and what each shows.
    """
    parts = ["# Face detectors compared", f"    {benchmarks[0].command}"]
    for one in benchmarks:
        parts += [f"## {one.title}" + (" (a quick look)" if one.quick else ""), "\n".join(facts(one))]
        parts.append(markdown_table(table(one)))
        parts += [markdown_table(rows)] if (rows := gains(one)) else []
        parts.append(f"Terms of the data: {one.terms}")
    parts.append(
        "Intervals: 95 %, by drawing photos (for shares the wider of that and Wilson's). Times: one thread, decoding "
        "left out, every photo by every setting in turn. "
        f"Made {benchmarks[0].made} by Twinlens {benchmarks[0].version}."
    )
    parts.append(FLATTERS)
    parts += [f"![{shown}]({name})\n\n{shown}" for name, shown in pictures]
    return "\n\n".join(parts) + "\n"


def plain_table(benchmark: DetectorBenchmark) -> str:
    """Return the table for a terminal: every number with its interval below."""
    names = [figure.name for figure in benchmark.settings[0].figures]
    heading = ["", *map(_short, names), "CPU\nms a photo", f"times\n{benchmark.reference}", "\nparameters"]
    rows = [heading]
    for result in benchmark.settings:
        cells = [f"{score(figure)}\n{_ends(figure, 2)}" for figure in result.figures]
        ratio = f"{result.cost.ratio.value or 0:.1f}\n{_ends(result.cost.ratio, 1)}"
        size = count(result.parameters) if result.parameters else "not stated"
        rows.append([result.label, *cells, milliseconds(result.cost.cpu_ms), ratio, size])
    widths = [max(len(line) for row in rows for line in row[column].split("\n")) for column in range(len(heading))]
    return "\n".join(_lines(row, widths) for row in rows)


def _lines(row: Sequence[str], widths: Sequence[int]) -> str:
    """Return the two lines of a row, the first cell to the left and the others to the right."""
    cells = [(*cell.split("\n"), "")[:2] for cell in row]
    return "\n".join(
        "  ".join(
            cell[line].ljust(width) if place == 0 else cell[line].rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for line in (0, 1)
    )


def _short(name: str) -> str:
    """Break a figure's name into the two lines of a heading."""
    brief = name.replace(" at ", "\nat ").replace(" false positives", " FP").replace(" (Baez)", "\n(Baez)")
    return brief if "\n" in brief else f"\n{brief}"


def _ends(figure: Figure, digits: int) -> str:
    if figure.low is None or figure.high is None or figure.low == figure.high:
        return ""
    return f"{figure.low:.{digits}f}\N{EN DASH}{figure.high:.{digits}f}"
