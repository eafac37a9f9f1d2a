"""What takes processes of its own: kill -9, and two processes that train together."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from twinlens.lab.recipe import Recipe
from twinlens.lab.run import Limits, write_recipe
from twinlens.lab.train import train

Make = Callable[..., Recipe]
NOWHERE = Path("nowhere")


def command(recipe: Path, out: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "twinlens.cli", "train", str(recipe), "--out", str(out), "--json", *words]


@pytest.fixture
def place(tmp_path: Path, cache: Path) -> dict[str, str]:
    return {**os.environ, "TWINLENS_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}


def recipe_file(recipe: Recipe, folder: Path) -> Path:
    write_recipe(folder, recipe)
    return folder / "recipe.toml"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kill_9_and_resume_come_to_the_same_bits(make: Make, tmp_path: Path, place: dict[str, str]) -> None:
    recipe = recipe_file(make("training.epochs=40", "trunk.dropout=0.2", "training.average=0.9"), tmp_path / "recipe")
    whole = subprocess.run(
        command(recipe, tmp_path / "whole"), env=place, capture_output=True, text=True, timeout=300, check=True
    )
    killed, rng = 0, random.Random(5)
    while True:
        with subprocess.Popen(
            command(recipe, tmp_path / "killed", "--resume"),
            env=place,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as running:
            metrics = tmp_path / "killed" / "metrics.csv"
            before = metrics.read_text(encoding="utf-8").count("\n") if metrics.exists() else 1
            while running.poll() is None and killed < 3:
                done = metrics.read_text(encoding="utf-8").count("\n") if metrics.exists() else 1
                if done > before + rng.randrange(3):
                    time.sleep(rng.random() * 0.2)
                    running.send_signal(signal.SIGKILL)
                    killed += 1
                    break
                time.sleep(0.01)
            out, _ = running.communicate(timeout=300)
        if running.returncode == 0:
            break
    assert killed >= 2
    wanted, got = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(wanted[key], got[key]) for key in wanted)
    assert json.loads(out)["test"] == json.loads(whole.stdout)["test"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_processes_train_what_one_trains(make: Make, tmp_path: Path, cache: Path) -> None:
    recipe = make(
        "optimizer.name=sgd",
        "optimizer.lr=0.1",
        "trunk.name=mahler",
        "trunk.filters=2",
        "trunk.kernels=[3, 3, 2, 1]",
        "trunk.dense=8",
        "batch.same_share=0.5",
    )
    states = []
    for processes in (1, 2):
        limits = Limits(processes=processes, threads=1, panels=False)
        outcome = train(recipe, NOWHERE, tmp_path / str(processes), progress=False, limits=limits, cache=cache)
        assert outcome.epochs == 2
        states.append(load_file(outcome.folder / "weights.safetensors"))
    for key in states[0]:
        assert torch.allclose(states[0][key], states[1][key], atol=1e-4), key
