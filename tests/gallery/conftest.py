"""Vectors to enrol, and galleries that behave like large ones with few of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from twinlens.gallery import Contract, GalleryOptions, SqliteGallery
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

MODEL, DIM = "test-net", 32
SMALL = GalleryOptions(busy_timeout_s=5.0, exact_rows=1_000, snapshot_rows=20, tail_rows=8)


def unit_vectors(count: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


@pytest.fixture
def faces() -> Callable[..., list[Embedding]]:
    def make(count: int, seed: int = 0) -> list[Embedding]:
        return [Embedding(vector, MODEL) for vector in unit_vectors(count, seed)]

    return make


@pytest.fixture
def enrolments() -> Callable[..., list[Enrolment]]:
    """Photo i shows subject i // 2."""

    def make(count: int, seed: int = 0, start: int = 0) -> list[Enrolment]:
        vectors = unit_vectors(count, 1_000 * seed + start)
        return [
            Enrolment(f"s{i // 2:04d}", Embedding(vectors[i - start], MODEL), f"photo {i}", 0.5, f"{i}.jpg")
            for i in range(start, start + count)
        ]

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "faces.db"


@pytest.fixture
def reopen(path: Path) -> Iterator[Callable[..., SqliteGallery]]:
    """Open the gallery at ``path``, as often as wanted; all are closed at the end."""
    opened: list[SqliteGallery] = []

    def make(options: GalleryOptions = SMALL) -> SqliteGallery:
        opened.append(SqliteGallery(path, Contract(MODEL, DIM), options))
        return opened[-1]

    yield make
    for gallery in opened:
        gallery.close()
