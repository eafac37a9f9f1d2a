"""``twinlens data leakage``: words, JSON and exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.evaluate.leakage.photos import jpeg, save, scene

from twinlens.cli.app import main
from twinlens.types import Image


def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["twinlens", "data", "leakage", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    assert "a fault of ours" not in err, err
    return int(stopped.value.code or 0), out, err


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return two folders of people that share nothing."""
    for number, name in enumerate(("mine", "yours")):
        for who in range(2):
            for shot in range(2):
                save(tmp_path / name / f"{name} {'ab'[who]}" / f"{shot}.jpg", scene(100 * number + 10 * who + shot))
    return tmp_path / "mine", tmp_path / "yours"


def test_clean_sets(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capfd, *folders)
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == ["mine: 2 people, 4 photos", "yours: 2 people, 4 photos"]
    assert out.endswith("\nno leak was found\n")


def test_a_leak_is_told_and_ends_with_1(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    mine, yours = folders
    save(yours / "Mine-A" / "small.jpg", jpeg(40)(scene(0)))
    code, out, _ = run(monkeypatch, capfd, mine, yours)
    assert code == 1
    assert "leak: 1 person is in two parts by name" in out
    assert "mine: mine a/0.jpg ~ yours: Mine-A/small.jpg (0.9" in out
    code, out, _ = run(monkeypatch, capfd, mine, yours, "--json")
    record: dict[str, Any] = json.loads(out)
    assert code == 1
    assert {one["kind"] for one in record["findings"] if one["level"] == "leak"} == {"person", "copy"}
    code, out, _ = run(monkeypatch, capfd, mine, yours, "--names", "--examples", 0)
    assert code == 1
    assert "small.jpg" not in out
    assert "not looked at: photos were not opened" in out


def test_folders_of_one_name_are_told_by_their_paths(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    mine, yours = folders
    places = mine.rename(mine.parent / "people"), yours / "people"
    places[1].mkdir()
    for person in ("yours a", "yours b"):
        (yours / person).rename(places[1] / person)
    code, out, _ = run(monkeypatch, capfd, *places)
    assert code == 0
    assert out.splitlines()[:2] == [f"{place}: 2 people, 4 photos" for place in places]


def test_one_set_without_parts(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(monkeypatch, capfd, folders[0])
    assert code == 0
    assert out.endswith("one part only: it was looked at by itself\n")


def test_what_cannot_be_opened_is_refused(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, capfd, "no-such-set")[0] == 2
    assert run(monkeypatch, capfd)[0] == 2
    code, _, err = run(monkeypatch, capfd, folders[0], folders[0])
    assert code == 2
    assert f"{str(folders[0])!r} is named twice" in err
    (tmp_path / "empty").mkdir()
    assert run(monkeypatch, capfd, tmp_path / "empty")[0] == 3


def test_the_overlap_of_lfws_two_views_comes_out(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """In LFW's own layout and lists; that of View 2 is not among the shared data."""
    root = tmp_path / "data" / "lfw"
    monkeypatch.setenv("TWINLENS_DATA", str(root.parent))
    lines = ["10\t1"]
    for fold in range(10):
        for name in (f"Ann_{chr(65 + fold)}", f"Bo_{chr(65 + fold)}"):
            (root / "lfw2" / name).mkdir(parents=True)
            for number in (1, 2):
                (root / "lfw2" / name / f"{name}_{number:04d}.jpg").touch()
        ann, bo = f"Ann_{chr(65 + fold)}", f"Bo_{chr(65 + fold)}"
        lines += [f"{ann}\t1\t2", f"{ann}\t1\t{bo}\t1"]
    (root / "pairs.txt").write_text("\n".join(lines))
    (root / "pairsDevTrain.txt").write_text("1\nAnn_A\t1\t2\nAnn_A\t1\tBo_A\t1\n")
    (root / "pairsDevTest.txt").write_text("1\nBo_B\t1\t2\nBo_B\t1\tBo_C\t1\n")
    code, out, _ = run(monkeypatch, capfd, "lfw-dev", "lfw-view2", "--names")
    assert code == 1
    assert "leak: 4 people are in two parts by name: 4 of 4 in lfw-dev and of 20 in lfw-view2" in out
    assert "leak: 2 pairs are listed in two parts" in out


@pytest.mark.slow
def test_faces_under_two_names(
    astronaut: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    face = astronaut.pixels
    save(tmp_path / "mine" / "Eileen Collins" / "1.png", face)
    save(tmp_path / "yours" / "Somebody Else" / "1.png", face[:300, 60:420])
    code, out, _ = run(monkeypatch, capfd, tmp_path / "mine", tmp_path / "yours", "--embeddings")
    assert "1 pair of photos in two parts (1 pair of people) may be one person under two names by sface" in out
    assert "Eileen Collins and Somebody Else" in out
    assert code == 0  # one pair may be chance; a reader looks
