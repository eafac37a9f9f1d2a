"""Report -> the sentences that come first: how often it is right, with which threshold, and what to beware of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from twinlens.evaluate.calibration_check import BELIEVABLE_ECE
from twinlens.evaluate.records import Failures, Report
from twinlens.evaluate.score_records import CalibrationCheck, OperatingRow
from twinlens.evaluate.wording import (
    count,
    interval,
    plural,
    sentence,
    shown,
    target,
    threshold,
    with_interval,
)
from twinlens.score import DEFAULT_FMR

Mood = Literal["good", "plain", "beware"]


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence and whether it is a reason to beware."""

    text: str
    mood: Mood = "plain"


def verdict(report: Report) -> tuple[Remark, ...]:
    """Return what a developer wants to know first, in plain words."""
    remarks = [_accuracy(report)]
    if report.quick:
        remarks.append(
            Remark("A quick look: only a part of the data was scored, so do not quote these figures.", "beware")
        )
    remarks += _thresholds(report.operating)
    remarks += [_belief(check) for check in report.calibrations]
    remarks.append(_leaks(report))
    remarks.append(Remark(failures_said(report.failures), "beware" if report.failures.no_face else "plain"))
    return tuple(remarks)


def failures_said(failures: Failures) -> str:
    """Say in how many photos nobody was found, and what that cost."""
    if not failures.no_face and not failures.unreadable:
        return (
            f"In each of {plural(failures.photos, 'photo')} a face was found."
            if failures.photos
            else ("No photo was looked at.")
        )
    parts = []
    if failures.no_face:
        parts.append(f"no face was found in {count(failures.no_face)}")
    if failures.unreadable:
        parts.append(f"{count(failures.unreadable)} could not be read")
    lost = f"{plural(failures.genuine, 'genuine pair')} and {plural(failures.impostors, 'impostor pair')}"
    return f"Of {plural(failures.photos, 'photo')} {' and '.join(parts)}; {lost} have no score and count as rejected."


def _accuracy(report: Report) -> Remark:
    if not report.headline:
        return Remark("No figure could be had.", "beware")
    first = report.headline[0]
    if first.value is None:
        return Remark(sentence(f"{first.name}: not measured{f' ({first.note})' if first.note else ''}"), "beware")
    if first.format != "rate" or not first.name.lower().startswith("accuracy"):
        return Remark(sentence(f"{first.name} {with_interval(first)}"))
    ends = interval(first)
    tail = f" (95{_unit()} interval: {ends})" if ends else ""
    return Remark(f"{shown(first)} of the test pairs are answered rightly{tail}, failures counted.")


def _thresholds(rows: tuple[OperatingRow, ...]) -> list[Remark]:
    """Describe of each source the threshold that is nearest to the default; say what was refused."""
    remarks = []
    for source in dict.fromkeys(row.source for row in rows):
        mine = [row for row in rows if row.source == source]
        held = [row for row in mine if row.threshold is not None]
        if held:
            remarks.append(_threshold_said(min(held, key=lambda row: abs(math.log(row.target_fmr / DEFAULT_FMR)))))
        else:
            remarks.append(Remark(sentence(f"No threshold {source}: {mine[0].refused}"), "beware"))
    return remarks


def _threshold_said(row: OperatingRow) -> Remark:
    bar = threshold(row.threshold or 0.0)
    said = f"The threshold {bar}, {row.source} for an FMR of {target(row.target_fmr)},"
    if row.fmr is None or row.fmr.value is None:
        return Remark(f"{said} could not be tested: there are no impostor pairs.", "beware")
    kept = row.fmr.low is None or row.fmr.low <= row.target_fmr
    text = f"{said} accepts {with_interval(row.fmr)} of the pairs of two people"
    if row.fnmr is not None and row.fnmr.value is not None:
        text += f" and rejects {with_interval(row.fnmr)} of the pairs of one person"
    return Remark(text + ("." if kept else ": more than it was chosen for."), "plain" if kept else "beware")


def _belief(check: CalibrationCheck) -> Remark:
    text = sentence(f"Probabilities {check.name}: {check.verdict[:1].lower()}{check.verdict[1:]}")
    off = check.ece.value is not None and check.ece.value > BELIEVABLE_ECE
    return Remark(text, "beware" if off else "plain")


def _leaks(report: Report) -> Remark:
    leaks = [caution for caution in report.leakage if caution.level == "leak"]
    if not leaks:
        clean = [caution for caution in report.leakage if caution.level == "clean"]
        return Remark(f"No leak was found. {sentence(clean[0].text)}" if clean else "No leak was found.", "good")
    more = f" ({len(leaks) - 1} more below)" if len(leaks) > 1 else ""
    return Remark(f"Leakage: {sentence(leaks[0].text)}{more}", "beware")


def _unit() -> str:
    return "\N{NARROW NO-BREAK SPACE}%"
