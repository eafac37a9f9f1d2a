"""The bad-input corpus -> pictures and typed errors, nothing else (see benchmarks/bad_input.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*options: str) -> str:
    command = [sys.executable, str(ROOT / "benchmarks" / "bad_input.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.slow
def test_no_bad_file_does_harm() -> None:
    assert "0 complaints" in run("--mutations", "400")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_mutation_does_harm() -> None:
    assert "0 complaints" in run("--mutations", "2000", "--seed", "2")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_bad_photo_does_harm_to_verification() -> None:
    assert "0 complaints" in run("--mutations", "2000", "--seed", "3", "--verify")
