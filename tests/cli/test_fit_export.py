"""twinlens fit and export as a person runs them: what cannot be is said in a sentence, and what comes out verifies."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.cli.shells import Shell

from twinlens.cli.export import usable_with
from twinlens.draw import save
from twinlens.lab.reading import recipe_of
from twinlens.lab.run import WEIGHTS_FILE, write_recipe, write_weights
from twinlens.lab.siamese import build_siamese
from twinlens.types import Image
from twinlens.zoo import find_card


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path / "home"))
    torch.set_num_threads(1)
    return Shell(monkeypatch, capfd)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    recipe = recipe_of(
        {
            "name": "tiny",
            "title": "A tiny network",
            "source": "ours",
            "data": {"dataset": str(tmp_path / "gone"), "size": 40, "colour": "rgb"},
            "trunk": {"name": "residual", "stages": [1, 1], "width": 4, "dim": 8},
            "head": {"name": "cosine"},
            "loss": {"name": "contrastive"},
            "batch": {"size": 16},
            "optimizer": {"name": "adam", "lr": 1e-2},
        }
    )
    folder = tmp_path / "run"
    siamese = build_siamese(recipe, generator=torch.Generator().manual_seed(0))
    write_recipe(folder, recipe)
    write_weights(folder / WEIGHTS_FILE, {f"siamese.{k}": v for k, v in siamese.state_dict().items()}, recipe)
    return folder


@pytest.mark.slow
def test_an_exported_run_verifies_by_name(shell: Shell, run: Path, tmp_path: Path, astronaut: Image) -> None:
    code, out, err = shell("export", run, "--name", "little", "--int8", "--json")
    assert code == 0, err
    record = json.loads(out)
    assert (record["name"], record["dim"], record["thresholds"]) == ("little", 8, 0)
    assert {one["weights"] for one in record["agreement"]} == {"float32", "int8"}
    assert "the whole crop" in err
    save(astronaut, tmp_path / "a.png")
    save(Image(np.ascontiguousarray(astronaut.pixels[:, ::-1])), tmp_path / "b.png")
    code, out, err = shell("verify", tmp_path / "a.png", tmp_path / "b.png", "--model", "little", "--threshold", "0.1")
    assert code == 0, err
    assert "same person" in out
    code, _, err = shell("verify", tmp_path / "a.png", tmp_path / "b.png", "--model", "little")
    assert code == 4
    assert "threshold" in err
    code, out, err = shell("models", "check", "little")
    assert code == 0, err
    assert "golden values agree" in out
    code, _, err = shell("export", run, "--name", "little")
    assert code == 4
    assert "taken" in err


def test_what_is_no_run(shell: Shell, tmp_path: Path, run: Path) -> None:
    code, out, err = shell("export", tmp_path / "absent")
    assert (code, out) == (4, "")
    assert "no weights" in err
    (run / WEIGHTS_FILE).write_bytes(b"rubbish")
    code, _, err = shell("export", run)
    assert code == 4
    assert "damaged" in err


def test_fit_says_what_is_missing(shell: Shell, tmp_path: Path, astronaut: Image) -> None:
    code, _, err = shell("fit", tmp_path / "absent", "--name", "mine")
    assert code == 2
    assert "no data set named" in err
    people = tmp_path / "people"
    for name in ("ann", "bob"):
        (people / name).mkdir(parents=True)
        save(astronaut, people / name / "1.png")
    code, out, err = shell("fit", people, "--name", "mine")
    assert (code, out) == (3, "")
    assert "wanted at least 20 people with two photos or more" in err
    code, _, err = shell("fit", people, "--name", "sface")
    assert code == 4
    assert "that Twinlens carries" in err
    code, _, err = shell("fit", people, "--name", "mine", "--split", "train")
    assert code == 3
    assert "has no part 'train'" in err


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fit_on_people_who_gain_nothing_saves_nothing(shell: Shell, data_folder: Path, tmp_path: Path) -> None:
    """AT&T's forty people, frontal in front of one wall, are all told apart as it is."""
    code, out, err = shell("fit", data_folder / "orl", "--name", "mine", "--out", tmp_path / "models")
    assert code == 4
    assert "judged by 10 others" in out
    assert "the head is not saved" in err
    assert not list((tmp_path / "models").glob("*.onnx"))


def test_an_export_names_the_rates_that_its_card_supports() -> None:
    card = find_card("sface")
    assert card.measured is not None
    assert usable_with(card, "mine") == "--model mine"
    rough = replace(card, measured=replace(card.measured, points=card.measured.points[:3]))
    rates = [f"{point.fmr:g}" for point in card.measured.points[:3]]
    said = usable_with(rough, "mine")
    assert said.startswith(f"--model mine --target-fmr {rates[2]} (or {rates[0]}, {rates[1]})")
    assert "--threshold" in usable_with(replace(card, measured=None), "mine")
