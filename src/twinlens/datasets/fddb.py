"""FDDB's ten folds -> photos with their faces as ellipses, and the boxes around these.

Source: Jain and Learned-Miller 2010, "FDDB: A Benchmark for Face Detection in Unconstrained Settings": 5,171 faces in
2,845 photos, each an upright or rotated ellipse.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from twinlens.datasets.lines import Line, read_lines
from twinlens.errors import DatasetError

TERMS = "Research use; credit the makers (Jain and Learned-Miller 2010)."
FOLDS = 10
PHOTOS = 2845
FACES = 5171
PHOTO_FOLDERS = ("originalPics", "")


@dataclass(frozen=True, slots=True)
class Ellipse:
    """A face.

    Attributes:
        major: radius along the first axis, pixels (published as the longer one; a few are a little shorter).
        minor: radius along the second axis, pixels.
        angle_rad: of the first axis against the horizontal, radians, clockwise as seen (y points down).
        x: centre, pixels.
        y: centre, pixels.
    """

    major: float
    minor: float
    angle_rad: float
    x: float
    y: float

    def xyxy(self, width_height: tuple[int, int] | None = None) -> Float32[np.ndarray, "4"]:
        """Return the smallest upright box around the ellipse, clipped to the picture where its size is given."""
        cosine, sine = math.cos(self.angle_rad), math.sin(self.angle_rad)
        half_width = math.hypot(self.major * cosine, self.minor * sine)
        half_height = math.hypot(self.major * sine, self.minor * cosine)
        box = np.array(
            [self.x - half_width, self.y - half_height, self.x + half_width, self.y + half_height],
            dtype=np.float32,
        )
        if width_height is not None:
            limits = np.array([*width_height, *width_height], dtype=np.float32)
            box = np.clip(box, np.float32(0), limits)
        return box


@dataclass(frozen=True, slots=True)
class FddbPhoto:
    """One photo and its faces.

    Attributes:
        name: as in the lists, ``2002/08/11/big/img_591``.
        path: the JPEG file; it may be absent where only the annotations are here.
        fold: 1 to 10.
        faces: every annotated face; at least 20 pixels high and wide by the makers' rule.
    """

    name: str
    path: Path
    fold: int
    faces: tuple[Ellipse, ...]

    @property
    def ellipses(self) -> Float64[np.ndarray, "faces 5"]:
        """(major, minor, angle_rad, x, y) of every face, the input of `twinlens.metrics.fddb`."""
        rows = [(face.major, face.minor, face.angle_rad, face.x, face.y) for face in self.faces]
        return np.array(rows, dtype=np.float64).reshape(-1, 5)

    def boxes(self, width_height: tuple[int, int] | None = None) -> Float32[np.ndarray, "faces 4"]:
        """Return the boxes around the faces."""
        return np.array([face.xyxy(width_height) for face in self.faces], dtype=np.float32).reshape(-1, 4)


def load_fddb(root: Path, *, photos: bool = True) -> list[FddbPhoto]:
    """Load all ten folds, in order.

    Args:
        root: holds ``FDDB-folds`` and the photos in ``originalPics`` or directly (``2002/...``).
        photos: whether every photo must be there; the annotations alone serve to test a reader.

    Raises:
        DatasetError: naming file and line: a list absent or malformed, a photo absent or listed twice.
    """
    folder = next((root / name for name in PHOTO_FOLDERS if (root / name / "2002").is_dir()), None)
    if photos and folder is None and (root / "FDDB-folds").is_dir():
        msg = (
            f"{root} holds FDDB's annotations but no photos: wanted the folder 2002 in {root / PHOTO_FOLDERS[0]} or in "
            f"{root}; originalPics.tar.gz comes from the owners (see: twinlens data list)"
        )
        raise DatasetError(msg)
    found: list[FddbPhoto] = []
    seen: dict[str, Line] = {}
    for fold in range(1, FOLDS + 1):
        lines = read_lines(root / "FDDB-folds" / f"FDDB-fold-{fold:02d}-ellipseList.txt")
        for line in lines:
            name = line.text.strip()
            if name in seen:
                line.wrong(f"this photo is already on line {seen[name].number} of {seen[name].file.name}")
            seen[name] = line
            faces = tuple(_faces(line, lines))
            path = (folder or root) / f"{name}.jpg"
            if photos and not path.is_file():
                line.wrong(f"wanted the photo {path}, which is not there")
            found.append(FddbPhoto(name, path, fold, faces))
    return found


def _faces(name: Line, lines: Iterator[Line]) -> Iterator[Ellipse]:
    """Read the count that follows a photo's name, and so many faces."""
    count = next(lines, None)
    if count is None:
        name.wrong("wanted the number of faces on the next line, but the file ends here")
    for _ in range(count.integer(count.text.strip(), "the number of faces")):
        line = next(lines, None)
        if line is None:
            count.wrong("fewer faces follow than this announces")
        yield _ellipse(line)


def _ellipse(line: Line) -> Ellipse:
    fields = line.text.split()
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        numbers = []
    if len(numbers) != 6 or not all(map(math.isfinite, numbers)) or min(numbers[:2]) <= 0:
        line.wrong("wanted six numbers: two radii above 0, angle, centre x, centre y, 1")
    return Ellipse(*numbers[:5])


def expect_all(photos: list[FddbPhoto]) -> None:
    """Refuse a copy with other counts than the published ones.

    Raises:
        DatasetError: it has.
    """
    faces = sum(len(photo.faces) for photo in photos)
    if (len(photos), faces) != (PHOTOS, FACES):
        msg = f"FDDB holds {PHOTOS} photos and {FACES} faces, this copy {len(photos)} and {faces}: fetch it again"
        raise DatasetError(msg)
