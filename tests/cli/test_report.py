"""``twinlens report``: page, card and comparison from the JSON alone, and nothing overwritten unasked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.cli.shells import Shell
from tests.evaluate.conftest import full, minimal
from tests.evaluate.leakage.photos import save, scene

from twinlens.evaluate.storage import report_text


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(monkeypatch, capfd)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A small report in a folder of its own."""
    (tmp_path / "bare").mkdir()
    file = tmp_path / "bare" / "report.json"
    file.write_text(report_text(replace(minimal(), mistakes=full().mistakes)), encoding="utf-8")
    return file


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    file = tmp_path / "whole.json"
    file.write_text(report_text(full()), encoding="utf-8")
    return file


def test_a_page_from_a_folder_or_a_file(shell: Shell, bare: Path, tmp_path: Path) -> None:
    for source, out in ((bare, "one.html"), (bare.parent, "two.html")):
        code, text, _ = shell("report", "page", source, "--out", out)
        assert (code, text) == (0, f"{out}\n")
    one, two = ((tmp_path / name).read_text(encoding="utf-8") for name in ("one.html", "two.html"))
    assert one == two
    assert one.startswith("<!DOCTYPE html>")
    assert "<img" not in one


def test_a_page_shows_the_photos_of_a_folder_when_asked(shell: Shell, bare: Path, tmp_path: Path) -> None:
    photos = tmp_path / "data"
    save(photos / full().mistakes[0].first, scene(1))
    assert shell("report", "page", bare, "--out", "page.html", "--pictures", photos)[0] == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/webp;base64,") == 1
    assert "not in the folder" in page
    code, _, err = shell("report", "page", bare, "--out", "other.html", "--pictures", "absent")
    assert code == 3
    assert "absent" in err
    assert not (tmp_path / "other.html").exists()


def test_a_card_goes_to_the_screen_or_a_file_with_its_plots(shell: Shell, bare: Path, tmp_path: Path) -> None:
    code, text, _ = shell("report", "card", bare)
    assert code == 0
    assert text.startswith("# m on d\n")
    (tmp_path / "docs").mkdir()
    code, text, err = shell("report", "card", bare, "--out", "docs/card.md", "--plots", "plots")
    assert (code, text) == (0, "docs/card.md\n")
    assert "wrote 1 plots" in err or "wrote 0 plots" in err
    record: dict[str, Any] = json.loads(shell("report", "card", bare, "--json")[1])
    assert record["card"].startswith("# m on d\n")


@pytest.mark.slow
def test_addresses_of_plots_are_seen_from_the_card(shell: Shell, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    assert shell("report", "card", whole, "--out", "docs/card.md", "--plots", "plots")[0] == 0
    card = (tmp_path / "docs" / "card.md").read_text(encoding="utf-8")
    assert "![roc](<../plots/roc.svg>)" in card
    assert (tmp_path / "plots" / "roc.svg").is_file()
    code, _, err = shell("report", "card", whole, "--plots", "plots")
    assert code == 2
    assert "holds plots already" in err


def test_two_reports_side_by_side(shell: Shell, whole: Path, bare: Path, tmp_path: Path) -> None:
    code, text, _ = shell("report", "compare", whole, bare)
    assert code == 0
    assert text.startswith("# sface on lfw-dev and m on d\n")
    assert "cannot be compared" in text
    assert shell("report", "compare", bare, bare, "--out", "both.html")[0] == 0
    assert (tmp_path / "both.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert shell("report", "compare", whole, bare, "--out", "both.md")[0] == 0
    assert (tmp_path / "both.md").read_text(encoding="utf-8") == text
    record: dict[str, Any] = json.loads(shell("report", "compare", whole, whole, "--json")[1])
    assert record["duels"][0]["pairs"] == 1000
    assert record["duels"][0]["p_value"] == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["page", "REPORT"], 2, "--out"),
        (["page", "absent.json", "--out", "x.html"], 3, "absent.json"),
        (["page", "BROKEN", "--out", "x.html"], 3, "broken.json"),
        (["page", "REPORT", "--out", "REPORT"], 2, "is the report itself"),
        (["page", "FOLDER", "--out", "REPORT"], 2, "is the report itself"),
        (["page", "REPORT", "--out", "FOLDER"], 2, "is a folder"),
        (["page", "REPORT", "--out", "BROKEN"], 2, "--replace"),
        (["page", "REPORT", "--out", "no/such/x.html"], 2, "no folder"),
        (["page", "REPORT", "--out", "/dev/full", "--replace"], 2, "No space left"),
        (["card", "REPORT", "--plots", "BROKEN"], 2, "is a file"),
        (["compare", "REPORT"], 2, "2 to 6 reports"),
        (["compare", *["REPORT"] * 7], 2, "2 to 6 reports"),
        (["compare", "REPORT", "BROKEN", "--json"], 3, '{"error": "DatasetError"'),
    ],
)
def test_errors_are_sentences_with_exit_codes(
    shell: Shell, bare: Path, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"kind": "twinlens report", "format": 1}', encoding="utf-8")
    before = bare.read_bytes()
    places = {"REPORT": bare, "FOLDER": bare.parent, "BROKEN": broken}
    found, out, err = shell("report", *(places.get(word, word) for word in words))
    assert (found, out) == (code, "")
    assert said in err
    assert bare.read_bytes() == before
    assert broken.stat().st_size == 40
