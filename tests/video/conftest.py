"""Short films made of one real photo and of real strangers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from twinlens.cli.demo_pictures import enlarged
from twinlens.recognizer import Recognizer
from twinlens.types import Image

Pixels = NDArray[np.uint8]
WIDTH, HEIGHT = 480, 360
FPS = 25.0
HEAD_PX = 180


class Studio:
    """Puts heads on a plain ground, and writes films.

    Attributes:
        her: the astronaut's head.
    """

    def __init__(self, photo: Image, folder: Path) -> None:
        self._folder = folder
        self._faces = np.asarray(data.lfw_subset())[:100]
        self.her = self._scaled(photo.pixels[0:260, 90:350])

    def _scaled(self, pixels: Pixels) -> Pixels:
        return np.asarray(cv2.resize(pixels, (HEAD_PX, HEAD_PX), interpolation=cv2.INTER_AREA), np.uint8)

    def stranger(self, number: int) -> Pixels:
        """Return somebody else's head, 0 to 99."""
        return self._scaled(enlarged(self._faces[number]))

    def picture(self, *heads: tuple[Pixels, int, int]) -> Pixels:
        """Return heads (pixels, left, top) before a plain ground; what lies outside is cut off."""
        canvas = np.full((HEIGHT + 2 * HEAD_PX, WIDTH + 2 * HEAD_PX, 3), (90, 110, 120), np.uint8)
        for head, left, top in heads:
            row, column = top + HEAD_PX, left + HEAD_PX
            canvas[row : row + HEAD_PX, column : column + HEAD_PX] = head
        return canvas[HEAD_PX:-HEAD_PX, HEAD_PX:-HEAD_PX].copy()

    def film(self, pictures: Sequence[Pixels], name: str = "film.mp4", codec: str = "mp4v") -> Path:
        """Write RGB pictures as a film; return its path."""
        path = self._folder / name
        height, width = pictures[0].shape[:2]
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), FPS, (width, height))
        assert writer.isOpened()
        for picture in pictures:
            writer.write(np.ascontiguousarray(picture[..., ::-1]))
        writer.release()
        return path


@pytest.fixture
def studio(astronaut: Image, tmp_path: Path) -> Studio:
    return Studio(astronaut, tmp_path)


@pytest.fixture(scope="session")
def knows_her(astronaut: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recognizer]:
    """A recognizer that has enrolled Eileen Collins from her photo."""
    with Recognizer.default(tmp_path_factory.mktemp("people") / "people.db") as recognizer:
        (report,) = recognizer.enrol("Eileen Collins", astronaut)
        assert report.outcome == "done"
        yield recognizer


@pytest.fixture
def grey_film(tmp_path: Path) -> Callable[..., Path]:
    """Writes a film of noise, 64 x 48: the mean of frame k is 30 + 20 k."""

    def write(name: str = "grey.mp4", codec: str = "mp4v", count: int = 10) -> Path:
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), FPS, (64, 48))
        noise = np.random.default_rng(0).integers(-20, 21, (count, 48, 64, 1))
        for k in range(count):
            writer.write(np.repeat((30 + 20 * k + noise[k]).astype(np.uint8), 3, axis=2))
        writer.release()
        return path

    return write
