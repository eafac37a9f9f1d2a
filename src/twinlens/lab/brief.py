"""A reproduction -> one line a configuration: published | ours | reading, for a screen."""

from __future__ import annotations

from twinlens.lab.reproduction import Reproduction
from twinlens.lab.study import MEASURES, Configuration
from twinlens.lab.tables import NONE, measures_of, published, verdict
from twinlens.lab.tally import Tally

HEADS = ("configuration", "of", "published (rows)", "ours (95 %)", "reading")
GAP = "  "


def brief(done: Reproduction) -> str:
    """Return a table of one line a configuration; accuracies in percent.

    Args:
        done: what was published and what ran.
    """
    absent = {one.configuration for one in done.missing}
    rows = [_row(done, one, cannot=one.name in absent) for one in done.study.configurations]
    widths = [max(len(row[at]) for row in (HEADS, *rows)) for at in range(len(HEADS))]
    lines = [
        GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (HEADS, *rows)
    ]
    changed = [f"every run was changed: {' '.join(done.changes)}"] if done.changes else []
    return "\n".join([done.study.about.title, *changed, "", *lines, ""])


def _row(done: Reproduction, one: Configuration, *, cannot: bool) -> tuple[str, ...]:
    """Return a configuration's cells, of the first accuracy that was published of it."""
    measures = measures_of(done)
    rows = done.study.rows_of(one.name)
    measure = next((name for name in measures if any(name in row.figures for row in rows)), measures[0])
    figures = [row.figures[measure] for row in rows if measure in row.figures]
    beside = done.beside(one.name)
    ours = beside.tallies.get(measure)
    reading = []
    if not beside.runs:
        reading.append("cannot be made here" if cannot else "not run yet")
    elif beside.quick:
        reading.append("quick: not comparable")
    elif one.stand_in:
        reading.append("a stand-in: not comparable")
    elif figures and ours is not None:
        reading.append(verdict(figures, ours))
    if beside.collapsed:
        reading.append(f"collapsed in {beside.collapsed} of {len(beside.runs)}")
    return one.title, MEASURES[measure], published(figures), _ours(ours), "; ".join(reading)


def _ours(ours: Tally | None) -> str:
    if ours is None:
        return NONE
    return f"{100 * ours.mean:.1f} ({100 * ours.low:.1f} to {100 * ours.high:.1f}; {len(ours.values)})"
