"""``twinlens verify A B --why FILE`` as a person runs it, mostly with a network small enough to answer at once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from skimage import data
from tests.cli.shells import Shell

from twinlens.cli.demo_pictures import enlarged
from twinlens.cli.why import photo_said, rarity_said
from twinlens.draw import save
from twinlens.recognizer import Examined, ExplainedPhoto, Explanation, Recognizer
from twinlens.types import Decision, Image, Match

CARD = """
name = "little"
kind = "embedder"
summary = "the face as 14 x 14 squares, for tests"
dim = 588
[[files]]
name = "little.onnx"
sha256 = "{sha256}"
size_bytes = {size}
[input]
colour = "rgb"
[measured]
protocol = "made up"
command = "none"
impostors = 1000
genuine = 1000
people = 10
points = [{ fmr = 0.1, threshold = 0.9, fnmr = 0.1 }, { fmr = 0.001, threshold = 0.95, fnmr = 0.5 }]
"""


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TWINLENS_GALLERY", raising=False)
    return Shell(monkeypatch, capfd)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    save(astronaut, folder / "collins.png")
    save(Image(np.ascontiguousarray(astronaut.pixels[:, ::-1])), folder / "mirrored.jpg")
    save(Image(enlarged(np.asarray(data.lfw_subset())[0])), folder / "stranger.png")
    save(Image(np.full((100, 100, 3), 200, np.uint8)), folder / "blank.png")
    return folder


@pytest.fixture(scope="session")
def little(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card of a network that looks at squares of 8 x 8 pixels, less their mean."""
    folder = tmp_path_factory.mktemp("little")
    nodes = [
        helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("ReduceMean", ["f"], ["m"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["f", "m"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "little",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 588])],
    )
    path = folder / "little.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    content = path.read_bytes()
    text = CARD.replace("{sha256}", hashlib.sha256(content).hexdigest()).replace("{size}", str(len(content)))
    (folder / "little.toml").write_text(text, encoding="utf-8")
    return folder / "little.toml"


