"""Reports -> one page or Markdown text that puts them side by side, and says where they cannot be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from twinlens.errors import OptionError
from twinlens.evaluate.duels import Duel, differences, duels
from twinlens.evaluate.extra import check_extra
from twinlens.evaluate.markdown import plain, table
from twinlens.evaluate.page import drawn, grouped, render
from twinlens.evaluate.records import Report, Slice
from twinlens.evaluate.score_records import Figure
from twinlens.evaluate.wording import UNMEASURED, moment, target, with_interval

MOST = 6  # reports whose lines can be told apart
Cell = Figure | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what it is, and the cell of each report."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class OperatingRows:
    """What became of one target: threshold, FMR and FNMR of each report."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One slice in each report; None where a report has none of that name."""

    by: str
    value: str
    slices: tuple[Slice | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Reports side by side.

    Attributes:
        names: one a report, all different.
        reports: in the same order.
        differences: why figures cannot be compared, or what else differs; empty where nothing does.
        duels: every two reports on the same pairs.
        facts: what was evaluated and how, a line each.
        headline: figures by name.
        operating: by source and target FMR.
        slices: errors by slice.
    """

    names: tuple[str, ...]
    reports: tuple[Report, ...]
    differences: tuple[str, ...]
    duels: tuple[Duel, ...]
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    headline: tuple[Row, ...]
    operating: tuple[OperatingRows, ...]
    slices: tuple[SliceRow, ...]


def compared(reports: Sequence[Report]) -> Comparison:
    """Put reports side by side.

    Raises:
        OptionError: fewer than two, or more than can be told apart.
    """
    if not 2 <= len(reports) <= MOST:
        msg = f"a comparison takes 2 to {MOST} reports, got {len(reports)}"
        raise OptionError(msg)
    names = _names(reports)
    return Comparison(
        names=names,
        reports=tuple(reports),
        differences=differences(reports),
        duels=duels(names, reports),
        facts=_facts(reports),
        headline=_headline(reports),
        operating=_operating(reports),
        slices=_slices(reports),
    )


def comparison_text(reports: Sequence[Report]) -> str:
    """Return a page of reports side by side.

    Raises:
        OptionError: fewer than two or too many reports, or what pages are made with is not installed.
    """
    check_extra()
    from twinlens.evaluate.plots import compared_plots  # noqa: PLC0415 - optional

    side = compared(reports)
    plots = compared_plots(list(zip(side.names, side.reports, strict=True)))
    return render(
        "comparison.html",
        {
            "side": side,
            "slices": grouped(side.slices, lambda row: row.by),
            "plots": {kind: [drawn(plot) for plot in mine] for kind, mine in plots.items()},
        },
    )


def comparison_markdown(reports: Sequence[Report]) -> str:
    """Return a Markdown text of reports side by side.

    Raises:
        OptionError: fewer than two or too many reports.
    """
    side = compared(reports)
    names = [plain(name) for name in side.names]
    blocks = [
        f"# {' and '.join(names)}",
        "\n".join(f"- {plain(text)}" for text in (*side.differences, *(duel.text for duel in side.duels))),
        "## Figures",
        _table("figure", names, side.headline),
    ]
    if side.operating:
        rows = [Row(f"{group.name}: {row.name}", row.cells) for group in side.operating for row in group.rows]
        blocks += ["## Thresholds", _table("", names, rows)]
    if side.slices:
        heads = ("by", "slice", *(f"{name}: {error}" for error in ("FNMR", "FMR") for name in names))
        errors = [
            (
                plain(row.by),
                plain(row.value),
                *(_cell(part.fnmr if part else None) for part in row.slices),
                *(_cell(part.fmr if part else None) for part in row.slices),
            )
            for row in side.slices
        ]
        blocks += ["## For whom they err", table(heads, errors, left=2)]
    rows_of_facts = [(name, *map(plain, texts)) for name, texts in side.facts]
    blocks += ["## What was compared", table(("", *names), rows_of_facts, left=1 + len(names))]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _names(reports: Sequence[Report]) -> tuple[str, ...]:
    """Return the models' names where they tell the reports apart, otherwise the titles, numbered where equal."""
    models = tuple(report.system.model for report in reports)
    titles = tuple(report.title for report in reports)
    if len(set(models)) == len(models) and len({report.protocol.dataset for report in reports}) == 1:
        return models
    if len(set(titles)) == len(titles):
        return titles
    return tuple(f"{title} ({at})" for at, title in enumerate(titles, 1))


def _facts(reports: Sequence[Report]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    lines = {
        "Model": [r.system.identity or r.system.model for r in reports],
        "Trained on": [r.system.training_data for r in reports],
        "Licence": [r.system.licence for r in reports],
        "Detector": [r.system.detector or "none" for r in reports],
        "Data": [r.protocol.dataset for r in reports],
        "Rule": [" ".join(r.protocol.rule) for r in reports],
        "Photos a second": [f"{r.speed.photos_per_s:.3g}" if r.speed.photos else "" for r in reports],
        "Command": [r.command for r in reports],
        "Made": [f"{moment(r.made)}, Twinlens {r.version}" for r in reports],
    }
    return tuple((name, tuple(text or UNMEASURED for text in texts)) for name, texts in lines.items() if any(texts))


def _headline(reports: Sequence[Report]) -> tuple[Row, ...]:
    figures = [[*r.headline, *(r.search.figures if r.search else ())] for r in reports]
    names = dict.fromkeys(figure.name for mine in figures for figure in mine)
    tables = [{figure.name: figure for figure in mine} for mine in figures]
    return tuple(Row(name, tuple(mine.get(name) for mine in tables)) for name in names)


def _operating(reports: Sequence[Report]) -> tuple[OperatingRows, ...]:
    keys = dict.fromkeys((row.source, row.target_fmr) for report in reports for row in report.operating)
    found = []
    for source, rate in keys:
        mine = [next((o for o in r.operating if (o.source, o.target_fmr) == (source, rate)), None) for r in reports]
        bars = [Figure("threshold", row.threshold if row else None, format="similarity") for row in mine]
        rows = (
            Row(
                "threshold",
                tuple(replace(bar, note="refused" if row else "") for bar, row in zip(bars, mine, strict=True)),
            ),
            Row("FMR", tuple(row.fmr if row else None for row in mine)),
            Row("FNMR", tuple(row.fnmr if row else None for row in mine)),
        )
        found.append(OperatingRows(f"{source}, for an FMR of {target(rate)}", rows))
    return tuple(found)


def _slices(reports: Sequence[Report]) -> tuple[SliceRow, ...]:
    known = [{(s.by, s.value): s for s in report.slices} for report in reports]
    order = dict.fromkeys(key for mine in known for key in mine)
    rows = [SliceRow(by, value, tuple(mine.get((by, value)) for mine in known)) for by, value in order]
    groups = dict.fromkeys(row.by for row in rows)
    return tuple(row for group in groups for row in rows if row.by == group)


def _table(head: str, names: Sequence[str], rows: Sequence[Row]) -> str:
    return table((head, *names), [(plain(row.name), *map(_cell, row.cells)) for row in rows])


def _cell(figure: Cell) -> str:
    return UNMEASURED if figure is None else with_interval(figure)
