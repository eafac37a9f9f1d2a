"""A disk that is really full: a clear error, and everything acknowledged is still there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinlens.gallery import Contract, SqliteGallery

FILLER = """
import resource, sys
import numpy as np
from twinlens.errors import GalleryUnavailableError
from twinlens.gallery import Contract, GalleryOptions, SqliteGallery
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

path, limit = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(0)
options = GalleryOptions(snapshot_rows=20, tail_rows=8, exact_rows=10_000)
gallery = SqliteGallery(path, Contract("test-net", 128), options)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
acknowledged = 0
try:
    for start in range(0, 1_000_000, 10):
        vectors = random.standard_normal((10, 128)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        gallery.add(
            Enrolment(f"s{start + i}", Embedding(v, "test-net"), f"photo {start + i}") for i, v in enumerate(vectors)
        )
        acknowledged += 10
except GalleryUnavailableError as error:
    print(f"error: {error}")
    assert len(gallery) == acknowledged, "the same object still answers"
    last = gallery.templates(f"s{acknowledged - 1}").embeddings
    assert gallery.search(last, 1)[0][0].subject == f"s{acknowledged - 1}"
gallery.close()
print(acknowledged)
"""


def fill(path: Path, limit: int) -> int:
    """Enrol until it fails; return how many subjects were acknowledged."""
    command = [sys.executable, "-c", FILLER, str(path), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stderr
    message, acknowledged = done.stdout.strip().splitlines()
    assert "nothing of this call was stored" in message
    assert "disk" in message
    assert "Traceback" not in done.stderr
    return int(acknowledged)


def check(path: Path, acknowledged: int) -> None:
    with SqliteGallery(path, Contract("test-net", 128)) as gallery:
        assert acknowledged >= 100
        assert {s.name for s in gallery.subjects()} == {f"s{i}" for i in range(acknowledged)}
        assert gallery.verify_integrity() == ()
        assert gallery.remove("s5").remains == ()


@pytest.mark.skipif(os.name != "posix", reason="limits on file sizes are POSIX")
def test_a_limit_on_file_sizes(path: Path) -> None:
    check(path, fill(path, 600_000))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB, where this process may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting is not permitted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_small_disk(small_disk: Path) -> None:
    path = small_disk / "faces.db"
    acknowledged = fill(path, 0)
    with SqliteGallery(path, Contract("test-net", 128)) as gallery:
        assert {s.name for s in gallery.subjects()} == {f"s{i}" for i in range(acknowledged)}
        assert gallery.verify_integrity() == ()
        assert acknowledged >= 100
    os.truncate(small_disk / "faces.db.index" / "header.json", 0)  # the index can go, the truth stays
    with SqliteGallery(path, Contract("test-net", 128)) as gallery:
        probe = gallery.templates("s7").embeddings
        assert gallery.search(probe, 1)[0][0].subject == "s7"
