"""What OpenCV's doors need: paths that it survives, and its own messages kept off stderr."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from twinlens.errors import ImageError

FFMPEG_QUIET = "-8"  # AV_LOG_QUIET
_ONE_AT_A_TIME = threading.Lock()  # the level is the process's: two that save and restore it crosswise would lose it


def encoded(path: Path) -> str:
    """Return a path as OpenCV and FFmpeg take it: absolute, for what stands before a colon is taken for a protocol.

    Raises:
        ImageError: the name is not Unicode; OpenCV would end the process.
    """
    place = str(path.absolute())
    try:
        place.encode()
    except UnicodeEncodeError as error:
        msg = f"{place!r}: OpenCV cannot take a name that is not Unicode; rename the file"
        raise ImageError(msg) from error
    return place


@contextmanager
def quiet_opening() -> Iterator[None]:
    """Keep stderr clean while a video is opened.

    FFmpeg's level is read once, when the first video of the process is opened, and stays: a choice of the user's own
    in the environment, or a video opened before, is respected.
    """
    with _ONE_AT_A_TIME:
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", FFMPEG_QUIET)
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            yield
        finally:
            cv2.utils.logging.setLogLevel(level)
