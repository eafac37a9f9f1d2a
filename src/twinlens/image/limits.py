"""How large a picture may be: bytes and pixels -> refused before decoding."""

from __future__ import annotations

from dataclasses import dataclass

from twinlens.errors import ImageError, ImageTooLargeError, OptionError

MIB = 1024 * 1024
# Pillow's own border of suspicion (Image.MAX_IMAGE_PIXELS): a quarter of a GiB of RGB, a square of 9,459 pixels.
DEFAULT_PIXELS = 89_478_485


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a picture may cost; decoding takes at most 14 bytes a pixel and the file's own bytes.

    Attributes:
        max_bytes: length of the file.
        max_pixels: width times height as the header states them.
    """

    max_bytes: int = 64 * MIB
    max_pixels: int = DEFAULT_PIXELS

    def __post_init__(self) -> None:
        if self.max_bytes < 1 or self.max_pixels < 1:
            msg = f"image limits must be 1 or more, got max_bytes={self.max_bytes}, max_pixels={self.max_pixels}"
            raise OptionError(msg)

    def check_bytes(self, name: str, length: int | None) -> None:
        """Refuse a file that is too long; ``length`` is None where only "more than the limit" is known.

        Raises:
            ImageTooLargeError: longer than ``max_bytes``.
        """
        if length is None or length > self.max_bytes:
            came = "more than that" if length is None else f"{length / MIB:.1f} MiB"
            msg = (
                f"{name}: at most {self.max_bytes / MIB:.1f} MiB are read, it has {came}; shrink it or raise max_bytes"
            )
            raise ImageTooLargeError(msg)

    def check_size(self, name: str, width: int, height: int) -> None:
        """Refuse a picture whose header states too many pixels or none.

        Raises:
            ImageError: no pixels.
            ImageTooLargeError: more than ``max_pixels``.
        """
        if width < 1 or height < 1:
            msg = f"{name}: its header says {width} x {height}: a picture without pixels; save it again"
            raise ImageError(msg)
        if width * height > self.max_pixels:
            msg = (
                f"{name}: {width} x {height} = {width * height:,} pixels, the limit is {self.max_pixels:,}; "
                "shrink it or raise max_pixels"
            )
            raise ImageTooLargeError(msg)
