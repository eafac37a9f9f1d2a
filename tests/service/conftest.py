"""One running service for many tests, photos to send it, and services with other settings."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow, ImageOps
from starlette.testclient import TestClient

from twinlens.service.app import create_app
from twinlens.service.parts import Networks, load_networks
from twinlens.service.settings import Settings
from twinlens.types import Image

Serve = Callable[..., AbstractContextManager[TestClient]]


def jpeg(pixels: np.ndarray, quality: int = 92) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


@pytest.fixture(scope="session")
def photo(astronaut: Image) -> bytes:
    return jpeg(np.asarray(astronaut.pixels))


@pytest.fixture(scope="session")
def other_photo(astronaut: Image) -> bytes:
    """The same woman, mirrored and paler: another photo for a gallery."""
    turned = ImageOps.mirror(Pillow.fromarray(np.asarray(astronaut.pixels)))
    return jpeg(np.asarray(turned.point(lambda value: 40 + value * 0.8)))


@pytest.fixture(scope="session")
def nobody() -> bytes:
    """A photo without a face."""
    return jpeg(np.full((120, 160, 3), (90, 140, 90), np.uint8))


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Networks:
    return load_networks(Settings(data_dir=tmp_path_factory.mktemp("networks"), workers=2))


@contextmanager
def serving(networks: Networks, folder: Path, **told: Any) -> Iterator[TestClient]:
    settings = Settings(**{"data_dir": folder, "workers": 2, "rate_per_s": 10_000, "rate_burst": 10_000, **told})
    with TestClient(
        create_app(settings, networks), base_url="http://localhost", raise_server_exceptions=False
    ) as client:
        yield client


@pytest.fixture(scope="session")
def service(networks: Networks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service without keys, shared by all tests: each uses galleries of its own."""
    with serving(networks, tmp_path_factory.mktemp("service"), max_photo_bytes=2_000_000) as client:
        yield client


@pytest.fixture
def serve(networks: Networks, tmp_path: Path) -> Serve:
    """Start a service with other settings."""

    def start(**told: Any) -> AbstractContextManager[TestClient]:
        return serving(networks, tmp_path / "service", **told)

    return start


@pytest.fixture
def gallery(service: TestClient, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty gallery of people for one test."""
    name = f"g{abs(hash(request.node.nodeid)) % 10**12}"
    assert service.post("/v1/galleries", json={"name": name}).status_code == 201
    yield name
    service.delete(f"/v1/galleries/{name}")
