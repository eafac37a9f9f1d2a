"""The Markdown card: all figures, no markup but its own, no pictures of people."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.evaluate.conftest import NASTY, full, hostile, minimal

from twinlens.evaluate.markdown import markdown_card, plain, table
from twinlens.evaluate.wording import THIN, UNMEASURED


def lines_of(card: str) -> list[str]:
    return [line for line in card.split("\n") if line]


def test_a_card_holds_every_figure_with_its_interval() -> None:
    card = markdown_card(full(), plots=["plots/roc.svg"]).replace(THIN, " ").replace(UNMEASURED, "none")
    assert card.startswith("# sface on lfw-dev\n\nLFW, development view: 1,000 test pairs of people not seen before.\n")
    assert "| accuracy | 99.1 % | 98.8 to 99.3 % | Wilson | failures count as rejections;" in card
    assert "| TAR at FMR 0.001 % | none | none |  | needs 300,000 impostor pairs, there are 2,500 |" in card
    assert "| chosen on train | 0.1 % | none | none: needs 3,000 impostor pairs" in card
    assert "| of the model's card | 0.1 % | 0.3630 | 0.12 % (0.04 to 0.35 %) | 2.2 % (1.7 to 2.9 %) | 239,000 |" in card
    assert "| face width | under 60 pixels | 17.5 % (11.7 to 25.3 %) | 120 |" in card
    assert "![roc](<plots/roc.svg>)" in card
    assert "```sh\ntwinlens evaluate sface --on lfw-dev --out report.json\n```" in card
    assert "1,712 photos looked at in 41 s (41.5 a second)" in card
    for heading in ("Data", "Thresholds", "Probability", "Folds", "One to many", "For whom it errs", "Baseline"):
        assert f"\n## {heading}\n" in card


def test_tables_keep_their_columns_whatever_the_cells_hold() -> None:
    for report in (full(), hostile()):
        card = markdown_card(report)
        for block in re.findall(r"(?:^\|.*\|\n)+", card, re.MULTILINE):
            counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.strip().split("\n")}
            assert len(counts) == 1, block


def test_nothing_that_a_report_holds_becomes_markup() -> None:
    body = re.sub(r"```sh\n.*?\n```", "", markdown_card(hostile()), flags=re.DOTALL)
    assert NASTY not in body
    assert not re.findall(r"(?<!\\)<", body)
    assert not re.findall(r"(?<!\\)\[a\]", body)
    assert "![" not in body


def test_a_fence_outlasts_the_command() -> None:
    card = markdown_card(replace(minimal(), command="twinlens evaluate '```' --on x"))
    assert "````sh\ntwinlens evaluate '```' --on x\n````" in card


def test_a_bare_report_is_a_short_card() -> None:
    card = markdown_card(minimal())
    assert "**Quick look" in card
    assert "## Folds" not in card
    assert "## Plots" not in card


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("98.9 % of them", "98.9 % of them"),
        ("20-way", "20-way"),
        ("1. first", "1\\. first"),
        ("7) first", "7\\) first"),
        ("# heading", "\\# heading"),
        ("- item", "\\- item"),
        ("a*b_c", "a\\*b\\_c"),
        ("two\nlines", "two lines"),
        ("a | b", "a \\| b"),
    ],
)
def test_plain_text_stays_as_it_is_and_markup_is_disarmed(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_table_is_aligned() -> None:
    assert table(("a", "b"), [("x", "1")]).split("\n") == ["| a | b |", "| --- | ---: |", "| x | 1 |"]
