"""A photo of a data set -> a small WebP inside a page, so that a mistake can be seen.

Such pages show real people: they are for those who may see the data, and are not published.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from twinlens.errors import DatasetError, ImageError
from twinlens.image import load_image

LONGEST = 160  # pixels of the longer side
QUALITY = 80


@dataclass(frozen=True, slots=True)
class Thumb:
    """A small picture, or why there is none.

    Attributes:
        uri: ``data:image/webp;base64,...``; empty where there is none.
        width: pixels.
        height: pixels.
        missing: the reason; empty otherwise.
    """

    uri: str = ""
    width: int = 0
    height: int = 0
    missing: str = ""


class Pictures:
    """The photos of a data set, small.

    Args:
        folder: what the report's photo names are relative to.
        longest: pixels of a picture's longer side.

    Raises:
        DatasetError: no such folder.
    """

    def __init__(self, folder: Path, *, longest: int = LONGEST) -> None:
        if not folder.is_dir():
            msg = f"no folder of photos at {folder}: give the folder that the report's photo names are relative to"
            raise DatasetError(msg)
        self._folder = folder.resolve()
        self._longest = longest

    def thumb(self, name: str) -> Thumb:
        """Return a photo of the folder, small; a name that leads out of the folder shows nothing.

        A report may come from somebody else: what it names outside of the folder is not for its page.
        """
        try:
            path = (self._folder / name).resolve()
            if not path.is_relative_to(self._folder):
                return Thumb(missing="not in the folder")
            pixels = load_image(path).pixels
        except (ImageError, OSError, ValueError):
            return Thumb(missing="not to be read" if (self._folder / name[:200]).exists() else "not in the folder")
        height, width = pixels.shape[:2]
        scale = min(self._longest / max(height, width), 1.0)
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        good, data = cv2.imencode(".webp", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
        if not good:
            return Thumb(missing="not to be shrunk")
        return Thumb(f"data:image/webp;base64,{base64.b64encode(data.tobytes()).decode()}", *size)
