"""Every command as a person runs it: results on stdout, messages on stderr, exit codes of the one table."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage import data
from tests.cli.shells import Shell

from twinlens.cli.demo_pictures import enlarged
from twinlens.cli.verify import sentence
from twinlens.draw import save
from twinlens.types import Decision, Image


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TWINLENS_GALLERY", raising=False)
    return Shell(monkeypatch, capfd)


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> Path:
    """The astronaut, her mirror image, a stranger, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("album")
    save(astronaut, folder / "collins.png")
    save(Image(np.ascontiguousarray(astronaut.pixels[:, ::-1])), folder / "mirrored.jpg")
    save(Image(enlarged(np.asarray(data.lfw_subset())[0])), folder / "stranger.png")
    save(Image(np.full((100, 100, 3), 200, np.uint8)), folder / "blank.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    return folder


@pytest.mark.parametrize(("prior", "start"), [(0.5, "even odds"), (0.001, "a prior of 0.001")])
def test_an_answer_is_one_sentence_with_one_bracket(prior: float, start: str) -> None:
    said = sentence(Decision(0.7, 0.99, 0.4, 0.001, accepted=True), prior)
    assert said.startswith(f"same person: similarity 0.700, threshold 0.400, probability 0.9900 from {start} (at this")
    assert (said.count("("), said[-1]) == (1, ")")


def test_verify_yes_and_no(shell: Shell, album: Path) -> None:
    code, out, _ = shell("verify", album / "collins.png", album / "mirrored.jpg")
    assert code == 0
    assert out.startswith("same person: similarity 0.9")
    code, (record,) = shell.records("verify", album / "collins.png", album / "stranger.png")
    assert code == 1
    assert record["accepted"] is False
    assert 0 < record["probability"] < 0.5
    assert record["fmr"] == pytest.approx(0.001, rel=0.01)


def test_verify_reads_stdin_and_draws(
    shell: Shell, album: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Piped:
        buffer = io.BytesIO((album / "collins.png").read_bytes())

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", Piped())
    drawn = tmp_path / "pair.png"
    assert shell("verify", "-", album / "mirrored.jpg", "--draw", drawn)[0] == 0
    assert drawn.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["verify", "absent.jpg", "collins.png"], 3, "absent.jpg"),
        (["verify", "broken.jpg", "collins.png"], 3, "broken.jpg"),
        (["verify", "blank.png", "collins.png"], 3, "no face found"),
        (["verify", "collins.png", "collins.png", "--target-fmr", "2"], 2, "target_fmr"),
        (["verify", "collins.png", "collins.png", "--target-fmr", "1e-9"], 4, "no threshold"),
        (["verify", "collins.png", "collins.png", "--model", "sfase"], 4, "did you mean 'sface'"),
        (["verify", "collins.png", "collins.png", "--detector", "sface"], 4, "wanted a detector"),
        (["verify", "collins.png"], 2, "Missing argument"),
        (["detect", "collins.png", "--scales", "huge"], 2, "'huge'"),
        (["gallery", "remove", "Nobody"], 4, "no gallery at"),
        (["identify", ""], 2, "an empty name"),
        (["enrol", " ", "collins.png"], 2, "an empty name"),
        (["verify", "-", "-"], 2, "stdin holds one photo"),
        (["detect", "x" * 10000], 3, "too long"),
        (["enrol", "Collins", "collins.png", "--tag", "x"], 2, "KEY=VALUE"),
        (["enrol", "absent"], 3, "one folder a person"),
        (["verify", "http://127.0.0.1:1/a.jpg", "collins.png"], 2, "http"),
        (["verify", "collins.png", "absent.jpg", "--json"], 3, '{"error": "ImageError"'),
    ],
)
def test_errors_are_sentences_with_exit_codes(
    shell: Shell, album: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(album)
    found, out, err = shell(*words)
    assert found == code, err
    assert said in err
    assert out == ""


def test_detect_lists_faces_and_draws(shell: Shell, album: Path, tmp_path: Path) -> None:
    code, records = shell.records("detect", album / "collins.png", album / "blank.png", "--draw", tmp_path / "drawn")
    assert code == 0
    assert [len(record["faces"]) for record in records] == [1, 0]
    left, top, right, bottom = records[0]["faces"][0]["xyxy"]
    assert 150 < left < right < 290
    assert 40 < top < bottom < 190
    assert (tmp_path / "drawn" / "collins.png").exists()
    assert shell("detect", album / "blank.png")[0] == 1


def test_a_folder_with_a_broken_file_goes_on(shell: Shell, album: Path) -> None:
    code, out, err = shell("detect", album)
    assert code == 3
    assert "broken.jpg" in err
    assert out.count("1 face") == 3


def test_from_enrolment_to_erasure(shell: Shell, album: Path, tmp_path: Path) -> None:
    gallery = ("--gallery", tmp_path / "people.db")
    code, (report,) = shell.records("enrol", "Eileen Collins", album / "collins.png", "--tag", "team=nasa", *gallery)
    assert (code, report["outcome"]) == (0, "done")
    code, (report,) = shell.records("enrol", "Another", album / "mirrored.jpg", *gallery)
    assert (code, report["outcome"], report["conflict"]) == (1, "conflict", "Eileen Collins")
    code, (answer, stranger) = shell.records(
        "identify", album / "mirrored.jpg", album / "stranger.png", *gallery, "--draw", tmp_path / "named"
    )
    assert code == 0
    assert answer["faces"][0]["subject"] == "Eileen Collins"
    assert stranger["faces"][0]["subject"] is None
    assert (tmp_path / "named" / "mirrored.png").exists()
    code, (best,) = shell.records("search", album / "mirrored.jpg", *gallery)
    assert (code, best["subject"], best["accepted"]) == (0, "Eileen Collins", True)
    code, (listed,) = shell.records("gallery", "list", *gallery)
    assert (listed["subject"], listed["templates"], listed["tags"]) == ("Eileen Collins", 1, {"team": "nasa"})
    assert shell("gallery", "rename", "Eileen Collins", "Colonel", *gallery)[0] == 0
    assert shell("gallery", "export", tmp_path / "out.zip", *gallery)[0] == 0
    assert shell("gallery", "import", tmp_path / "out.zip", "--gallery", tmp_path / "other.db")[0] == 0
    code, (check, single) = shell.records("gallery", "doctor", "--gallery", tmp_path / "other.db")
    assert (code, check["subjects"], check["problems"]) == (0, 1, [])
    assert (single["finding"], single["grave"], single["subjects"]) == ("one photo", False, ["Colonel"])
    code, (receipt,) = shell.records("gallery", "remove", "Colonel", *gallery)
    assert (code, receipt["proven"], receipt["templates"]) == (0, True, 1)
    assert shell.records("gallery", "list", *gallery) == (0, [])
    assert shell("identify", album / "collins.png", *gallery)[0] == 1


def test_everybody_in_a_folder(shell: Shell, album: Path, tmp_path: Path) -> None:
    for person, photo in (("Eileen Collins", "collins.png"), ("Nobody", "blank.png")):
        (tmp_path / "people" / person).mkdir(parents=True)
        (tmp_path / "people" / person / photo).write_bytes((album / photo).read_bytes())
    code, records = shell.records("enrol", tmp_path / "people", "--gallery", tmp_path / "people.db")
    assert code == 3
    assert {r["subject"]: r["outcome"] for r in records} == {"Eileen Collins": "done", "Nobody": "no face"}


@pytest.mark.slow
def test_an_album_is_indexed_searched_and_clustered(shell: Shell, album: Path, tmp_path: Path) -> None:
    place = ("--gallery", tmp_path / "album.db")
    code, _, err = shell("index", album, *place)
    assert code == 3  # the broken file
    assert "3 done" in err
    _, matches = shell.records("search", album / "collins.png", *place)
    assert [m["subject"] for m in matches[:2]] == ["collins.png#1", "mirrored.jpg#1"]
    _, clusters = shell.records("gallery", "cluster", *place)
    assert clusters[0]["members"] == ["collins.png#1", "mirrored.jpg#1"]
    code, _, err = shell("index", album, *place)
    assert (code, "4 unchanged, 1 still unreadable" in err) == (3, True)


@pytest.mark.slow
def test_models_and_doctor(shell: Shell, tmp_path: Path) -> None:
    code, records = shell.records("models", "list")
    assert code == 0
    assert {"sface", "yunet"} <= {r["name"] for r in records}
    code, (card,) = shell.records("models", "show", "sface")
    assert card["licence_weights"] == "Apache-2.0"
    assert card["measured"]["points"]
    assert "not documented" in shell("models", "show", "sface")[1].lower()
    code, checks = shell.records("models", "check")
    assert code == 0
    assert all(c["ok"] for c in checks)
    words = [sys.executable, "-m", "twinlens.cli", "doctor", "--json"]  # tests of the lab may have imported torch here
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, findings
    assert {f["state"] for f in findings} <= {"ok", "warn"}


def test_a_changed_weight_file_is_found(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "models"
    folder.mkdir(parents=True)
    (folder / "mine.onnx").write_bytes(b"other bytes")
    (folder / "mine.toml").write_text(
        'name = "mine"\nkind = "embedder"\nsummary = "s"\ndim = 4\n[[files]]\nname = "mine.onnx"\n'
        f'sha256 = "{"0" * 64}"\nsize_bytes = 3\n'
    )
    code, out, _ = shell("models", "check")
    assert code == 4
    assert "FAIL mine" in out


def test_the_demo_answers_right(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWINLENS_DATA", raising=False)
    code, out, _ = shell("demo", "--out", tmp_path)
    assert code == 0, out
    assert "all answers right" in out
    assert (tmp_path / "demo.png").exists()


def test_version_and_completion(shell: Shell) -> None:
    assert shell("--version")[1].startswith("twinlens ")
    assert shell("--help")[0] == 0
