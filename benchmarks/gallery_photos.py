"""LFW and CFP -> enrolments for a gallery: photos as they are, saved again, and made worse.

A cache folder keeps what was seen of the photos as they are. It holds face templates: delete it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import spoiling
from spoiled_galleries import COPY

from twinlens.datasets.cfp import load_photos
from twinlens.datasets.lfw import load_development_unrestricted
from twinlens.datasets.records import Photo
from twinlens.image import load_image
from twinlens.protocols import Enrolment
from twinlens.recognizer import Recognizer
from twinlens.recognizer.choice import main_face
from twinlens.types import Embedding
from twinlens.zoo import find_card

CARD = find_card("sface")
CHOSEN = 200  # photos that are saved again, or made worse
PHOTOS_OF_CFP = 4  # at most, drawn for each person: a gallery holds few photos of a person
WAYS = ("packed as JPEG at quality 50", "70 % of the size", "cut at the edges", "brighter by a fifth")
WORSE = ("out of focus", "a face of 20 pixels", "a twelfth of the light", "dark glasses, drawn")


def people(root: Path) -> dict[str, list[Photo]]:
    """Return photos by data set; of CFP the frontal ones."""
    lfw = load_development_unrestricted(root / "lfw")
    frontal: dict[str, list[Photo]] = {}
    for photo in load_photos(root / "cfp").split("all").photos:
        if "frontal" in photo.path.parts:
            frontal.setdefault(photo.subject, []).append(photo)
    return {
        "lfw-train": list(lfw.split("train").photos),
        "lfw-test": list(lfw.split("test").photos),
        "cfp": [photo for photos in frontal.values() for photo in photos],
    }


def enrolments(photos: Sequence[Photo], recognizer: Recognizer) -> list[Enrolment]:
    """Return the photos' main faces as they are enrolled."""
    seen = recognizer.examine_all((photo.path for photo in photos), main_face)
    return [
        _enrolment(photo.subject, face.embedding.vector, str(photo.path), face.quality.score)
        for photo, found in zip(photos, seen, strict=True)
        for face in found.portraits
    ]


def kept(make: Callable[[], list[Enrolment]], cache: Path | None, name: str) -> list[Enrolment]:
    """Return what is kept in the folder under a name; made and kept where it is not there yet."""
    place = None if cache is None else cache / f"{name}.npz"
    if place is not None and place.exists():
        held = np.load(place)
        rows = zip(held["subject"], held["rows"], held["path"], held["quality"], strict=True)
        return [_enrolment(str(subject), row, str(path), float(quality)) for subject, row, path, quality in rows]
    made = make()
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            place,
            subject=np.array([photo.subject for photo in made]),
            rows=np.stack([photo.embedding.vector for photo in made]),
            path=np.array([photo.source for photo in made]),
            quality=np.array([photo.quality for photo in made]),
        )
    return made


def _enrolment(subject: str, vector: np.ndarray, source: str, quality: float) -> Enrolment:
    return Enrolment(subject, Embedding(vector, CARD.identity), source, quality, source)


def thinned(photos: Sequence[Enrolment], least: int, most: int) -> list[Enrolment]:
    """Keep some photos of each subject, drawn by a fixed seed."""
    rng = np.random.default_rng(0)
    owned: dict[str, list[Enrolment]] = {}
    for photo in photos:
        owned.setdefault(photo.subject, []).append(photo)
    return [
        mine[int(i)]
        for mine in owned.values()
        for i in rng.permutation(len(mine))[: int(rng.integers(least, most + 1))]
    ]


def saved_again(pixels: np.ndarray, way: int) -> np.ndarray:
    """Return a photo as it comes back from somewhere else, in one of `WAYS`."""
    height, width = pixels.shape[:2]
    if way == 0:
        _, packed = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 50])
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR_RGB))
    if way == 1:
        return np.asarray(cv2.resize(pixels, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA))
    if way == 2:
        return np.ascontiguousarray(pixels[height // 16 :, width // 20 : -width // 12])
    return np.clip(pixels * 1.2 + 10, 0, 255).astype(np.uint8)


def copies_of(photos: Sequence[Enrolment], recognizer: Recognizer) -> list[Enrolment]:
    """Return some photos, saved again in one of four ways, examined anew."""
    chosen = _chosen(photos)
    pictures = [saved_again(load_image(photo.source).pixels, way % len(WAYS)) for way, photo in enumerate(chosen)]
    return _examined(chosen, pictures, recognizer, COPY)


def worse(photos: Sequence[Enrolment], recognizer: Recognizer) -> list[Enrolment]:
    """Return some good photos of subjects, each made worse in one of four ways, under the same source."""
    rng = np.random.default_rng(1)
    chosen, pictures = [], []
    for way, photo in enumerate(_chosen([photo for photo in photos if photo.quality >= 0.5])):
        image = load_image(photo.source)
        face = main_face(image, [sighting.face for sighting in recognizer.sight(image)])[0]
        chosen.append(photo)
        pictures.append(
            (
                lambda p, f: spoiling.blurred(p, f, 3.0),
                lambda p, f: spoiling.shrunk(p, f, 20),
                lambda p, f: spoiling.lit(p, f, 1 / 12),
                lambda p, f: spoiling.dark_glasses(p, f, rng),
            )[way % len(WORSE)](image.pixels, face)
        )
    return _examined(chosen, pictures, recognizer, "")


def _chosen(photos: Sequence[Enrolment]) -> list[Enrolment]:
    return [photos[int(i)] for i in np.random.default_rng(0).permutation(len(photos))[:CHOSEN]]


def _examined(
    chosen: Sequence[Enrolment], pictures: Sequence[np.ndarray], recognizer: Recognizer, mark: str
) -> list[Enrolment]:
    """Return the chosen photos with what is seen in the new pictures; those without a face are left out."""
    made = []
    for photo, seen in zip(chosen, recognizer.examine_all(pictures, main_face), strict=True):
        for face in seen.portraits:
            place = photo.source + mark
            made.append(replace(photo, embedding=face.embedding, photo=place, source=place, quality=face.quality.score))
    return made
