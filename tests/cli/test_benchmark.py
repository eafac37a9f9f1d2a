"""``twinlens benchmark``: tables and files, what is refused, and a run that goes on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.shells import Shell
from tests.evaluate.detector_samples import write_folder

from twinlens.evaluate.detector_records import read_benchmark
from twinlens.evaluate.journal import read_looks
from twinlens.types import Image

FILES = {"README.md", "quality.svg", "quality.png", "mean-precision.svg", "mean-precision.png"}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TWINLENS_DATA", raising=False)
    return Shell(monkeypatch, capfd)


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> Path:
    return write_folder(tmp_path_factory.mktemp("photos") / "mine", astronaut, 5)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_folder_of_ones_own_gives_a_table_and_files(shell: Shell, album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, text, err = shell("benchmark", "detectors", "--on", album, "--detector", "yunet:multi", "--out", out)
    assert code == 0
    assert "mine: 5 photos, 4 faces." in text
    assert "yunet single" in text
    assert "yunet multi" in text
    assert {path.name for path in out.iterdir()} == FILES | {"own-mine.json", "looks-own-mine.jsonl"}
    assert all(str(out / name) in err for name in FILES)
    found = read_benchmark(out / "own-mine.json")
    assert (found.photos, found.faces, found.quick) == (5, 4, False)
    assert found.settings[0].figure("recall").value == 1.0
    assert found.command.startswith("twinlens benchmark detectors --on")
    page = (out / "README.md").read_text(encoding="utf-8")
    assert found.command in page
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.suffix == ".jsonl"}
    code, _, _ = shell("benchmark", "detectors", "--on", album, "--detector", "yunet:multi", "--out", out, "--resume")
    assert code == 0
    assert {name: (out / name).read_bytes() for name in before} == before  # nothing was looked at twice
    again = read_benchmark(out / "own-mine.json")
    assert again.settings == found.settings


@pytest.mark.slow
def test_json_is_one_object_a_setting_and_a_part_is_marked(shell: Shell, album: Path) -> None:
    words = ("benchmark", "detectors", "--on", album, "--detector", "yunet:single", "--photos", "2", "--json")
    code, text, _ = shell(*words)
    assert code == 0
    records: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    assert [(r["detector"], r["scales"], r["quick"], r["photos"]) for r in records] == [("yunet", "single", True, 2)]
    assert records[0]["parameters"] == 53104
    assert {figure["name"] for figure in records[0]["figures"]} >= {"AP", "recall", "mean precision (Baez)"}
    assert "A quick look" in shell(*words[:-1])[1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--on", "widr"], 2, "wider or fddb or a folder"),
        (["--on", "wider"], 3, "twinlens data fetch wider"),
        ([], 3, "no photos with boxes in"),
        (["--on", "ALBUM", "--detector", "sface"], 2, "wanted a detector"),
        (["--on", "ALBUM", "--detector", "yunett"], 4, "did you mean 'yunet'"),
        (["--on", "ALBUM", "--resume"], 2, "name it with --out"),
        (["--on", "ALBUM", "--photos", "0"], 2, "at least one photo"),
        (["--on", "ALBUM", "--on", "ALBUM/../mine"], 2, "different names"),
        (["--on", "EMPTY"], 3, "boxes.txt"),
        (["--on", "ALBUM", "--detector", "yunet:single", "--out", "ALBUM/boxes.txt"], 3, "boxes.txt"),
        (["--on", "ALBUM", "--json", "--resume"], 2, '{"error": "OptionError"'),
    ],
)
def test_errors_are_sentences_with_exit_codes(
    shell: Shell, album: Path, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    named = [word.replace("ALBUM", str(album)).replace("EMPTY", str(tmp_path)) for word in words]
    found, out, err = shell("benchmark", "detectors", *named)
    assert (found, out) == (code, "")
    assert said in err


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_unfinished_run_is_not_thrown_away(shell: Shell, album: Path, tmp_path: Path) -> None:
    words = ("benchmark", "detectors", "--on", album, "--detector", "yunet:single", "--out", tmp_path / "out")
    assert shell(*words)[0] == 0
    (tmp_path / "out" / "own-mine.json").unlink()
    code, _, err = shell(*words)
    assert code == 2
    assert "go on with --resume" in err
    code, _, err = shell(*words[:-3], "mtcnn:single", *words[-2:], "--resume")
    assert code == 2
    assert "begun with another choice of detectors" in err
    assert shell(*words, "--resume")[0] == 0
    assert shell(*words)[0] == 0  # a finished one may be made anew


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_that_was_killed_goes_on(tmp_path: Path, astronaut: Image) -> None:
    folder, out = write_folder(tmp_path / "mine", astronaut, 9), tmp_path / "out"
    words = ["benchmark", "detectors", "--on", str(folder), "--detector", "yunet", "--out"]
    command = [sys.executable, "-m", "twinlens.cli", *words]
    environment = {**os.environ, "TWINLENS_HOME": str(tmp_path)}
    looks = out / "looks-own-mine.jsonl"
    with subprocess.Popen([*command, str(out)], env=environment, stderr=subprocess.DEVNULL) as running:
        while (looks.read_bytes().count(b"\n") if looks.exists() else 0) < 3:
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
    kept = looks.read_bytes()
    kept = kept[: kept.rindex(b"\n") + 1]
    assert 2 <= kept.count(b"\n") - 1 < 9
    assert not (out / "own-mine.json").exists()
    subprocess.run([*command, str(out), "--resume"], env=environment, check=True, capture_output=True, timeout=200)
    assert looks.read_bytes().startswith(kept)
    straight = tmp_path / "straight"
    subprocess.run([*command, str(straight)], env=environment, check=True, capture_output=True, timeout=200)
    resumed, whole = (list(read_looks(place / looks.name)) for place in (out, straight))
    assert [photo.name for photo in resumed] == [photo.name for photo in whole]
    for one, other in zip(resumed, whole, strict=True):
        for label, look in one.looks.items():
            assert look.boxes.tolist() == other.looks[label].boxes.tolist()
            assert look.scores.tolist() == other.looks[label].scores.tolist()
    figures = [[s.figures for s in read_benchmark(place / "own-mine.json").settings] for place in (out, straight)]
    assert figures[0] == figures[1]
