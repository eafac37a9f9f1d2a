"""``twinlens reproduce`` and ``twinlens sweep`` as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twinlens.cli.app import app
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


@pytest.mark.parametrize("command", ["reproduce", "sweep"])
def test_help_does_not_wait_for_torch(command: str) -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom twinlens.cli.app import app\n"
        f"done = CliRunner().invoke(app, [{command!r}, '--help'])\n"
        "print(done.exit_code, 'torch' in sys.modules, 'optuna' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.split() == ["0", "False", "False"]
