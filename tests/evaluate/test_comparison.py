"""Reports side by side: what may be compared, who is better, and pages that stay text."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from tests.evaluate.conftest import NASTY, answers_of, full, hostile, minimal, perfect

from twinlens.errors import OptionError
from twinlens.evaluate.comparison import compared, comparison_markdown, comparison_text
from twinlens.evaluate.records import Report
from twinlens.metrics.intervals import mcnemar


def other(name: str = "facenet", quality: float = 0.45) -> Report:
    """Return another system's report on the same pairs."""
    made = full()
    system = replace(made.system, model=name, identity=f"{name}@1")
    return replace(made, title=f"{name} on lfw-dev", system=system, answers=answers_of(7, quality))


def test_who_is_better_is_decided_pair_by_pair() -> None:
    one, two = full(), other()
    side = compared([one, two])
    assert side.names == ("sface", "facenet")
    assert side.differences == ()
    (duel,) = side.duels
    assert one.answers is not None
    assert two.answers is not None
    right = [np.array(r.accepted) == np.array(r.same) for r in (one.answers, two.answers)]
    assert duel.only_first == sum(a and not b for a, b in zip(*right, strict=True))
    assert duel.only_second == sum(b and not a for a, b in zip(*right, strict=True))
    assert duel.p_value == mcnemar(right[0], right[1]).p_value < 0.001
    assert duel.text.startswith("sface is better than facenet")


def test_the_order_of_reports_changes_nothing_but_the_order() -> None:
    (there,), (back,) = (compared(reports).duels for reports in ([full(), other()], [other(), full()]))
    assert there.p_value == back.p_value
    assert back.text.startswith("sface is better than facenet")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: replace(r, protocol=replace(r.protocol, dataset="cfp-ff")), "different data"),
        (lambda r: replace(r, protocol=replace(r.protocol, pairs="all")), "different ways"),
        (lambda r: replace(r, quick=True), "1 of 2 are quick looks"),
        (lambda r: replace(r, answers=replace(r.answers, digest="another")), "Not the same pairs"),
        (lambda r: replace(r, protocol=replace(r.protocol, rule=("another",))), "rules differ"),
    ],
)
def test_what_cannot_be_compared_is_said(change, said: str) -> None:  # type: ignore[no-untyped-def]
    side = compared([full(), change(other())])
    assert any(said in text for text in side.differences), side.differences
    assert said in comparison_markdown([full(), change(other())])


def test_other_pairs_are_no_duel() -> None:
    elsewhere = replace(other(), answers=None)
    assert compared([full(), elsewhere]).duels == ()


def test_figures_and_slices_stand_in_one_line_whoever_has_them() -> None:
    bare = replace(other(), headline=other().headline[:1], slices=other().slices[2:3], operating=())
    side = compared([full(), bare])
    rows = {row.name: row.cells for row in side.headline}
    assert rows["AUC"][0] is not None
    assert rows["AUC"][1] is None
    assert all(cell is not None for cell in rows["accuracy"])
    slices = {(row.by, row.value): row.slices for row in side.slices}
    assert slices["face width", "under 60 pixels"][1] is None
    assert all(part is not None for part in slices["face width", "over 100 pixels"])
    refused = [
        group
        for group in side.operating
        if group.name == "chosen on train, for an FMR of 0.1\N{NARROW NO-BREAK SPACE}%"
    ]
    assert [cell.note for cell in refused[0].rows[0].cells if cell] == ["refused", ""]


def test_one_report_or_seven_are_no_comparison() -> None:
    for count in (0, 1, 7):
        with pytest.raises(OptionError, match="2 to 6 reports"):
            compared([full()] * count)


def test_equal_names_are_told_apart() -> None:
    assert compared([full(), full()]).names == ("sface on lfw-dev (1)", "sface on lfw-dev (2)")


@pytest.mark.slow
def test_a_page_of_many_reports_needs_nothing_else_and_is_only_text() -> None:
    page = comparison_text([full(), hostile(), perfect(), minimal(), other()])
    assert NASTY not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert not re.findall(r"url\((?!#)", page)
    assert not re.findall(r"\b(?:src|href)=\"(?!#)", page)
    identities = re.findall(r'\bid="([^"]+)"', page)
    assert len(identities) == len(set(identities))


def test_a_page_of_two_bare_reports() -> None:
    page = comparison_text([minimal(), replace(minimal(), title=NASTY, system=replace(minimal().system, model="n"))])
    assert NASTY not in page
    assert "2 of 2 are quick looks" in page


def test_markdown_keeps_its_columns() -> None:
    text = comparison_markdown([full(), hostile()])
    assert not re.findall(r"(?<!\\)<", text)
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.strip().split("\n")}) == 1
