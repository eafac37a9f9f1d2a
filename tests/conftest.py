"""What several rooms' tests stand on: a real photo under a free licence, and the data folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from skimage import data

from twinlens.types import Image

# a busy machine makes a property slow, not wrong
settings.register_profile("twinlens", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("twinlens")


@pytest.fixture(scope="session")
def astronaut() -> Image:
    """Eileen Collins, NASA, public domain: 512x512, one face; ships with scikit-image."""
    return Image(np.asarray(data.astronaut(), np.uint8), "astronaut")


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """What OpenCV's own detector and recogniser answer on that photo (scripts/make_golden.py)."""
    path = Path(__file__).parent / "golden" / "opencv_astronaut.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The data sets; skips where they are not at hand."""
    named = os.environ.get("TWINLENS_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("TWINLENS_DATA names no folder: these tests need the data sets")
    return Path(named)
