"""Tables that people read: every figure once, marked where it was a quick look."""

from __future__ import annotations

from dataclasses import replace

from tests.evaluate.detector_samples import sample

from twinlens.evaluate.detector_tables import facts, gains, markdown, markdown_table, plain_table, table


def test_the_table_holds_what_was_measured() -> None:
    found = sample()
    heading, first, second = table(found)
    assert len(heading) == len(first) == len(second)
    assert heading[1] == "AP (95 %)"
    assert first[0] == "yunet single"
    assert first[1].startswith("0.375 (")
    assert first[2] == "1.000 / 0.375"
    assert first[3] == "1.000 / 0.375"
    assert first[-1] == "1.00"
    assert second[-1].startswith("5.00")
    unknown = replace(found, settings=(replace(found.settings[0], parameters=0),))
    assert "not stated" in table(unknown)[1]


def test_gains_are_points_with_signs() -> None:
    heading, row = gains(sample())
    assert heading[0] == "points above yunet single (95 %)"
    assert row[1].startswith("+62.5 (+")
    assert gains(replace(sample(), settings=sample().settings[:1])) == []


def test_a_terminal_gets_aligned_lines() -> None:
    lines = plain_table(sample()).split("\n")
    assert len(lines) == 6
    assert max(map(len, lines)) <= 132
    assert lines[2].startswith("yunet single")
    assert "0.375" in lines[2]
    assert "\N{EN DASH}" in lines[3]


def test_facts_say_what_is_peculiar() -> None:
    found = replace(
        sample(), quick=True, unreadable=("a.jpg", "b.jpg", "c.jpg", "d.jpg"), notes=("this copy is small",)
    )
    text = "\n".join(facts(found))
    assert "4 photos, 16 faces. a machine." in text
    assert "This copy is small." in text
    assert "A quick look" in text
    assert "4 photos could not be decoded; nothing is found there: a.jpg, b.jpg, c.jpg, ..." in text
    assert "A quick look" not in "\n".join(facts(sample()))


def test_the_page_says_how_it_was_made() -> None:
    page = markdown([sample(), sample("fddb")], [("quality.svg", "what it shows")])
    assert page.count("twinlens benchmark detectors") == 1
    assert "## wider" in page
    assert "## fddb" in page
    assert "![what it shows](quality.svg)" in page
    assert "A photo in which nothing is reported counts 100 %" in page
    assert markdown_table([["a|b"], ["c"]]) == "| a\\|b |\n|---|\n| c |"
