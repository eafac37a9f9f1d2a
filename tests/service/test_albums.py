"""Albums: a photo taken in another's place leaves nothing of it."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image as Pillow
from starlette.testclient import TestClient


def beside(photo: bytes, count: int, size: int) -> bytes:
    """The same face several times in one picture."""
    one = Pillow.open(io.BytesIO(photo)).convert("RGB").crop((130, 0, 330, 230)).resize((size, size))
    file = io.BytesIO()
    Pillow.fromarray(np.hstack([np.asarray(one)] * count)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def album(service: TestClient) -> Iterator[str]:
    assert service.post("/v1/galleries", json={"name": "album", "kind": "album"}).status_code == 201
    yield "/v1/galleries/album"
    service.delete("/v1/galleries/album")


@pytest.mark.slow
def test_faces_behind_an_erased_one_are_replaced_too(service: TestClient, album: str, photo: bytes) -> None:
    def index(data: bytes) -> tuple[str, list[str]]:
        made = service.post(f"{album}/photos", files=[("photos", ("a.png", data))]).json()["reports"][0]
        return made["outcome"], made["faces"]

    def stored() -> list[str]:
        return [one["name"] for one in service.get(f"{album}/subjects").json()["items"]]

    three = beside(photo, 3, 230)
    assert index(three) == ("done", ["a.png#1", "a.png#2", "a.png#3"])
    assert service.get(album).json()["templates"] == 3
    assert service.patch(f"{album}/subjects/a.png%232", json={"name": "Eileen"}).status_code == 200
    assert index(three) == ("already enrolled", ["a.png#1", "Eileen", "a.png#3"])
    assert service.patch(f"{album}/subjects/Eileen", json={"name": "a.png#2"}).status_code == 200
    assert service.delete(f"{album}/subjects/a.png%231").status_code == 200
    outcome, faces = index(beside(photo, 2, 260))
    assert (outcome, faces, stored()) == ("done", ["a.png#1", "a.png#2"], ["a.png#1", "a.png#2"])