@pytest.mark.slow
def test_the_sheet_and_the_words_of_the_default_model(shell: Shell, photos: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "new" / "why.png"
    code, out, _ = shell("verify", photos / "collins.png", photos / "mirrored.jpg", "--why", sheet)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("same person: similarity 0.9")
    assert lines[1] == "fewer than 1 in 1,000,000 pairs of strangers are as alike or more"
    assert lines[2].startswith(f"{photos / 'collins.png'}: quality 0.9")
    assert "  speaks for one person: " in out
    assert "gallery" not in out
    assert lines[-1].startswith("numbers: by how much the similarity falls")
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.shape[0] > picture.shape[1] > 700


def test_the_sheet_and_the_words(shell: Shell, photos: Path, little: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "new" / "why.png"
    words = (photos / "collins.png", photos / "collins.png", "--why", sheet, "--model", little)
    code, out, err = shell("verify", *words)
    assert code == 0
    assert f"wrote {sheet}" in err.splitlines()
    lines = out.splitlines()
    assert lines[0].startswith("same person: similarity 1.000")
    assert lines[1] == "fewer than 0.1 % of pairs of strangers are as alike or more"
    assert lines[2].startswith(f"{photos / 'collins.png'}: quality 0.9")
    assert lines[3].startswith("  speaks for one person: ")
    assert "against" not in out  # a photo with itself
    assert "gallery" not in out
    assert lines[-1].startswith("numbers: by how much the similarity falls")
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.shape[0] > picture.shape[1] > 700


def test_one_object_with_the_gallery(shell: Shell, photos: Path, little: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.db"
    with Recognizer.default(people, embedder=str(little)) as recognizer:
        recognizer.enrol("Eileen Collins", photos / "collins.png")
        recognizer.enrol("Somebody", photos / "stranger.png")
    words = [photos / "collins.png", photos / "stranger.png", "--why", tmp_path / "w.jpg"]
    words += ["--gallery", people, "--model", little]
    code, out, _ = shell("verify", *words, "--json")
    assert code == 1
    (line,) = out.splitlines()
    record = json.loads(line)
    why: dict[str, Any] = record["why"]
    assert record["accepted"] is False
    assert why["sheet"] == str(tmp_path / "w.jpg")
    assert (why["fmr_at_score"], why["fmr_bound"]) == (0.1, "at least")
    collins, stranger = why["photos"]
    assert collins["known"]["subject"] == "Eileen Collins"
    assert [one["subject"] for one in collins["impostors"]] == ["Somebody"]
    assert stranger["known"]["subject"] == "Somebody"
    assert set(collins["regions"]) >= {"nose", "left eye", "mouth and chin"}
    _, out, _ = shell("verify", *words)
    assert "  a search of the gallery names Eileen Collins (1.000)" in out
    assert "  nearest others: Somebody (" in out
    assert "somebody else who is enrolled is as near" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["collins.png", "blank.png", "--why", "w.png"], 3, "blank.png: no face found"),
        (["collins.png", "absent.jpg", "--why", "w.png"], 3, "absent.jpg"),
        (["collins.png", "mirrored.jpg", "--why", "w.xyz"], 3, "unknown kind of picture"),
        (["collins.png", "mirrored.jpg", "--why", "blank.png/w.png"], 3, "cannot write the picture"),
        (["collins.png", "mirrored.jpg", "--why", "collins.png"], 2, "--why"),
        (["collins.png", "mirrored.jpg", "--why", "w.png", "--draw", "w.png"], 2, "give two names"),
        (["collins.png", "mirrored.jpg", "--gallery", "people.db"], 2, "--gallery serves --why"),
        (["collins.png", "mirrored.jpg", "--why", "w.png", "--gallery", "absent.db"], 4, "no gallery at"),
    ],
)
def test_failures_are_sentences_and_nothing_is_written(
    shell: Shell, photos: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(photos)
    before = {path: path.read_bytes() for path in photos.iterdir()}
    done, out, err = shell("verify", *words)
    assert (done, out) == (code, "")
    assert said in err
    assert {path: path.read_bytes() for path in photos.iterdir()} == before


def test_what_cannot_be_written_is_said_before_the_models_are_loaded(shell: Shell, photos: Path) -> None:
    pair = photos / "collins.png", photos / "mirrored.jpg"
    assert shell("verify", *pair, "--model", "absent")[0] == 4
    assert shell("verify", *pair, "--model", "absent", "--why", photos / "w.xyz")[0] == 3


@pytest.fixture(scope="module")
def examined(astronaut: Image) -> Examined:
    with Recognizer.default() as recognizer:
        return recognizer.examine(astronaut)


def explanation(examined: Examined, value: float, *, fmr: float | None, score: float = 0.3) -> Explanation:
    def photo(known: Match | None, impostors: tuple[Match, ...]) -> ExplainedPhoto:
        return ExplainedPhoto("a.jpg", examined.portraits[0], np.full((112, 112), value, np.float32), known, impostors)

    near, far = Match("Bob", 0.35, None, 1), Match("Eve", 0.1, None, 1)
    answer = Decision(score, None, 0.5, None, accepted=False)
    return Explanation(answer, fmr, "at", photo(None, (near,)), photo(far, (far,)))


@pytest.mark.parametrize(
    ("value", "said"), [(0.02, "speaks for one person: "), (-0.02, "speaks against: "), (0.001, "says little: ")]
)
def test_parts_are_sorted_by_what_they_say(examined: Examined, value: float, said: str) -> None:
    made = explanation(examined, value, fmr=None)
    quality, *lines = photo_said(made.left, made, searched=False)
    assert quality.startswith("quality 0.9")
    (line,) = lines
    assert line.startswith(said)
    assert line.count(",") == 8


def test_a_nearer_stranger_is_said(examined: Examined) -> None:
    made = explanation(examined, 0.0, fmr=0.02)
    assert photo_said(made.left, made, searched=True)[-1].startswith("somebody else who is enrolled")
    assert photo_said(made.left, made, searched=True)[-3] == "a search of the gallery names nobody"
    assert photo_said(made.right, made, searched=True)[-1] == "nearest others: Eve (0.100)"


@pytest.mark.parametrize(
    ("fmr", "said"),
    [
        (0.02, "2 % of pairs of strangers are as alike or more"),
        (1e-5, "1 in 100,000 pairs of strangers are as alike or more"),
        (None, "nobody measured how many strangers are as alike"),
    ],
)
def test_rates_are_said_for_people(examined: Examined, fmr: float | None, said: str) -> None:
    assert rarity_said(explanation(examined, 0.0, fmr=fmr)) == said
