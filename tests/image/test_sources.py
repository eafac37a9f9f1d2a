"""What cannot be read -> a message that names it and says what to do."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinlens.errors import ImageError, OptionError
from twinlens.image import ImageLimits, load_image
from twinlens.image.reading import read_bytes


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nobody.jpg: no such file"):
        load_image(tmp_path / "nobody.jpg")


def test_a_file_used_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(ImageError, match="not a folder"):
        load_image(tmp_path / "file" / "a.jpg")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="a folder, wanted a picture"):
        load_image(tmp_path)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.jpg"
    path.touch(mode=0o000)
    with pytest.raises(ImageError, match=r"secret.jpg: no permission"):
        load_image(path)


@pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes in the file system")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="a pipe or a device"):
        load_image(tmp_path / "pipe.jpg")


@pytest.mark.parametrize("name", ["a\0b.jpg", "x" * 5000])
def test_an_impossible_name(name: str) -> None:
    with pytest.raises(ImageError):
        load_image(name)


def test_a_file_opened_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for content in (b"plain", b"\xff\xd8\xff\xe0"):
        path.write_bytes(content)
        with path.open(encoding="utf-8") as file, pytest.raises(OptionError, match="binary mode"):
            load_image(file)  # type: ignore[arg-type]


def test_a_closed_file() -> None:
    file = io.BytesIO(b"x")
    file.close()
    with pytest.raises(ImageError, match="closed"):
        load_image(file)


@pytest.mark.parametrize("source", [None, 5, ["a.jpg"], {"path": "a.jpg"}])
def test_another_type(source: Any) -> None:
    with pytest.raises(OptionError, match=f"got {type(source).__name__}"):
        read_bytes(source, ImageLimits())  # load_image itself is held to its annotations by the tests' type checker


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((5, 5, 3), bool), "mask"),
        (np.zeros((5, 5, 3), np.int32), "got int32"),
        (np.zeros((5, 5), np.complex64), "got complex64"),
        (np.array([["a"]]), "got str"),
        (np.zeros((5, 5, 2), np.uint8), "got 5x5x2"),
        (np.zeros((3, 50, 50), np.uint8), "channels come last"),
        (np.zeros((1, 50, 50, 3), np.uint8), "got 1x50x50x3"),
        (np.array(5, np.uint8), "a single number"),
        (np.zeros((0, 5, 3), np.uint8), "without pixels"),
        (np.full((5, 5, 3), 255.0), "got 255 to 255"),
        (np.full((5, 5, 3), -0.1), "from 0 to 1"),
        (np.full((5, 5, 3), np.nan, np.float32), "NaN"),
        (np.full((5, 5, 3), np.inf), "infinity"),
        (np.array([[0.5, -np.inf]], np.float16), "infinity"),
    ],
)
def test_arrays_that_are_no_pictures(array: np.ndarray, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        load_image(array)


def test_arrays_that_are_pictures() -> None:
    grey = np.arange(200, dtype=np.uint8).reshape(10, 20)
    rgb = np.dstack([grey, grey // 2, 255 - grey])
    spread = np.repeat(grey[..., None], 3, axis=2)
    for array, wanted in (
        (grey, spread),
        (grey[..., None], spread),
        (grey.astype(np.uint16) * 257, spread),
        (grey / 255, spread),
        (rgb, rgb),
        (rgb.astype(">u2") * 257, rgb),
        (np.asfortranarray(rgb), rgb),
        (rgb[::-1, ::2], rgb[::-1, ::2]),
        ((rgb / 255).astype(np.float32), rgb),
    ):
        assert np.array_equal(load_image(array).pixels, wanted)


def test_an_array_is_copied() -> None:
    array = np.zeros((4, 4, 3), np.uint8)
    image = load_image(array)
    array[:] = 9
    assert not image.pixels.any()
