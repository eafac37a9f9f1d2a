"""What is acknowledged survives; the long version is benchmarks/gallery_durability.py."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from twinlens.gallery import SqliteGallery

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gallery_durability.py"


def test_every_commit_waits_for_the_disk(reopen: Callable[..., SqliteGallery]) -> None:
    """In WAL mode only FULL (2) survives a power cut."""
    gallery = reopen()
    for connection in (gallery._database._writer, gallery._database._reader):
        pragmas = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
        assert pragmas == {"journal_mode": "wal", "synchronous": 2}
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signal 9 is POSIX")
def test_kills_lose_nothing_and_bring_nobody_back(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--kills", "16", "--folder", str(tmp_path), "--seed", str(os.getpid())]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=55)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| **0** |" in done.stdout
