"""A service that is killed under load loses nothing; the long version is benchmarks/service_chaos.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "service_chaos.py"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(os.name != "posix", reason="signal 9 is POSIX")
def test_kills_under_load_lose_nothing_acknowledged(data_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--kills", "3", "--clients", "4", "--folder", str(tmp_path)]
    environment = {**os.environ, "TWINLENS_DATA": str(data_folder)}
    done = subprocess.run(
        [*command, "--seed", str(os.getpid())],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| **0** |" in done.stdout
