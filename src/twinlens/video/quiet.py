"""OpenCV's and FFmpeg's own messages -> nowhere: what is wrong is said once, in our words."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

FFMPEG_QUIET = "-8"  # AV_LOG_QUIET
_ONE_AT_A_TIME = threading.Lock()  # the level is the process's: two that save and restore it crosswise would lose it


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
