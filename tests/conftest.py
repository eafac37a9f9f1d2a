"""What several rooms' tests stand on: a real photo under a free licence, and the data folder."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from skimage import data
from tests.milvus_server import MilvusServer, NoServerError

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


@pytest.fixture(scope="session")
def milvus_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``milvus://HOST:PORT`` of a real server for all tests; TWINLENS_TEST_MILVUS names one that runs already.

    Its parts tell each other the time every 20 ms instead of 200, for a strongly consistent read waits for that.
    """
    if named := os.environ.get("TWINLENS_TEST_MILVUS"):
        yield named
        return
    folder = tmp_path_factory.mktemp("milvus")
    try:
        server = MilvusServer(folder, tick_ms=20)
    except NoServerError as error:
        pytest.skip(f"no Milvus server: {error}")
    yield f"milvus://127.0.0.1:{server.port}"
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def milvus_collection(milvus_place: str) -> Iterator[str]:
    """An address of a gallery that is not there yet; its collection is dropped at the end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield f"{milvus_place}/{name}"
    from pymilvus import MilvusClient

    client = MilvusClient(uri=milvus_place.replace("milvus", "http", 1), timeout=20, dedicated=True)
    if client.has_collection(name):
        for alias in client.list_aliases(name)["aliases"]:
            client.drop_alias(alias)
        client.drop_collection(name)
    client.close()
