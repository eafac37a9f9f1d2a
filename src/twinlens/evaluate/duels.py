"""Two reports -> may their figures be compared, and is the one better than the other?

Where the same pairs were answered in the same order, McNemar's test decides (McNemar 1947): it looks only at the pairs
that one of the two alone answers rightly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool

from twinlens.evaluate.records import Answers, Report
from twinlens.evaluate.wording import p_value, plural
from twinlens.metrics.intervals import mcnemar

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Duel:
    """Two reports on the same pairs.

    Attributes:
        first: name of the one.
        second: name of the other.
        only_first: pairs that only the first answers rightly.
        only_second: likewise.
        pairs: how many both answered.
        p_value: McNemar's, exact, two-sided.
        text: in words.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    pairs: int
    p_value: float
    text: str


def differences(reports: Sequence[Report]) -> tuple[str, ...]:
    """Say why figures cannot be compared: other data, other pairs, a part of the data; or nothing."""
    found = []
    data = _distinct(reports, lambda report: report.protocol.dataset)
    if len(data) > 1:
        found.append(f"Tested on different data ({', '.join(data)}): the figures cannot be compared.")
    kinds = _distinct(reports, lambda report: report.protocol.pairs)
    if len(kinds) > 1:
        found.append(f"Pairs were made in different ways ({', '.join(kinds)}): the figures cannot be compared.")
    if len({report.quick for report in reports}) > 1 or all(report.quick for report in reports):
        quick = sum(report.quick for report in reports)
        found.append(f"{quick} of {len(reports)} are quick looks at a part of the data: not to be quoted.")
    if len(data) == len(kinds) == 1 and len(_distinct(reports, _tested)) > 1:
        found.append("Not the same pairs were tested: figures differ also because of that.")
    rules = {report.protocol.rule for report in reports}
    if len(data) == 1 and len(rules) > 1:
        found.append("The rules differ, for instance where thresholds come from: compare EER, AUC and the curves.")
    return tuple(found)


def _tested(report: Report) -> str:
    if report.answers is not None:
        return report.answers.digest
    return str([(p.people, p.photos, p.genuine, p.impostors) for p in report.parts if p.role != "threshold"])


def _distinct(reports: Sequence[Report], what: Callable[[Report], str]) -> list[str]:
    return list(dict.fromkeys(what(report) for report in reports))


def duels(names: Sequence[str], reports: Sequence[Report]) -> tuple[Duel, ...]:
    """Compare every two reports that answered the same pairs, pair by pair.

    Args:
        names: what the reports are called.
        reports: in the same order.
    """
    fought = []
    for (one, first), (two, second) in combinations(zip(names, reports, strict=True), 2):
        a, b = first.answers, second.answers
        if a is None or b is None or a.digest != b.digest or a.same != b.same or not a.same:
            continue
        found = mcnemar(_right(a), _right(b))
        text = _said(one, two, (found.only_first, found.only_second), found.p_value)
        fought.append(Duel(one, two, found.only_first, found.only_second, len(a.same), found.p_value, text))
    return tuple(fought)


def _right(answers: Answers) -> Bool[np.ndarray, " pairs"]:
    return np.asarray(np.array(answers.accepted, np.bool_) == np.array(answers.same, np.bool_))


def _said(one: str, two: str, alone: tuple[int, int], p: float) -> str:
    if alone == (0, 0):
        return f"{one} and {two} answer every pair alike as far as right and wrong go."
    only = f"only {one} answers {plural(alone[0], 'pair')} rightly, only {two} {plural(alone[1], 'pair')}"
    shown = p_value(p)
    shown = shown if shown.startswith("below") else f"= {shown}"
    if p >= SIGNIFICANT:
        return f"{one} or {two}: the difference could be chance, p {shown}: {only}."
    better, worse = (one, two) if alone[0] > alone[1] else (two, one)
    return f"{better} is better than {worse}, hardly by chance, p {shown}: {only}."
