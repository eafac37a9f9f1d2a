"""A folder of one's own photos with boxes around the faces -> photos and boxes.

The boxes stand in ``boxes.txt``, laid out as WIDER FACE's (`twinlens.datasets.wider.read_boxes`), so that the tools
that write such files serve; names are paths below the folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from twinlens.datasets.wider import read_boxes
from twinlens.errors import DatasetError

BOXES = "boxes.txt"


@dataclass(frozen=True, slots=True, eq=False)
class BoxedPhoto:
    """One photo and what is in it.

    Attributes:
        name: as in ``boxes.txt``.
        path: the file.
        boxes: left, top, right, bottom of every face, pixels.
    """

    name: str
    path: Path
    boxes: Float32[np.ndarray, "faces 4"]


def load_boxed(root: Path) -> list[BoxedPhoto]:
    """Load a folder of photos that holds ``boxes.txt``.

    Raises:
        DatasetError: no such folder, no ``boxes.txt``, a malformed one, a photo that is not there, or no face at all.
    """
    listed = root / BOXES
    if not listed.is_file():
        msg = (
            f"wanted {listed}: a line with a photo's name, one with the number of faces, then left, top, width and "
            "height of each in pixels, a line a face"
        )
        raise DatasetError(msg)
    photos = [BoxedPhoto(name, root / name, boxes) for name, boxes in read_boxes(listed)]
    for photo in photos:
        if not photo.path.is_file():
            msg = f"{listed} lists {photo.name!r}, which is not in {root}"
            raise DatasetError(msg)
    if not any(len(photo.boxes) for photo in photos):
        msg = f"{listed} lists {len(photos)} photos without any face: nothing can be measured"
        raise DatasetError(msg)
    return photos
