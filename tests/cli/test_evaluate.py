"""``twinlens evaluate``: figures on stdout, a folder that needs nothing else, and everything that is refused."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.shells import Shell
from tests.evaluate.leakage.photos import save, scene

from twinlens.evaluate.storage import read_report

PEOPLE, SHOTS = 12, 3
FILES = {"report.json", "index.html", "README.md", "histogram.svg", "roc.svg", "det.svg"}
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "data"))
    return Shell(monkeypatch, capfd)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of people who are patterns: for bare pixels that is enough."""
    root = tmp_path_factory.mktemp("photos") / "people"
    for who in range(PEOPLE):
        for shot in range(SHOTS):
            noise = scene(100 + who * SHOTS + shot, 48).astype(np.uint16)
            mixed = (2 * scene(who, 48).astype(np.uint16) + noise) // 3
            save(root / f"p{who:02d}" / f"{shot}.png", mixed.astype(np.uint8))
    return root


@pytest.fixture(scope="module")
def pairs(people: Path) -> Path:
    """Beside it a CSV of pairs with a column of one's own that is after the page's reader."""
    lines = ["first,second,same,first_subject,second_subject,place"]
    for who in range(PEOPLE):
        one, other = f"p{who:02d}", f"p{who ^ 1:02d}"
        place = NASTY if who % 2 else "in, the open"
        lines.append(f'people/{one}/0.png,people/{one}/1.png,1,{one},{one},"{place}"')
        lines.append(f'people/{one}/0.png,people/{other}/2.png,0,{one},{other},"{place}"')
    file = people.parent / "pairs.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.mark.slow
def test_a_folder_of_people_gives_figures_and_a_page(shell: Shell, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, text, err = shell("evaluate", "pixels", "--on", people, "--out", out)
    assert code == 0
    assert "6 people, 18 genuine and 135 impostor pairs" in text
    assert re.search(r"^FMR +0\S* \(\S+ to 0\.\d+\) +at threshold", text, re.MULTILINE)
    assert "135 pairs of photos, but only 15 pairs of people: FMR 0.1 needs 30 (rule of three)" in text
    assert {path.name for path in out.iterdir()} >= FILES
    assert all(str(path) in err for path in out.iterdir())
    report = read_report(out / "report.json")
    assert report.command == f"twinlens evaluate pixels --on {people} --out {out}"
    assert report.baseline is None  # bare pixels are the baseline
    page = (out / "index.html").read_text(encoding="utf-8")
    for section in ("short", "asked", "data", "thresholds", "search", "made"):
        assert f'<section id="{section}"' in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


@pytest.mark.slow
def test_a_csv_of_pairs_has_slices_of_its_own_columns_and_they_are_only_text(
    shell: Shell, pairs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, text, _ = shell("evaluate", "pixels", "--on", pairs, "--out", out, "--no-pictures")
    assert code == 0
    assert "accuracy, mean over folds" in text
    report = read_report(out / "report.json")
    assert {part.value for part in report.slices if part.by == "place"} == {NASTY, "in, the open"}
    assert len(report.folds) == 5
    page = (out / "index.html").read_text(encoding="utf-8")
    assert NASTY not in page
    assert "&lt;script&gt;" in page
    assert NASTY not in (out / "README.md").read_text(encoding="utf-8")
    assert "data:image" not in page


def test_json_is_the_report(shell: Shell, people: Path) -> None:
    code, text, _ = shell("evaluate", "pixels", "--on", people, "--json", "--quick", 10)
    assert code == 0
    (line,) = text.splitlines()
    record: dict[str, Any] = json.loads(line)
    assert (record["kind"], record["quick"], record["protocol"]["pairs"]) == ("twinlens report", True, "all")
    assert sum(part["people"] for part in record["parts"]) == 10


@pytest.mark.slow
def test_mistakes_are_shown_as_photos_in_the_page_alone(shell: Shell, people: Path, tmp_path: Path) -> None:
    alike = tmp_path / "alike"  # everybody's photos show somebody else: errors for certain
    for who in range(PEOPLE):
        for shot in range(SHOTS):
            pixels = (people / f"p{(who + 5 * shot) % PEOPLE:02d}" / f"{shot}.png").read_bytes()
            (alike / f"q{who:02d}").mkdir(parents=True, exist_ok=True)
            (alike / f"q{who:02d}" / f"{shot}.png").write_bytes(pixels)
    out = tmp_path / "out"
    assert shell("evaluate", "pixels", "--on", alike, "--out", out)[0] == 0
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/webp;base64,") == 2 * len(read_report(out / "report.json").mistakes) > 0
    assert 'section id="mistakes"' in page
    assert "data:image" not in (out / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_was_seen_is_kept_and_where_is_nobodys_business(shell: Shell, people: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen.db"
    for form in (("--resume", seen), (f"--resume={seen}",)):
        code, text, _ = shell("evaluate", "pixels", "--on", people, "--json", *form)
        assert code == 0
        assert "seen.db" not in text
    assert json.loads(text)["speed"]["photos"] == 0
    code, _, err = shell("evaluate", "pixels", "--on", people, "--resume", people / "p00" / "0.png")
    assert code == 3
    assert "to resume" in err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--on", "lfw-dev"], 3, "lfw"),
        (["--on", "lfw-dew"], 2, "did you mean 'lfw-dev'"),
        (["--on", "PEOPLE", "--thresholds", "card"], 4, "--thresholds own"),
        (["--on", "PEOPLE", "--quick", "1"], 2, "at least 2"),
        (["--on", "PEOPLE", "--quick", "4"], 3, "10 are the least"),
        (["--on", "PEOPLE", "--out", "PEOPLE/p00/0.png"], 2, "is a file"),
        (["--on", "PEOPLE", "--out", "/dev/null/x"], 2, "/dev/null/x"),
        (["--on", "PEOPLE/p00"], 3, "p00"),
        (["--on", "PAIRS", "--json", "--quick", "0"], 2, '{"error": "OptionError"'),
    ],
)
def test_errors_are_sentences_with_exit_codes(
    shell: Shell, people: Path, pairs: Path, words: list[str], code: int, said: str
) -> None:
    named = [word.replace("PEOPLE", str(people)).replace("PAIRS", str(pairs)) for word in words]
    found, out, err = shell("evaluate", "pixels", *named)
    assert (found, out) == (code, "")
    assert said in err


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (lambda rows: [*rows[:3], rows[3][:-1] + "maybe", *rows[4:]], 4, "'maybe'"),
        (lambda rows: [*rows[:3], rows[3] + ",more", *rows[4:]], 4, "wanted 3 fields"),
        (lambda rows: [*rows[:5], rows[2], *rows[5:]], 6, "line 3"),
        (lambda rows: [*rows[:3], rows[3].replace("1.png", "9.png"), *rows[4:]], 4, "which is not there"),
        (lambda rows: [*rows, rows[1].replace(",1", ",0")], 26, ""),
        (lambda rows: rows[1:], 1, "first line"),
        (lambda rows: [rows[0], *(row for row in rows[1:] if row.endswith("1"))], None, "pairs of both kinds"),
        (lambda rows: [*rows[:2], *(row for row in rows[2:] if row.endswith("0"))], None, "of both kinds"),
        (lambda rows: rows[:1], 1, "no pair"),
    ],
    ids=["label", "fields", "twice", "absent", "disagree", "header", "one class", "one class a fold", "empty"],
)
def test_a_broken_list_is_told_with_file_and_line(
    shell: Shell, people: Path, pairs: Path, change: Any, line: int | None, said: str
) -> None:
    rows = [",".join(row.split(",")[:3]) for row in pairs.read_text(encoding="utf-8").splitlines()]
    broken = people.parent / "broken.csv"
    broken.write_text("\n".join(change(rows)) + "\n", encoding="utf-8")
    code, out, err = shell("evaluate", "pixels", "--on", broken)
    assert (code, out) == (3, "")
    assert said in err
    assert "broken" in err
    if line is not None:
        assert f"broken.csv:{line}:" in err


