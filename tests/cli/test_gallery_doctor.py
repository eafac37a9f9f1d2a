"""``twinlens gallery doctor`` as a person runs it: what it says, its exit codes, and its advice followed to the end."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from skimage import data
from tests.cli.shells import Shell
from tests.cli.test_commands import shell
from tests.recognizer.audit.crowd import CARD, Crowd

from twinlens.cli.demo_pictures import enlarged
from twinlens.draw import save
from twinlens.gallery import open_gallery
from twinlens.types import Image

__all__ = ["shell"]
EVERYTHING = ("--main-face", "--accept-conflict", "--accept-poor")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A name that a shell would take apart."""
    return tmp_path / "our people.db"


def stored(crowd: Crowd, place: Path) -> Path:
    with open_gallery(place, model=CARD.identity, dim=CARD.dim) as gallery:
        gallery.add(crowd.enrolled)
    return place


def variants(image: Image) -> list[Image]:
    """Four photos of one face that are not copies of each other byte by byte."""
    pixels = image.pixels
    return [
        Image(np.ascontiguousarray(made))
        for made in (
            pixels,
            pixels[:, ::-1],
            np.clip(pixels[40:, 60:] * 0.55, 0, 255).astype(np.uint8),
            pixels[20:-100, 30:-30][:, ::-1],
        )
    ]


@pytest.fixture
def photos(tmp_path: Path, astronaut: Image) -> dict[str, Path]:
    """Collins four times, and a stranger."""
    made = {f"collins {n}": image for n, image in enumerate(variants(astronaut), 1)}
    made["stranger"] = Image(enlarged(np.asarray(data.lfw_subset())[0]))
    for name, image in made.items():
        save(image, tmp_path / f"{name}.png")
    return {name: tmp_path / f"{name}.png" for name in made}


def advised(out: str) -> list[list[str]]:
    """The command lines printed, as a shell takes them apart."""
    return [shlex.split(line)[1:] for line in out.splitlines() if line.strip().startswith("twinlens ")]


