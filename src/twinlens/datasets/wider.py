"""A WIDER FACE folder -> photos with their boxes and the official easy, medium and hard lists.

Yang, Luo, Loy and Tang, "WIDER FACE: A Face Detection Benchmark", CVPR 2016. The boxes are text; which of them
count at which level is known only from the owners' MATLAB files (no rule on size or blur gives them), so
reading them needs scipy. Terms: CC BY-NC-ND 4.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32

from twinlens.errors import DatasetError

LEVELS = ("easy", "medium", "hard")
PHOTOS = 3226  # of the validation set
BOXES = Path("wider_face_split", "wider_face_val_bbx_gt.txt")
IMAGES = Path("WIDER_val", "images")
LISTS = Path("ground_truth")


@dataclass(frozen=True, slots=True, eq=False)
class WiderPhoto:
    """One photo and what is in it.

    Attributes:
        path: the JPEG file.
        event: the folder it lies in, one of 61 kinds of occasion.
        boxes: left, top, right, bottom of every face, counted or not; a few have no area.
        counted: for each level, which boxes must be found; the others are neither right nor wrong.
    """

    path: Path
    event: str
    boxes: Float32[np.ndarray, "faces 4"]
    counted: Mapping[str, Bool[np.ndarray, " faces"]]


def read_wider(root: Path) -> list[WiderPhoto]:
    """Return the validation photos of a folder, in the order of its text file.

    Args:
        root: holds ``WIDER_val/images``, ``wider_face_split/wider_face_val_bbx_gt.txt`` and ``ground_truth``
            with the owners' ``.mat`` files. The text file may list only a part of the set.

    Raises:
        DatasetError: a file is missing or malformed, or text and lists disagree; the message names the place.
    """
    listed = list(read_boxes(root / BOXES))
    lists = {level: _counted(root / LISTS, level) for level in LEVELS}
    photos = []
    for name, boxes in listed:
        path = root / IMAGES / name
        if not path.is_file():
            msg = f"{root / BOXES} lists {name}, which is not in {root / IMAGES}: fetch the photos again"
            raise DatasetError(msg)
        counted = {level: _mask(lists[level], name, len(boxes)) for level in LEVELS}
        photos.append(WiderPhoto(path, name.split("/")[0], boxes, counted))
    return photos


def read_boxes(path: Path) -> Iterator[tuple[str, Float32[np.ndarray, "faces 4"]]]:
    """Yield name and boxes (left, top, right, bottom) of every photo in a text file of WIDER FACE's layout.

    A line with the photo's name, one with a count, then as many lines that begin with left, top, width and height in
    pixels. A photo without faces may be followed by a line of zeros, as the owners' file has it.

    Raises:
        DatasetError: the file is missing or malformed, or lists a photo twice; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read the boxes of WIDER FACE at {path}: {error}"
        raise DatasetError(msg) from error
    seen: dict[str, int] = {}
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        name = lines[at].strip()
        try:
            count = _count(lines[at + 1])
            rows = [[float(word) for word in line.split()[:4]] for line in lines[at + 2 : at + 2 + count]]
            boxes = np.array(rows, np.float32).reshape(count, 4)
        except (IndexError, ValueError) as error:
            msg = f"{path}, line {at + 1}: wanted {name!r}, a count and as many boxes, got: {error}"
            raise DatasetError(msg) from error
        if not np.isfinite(boxes).all() or (boxes[:, 2:] < 0).any():
            msg = f"{path}, line {at + 1}: {name!r} has a box with a side below 0 or a number that is not finite"
            raise DatasetError(msg)
        if name in seen:
            msg = f"{path}, line {at + 1}: {name!r} is already on line {seen[name]}; list a photo once"
            raise DatasetError(msg)
        seen[name] = at + 1
        boxes[:, 2:] += boxes[:, :2]
        yield name, boxes
        at += 2 + count
        if count == 0 and at < len(lines) and set(lines[at].split()) == {"0"}:
            at += 1


def _count(line: str) -> int:
    if (count := int(line)) < 0:
        msg = f"the count {count}"
        raise ValueError(msg)
    return count


def _counted(folder: Path, level: str) -> dict[str, set[int]]:
    """Return, for each photo by name, the boxes that count at a level, numbered from zero."""
    lists, photos = _mat(folder / f"wider_{level}_val.mat"), _mat(folder / "wider_face_val.mat")
    try:
        return {
            f"{event[0].item()}/{photo[0].item()}.jpg": {int(n) - 1 for n in numbers[0].ravel()}
            for event, names, listed in zip(photos["event_list"], photos["file_list"], lists["gt_list"], strict=True)
            for photo, numbers in zip(names[0], listed[0], strict=True)
        }
    except (KeyError, ValueError, IndexError, TypeError) as error:
        msg = f"{folder}: the {level} list has not the layout of the owners' evaluation tools: {error}"
        raise DatasetError(msg) from error


def _mat(path: Path) -> dict[str, Any]:
    try:
        from scipy.io import loadmat  # noqa: PLC0415 - optional
    except ImportError as error:
        msg = "the easy, medium and hard lists of WIDER FACE are MATLAB files; run: pip install scipy"
        raise DatasetError(msg) from error
    try:
        content: dict[str, Any] = loadmat(str(path))
    except Exception as error:  # scipy raises types of its own
        msg = f"cannot read the official list {path}: {error}; it comes with the owners' evaluation tools"
        raise DatasetError(msg) from error
    return content


def _mask(listed: dict[str, set[int]], name: str, faces: int) -> Bool[np.ndarray, " faces"]:
    if name not in listed:
        msg = f"the official lists do not know the photo {name!r}"
        raise DatasetError(msg)
    numbers = listed[name]
    if numbers and max(numbers) >= faces:
        msg = f"{name}: the official list counts box {max(numbers) + 1}, but the text file holds {faces}"
        raise DatasetError(msg)
    mask = np.zeros(faces, np.bool_)
    mask[list(numbers)] = True
    return mask
