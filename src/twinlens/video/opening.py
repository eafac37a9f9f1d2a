"""A file or the number of a camera -> a capture of OpenCV that is open, or the reason why not."""

from __future__ import annotations

from pathlib import Path

import cv2

from twinlens.errors import ImageError, OptionError
from twinlens.image.kinds import kind_of, looks_like
from twinlens.video.door import encoded, quiet_opening
from twinlens.video.kinds import head_of, lacks_index, video_kind


def open_camera(number: int) -> cv2.VideoCapture:
    """Open a camera.

    Raises:
        ImageError: it is not there or in use.
        OptionError: a number below 0.
    """
    if number < 0:
        msg = f"a camera's number is 0 or more, got {number}"
        raise OptionError(msg)
    with quiet_opening():
        capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        msg = f"camera {number} cannot be opened: not there, in use, or without permission"
        raise ImageError(msg)
    return capture


def open_file(path: Path, name: str) -> cv2.VideoCapture:
    """Open a video file.

    Raises:
        ImageError: missing, empty, not a video, cut off, or of a codec that is not known.
    """
    kind = _checked_kind(path, name)
    place = encoded(path)
    with quiet_opening():
        capture = cv2.VideoCapture(place, cv2.CAP_FFMPEG)
    if capture.isOpened():
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # upright, by the rotation that the container states
        return capture
    capture.release()
    if kind == "MP4 or QuickTime" and lacks_index(path):
        msg = f"{name}: cut off: an MP4 or QuickTime video without its index (moov); copy or record it again"
    else:
        msg = (
            f"{name}: looks like {kind} video, but cannot be opened: damaged, cut off, without a picture track, or of "
            "a codec that this OpenCV does not know; try to convert it to H.264 in MP4"
        )
    raise ImageError(msg)


def _checked_kind(path: Path, name: str) -> str:
    """Return the container's name, so that FFmpeg is shown nothing but videos.

    Raises:
        ImageError: missing, a folder, no permission, empty, or not a video.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            problem = "a folder, wanted a video; give one of the files in it"
        elif not path.is_file():
            problem = "a pipe or a device, wanted a plain file"
        elif size == 0:
            problem = "empty, 0 bytes; copy or record it again"
        else:
            with path.open("rb"):  # says whether it may be read
                head = head_of(path)
            kind = video_kind(head)
            if kind is not None:
                return kind
            picture = kind_of(head)
            what = f"a {picture} picture" if picture else looks_like(head).partition(";")[0]
            problem = f"not a video: it looks like {what}"
    except FileNotFoundError:
        problem = "no such file; check the spelling and the folder"
    except PermissionError:
        problem = "no permission to read it; change its access rights or run as its owner"
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {getattr(error, 'strerror', None) or 'not a possible file name'}"
    msg = f"{name!r}: {problem}" if "\0" in name else f"{name}: {problem}"
    raise ImageError(msg)