def test_labels_that_contradict_names_are_told(shell: Shell, people: Path, pairs: Path) -> None:
    text = pairs.read_text(encoding="utf-8").replace("1,p01,p01", "1,p01,p02", 1)
    broken = people.parent / "contradiction.csv"
    broken.write_text(text, encoding="utf-8")
    code, _, err = shell("evaluate", "pixels", "--on", broken)
    assert code == 3
    assert "contradiction.csv:4:" in err
    assert "contradicts" in err


def test_scores_that_are_no_numbers_are_told(shell: Shell, tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text("score,same\n0.9,1\n0.1,0\nnan,0\n", encoding="utf-8")
    code, out, err = shell("calibrate", scores)
    assert (code, out) == (3, "")
    assert "scores.csv:4:" in err
    assert "finite" in err


@pytest.mark.slow
def test_an_earlier_report_is_kept_unless_told_otherwise(shell: Shell, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "README.md").write_text("mine", encoding="utf-8")
    words = ("evaluate", "pixels", "--on", people, "--out", out)
    code, _, err = shell(*words)
    assert code == 2
    assert "--replace" in err
    assert (out / "README.md").read_text(encoding="utf-8") == "mine"
    assert shell(*words, "--replace")[0] == 0
    assert "people" in (out / "README.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_and_the_figures_are_not_lost(shell: Shell, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").symlink_to("/dev/full")
    code, text, err = shell("evaluate", "pixels", "--on", people, "--out", out, "--replace")
    assert code == 2
    assert "EER" in text
    assert re.search(r"cannot write .*report\.json: No space left", err)


@pytest.mark.slow
def test_a_name_that_is_no_utf8_does_not_break_a_report(shell: Shell, people: Path, tmp_path: Path) -> None:
    """Old archives have such names; what is written must still be UTF-8, and the JSON must be read again."""
    odd = tmp_path / os.fsdecode(b"mus\xe9e")
    shutil.copytree(people, odd / "people")
    (odd / "people" / "p00").rename(odd / "people" / os.fsdecode(b"\xff\xe9"))
    (odd / "people" / "p01").rename(odd / "people" / os.fsdecode(b"caf\xe9"))
    for name in (b"\xff\xe9", b"caf\xe9"):  # in everybody's folder: a false match, whoever is tested
        for folder in [path for path in (odd / "people").iterdir() if path.name != os.fsdecode(name)]:
            shutil.copy(odd / "people" / os.fsdecode(name) / "0.png", folder / f"copy{name[0]}.png")
    out = tmp_path / "out"
    code, _, err = shell("evaluate", "pixels", "--on", odd / "people", "--out", out, "--resume", tmp_path / "seen.db")
    assert code == 0, err
    for path in out.iterdir():
        path.read_text(encoding="utf-8")
    report = read_report(out / "report.json")
    assert {name for mistake in report.mistakes for name in mistake.subjects} & {"\udcff\udce9", "caf\udce9"}
    code, shown, _ = shell("evaluate", "pixels", "--on", odd / "people", "--json")
    assert code == 0
    assert json.loads(shown)["title"] == "pixels on people"
