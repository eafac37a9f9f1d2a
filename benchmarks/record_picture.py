"""Every system on LFW's 1,000 development test pairs -> docs/results/record-systems.svg: published, run by us, the record.

    python benchmarks/record_picture.py

Nothing is run: published figures are those of the lab's tables, ours are of finished runs (docs/results/reproduce-*.json,
docs/results/runs/record). Systems that collapsed in every run are left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from twinlens.evaluate.plots.ink import GENUINE, IMPOSTOR, MUTED, Plot, canvas, drawing, write
from twinlens.lab.study import read_study

RESULTS = Path(__file__).parents[1] / "docs" / "results"
PIXELS = 62.7  # the floor of the lab's tables
COLLAPSED = 51.0  # per cent: a constant answer is right half of the time
ON_LFW = ("000", "003", "004")


@dataclass(frozen=True)
class Line:
    """One system: per cent."""

    name: str
    published: tuple[float, ...]
    ours: tuple[float, ...]


def documents() -> list[Line]:
    """Return the documents' systems: what they print of the test, and what our runs of them reached."""
    lines = []
    for name in ON_LFW:
        study = read_study(name)
        printed = tuple(row.figures["test_accuracy"] for row in study.rows if "test_accuracy" in row.figures)
        file, ours = RESULTS / f"reproduce-{name}.json", []
        if file.exists():
            for one in json.loads(file.read_text(encoding="utf-8"))["configurations"]:
                ours += [run["test_accuracy"] for run in one["runs"] if "test_accuracy" in run and not one["quick"]]
        lines.append(Line(f"document {name}", *(tuple(v for v in some if v > COLLAPSED) for some in (printed, ours))))
    return lines


def record() -> list[Line]:
    """Return the tracks of the record, one point a seed."""
    lines = []
    for track in ("restricted", "unrestricted"):
        files = sorted((RESULTS / "runs" / "record").glob(f"{track}-s*/outcome.json"))
        found = [100 * json.loads(file.read_text(encoding="utf-8"))["test"]["accuracy"] for file in files]
        lines.append(Line(f"record, {track}", (), tuple(found)))
    return lines


def drawn(lines: list[Line]) -> Plot:
    """Draw a row for each system."""
    with drawing():
        figure, axes = canvas(width=6.4, height=1.2 + 0.42 * len(lines))
        axes.axvline(PIXELS, color=MUTED, linestyle=":", linewidth=1)
        axes.text(PIXELS, len(lines) - 0.45, " bare pixels", color=MUTED, fontsize=8, va="center")
        for at, line in enumerate(reversed(lines)):
            axes.plot(line.published, [at + 0.12] * len(line.published), "x", color=IMPOSTOR, markersize=6)
            axes.plot(line.ours, [at - 0.12] * len(line.ours), "o", color=GENUINE, markersize=5)
        axes.plot([], [], "x", color=IMPOSTOR, label="published")
        axes.plot([], [], "o", color=GENUINE, label="ours, one point a run")
        axes.set_yticks(range(len(lines)), [line.name for line in reversed(lines)])
        axes.set_ylim(-0.6, len(lines) - 0.2)
        axes.set_xlim(50, 100)
        axes.set_xlabel("right answers on 1,000 test pairs, %")
        axes.set_title("From scratch on LFW's development pairs")
        axes.legend(loc="upper right")
    reading = "Runs and published figures at 50 % (a constant answer) are left out."
    alternative = "points: published systems between 58 and 79 per cent, the record's runs above 90"
    return Plot("record-systems", "From scratch on LFW's development pairs", reading, alternative, figure)


if __name__ == "__main__":
    write(drawn([*documents(), *record()]), RESULTS / "record-systems.svg")
