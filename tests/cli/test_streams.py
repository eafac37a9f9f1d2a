"""What the shell is told when nobody reads, or nothing can be written; in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from twinlens.draw import save
from twinlens.types import Image


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> str:
    folder = tmp_path_factory.mktemp("pair")
    save(astronaut, folder / "a.png")
    save(Image(np.ascontiguousarray(astronaut.pixels[:, ::-1])), folder / "b.png")
    return f"{folder / 'a.png'} {folder / 'b.png'}"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    command = line.replace("twinlens", f"{sys.executable} -m twinlens.cli")
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)


def test_a_reader_that_goes_away_does_not_change_the_answer(pair: str) -> None:
    done = shell(f"twinlens verify {pair} | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full device is a thing of Linux")
def test_full_streams(pair: str) -> None:
    done = shell(f"twinlens verify {pair} > /dev/full")
    assert done.returncode == 3
    assert "standard output cannot be written" in done.stderr
    assert shell("twinlens verify absent.jpg absent.jpg 2> /dev/full").returncode == 3
