"""The example runs as it is printed."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from twinlens.recognizer import Recognizer
from twinlens.types import Image
from twinlens.video import frames

if TYPE_CHECKING:
    from tests.video.conftest import Studio

EXAMPLE = Path(__file__).parents[2] / "examples" / "video.py"


def test_the_example(
    studio: Studio,
    astronaut: Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Recognizer.default(tmp_path / "people.db") as recognizer:
        recognizer.enrol("Eileen Collins", astronaut)
    film = studio.film([studio.picture((studio.her, 100 + k, 80)) for k in range(10)])
    monkeypatch.setattr(sys, "argv", ["video.py", *map(str, (tmp_path / "people.db", film, tmp_path / "named.mp4"))])
    runpy.run_path(str(EXAMPLE))
    assert capsys.readouterr().out == "   0.0 s to    0.3 s: Eileen Collins\n"
    assert len(list(frames(tmp_path / "named.mp4"))) == 10
