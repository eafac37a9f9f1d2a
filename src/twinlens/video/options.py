"""How a video is read, followed and cut: value classes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from twinlens.errors import ImageError, ImageTooLargeError, OptionError

Progress = Callable[[int, int | None], None]  # frames done, frames in all where the header says
UHD_8K = 7680 * 4320  # the largest picture of ITU-R BT.2020
LOOKS_PER_S = 10.0  # a face at walking pace moves by less than its width between two looks


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What a frame may cost; it takes 3 bytes a pixel, and a few frames are in work at once.

    Attributes:
        max_pixels: width times height.
    """

    max_pixels: int = UHD_8K

    def __post_init__(self) -> None:
        if self.max_pixels < 1:
            msg = f"max_pixels must be 1 or more, got {self.max_pixels}"
            raise OptionError(msg)

    def check_size(self, name: str, width: int, height: int) -> None:
        """Refuse a size before a frame of it is decoded.

        Raises:
            ImageError: no pixels.
            ImageTooLargeError: more than ``max_pixels``.
        """
        if width < 1 or height < 1:
            msg = f"{name}: its frames have no size ({width} x {height}): damaged or cut off; copy it again"
            raise ImageError(msg)
        if width * height > self.max_pixels:
            msg = (
                f"{name}: frames of {width} x {height} = {width * height:,} pixels, the limit is "
                f"{self.max_pixels:,}; scale it down or raise max_pixels"
            )
            raise ImageTooLargeError(msg)


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """How people are followed through a video.

    Attributes:
        every: look at every n-th frame; None for about `LOOKS_PER_S` a second.
        sure: confidence from which on a face may begin a track, 0 to 1; a less sure one may continue a track only. The
            default belongs to YuNet.
        samples: faces that are embedded for each stretch of a track, the best ones, spread over its time.
        lost_s: for how long a face that is not seen is expected near the place where it was last.
        reconnect_s: a face that returns within this time is the same track if it looks the same.
        min_looks: a track seen fewer times is taken for a false alarm and left out; no more than the video has.
        until_s: look no further than this; needed for a camera, which has no end.
        limits: the size of a frame.
    """

    every: int | None = None
    sure: float = 0.75
    samples: int = 5
    lost_s: float = 0.5
    reconnect_s: float = 5.0
    min_looks: int = 2
    until_s: float | None = None
    limits: VideoLimits = field(default_factory=VideoLimits)

    def __post_init__(self) -> None:
        for name in ("every", "samples", "min_looks"):
            value = getattr(self, name)
            if value is not None and value < 1:
                msg = f"{name} must be 1 or more, got {value}"
                raise OptionError(msg)
        for name in ("lost_s", "reconnect_s", "until_s"):
            value = getattr(self, name)
            if value is not None and not (value >= 0.0 and not math.isnan(value)):
                msg = f"{name} must be 0 or more seconds, got {value}"
                raise OptionError(msg)

        if not 0.0 <= self.sure <= 1.0:
            msg = f"sure must lie between 0 and 1, got {self.sure}"
            raise OptionError(msg)

    def stride(self, fps: float) -> int:
        """Return at every how many frames to look."""
        return self.every if self.every is not None else max(round(fps / LOOKS_PER_S), 1)
