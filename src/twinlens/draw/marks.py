"""Image, faces, names -> Image with boxes, points and names drawn on it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from twinlens.errors import ImageError
from twinlens.types import Box, Face, Image

Colour = tuple[int, int, int]  # red, green, blue
KNOWN: Colour = (46, 160, 67)
UNKNOWN: Colour = (218, 119, 6)
NEUTRAL: Colour = (56, 139, 253)
WHITE: Colour = (255, 255, 255)
LEAST_SIDE = 480  # pixels; smaller pictures are enlarged by a whole number
LABEL_SHARE = 0.025  # of the longer side: size of a letter
LABEL_OF_FACE = 0.25  # of the face's height: a label does not hide its neighbours
WEIGHT = 400  # of the letters; regular
LEAST_LETTER = 9.0  # pixels; below it nobody can read


@dataclass(frozen=True, slots=True)
class Mark:
    """A face to be drawn, what to write at it, and in which colour."""

    face: Face
    label: str = ""
    colour: Colour = NEUTRAL


def draw(image: Image, marks: Sequence[Mark]) -> Image:
    """Return a copy of the image with a box, five points and a label for each mark.

    A small picture is enlarged, so that a name does not hide the face.
    """
    factor = max(-(-LEAST_SIDE // max(image.width, image.height)), 1)
    canvas = image.pixels.copy()
    if factor > 1:
        size = (image.width * factor, image.height * factor)
        canvas = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        marks = [replace(mark, face=_enlarged(mark.face, factor)) for mark in marks]
    unit = max(round(max(canvas.shape) / 400), 1)
    for mark in marks:
        left, top, right, bottom = (round(float(v)) for v in mark.face.box.xyxy)
        cv2.rectangle(canvas, (left, top), (right, bottom), mark.colour, unit, cv2.LINE_AA)
        radius = max(
            min(round(mark.face.box.width / 40), 2 * unit), 1
        )  # of a face that fills the photo, eyes stay seen
        for x, y in mark.face.landmarks:
            cv2.circle(canvas, (round(float(x)), round(float(y))), radius, mark.colour, cv2.FILLED, cv2.LINE_AA)
    for mark in marks:  # labels last, so that no box crosses a name
        if mark.label:
            _write(canvas, mark)
    return Image(canvas, image.source)


def _enlarged(face: Face, factor: int) -> Face:
    return Face(Box(face.box.xyxy * np.float32(factor)), face.landmarks * np.float32(factor), face.score)


def _write(canvas: np.ndarray, mark: Mark) -> None:
    """Write a label on a coloured ground, above the box or, at the upper border, inside it; never off the picture."""
    height, width = canvas.shape[:2]
    font = cv2.FontFace("sans")
    size = round(max(min(max(height, width) * LABEL_SHARE, mark.face.box.height * LABEL_OF_FACE), LEAST_LETTER))
    left, top, wide, high = cv2.getTextSize((width, height), mark.label, (0, 0), font, size, WEIGHT)
    pad = max(high // 4, 2)
    box_left, box_top = float(mark.face.box.xyxy[0]), float(mark.face.box.xyxy[1])
    across, down = wide + 2 * pad, high + 2 * pad
    x = int(np.clip(box_left, 0, max(width - across, 0)))
    y = int(np.clip(box_top - down if box_top >= down else box_top, 0, max(height - down, 0)))
    cv2.rectangle(canvas, (x, y), (x + across, y + down), mark.colour, cv2.FILLED)
    cv2.putText(canvas, mark.label, (x + pad - left, y + pad - top), WHITE, font, size, WEIGHT)


def side_by_side(left: Image, right: Image, *, height: int = 480) -> Image:
    """Return two pictures next to each other, both scaled to one height in pixels."""
    parts = []
    for image in (left, right):
        width = max(round(image.width * height / image.height), 1)
        way = cv2.INTER_AREA if height < image.height else cv2.INTER_LINEAR
        parts.append(cv2.resize(image.pixels, (width, height), interpolation=way))
    return Image(np.concatenate(parts, axis=1), f"{left.source} | {right.source}")


def check_writable(path: Path) -> None:
    """Refuse what `save` would refuse, as far as it can be known beforehand.

    Raises:
        ImageError: an ending that cannot be written, or a place that cannot.
    """
    if not cv2.haveImageWriter(f"x{path.suffix or '.png'}"):
        raise ImageError(_unwritten(path, "unknown kind of picture"))
    if path.is_dir():
        raise ImageError(_unwritten(path, "it is a folder"))
    there = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    if there != path and not there.is_dir():
        raise ImageError(_unwritten(path, f"{there} is a file, not a folder"))
    if not os.access(there, os.W_OK):
        raise ImageError(_unwritten(path, "no permission"))


def save(image: Image, path: Path) -> None:
    """Write a picture; the kind follows from the name's ending (.png, .jpg, .webp).

    Raises:
        ImageError: an ending that cannot be written, or a disk that refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        done, data = cv2.imencode(path.suffix or ".png", image.pixels[..., ::-1])
        if not done:
            raise ImageError(_unwritten(path, "the encoder refused"))
        path.write_bytes(data.tobytes())
    except (OSError, cv2.error) as error:
        raise ImageError(_unwritten(path, getattr(error, "strerror", None) or "unknown kind of picture")) from error


def _unwritten(path: Path, reason: str) -> str:
    return f"cannot write the picture {path}: {reason}. Use .png, .jpg or .webp in a folder that can be written"
