"""A reproduction -> published | ours (mean, interval, seeds) | honest reading, as Markdown and as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from twinlens.evaluate.markdown import plain, table
from twinlens.lab.reproduction import Beside, Reproduction
from twinlens.lab.run import QUICK
from twinlens.lab.study import MEASURES, Configuration, Row
from twinlens.lab.tally import Spread, Tally, agrees

NONE = "-"
VERDICTS = {"agrees": "agrees", "higher": "published higher", "lower": "published lower"}


def markdown(done: Reproduction, *, command: str, machine: str, plots: Sequence[str] = ()) -> str:
    """Return the tables of a reproduction.

    Args:
        done: what was published and what ran.
        command: that made it.
        machine: in words.
        plots: addresses of plots, as seen from the file.
    """
    about = done.study.about
    blocks = [
        f"# {plain(about.title)}",
        f"{plain(about.source)}. {plain(about.protocol)}.",
        f"Made by `{command}`. {plain(machine)}",
        _warnings(done),
        f"Accuracies in percent. Ours: mean over seeds ({_interval(done)}). Where some runs collapsed and others did "
        "not, the mean is of the others. A published figure *agrees* if it lies where 95 of 100 further runs of ours "
        f"would.{_floor(done)}",
        f"## By configuration\n\n{_configurations(done)}\n\n{_spreads(done)}",
        f"## Every published figure\n\n{_rows(done)}",
        _series(done),
        "\n".join(["## How to read it", "", *(f"- {plain(note)}" for note in about.notes)]) if about.notes else "",
        _missing(done),
        "\n\n".join(f"![{plot.rsplit('/')[-1].split('.')[0]}]({plot})" for plot in plots),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _warnings(done: Reproduction) -> str:
    lines = []
    if any(one.quick for one in done.figures):
        quick = [one for one in done.study.configurations if done.beside(one.name).quick]
        lines.append(
            "Rows marked *quick* ran smaller or shorter than what was published, and no figure is said to agree with "
            "them."
        )
        lines += [f"{one.name}, quick: all pairs, but {', '.join(one.quick)}." for one in quick if one.shortened]
        if cut := [one.name for one in quick if not one.shortened]:
            lines.append(
                f"{', '.join(cut)}, quick: {QUICK.epochs} epochs of {QUICK.train_pairs} pairs; a collapse, or a figure "
                "near chance, is to be expected."
            )
    if any(one.stand_in for one in done.study.configurations):
        lines.append(
            "Rows marked *stand-in* are of other data, or of another trunk, than what was published, and stand beside "
            "it for orientation."
        )
    if done.changes:
        lines.append(f"Every run was changed: `{' '.join(done.changes)}`.")
    return "\n".join(f"**{line}**" for line in lines)


def _interval(done: Reproduction) -> str:
    """Say what the intervals hold."""
    if not any(done.seed_spread(name).freedom for name in measures_of(done)):
        return "95 % interval of the pairs alone: too little was run twice, and another seed moves a figure further"
    whose = ", the document's own repeats among them" if done.study.about.repeats else ""
    return f"95 % interval of the pairs and of the seeds, whose spread is pooled over all that was run twice{whose}"


def _floor(done: Reproduction) -> str:
    about = done.study.about
    if not about.floor:
        return ""
    return f" The trivial answer on the same test pairs ({about.floor_name}) reaches {about.floor:.1f}."


def measures_of(done: Reproduction) -> list[str]:
    """Return the accuracies that the document or our runs have, in order."""
    ours = {name for one in done.figures for name in one.readings}
    theirs = {name for row in done.study.rows for name in row.figures}
    return [name for name in MEASURES if name in ours | theirs]


def _configurations(done: Reproduction) -> str:
    measures = measures_of(done)
    heads = ["configuration"]
    for name in measures:
        heads += [f"published {MEASURES[name]} (rows)", f"our {MEASURES[name]}", "published against ours"]
    rows = []
    for one in done.study.configurations:
        beside = done.beside(one.name)
        cells = [f"{plain(one.title)} (`{one.name}`){_marks(beside, stand_in=one.stand_in)}"]
        for name in measures:
            figures = [row.figures[name] for row in done.study.rows_of(one.name) if name in row.figures]
            ours = beside.tallies.get(name)
            cells += [published(figures), cell(ours), NONE if beside.quick or one.stand_in else verdict(figures, ours)]
        rows.append([*cells, _ran(beside)])
    return table([*heads, "epochs, seconds each run"], rows)


def published(figures: Sequence[float]) -> str:
    """Return the published figures of one configuration for a table: their mean, range and number."""
    if not figures:
        return NONE
    if len(figures) == 1:
        return f"{figures[0]:.1f}"
    return f"{fmean(figures):.1f} ({min(figures):.1f} to {max(figures):.1f}; {len(figures)})"


def cell(ours: Tally | None) -> str:
    """Return our figure for a table."""
    if ours is None:
        return NONE
    seeds = f"{len(ours.values)} seed{'s' if len(ours.values) > 1 else ''}"
    return f"{100 * ours.mean:.1f} ({100 * ours.low:.1f} to {100 * ours.high:.1f}), {seeds}"


def verdict(figures: Sequence[float], ours: Tally | None) -> str:
    """Say how published figures stand to ours."""
    if ours is None or not figures:
        return NONE
    said = [agrees(figure / 100, ours) for figure in figures]
    if len(set(said)) == 1:
        return VERDICTS[said[0]]
    return ", ".join(f"{said.count(one)} of {len(said)} {VERDICTS[one]}" for one in VERDICTS if one in said)


def _marks(beside: Beside, *, stand_in: bool = False) -> str:
    marks = ["*stand-in*"] if stand_in else []
    marks += ["*quick*"] if beside.quick else []
    if beside.collapsed:
        marks.append(f"**collapsed** in {beside.collapsed} of {len(beside.runs)}")
    return f" ({'; '.join(marks)})" if marks else ""


def _ran(beside: Beside) -> str:
    if not beside.runs:
        return NONE
    return ", ".join(f"{one.epochs} in {one.seconds:.0f} s" for one in beside.runs)


def _spreads(done: Reproduction) -> str:
    """Say how far runs of one setting lie apart, theirs and ours."""
    lines = []
    for name in measures_of(done):
        theirs, ours = done.published_spread(name), done.spread(name)
        if theirs.freedom or ours.freedom:
            lines.append(f"- {MEASURES[name]}: published {_spread(theirs)}; ours {_spread(ours, 100)}")
    head = "Standard deviation between runs of one setting (points, pooled, collapsed networks left out):"
    return "\n".join([head, "", *lines]) if lines else ""


def _spread(spread: Spread, unit: float = 1.0) -> str:
    if math.isnan(spread.deviation):
        return "unknown (nothing was run twice)"
    return f"{unit * spread.deviation:.1f} ({spread.freedom} degrees of freedom)"


def _rows(done: Reproduction) -> str:
    measures = measures_of(done)
    heads = ["table", "row"]
    for name in measures:
        heads += [f"published {MEASURES[name]}", f"our {MEASURES[name]}"]
    lines = [_row(done, row, measures) for row in done.study.rows]
    out = table([*heads, "reading"], lines, left=2).split("\n")
    out[1] = out[1].removesuffix("---: |") + "--- |"
    return "\n".join(out)


def _row(done: Reproduction, row: Row, measures: Sequence[str]) -> list[str]:
    beside = done.beside(row.configuration) if row.configuration else None
    cells = [plain(row.table), plain(row.label)]
    for name in measures:
        shown = f"{row.figures[name]:g}" if name in row.figures else NONE
        if name in row.printed:
            shown += f" [{plain(row.printed[name])}]"
        cells += [shown, cell(beside.tallies.get(name)) if beside else NONE]
    return [*cells, plain(row.reading) + (_marks(beside) if beside else "") or NONE]


def _series(done: Reproduction) -> str:
    lines = [
        f"- {plain(one.name)}: {', '.join(f'{value:g}' for value in one.values)}. {plain(one.reading)}"
        for one in done.study.series
    ]
    return "\n".join(["## Further published figures", "", *lines]) if lines else ""


def _missing(done: Reproduction) -> str:
    said = {one.configuration: one.why for one in done.missing}
    lines = []
    for one in done.study.configurations:
        if not done.beside(one.name).runs:
            lines.append(f"- {plain(one.title)} (`{one.name}`): {plain(said.get(one.name, 'not run yet'))}")
    return "\n".join(["## What did not run", "", *lines]) if lines else ""


def record(done: Reproduction, *, command: str, machine: str) -> dict[str, object]:
    """Return everything as plain values; accuracies in percent."""
    return {
        "system": done.study.name,
        "title": done.study.about.title,
        "command": command,
        "machine": machine,
        "changes": list(done.changes),
        "floor": done.study.about.floor or None,
        "configurations": [_configuration_record(done, one) for one in done.study.configurations],
        "rows": [_row_record(done, row) for row in done.study.rows],
        "missing": {one.configuration: one.why for one in done.missing},
    }


def _configuration_record(done: Reproduction, one: Configuration) -> dict[str, object]:
    beside = done.beside(one.name)
    return {
        "name": one.name,
        "title": one.title,
        "recipe": one.recipe,
        "changes": list(one.changes),
        "quick": beside.quick,
        "ours": {name: _tally_record(ours) for name, ours in beside.tallies.items()},
        "runs": [
            {
                "seed": run.seed,
                "epochs": run.epochs,
                "seconds": round(run.seconds, 1),
                "collapse": run.collapse,
                "sizes": run.sizes,
            }
            | {name: round(100 * reading.value, 3) for name, reading in run.readings.items()}
            for run in beside.runs
        ],
    }


def _tally_record(ours: Tally) -> dict[str, object]:
    return {
        "mean": round(100 * ours.mean, 3),
        "low": round(100 * ours.low, 3),
        "high": round(100 * ours.high, 3),
        "seeds": len(ours.values),
        "trials": ours.trials,
        "seeds_in_interval": ours.pooled,
    }


def _row_record(done: Reproduction, row: Row) -> dict[str, object]:
    against = {}
    if row.configuration and not done.study.configuration(row.configuration).stand_in:
        beside = done.beside(row.configuration)
        tallies = {} if beside.quick else beside.tallies
        against = {name: agrees(row.figures[name] / 100, ours) for name, ours in tallies.items() if name in row.figures}
    return {
        "table": row.table,
        "label": row.label,
        "configuration": row.configuration or None,
        "published": dict(row.figures),
        "printed": dict(row.printed),
        "published_against_ours": against,
        "reading": row.reading,
    }
