"""``twinlens calibrate``: the table, the probability, what is refused, and that ``verify`` uses what was saved."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.cli.shells import Shell

from twinlens.draw import save as save_picture
from twinlens.types import Image

NAMES = "first_subject,second_subject"
Row = tuple[object, ...]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path / "home"))
    return Shell(monkeypatch, capfd)


def pairs_of(people: int, rng: np.random.Generator) -> list[Row]:
    """Return two genuine scores a person and one impostor score a pair of people."""

    def score(middle: float) -> float:
        return round(float(np.clip(rng.normal(middle, 0.1), -1, 1)), 4)

    mated: list[Row] = [(score(0.6), 1, f"p{a}", f"p{a}") for a in range(people) for _ in range(2)]
    return mated + [(score(0.05), 0, f"p{a}", f"p{b}") for a in range(people) for b in range(a)]


def write(path: Path, rows: Sequence[Row], header: str = f"score,same,{NAMES}") -> Path:
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    return write(tmp_path / "scores.csv", pairs_of(30, np.random.default_rng(0)))


@pytest.fixture
def many(tmp_path: Path) -> Path:
    return write(tmp_path / "many.csv", pairs_of(80, np.random.default_rng(0)))


def test_a_table_and_a_probability_come_from_scores(shell: Shell, scores: Path) -> None:
    code, out, err = shell("calibrate", scores)
    assert code == 0
    assert out.startswith("scores.csv: 495 scores: 30 people, 60 genuine and 435 impostor pairs\n")
    assert "probability: " in out
    assert "Cllr of each family on people left out: logistic " in out
    assert "note: only 30 people have two photos or more: the calibration is rough" in err
    rows = {row["target"]: row for row in shell.record("calibrate", scores)["thresholds"]}
    assert rows[0.01]["fmr"]["estimate"] <= 0.01
    assert rows[0.01]["threshold_low"] <= rows[0.01]["threshold"] <= rows[0.01]["threshold_high"]


def test_a_target_that_the_people_cannot_support_is_refused_with_the_number_needed(shell: Shell, scores: Path) -> None:
    code, out, _ = shell("calibrate", scores, "--target-fmr", "0.05", "--target-fmr", "0.001")
    assert code == 0
    assert "5 %  " in out
    assert "0.1 %        refused: 30 people make 435 pairs of people, which cannot support a target FMR of 0.001" in out
    assert "wanted 3,000 pairs of different people (78 people, all compared)" in out
    code, _, err = shell("calibrate", scores, "--target-fmr", "2")
    assert code == 2
    assert "between 0 and 1" in err


def test_scores_of_unnamed_people_are_taken_as_independent_and_it_is_said(shell: Shell, tmp_path: Path) -> None:
    rows = [row[:2] for row in pairs_of(30, np.random.default_rng(0))]
    code, out, err = shell("calibrate", write(tmp_path / "unnamed.csv", rows, "score,same"))
    assert code == 0
    assert "unnamed.csv: 495 scores: 60 genuine and 435 impostor pairs" in out
    assert "pairs were taken as independent" in err


@pytest.mark.parametrize(
    ("place", "row", "said"),
    [
        (7, ("nan", 1, "p1", "p1"), "scores.csv:9: wanted a finite score, got 'nan'"),
        (7, ("high", 1, "p1", "p1"), "scores.csv:9: wanted a number in 'score', got 'high'"),
        (7, ("12", 1, "p1", "p1"), "scores.csv:9: wanted a similarity from -1 to 1"),
        (7, ("0.3", 1, "p1", "p2"), "scores.csv:9: the label contradicts the subjects 'p1' and 'p2'"),
        (7, ("0.3", "maybe", "p1", "p2"), "scores.csv:9: wanted 1 or 0"),
        (7, ("0.3", 1, "p1"), "scores.csv:9: wanted 4 fields as in the first line, got 3"),
    ],
)
def test_a_broken_line_is_named(shell: Shell, scores: Path, place: int, row: Row, said: str) -> None:
    lines = scores.read_text(encoding="utf-8").splitlines()
    lines[place + 1] = ",".join(map(str, row))
    scores.write_text("\n".join(lines), encoding="utf-8")
    code, out, err = shell("calibrate", scores)
    assert (code, out) == (3, "")
    assert said in err


def test_one_class_and_too_few_people_are_refused(shell: Shell, scores: Path, tmp_path: Path) -> None:
    rows = pairs_of(30, np.random.default_rng(0))
    code, _, err = shell("calibrate", write(tmp_path / "one.csv", [row for row in rows if row[1]]))
    assert code == 3
    assert "found 60 pairs, all of the same person" in err
    few = [row for row in rows if {row[2], row[3]} <= {f"p{n}" for n in range(6)}]
    code, _, err = shell("calibrate", write(tmp_path / "few.csv", few))
    assert code == 4
    assert "6 people with two photos or more cannot support a calibration: wanted at least 10" in err


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> tuple[Path, Path]:
    """The astronaut, and her again, smaller and cut."""
    folder = tmp_path_factory.mktemp("photos")
    save_picture(astronaut, folder / "collins.png")
    save_picture(Image(np.ascontiguousarray(astronaut.pixels[:300:2, 60:420:2])), folder / "again.png")
    return folder / "collins.png", folder / "again.png"


@pytest.mark.slow
def test_verify_uses_what_was_saved(shell: Shell, many: Path, photos: tuple[Path, Path], tmp_path: Path) -> None:
    code, _, err = shell("calibrate", many, "--save", "mine", "--out", tmp_path / "plots")
    assert code == 0
    assert "use it with --calibration mine" in err
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["reliability.png", "reliability.svg"]
    fitted = shell.record("calibrate", many)
    bar = next(row["threshold"] for row in fitted["thresholds"] if row["target"] == 0.01)
    by_card = shell.record("verify", *photos, "--target-fmr", "0.01")
    mine = shell.record("verify", *photos, "--target-fmr", "0.01", "--calibration", "mine")
    assert mine["score"] == pytest.approx(by_card["score"])
    assert mine["threshold"] == pytest.approx(bar, abs=1e-4)
    assert by_card["threshold"] == pytest.approx(0.2985)
    highest = fitted["calibration"]["highest"]
    assert mine["probability"] <= 1 / (1 + np.exp(-highest)) + 1e-6  # no more than so many pairs can tell
    doubted = shell.record("verify", *photos, "--target-fmr", "0.01", "--calibration", "mine", "--prior", "0.001")
    assert doubted["probability"] < mine["probability"]
    odds = [record["probability"] / (1 - record["probability"]) for record in (doubted, mine)]
    assert odds[0] / odds[1] == pytest.approx(0.001 / 0.999, rel=1e-3)
    assert shell("verify", *photos, "--prior", "2")[0] == 2
    assert "made with the detector" not in shell("verify", *photos, "--calibration", "mine")[2]
    other = shell("verify", *photos, "--calibration", "mine", "--detector", "mtcnn")[2]
    assert "'mine' was made with the detector yunet, not with mtcnn" in other
    assert shell("verify", *photos, "--calibration", "nobody's")[0] == 4


def test_named_like_the_model_it_is_in_force_until_it_is_forgotten(shell: Shell, many: Path) -> None:
    card = shell.record("models", "show", "sface")["calibration"]
    assert (card["method"], card["people"]) == ("logistic", 2132)
    code, _, err = shell("calibrate", many, "--save", "sface")
    assert code == 0
    assert "in force for sface from now on" in err
    code, out, err = shell("models", "show", "sface")
    assert "map fitted on many.csv: 3,320 scores: 80 people" in out
    assert "your calibration 'sface'" in err
    assert "many.csv: 3,320 scores" in shell("models", "calibrations")[1]
    assert shell("models", "forget", "sface")[0] == 0
    assert shell.record("models", "show", "sface")["calibration"] == card


@pytest.mark.slow
def test_too_few_people_for_the_default_rate_leave_the_cards_thresholds(
    shell: Shell, scores: Path, photos: tuple[Path, Path]
) -> None:
    code, _, err = shell("calibrate", scores, "--save", "small")
    assert code == 0
    assert "those of sface's card stay, and only the probability is yours" in err
    small, card = (shell.record("verify", *photos, "--calibration", name) for name in ("small", "card"))
    assert small["threshold"] == card["threshold"]
    assert small["probability"] != card["probability"]


def test_a_name_that_cannot_be_a_files_is_refused(shell: Shell, scores: Path) -> None:
    code, _, err = shell("calibrate", scores, "--save", "../mine")
    assert code == 2
    assert "a calibration needs a name that can be a file's" in err


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_folder_of_people_and_a_csv_of_pairs(shell: Shell, data_folder: Path, tmp_path: Path) -> None:
    """Twelve people, three photos each: a command a source, and both see the same people."""
    people, lines = tmp_path / "people", [f"first,second,same,{NAMES}"]
    for number in range(1, 13):
        name = f"{number:03d}"
        (people / name).mkdir(parents=True)
        for photo in ("01.jpg", "02.jpg", "03.jpg"):
            shutil.copy(data_folder / "cfp/Data/Images" / name / "frontal" / photo, people / name / photo)
        lines += [f"{name}/{a}.jpg,{name}/{b}.jpg,1,{name},{name}" for a, b in (("01", "02"), ("01", "03"))]
        lines += [f"{name}/01.jpg,{other:03d}/01.jpg,0,{name},{other:03d}" for other in range(1, number)]
    (people / "none").mkdir()
    save_picture(Image(np.full((120, 120, 3), 90, np.uint8)), people / "none" / "blank.jpg")
    code, out, err = shell("calibrate", people)
    assert code == 0
    assert "people: 12 people, 36 genuine and 594 impostor pairs" in out
    assert "left out: 1 of 37 photos" in err
    assert "blank.jpg" in err
    (people / "pairs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, out, _ = shell("calibrate", people / "pairs.csv")
    assert code == 0
    assert "12 people" in out


def test_a_folder_that_makes_no_pairs_is_refused(shell: Shell, tmp_path: Path, astronaut: Image) -> None:
    (tmp_path / "people" / "ann").mkdir(parents=True)
    save_picture(astronaut, tmp_path / "people/ann/1.png")
    code, _, err = shell("calibrate", tmp_path / "people")
    assert code == 3
    assert "makes no pairs of both kinds" in err


def test_a_name_is_checked_before_the_work(shell: Shell, tmp_path: Path) -> None:
    code, out, err = shell("calibrate", tmp_path / "absent", "--save", "a/b")
    assert (code, out) == (2, "")
    assert "a name that can be a file's" in err


@pytest.mark.slow
def test_a_report_is_of_the_models_card_whatever_was_saved(
    shell: Shell, many: Path, astronaut: Image, tmp_path: Path
) -> None:
    """What was saved may have been fitted on the very people who are tested."""
    for who in "ab":
        (tmp_path / "people" / who).mkdir(parents=True)
        for shot in range(2):
            brighter = np.clip(astronaut.pixels[:256, 96:352].astype(np.int16) + 9 * shot, 0, 255).astype(np.uint8)
            save_picture(Image(brighter), tmp_path / "people" / who / f"{shot}.png")
    assert shell("calibrate", many, "--save", "sface")[0] == 0
    words = ("evaluate", "--on", tmp_path / "people", "--thresholds", "card", "--no-baseline", "--leakage", "names")
    report = shell.record(*words)
    (check,) = report["calibrations"]
    assert check["name"] == "of the model's card"
    assert check["fitted_on"].startswith("LFW-a")
    assert {row["chosen_on"] for row in report["operating"]} == {22135437}
