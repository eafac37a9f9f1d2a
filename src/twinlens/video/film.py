"""A video file or a camera -> its frames: RGB, upright, with their times.

Decoding is OpenCV's, with the FFmpeg that its wheel brings along.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from twinlens.errors import ImageError, OptionError
from twinlens.types import Image
from twinlens.video.opening import open_camera, open_file
from twinlens.video.options import VideoLimits

COMPLETE = 0.9  # of the stated frames and time; headers round, and lists of edits leave frames out
USUAL_FPS = 25.0  # where a video does not say, or says nonsense
MOST_FPS = 1000.0
MOST_FRAMES = 1e9  # more than a year at 30 a second: a header that does not know says -2^63


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a video.

    Attributes:
        index: 0 for the first; frames that were left out count.
        time_s: from the start of the video.
        image: the picture.
    """

    index: int
    time_s: float
    image: Image


class Film:
    """An opened video; close it, or use it in a ``with`` block.

    Args:
        source: a file, or the number of a camera.
        limits: the size of a frame, checked before one is decoded.

    Raises:
        ImageError: missing, empty, not a video, cut off, of an unknown codec, or without a size.
        ImageTooLargeError: frames larger than ``limits``.
        OptionError: the number of a camera below 0.
    """

    def __init__(self, source: str | Path | int, *, limits: VideoLimits | None = None) -> None:
        self.name = f"camera {source}" if isinstance(source, int) else str(source)
        self._limits = limits or VideoLimits()
        self._live = isinstance(source, int)
        self._capture = open_camera(source) if isinstance(source, int) else open_file(Path(source), self.name)
        try:
            self.width = round(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
            self.height = round(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
            self._limits.check_size(self.name, self.width, self.height)
            fps = self._capture.get(cv2.CAP_PROP_FPS)
            self.fps = fps if math.isfinite(fps) and 0.0 < fps <= MOST_FPS else USUAL_FPS
            count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
            self.stated_frames = int(count) if 0 < count <= MOST_FRAMES else None
        except BaseException:
            self._capture.release()
            raise

    def __enter__(self) -> Film:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file or the camera."""
        self._capture.release()

    def frames(self, every: int = 1) -> Iterator[Frame]:
        """Yield every n-th frame from where the film stands, one in memory at a time.

        Raises:
            ImageError: no frame can be decoded, or, after the last good one, the film ends long before its header
                says.
        """
        if every < 1:
            msg = f"every must be 1 or more, got {every}"
            raise OptionError(msg)
        index, given, time_s, begun_s = 0, 0, -1.0 / self.fps, time.monotonic()
        while self._grab():
            # the stamps of a camera count from anywhere
            time_s = time.monotonic() - begun_s if self._live else self._time(time_s)
            if index % every == 0:
                image = self._retrieve()
                if image is not None:
                    given += 1
                    yield Frame(index, time_s, image)
            index += 1
        self._check_end(index if given else 0, time_s)

    def _grab(self) -> bool:
        try:
            return bool(self._capture.grab())
        except cv2.error:
            return False

    def _time(self, last_s: float) -> float:
        """Return the time of the grabbed frame; where its stamp does not rise, one frame after the last."""
        stamp_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
        return stamp_s if math.isfinite(stamp_s) and stamp_s > last_s else last_s + 1.0 / self.fps

    def _retrieve(self) -> Image | None:
        """Return the grabbed frame; None where it cannot be converted."""
        try:
            done, bgr = self._capture.retrieve()
        except cv2.error:
            return None
        if not done or bgr.size == 0:
            return None
        self._limits.check_size(self.name, bgr.shape[1], bgr.shape[0])  # a stream may change its size
        rgb = cv2.cvtColor(bgr, cv2.COLOR_GRAY2RGB if bgr.ndim == 2 else cv2.COLOR_BGR2RGB)
        return Image(np.asarray(rgb, np.uint8), self.name)

    def _check_end(self, count: int, time_s: float) -> None:
        if count == 0:
            msg = f"{self.name}: no frame of it can be decoded ({_codec(self._capture)}): damaged, or a codec that "
            raise ImageError(msg + "this OpenCV does not know; convert it to H.264 in MP4")
        if self.stated_frames is None:
            return
        stated_s = self.stated_frames / self.fps
        if count < COMPLETE * self.stated_frames and time_s + 1.0 / self.fps < COMPLETE * stated_s:
            msg = (
                f"{self.name}: cut off or damaged after {time_s:.1f} s: its header says {self.stated_frames} frames, "
                f"{count} can be decoded; copy it again"
            )
            raise ImageError(msg)


def frames(
    source: str | Path | int, *, every: int | None = None, limits: VideoLimits | None = None
) -> Generator[Frame, None, None]:
    """Yield every n-th frame of a video; the file is closed when the iteration ends, whatever ends it.

    Args:
        source: a file, or the number of a camera.
        every: 2 for every second frame; None for all.
        limits: the size of a frame.

    Raises:
        ImageError: as `Film` and `Film.frames`.
        OptionError: ``every`` below 1.
    """
    with Film(source, limits=limits) as film:
        yield from film.frames(1 if every is None else every)


def _codec(capture: cv2.VideoCapture) -> str:
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    letters = code.to_bytes(4, "little").decode("latin-1").strip("\0 ")
    return f"codec {letters!r}" if letters.isprintable() and letters else "codec unknown"
