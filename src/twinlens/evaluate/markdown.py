"""Report -> a Markdown card: the evaluation section of a model card, readable on GitHub; no pictures of people.

After "Model Cards for Model Reporting" (Mitchell et al. 2019): the figures with their intervals, the data, the factors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from twinlens.evaluate.records import Part, Report, Slice
from twinlens.evaluate.score_records import CalibrationCheck, Figure, OperatingRow
from twinlens.evaluate.verdict import failures_said, verdict
from twinlens.evaluate.wording import (
    UNMEASURED,
    count,
    duration,
    interval,
    moment,
    number,
    plural,
    sentence,
    shown,
    target,
    threshold,
    with_interval,
)

# what Markdown or HTML would take for its own: anywhere, and at the beginning of a line
_SPECIAL = re.compile(r"([\\`*_\[\]<|~$&])")
_FIRST = re.compile(r"^(\d*)((?<=\d)[.)](?=\s|$)|(?<!\d)[#>+\-=:])")
ROLES = {
    "threshold": "thresholds are chosen here",
    "test": "tested here",
    "fold": "tested with the thresholds of the others",
}


def markdown_card(report: Report, *, plots: Sequence[str] = ()) -> str:
    """Return the card of a report.

    Args:
        report: what was found.
        plots: addresses of plots that were saved beside the card (`twinlens.evaluate.plots.save_plots`).
    """
    blocks = [
        f"# {plain(report.title)}",
        plain(sentence(report.protocol.title)),
        "**Quick look: only a part of the data was scored. Do not quote these figures.**" if report.quick else "",
        "\n".join(f"- {plain(remark.text)}" for remark in verdict(report)),
        _figures(report.headline),
        _asked(report),
        _section("Data", _parts(report.parts), _leakage(report), plain(failures_said(report.failures))),
        _section("Thresholds", _operating(report.operating)) if report.operating else "",
        _section("Probability", _calibrations(report.calibrations)) if report.calibrations else "",
        _section("Folds", _folds(report.folds)) if report.folds else "",
        _section("One to many", _search(report)) if report.search else "",
        _section("For whom it errs", _slices(report.slices)) if report.slices else "",
        _section("Baseline", _baseline(report)) if report.baseline else "",
        _section("Plots", "\n\n".join(f"![{plain(PurePosixPath(p).stem)}](<{p}>)" for p in plots)) if plots else "",
        _made(report),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def plain(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return _FIRST.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", " ".join(text.split())))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return a Markdown table; the first columns are words, the others numbers."""
    rule = ["---" if at < left else "---:" for at in range(len(heads))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, rule, *rows))


def _section(title: str, *blocks: str) -> str:
    return "\n\n".join([f"## {title}", *(block for block in blocks if block)])


def _figures(figures: Sequence[Figure]) -> str:
    rows = [(plain(f.name), shown(f), interval(f) or UNMEASURED, plain(f.method), plain(f.note)) for f in figures]
    heads = ("figure", "value", "95 % interval", "interval by", "note")
    lines = table(heads, rows, left=1).split("\n")
    lines[1] = "| --- | ---: | ---: | --- | --- |"
    return "\n".join(lines) if rows else ""


def _asked(report: Report) -> str:
    system, protocol = report.system, report.protocol
    facts = (
        ("Model", f"{system.model} ({system.identity})" if system.identity else system.model),
        ("What it is", system.summary),
        ("Trained on", system.training_data),
        ("Licence", system.licence),
        ("Detector", system.detector or "none: the photos were used as they are"),
        ("Protocol", protocol.dataset),
        ("Rule", " ".join(sentence(text) for text in protocol.rule)),
        ("Outside data", "; ".join(protocol.outside_data)),
        ("Terms of the data", protocol.terms),
        ("About this copy", " ".join(sentence(text) for text in protocol.notes)),
    )
    return _section("What was asked", "\n".join(f"- **{name}:** {plain(text)}" for name, text in facts if text))


def _parts(parts: Sequence[Part]) -> str:
    rows = [
        (plain(p.name), ROLES[p.role], *map(count, (p.people, p.photos, p.genuine, p.impostors, p.failures)))
        for p in parts
    ]
    heads = ("part", "used for", "people", "photos", "genuine pairs", "impostor pairs", "failed photos")
    return table(heads, rows, left=2) if rows else ""


def _leakage(report: Report) -> str:
    return "\n".join(f"- {caution.level}: {plain(sentence(caution.text))}" for caution in report.leakage)


def _operating(rows: Sequence[OperatingRow]) -> str:
    said = [
        (
            plain(row.source),
            target(row.target_fmr),
            UNMEASURED if row.threshold is None else threshold(row.threshold),
            plain(f"none: {row.refused}") if row.threshold is None else _cell(row.fmr),
            _cell(row.fnmr),
            count(row.chosen_on),
        )
        for row in rows
    ]
    return table(
        ("source", "target FMR", "threshold", "measured FMR", "measured FNMR", "impostor pairs behind it"), said
    )


def _calibrations(checks: Sequence[CalibrationCheck]) -> str:
    rows = [
        (
            plain(c.name),
            plain(c.method),
            plain(c.fitted_on),
            *map(_cell, (c.ece, c.brier, c.cllr)),
            number(c.min_cllr),
            number(c.prior),
        )
        for c in checks
    ]
    heads = ("calibration", "method", "fitted on", "ECE", "Brier", "Cllr, bits", "least possible Cllr", "prior")
    said = "\n".join(f"- {plain(c.name)}: {plain(sentence(c.verdict))}" for c in checks)
    return f"{table(heads, rows, left=3)}\n\n{said}"


def _folds(folds: Sequence[float]) -> str:
    heads = [str(at) for at in range(1, len(folds) + 1)]
    return table(heads, [[shown(Figure("accuracy", fold)) for fold in folds]], left=0)


def _search(report: Report) -> str:
    search = report.search
    if search is None:
        return ""
    said = (
        f"{count(search.gallery)} people enrolled with one photo each; {count(search.mated)} probes of them, "
        f"{count(search.nonmated)} of strangers."
    )
    return f"{said}\n\n{_figures(search.figures)}"


def _slices(slices: Sequence[Slice]) -> str:
    rows = [
        (plain(s.by), plain(s.value), _cell(s.fnmr), count(s.genuine), _cell(s.fmr), count(s.impostors)) for s in slices
    ]
    return table(("by", "slice", "FNMR", "genuine pairs", "FMR", "impostor pairs"), rows, left=2)


def _baseline(report: Report) -> str:
    baseline = report.baseline
    if baseline is None:
        return ""
    p = baseline.mcnemar
    said = f"McNemar's test of the two, pair by pair: {shown(p)}{f'; {p.note}' if p.note else ''}."
    return f"{plain(sentence(baseline.name))}\n\n{_figures(baseline.figures)}\n\n{plain(said)}"


def _made(report: Report) -> str:
    speed = report.speed
    facts = [f"Made {moment(report.made)} with Twinlens {report.version}."]
    if speed.photos:
        pace = f"{number(speed.photos_per_s)} a second"
        cpu = f", processor time {duration(speed.cpu_seconds)}" if speed.cpu_seconds else ""
        facts.append(
            f"{plural(speed.photos, 'photo')} looked at in {duration(speed.seconds)} ({pace}{cpu}); {speed.machine}."
        )
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", report.command)), default=0))
    command = f"{fence}sh\n{report.command}\n{fence}" if report.command else ""
    return _section("How this was made", command, plain(" ".join(facts)))


def _cell(figure: Figure | None) -> str:
    return UNMEASURED if figure is None else with_interval(figure)
