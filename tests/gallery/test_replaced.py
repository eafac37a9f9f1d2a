"""A file that is exchanged under an open gallery takes nothing that is then acknowledged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twinlens.errors import GalleryUnavailableError
from twinlens.gallery import open_gallery
from twinlens.protocols import Enrolment
from twinlens.types import Embedding


def enrolment(name: str, axis: int) -> Enrolment:
    return Enrolment(name, Embedding(np.eye(4, dtype=np.float32)[axis], "m"), f"photo of {name}")


def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    first = open_gallery(tmp_path / "first.db", model="m", dim=4)
    first.add([enrolment("A", 0)])
    with open_gallery(tmp_path / "second.db", model="m", dim=4) as second:
        second.add([enrolment("B", 1)])
    (tmp_path / "second.db").replace(tmp_path / "first.db")
    with pytest.raises(GalleryUnavailableError, match="replaced or removed"):
        first.add([enrolment("C", 2)])
    first.close()


def test_a_removed_file_is_noticed(tmp_path: Path) -> None:
    gallery = open_gallery(tmp_path / "first.db", model="m", dim=4)
    (tmp_path / "first.db").unlink()
    with pytest.raises(GalleryUnavailableError, match="replaced or removed"):
        gallery.add([enrolment("A", 0)])
    gallery.close()