def test_a_sound_gallery(shell: Shell, place: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob")
    code, out, err = shell("gallery", "doctor", "--gallery", stored(crowd, place))
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == ["2 subjects, 6 templates", "the file is sound"]
    assert "expected FPIR 1 %" in out
    assert out.endswith("nothing found that would make a search answer wrongly\n")


def test_nobody_is_enrolled(shell: Shell, place: Path) -> None:
    code, out, _ = shell("gallery", "doctor", "--gallery", stored(Crowd(), place))
    assert code == 0
    assert out.splitlines() == [
        "0 subjects, 0 templates",
        "the file is sound",
        "nobody is enrolled: twinlens enrol NAME PHOTO",
    ]


def test_no_gallery_and_a_gallery_of_another_model(shell: Shell, place: Path) -> None:
    code, out, err = shell("gallery", "doctor", "--gallery", place)
    assert (code, out) == (4, "")
    assert "no gallery at" in err
    open_gallery(place, model="another", dim=CARD.dim).close()
    code, out, err = shell("gallery", "doctor", "--gallery", place)
    assert (code, out) == (4, "")
    assert "another" in err


def test_every_kind_is_said_with_its_photos_and_what_to_do(shell: Shell, place: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob")
    wrong = crowd.enrol("Bob", {"Ann": 0.8})
    crowd.enrol("Cid", {"Cid": 0.8}, quality=0.2)
    code, out, _ = shell("gallery", "doctor", "--gallery", stored(crowd, place))
    assert code == 1
    assert f"{wrong} looks like 'Ann', not like the other photos of 'Bob'" in out
    assert f"      {wrong}  (Bob, quality 0.90)" in out
    assert "(as more than 10 % of strangers)" in out  # 0.0 to its own: the card knows no rate there
    assert "photos too poor to compare with: 1" in out
    assert "subjects with one photo (worth knowing): 1" in out
    assert ["gallery", "remove", "--gallery", str(place), "--photo", wrong, "Bob"] in advised(out)
    assert f"({wrong} is not there any more)" in out  # no file of that name: no command that could not work


def test_json_holds_the_same(shell: Shell, place: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann", "Bob")
    wrong = crowd.enrol("Bob", {"Ann": 0.8})
    code, (head, finding) = shell.records("gallery", "doctor", "--gallery", stored(crowd, place))
    assert code == 1
    assert (head["subjects"], head["templates"], head["problems"], head["audited"]) == (2, 7, [], True)
    assert head["fpir"] == pytest.approx(0.01)
    assert head["fpir_measured"] is None
    assert (finding["finding"], finding["grave"], finding["subjects"]) == ("mislabelled", True, ["Bob", "Ann"])
    assert finding["photos"][0] == {"subject": "Bob", "source": wrong, "photo": wrong, "quality": 0.9}
    assert [(one["score"], one["fmr_bound"]) for one in finding["scores"]] == [(0.64, "at most"), (0, "at least")]
    assert [bool(remedy["command"]) for remedy in finding["remedies"]] == [True, False]


def test_the_file_alone(shell: Shell, place: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann")
    crowd.enrol("Ann", {"Bob": 0.8})
    stored(crowd, place)
    assert shell("gallery", "doctor", "--gallery", place)[0] == 1
    code, (record,) = shell.records("gallery", "doctor", "--gallery", place, "--no-audit")
    assert (code, record["audited"]) == (0, False)


def test_more_findings_than_are_shown(shell: Shell, place: Path) -> None:
    crowd = Crowd()
    for number in range(5):
        crowd.enrol(f"Ann {number}", {"Ann": 0.8})
    code, out, _ = shell("gallery", "doctor", "--gallery", stored(crowd, place), "--most", 3)
    assert code == 1
    assert out.count("look like one person") == 3
    assert "... and 7 more (--most, --json)" in out
    _, records = shell.records("gallery", "doctor", "--gallery", place, "--most", 3)
    assert len(records) == 1 + 10 + 1


def test_names_like_options_are_kept_apart(shell: Shell, place: Path) -> None:
    crowd = Crowd()
    crowd.people("-v", "--help; rm")
    crowd.enrol("-v", {"a stranger": 0.8}, source="--photo")
    code, out, _ = shell("gallery", "doctor", "--gallery", stored(crowd, place))
    assert code == 1
    (remove,) = advised(out)
    assert shell(*remove)[0] == 0
    assert shell("gallery", "doctor", "--gallery", place)[0] == 0


def test_the_model_that_was_named_is_named_again(shell: Shell, place: Path, tmp_path: Path) -> None:
    crowd = Crowd()
    crowd.people("Ann")
    crowd.enrol("Ann", {"a stranger": 0.8})
    card = CARD.folder / "sface.toml"
    code, out, _ = shell("gallery", "doctor", "--gallery", stored(crowd, place), "--model", card)
    assert code == 1
    assert ["--model", str(card)] == advised(out)[0][4:6]


@pytest.mark.slow
def test_two_names_become_one_by_following_the_advice(shell: Shell, place: Path, photos: dict[str, Path]) -> None:
    one, two, three, four = (photos[f"collins {n}"] for n in range(1, 5))
    shell("enrol", "Eileen Collins", one, two, "--gallery", place, *EVERYTHING)
    shell("enrol", "Colonel", three, four, "--gallery", place, *EVERYTHING)
    code, out, _ = shell("gallery", "doctor", "--gallery", place)
    assert code == 1
    assert "look like one person" in out
    look, *merge = [words for words in advised(out) if "--photo" not in words]
    assert look[0] == "verify"
    assert [words[0] for words in merge] == ["gallery", "enrol"]
    for words in merge:
        code, told, err = shell(*words)
        assert code == 0, (words, told, err)
    code, (head, *findings) = shell.records("gallery", "doctor", "--gallery", place)
    assert code == 0, findings
    assert (head["subjects"], head["templates"]) == (1, 4)


@pytest.mark.slow
def test_a_photo_goes_where_it_belongs_by_following_the_advice(
    shell: Shell, place: Path, photos: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    away = photos["stranger"].with_name("stranger again.png")
    pixels = np.asarray(data.lfw_subset())[0]
    save(Image(np.ascontiguousarray(enlarged(pixels)[:, ::-1])), away)
    names = [photos[f"collins {n}"].name for n in (1, 3)]  # relative, as one types them
    shell("enrol", "Eileen Collins", *names, away.name, "--gallery", place, *EVERYTHING)
    shell("enrol", "Somebody", photos["stranger"].name, "--gallery", place, *EVERYTHING)
    code, out, _ = shell("gallery", "doctor", "--gallery", place)
    assert code == 1
    commands = [words for words in advised(out) if away.name in words and words[0] != "verify"]
    assert commands[0][:2] == ["gallery", "remove"]
    assert commands[0][-1] == "Eileen Collins"
    for words in commands:
        code, told, err = shell(*words)
        assert code == 0, (words, told, err)
    _, records = shell.records("gallery", "doctor", "--gallery", place)
    assert "mislabelled" not in {record.get("finding") for record in records}


@pytest.mark.slow
def test_the_photos_can_be_looked_at(
    shell: Shell, place: Path, photos: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shell("enrol", "Eileen Collins", photos["collins 1"], "--gallery", place, *EVERYTHING)
    shell("enrol", "Colonel", photos["collins 3"], "--gallery", place, *EVERYTHING)
    _, out, _ = shell("gallery", "doctor", "--gallery", place)
    looks = [words for words in advised(out) if words[0] == "verify"]
    for words in looks:
        assert shell(*words)[0] == 0
        assert (tmp_path / "why.png").stat().st_size > 10_000
    assert looks or "one photo is enrolled as" in out
