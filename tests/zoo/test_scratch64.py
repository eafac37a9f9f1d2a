"""The small network of the lab: it answers as its reference does, is for research alone, and is nobody's default."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.cli.shells import Shell

from twinlens.embed import load_embedder
from twinlens.embed.golden import TOLERANCE, golden_crop, golden_error
from twinlens.errors import ModelMismatchError
from twinlens.recognizer import Recognizer
from twinlens.runtime import Engine, RuntimeOptions, installed_engines
from twinlens.types import Image
from twinlens.zoo import DEFAULT_EMBEDDER, find_card
from twinlens.zoo.cabinet import CARRIED_WEIGHTS

NAME = "scratch64"


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path / "home"))
    return Shell(monkeypatch, capfd)


@pytest.mark.parametrize("engine", installed_engines())
@pytest.mark.parametrize("threads", [1, 2])
def test_engines_answer_as_onnxs_own_reference(engine: Engine, threads: int) -> None:
    embedder = load_embedder(NAME, RuntimeOptions(engine=engine, threads=threads))
    assert len(embedder.card.golden) == embedder.dim  # the whole vector, so that its length says something, too
    assert np.linalg.norm(embedder.card.golden) == pytest.approx(1, abs=1e-5)
    error = golden_error(embedder)
    assert error is not None
    assert error < TOLERANCE


def test_it_is_for_research_and_not_the_default(shell: Shell) -> None:
    assert DEFAULT_EMBEDDER == "sface"
    card = find_card(NAME)
    assert "research only" in card.licence_weights.lower()
    assert {"LFW-a", "2,132"} <= set(card.training_data.replace("'s", "").split())
    assert (CARRIED_WEIGHTS / "LICENSE-scratch64-research.txt").is_file()
    listed = next(line for line in shell("models", "list")[1].splitlines() if line.startswith(NAME))
    assert "research only" in listed.lower()
    assert "research only" in shell("models", "show", NAME)[1].lower()


def test_its_card_is_calibrated_on_people_held_out() -> None:
    card = find_card(NAME)
    assert card.measured is not None
    assert card.calibration is not None
    assert "held out" in card.measured.protocol
    assert "held out" in card.calibration.protocol
    assert card.measured.points[-1].fmr * card.measured.impostors >= 3


def test_its_vectors_and_the_defaults_do_not_compare() -> None:
    ours, defaults = (load_embedder(name).embed([golden_crop()])[0] for name in (NAME, DEFAULT_EMBEDDER))
    with pytest.raises(ModelMismatchError):
        ours.similarity(defaults)


def test_a_gallery_of_the_default_refuses_it(tmp_path: Path, astronaut: Image) -> None:
    place = tmp_path / "people.db"
    with Recognizer.default(place) as recognizer:
        recognizer.enrol("collins", [astronaut])
    with pytest.raises(ModelMismatchError), Recognizer.default(place, embedder=NAME) as recognizer:
        recognizer.identify(astronaut)


def test_it_verifies_by_name(astronaut: Image) -> None:
    mirrored = Image(np.ascontiguousarray(astronaut.pixels[:, ::-1]))
    with Recognizer.default(embedder=NAME) as recognizer:
        decision = recognizer.verify(astronaut, mirrored)
    assert decision.accepted
    assert decision.fmr is not None
