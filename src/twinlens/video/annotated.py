"""A video and its tracks -> a copy with boxes and names.

A second pass over the file: a name is known only when its track has ended. The copy has every frame, at one rate and
without sound; between two looks a box moves on a straight line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from twinlens.draw import KNOWN, UNKNOWN, Mark, draw
from twinlens.errors import ImageError, OptionError
from twinlens.types import Image
from twinlens.video.door import encoded, quiet_opening
from twinlens.video.film import Film
from twinlens.video.options import Progress, VideoLimits
from twinlens.video.track import Track

# The encoders that OpenCV's wheels bring along on every platform, by the ending of the copy's name.
CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".avi": "MJPG", ".webm": "VP80"}
MOST_FPS = 120.0  # MPEG-4 part 2 has no finer clock than 1/65535 s, and no screen shows more


def write_copy(
    source: str | Path,
    tracks: Sequence[Track],
    target: Path,
    *,
    limits: VideoLimits | None = None,
    progress: Progress | None = None,
) -> int:
    """Write an annotated copy; return how many frames it has. It appears under its name when it is complete.

    Args:
        source: the video that was watched.
        tracks: who is in it.
        target: ``.mp4`` (MPEG-4), ``.avi`` (Motion JPEG) or ``.webm`` (VP8); its folder is made.
        limits: the size of a frame.
        progress: called after each frame.

    Raises:
        ImageError: the video cannot be read, or the copy cannot be written.
        OptionError: another ending, or the copy would replace the video.
    """
    if target.suffix.lower() not in CODECS:
        msg = f"{target}: a copy is one of {', '.join(CODECS)}, got {target.suffix or 'no ending'!r}"
        raise OptionError(msg)
    if target.exists() and Path(source).exists() and target.samefile(source):
        msg = f"{target}: the copy would replace the video itself; choose another folder"
        raise OptionError(msg)
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritten(target, error.strerror or "unknown reason") from error
    try:
        with Film(source, limits=limits) as film:
            count = _write(film, tracks, part, progress)
        _check(part, target, count)
        part.replace(target)
    except OSError as error:
        raise _unwritten(target, error.strerror or "unknown reason") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def marks(tracks: Sequence[Track], frame: int) -> list[Mark]:
    """Return what is to be drawn in a frame."""
    found = []
    for track in tracks:
        face = track.face_at(frame)
        if face is not None and track.match is not None:
            found.append(Mark(face, f"{track.match.subject} {track.match.score:.2f}", KNOWN))
        elif face is not None:
            found.append(Mark(face, "unknown", UNKNOWN))
    return found


def _write(film: Film, tracks: Sequence[Track], part: Path, progress: Progress | None) -> int:
    """Write every frame that can be read."""
    writer: cv2.VideoWriter | None = None
    size = (0, 0)
    count = 0
    try:
        for frame in film.frames():
            picture = _even(draw(frame.image, marks(tracks, frame.index)))
            if writer is None:
                size = (picture.shape[1], picture.shape[0])
                writer = _open(part, min(film.fps, MOST_FPS), size)
            if (picture.shape[1], picture.shape[0]) != size:  # a stream may change its size, a copy cannot
                picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
            writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            count += 1
            if progress is not None:
                progress(count, film.stated_frames)
    except ImageError:
        if not count:
            raise  # a film that breaks off has a copy as far as it goes
    finally:
        if writer is not None:
            writer.release()
    return count


def _check(part: Path, target: Path, count: int) -> None:
    """Open the copy: the encoder does not say when the disk is full."""
    try:
        with Film(part) as copy:
            stated = copy.stated_frames
    except ImageError as error:
        raise _unwritten(target, "what was written cannot be opened; is the disk full?") from error
    if stated is not None and stated < count - 1:  # -1: where the header states a time, not a number
        raise _unwritten(target, f"only {stated} of {count} frames were written; is the disk full?")


def _open(part: Path, fps: float, size: tuple[int, int]) -> cv2.VideoWriter:
    place = encoded(part)
    code = cv2.VideoWriter.fourcc(*CODECS[part.suffix.lower()])
    with quiet_opening():
        writer = cv2.VideoWriter(place, cv2.CAP_FFMPEG, code, fps, size)
    if not writer.isOpened():
        raise _unwritten(part, f"the encoder refused {size[0]} x {size[1]} at {fps:.3g} frames a second")
    return writer


def _even(image: Image) -> UInt8[np.ndarray, "height width 3"]:
    """Return the pixels with the last row or column doubled where their number is odd: 4:2:0 colour needs pairs."""
    pixels = image.pixels
    odd = (image.height % 2, image.width % 2)
    if not any(odd):
        return pixels
    return np.asarray(cv2.copyMakeBorder(pixels, 0, odd[0], 0, odd[1], cv2.BORDER_REPLICATE), np.uint8)


def _unwritten(path: Path, reason: str) -> ImageError:
    return ImageError(
        f"cannot write the video {path}: {reason}. Use .mp4, .avi or .webm in a folder that can be written"
    )
