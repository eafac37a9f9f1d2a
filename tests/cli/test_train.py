"""``twinlens train`` as a person types it; what it trains stands in tests/lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.lab.waves import make_people
from typer.testing import CliRunner

import twinlens.lab.train  # noqa: F401  (ten seconds, before the tests' clocks run)
from twinlens.cli.app import app
from twinlens.errors import DatasetError, RecipeError

RECIPE = """
name = "waves"
title = "Waves"
source = "ours"
[data]
dataset = "{people}"
labels = "names"
size = 16
[trunk]
name = "residual"
stages = [1]
width = 2
dim = 4
[head]
name = "cosine"
[loss]
name = "cosine-embedding"
[batch]
kind = "drawn-pairs"
size = 16
[optimizer]
name = "sgd"
lr = 0.01
[training]
epochs = 3
"""

Run = Callable[..., tuple[str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    make_people(tmp_path / "people")
    (tmp_path / "waves.toml").write_text(RECIPE.format(people=tmp_path / "people"), encoding="utf-8")

    def typed(*words: str) -> tuple[str, str]:
        result = CliRunner().invoke(app, ["train", *words], catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout, result.stderr

    return typed


def test_a_table_for_people_and_progress_apart(run: Run, tmp_path: Path) -> None:
    out, err = run("waves.toml", "--quick")
    assert "waves: Waves" in out
    assert "test" in out
    assert "quick: epochs 2, train_pairs 200" in out
    assert "epoch 2 of 2" in err
    assert "at most 2 epochs of 200 pairs" in err
    assert "to be expected at this size" in err
    assert "epoch" not in out.split("\n")[0]
    assert (tmp_path / "runs" / "waves-s0-quick" / "weights.safetensors").exists()


def test_one_object_a_run(run: Run, tmp_path: Path) -> None:
    words = (
        "waves.toml",
        "--set",
        "training.epochs=1",
        "--set",
        "training.seed=7",
        "--json",
        "--no-test",
        "--no-panels",
    )
    out, err = run(*words, "--out", "here")
    assert "to be expected at this size" not in err
    record = json.loads(out)
    assert record["recipe"] == "waves"
    assert record["folder"] == "here"
    assert record["epochs"] == 1
    assert record["test"] is None
    assert set(record["validation"]) == {"accuracy", "interval", "auc", "loss", "threshold", "n"}
    assert not (tmp_path / "here" / "panels").exists()
    again, _ = run(*words, "--out", "here", "--resume")
    assert json.loads(again) == record


def test_mistakes_are_said_before_anything_is_made(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "nothing"))
    mistakes: list[tuple[tuple[str, ...], type[Exception], str]] = [
        (("wavs",), RecipeError, "no recipe 'wavs'"),
        (("waves.toml", "--set", "training.epoch=5"), RecipeError, "did you mean 'epochs'"),
        (("waves.toml", "--set", "trunk.widht=5"), RecipeError, "did you mean 'width'"),
        (("waves.toml", "--set", "data.dataset=lfw-dev"), DatasetError, "lfw"),
    ]
    for words, kind, said in mistakes:
        with pytest.raises(kind, match=said):
            run(*words)
    assert not (tmp_path / "runs").exists()
