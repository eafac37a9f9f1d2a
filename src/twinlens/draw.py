"""Image, faces, names -> Image with boxes, points and names drawn on it."""

from __future__ import annotations

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
LABEL_SHARE = 0.018  # of the longer side: height of a letter
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_PX = 22  # height of a letter of this font at scale 1


@dataclass(frozen=True, slots=True)
class Mark:
    """A face to be drawn, what to write at it, and in which colour."""

    face: Face
    label: str = ""
    colour: Colour = NEUTRAL


def draw(image: Image, marks: Sequence[Mark]) -> Image:
    """Return a copy of the image with a box, five points and a label for each mark.

    A small picture is enlarged, so that a name does not hide the face. Letters outside of ASCII appear as ``?``:
    OpenCV's fonts have no others.
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
        radius = max(round(mark.face.box.width / 40), 1)
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
    scale = max(max(height, width) * LABEL_SHARE, 9) / FONT_PX
    thickness = max(round(scale * 1.5), 1)
    text = mark.label.encode("ascii", "replace").decode()
    (text_width, text_height), drop = cv2.getTextSize(text, FONT, scale, thickness)
    pad = max(text_height // 3, 2)
    box_left, box_top = float(mark.face.box.xyxy[0]), float(mark.face.box.xyxy[1])
    left = int(np.clip(box_left, 0, max(width - text_width - 2 * pad, 0)))
    line = text_height + drop + 2 * pad
    top = int(np.clip(box_top - line if box_top >= line else box_top, 0, max(height - line, 0)))
    cv2.rectangle(canvas, (left, top), (left + text_width + 2 * pad, top + line), mark.colour, cv2.FILLED)
    place = (left + pad, top + pad + text_height)
    cv2.putText(canvas, text, place, FONT, scale, WHITE, thickness, cv2.LINE_AA)


def side_by_side(left: Image, right: Image, *, height: int = 480) -> Image:
    """Return two pictures next to each other, both scaled to one height in pixels."""
    parts = []
    for image in (left, right):
        width = max(round(image.width * height / image.height), 1)
        way = cv2.INTER_AREA if height < image.height else cv2.INTER_LINEAR
        parts.append(cv2.resize(image.pixels, (width, height), interpolation=way))
    return Image(np.concatenate(parts, axis=1), f"{left.source} | {right.source}")


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
