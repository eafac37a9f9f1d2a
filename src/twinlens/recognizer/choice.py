"""Faces of a photo -> those that are meant.

Whoever is meant stands in the middle and is large: a face counts by its area less twice the squared distance of its
centre from the picture's, the rule of facenet's alignment script (Sandberg 2017).
"""

from __future__ import annotations

from collections.abc import Callable

from twinlens.types import Face, Image

RIVAL_AREA = 0.25  # a second face this large, relative to the main one, makes it unclear who is meant
CENTRING = 2.0  # weight of the squared distance from the middle against the area
Choice = Callable[[Image, list[Face]], list[Face]]


def everyone(image: Image, faces: list[Face]) -> list[Face]:
    """Choose all faces."""
    return faces


def main_face(image: Image, faces: list[Face]) -> list[Face]:
    """Choose the face that is meant; nobody where there is none."""
    return [max(faces, key=lambda face: prominence(image, face))] if faces else []


def prominent(image: Image, faces: list[Face]) -> list[Face]:
    """Choose the main face and those nearly as large, the main face first; passers-by do not count."""
    ranked = sorted(faces, key=lambda face: -prominence(image, face))
    return [face for face in ranked if face.box.area >= RIVAL_AREA * ranked[0].box.area]


def prominence(image: Image, face: Face) -> float:
    """Return how much a face looks like the one that is meant; square pixels."""
    left, top, right, bottom = face.box.xyxy.tolist()
    across, down = (left + right - image.width) / 2, (top + bottom - image.height) / 2
    return face.box.area - CENTRING * float(across**2 + down**2)
