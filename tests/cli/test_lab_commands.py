"""``twinlens reproduce`` and ``twinlens sweep`` as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from typer.testing import CliRunner

from twinlens.cli.app import app
from twinlens.cli.lab_sweep import record, text
from twinlens.errors import OptionError, RecipeError

RUNNER = CliRunner()


def test_reproduce_lists_the_configurations_of_a_document() -> None:
    done = RUNNER.invoke(app, ["reproduce", "004", "--list", "--json"])
    assert done.exit_code == 0, done.output
    names = [json.loads(line)["name"] for line in done.stdout.splitlines()]
    assert {"none-1e-4", "step", "multi-step"} <= set(names)


def test_an_unknown_system_names_the_nearest() -> None:
    done = RUNNER.invoke(app, ["reproduce", "0004"])
    assert isinstance(done.exception, RecipeError)
    assert "did you mean '004'" in str(done.exception)


def test_a_table_of_nothing_is_refused(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["reproduce", "003", "--no-run", "--out", str(tmp_path)])
    assert isinstance(done.exception, OptionError)
    assert "no finished run of 003" in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_a_sweep_says_what_it_needs(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["sweep", "004-none", "--out", str(tmp_path)])
    assert isinstance(done.exception, RecipeError)
    assert "--vary" in str(done.exception)
    done = RUNNER.invoke(app, ["sweep", "003", "--vary", "optimizer.lr", "--out", str(tmp_path)])
    assert isinstance(done.exception, RecipeError)
    assert "key=low..high" in str(done.exception)


@pytest.mark.slow
def test_a_line_a_configuration_and_where_the_rest_is(tmp_path: Path) -> None:
    runs = Path(__file__).parents[2] / "docs/results/runs/001"
    done = RUNNER.invoke(app, ["reproduce", "001", "--no-run", "--out", str(runs), "--table", str(tmp_path)])
    assert done.exit_code == 0, done.output
    lines = done.stdout.rstrip().split("\n")
    assert len(lines) == 9
    assert lines[2].split("  ")[0] == "configuration"
    assert lines[-1].endswith(f"{tmp_path / 'reproduce-001.md'}")
    assert "## Every published figure" in (tmp_path / "reproduce-001.md").read_text(encoding="utf-8")


def sweep_of(*collapsed: bool) -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    study.set_user_attr("objective", "accuracy")
    spread: dict[str, optuna.distributions.BaseDistribution] = {
        "optimizer.lr": optuna.distributions.FloatDistribution(1e-4, 1e-1)
    }
    for number, fallen in enumerate(collapsed):
        study.add_trial(
            optuna.trial.create_trial(
                params={"optimizer.lr": 0.001 * (number + 1)},
                distributions=spread,
                value=0.5 + number / 100,
                user_attrs={"collapsed": fallen},
            )
        )
    return study


def test_a_sweep_of_collapsed_networks_says_so_and_advises_none(monkeypatch: pytest.MonkeyPatch) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    lines = text(sweep_of(True, True), "003").split("\n")
    assert lines[-1].startswith("every trial collapsed")
    assert not [line for line in lines if "train the best" in line]
    assert record(sweep_of(True, True))["collapsed"] == 2
    lines = text(sweep_of(True, False), "003").split("\n")
    assert [line.endswith("(collapsed)") for line in lines[1:3]] == [False, True]
    assert lines[-2].endswith("1 of 2")
    assert lines[-1].startswith("train the best: twinlens train 003 --set optimizer.lr=0.002")
    assert "collapsed" not in text(sweep_of(False), "003")


@pytest.mark.parametrize("command", ["reproduce", "sweep"])
def test_help_does_not_wait_for_torch(command: str) -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom twinlens.cli.app import app\n"
        f"done = CliRunner().invoke(app, [{command!r}, '--help'])\n"
        "print(done.exit_code, 'torch' in sys.modules, 'optuna' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.split() == ["0", "False", "False"]
