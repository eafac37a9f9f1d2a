"""Recognizer -> a system under evaluation: the main face of each photo, as `verify` sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twinlens.errors import ImageError
from twinlens.evaluate.baseline import DIM, NAME, SIDE, pixel_vector
from twinlens.evaluate.records import System
from twinlens.evaluate.sight import NO_FACE, UNREADABLE, View
from twinlens.image import load_image
from twinlens.recognizer import Examined, Recognizer
from twinlens.recognizer.choice import main_face


class RecognizerLens:
    """A recognizer with its detector and embedder.

    Args:
        recognizer: looks at the photos.
        detector: the detector's name and scales, for the report.
        engine: the engine and precision, for the report.
    """

    def __init__(self, recognizer: Recognizer, *, detector: str, engine: str) -> None:
        self._recognizer = recognizer
        card = recognizer.card
        self._system = System(
            model=card.name,
            identity=recognizer.embedder.model,
            summary=card.summary,
            training_data=card.training_data,
            licence=card.licence_weights,
            dim=recognizer.embedder.dim,
            detector=detector,
            engine=engine,
            pretrained=True,
        )

    @property
    def system(self) -> System:
        """What it is."""
        return self._system

    def look(self, photos: Sequence[Path]) -> list[View]:
        """Return the main face of each photo."""
        return [_view(examined) for examined in self._recognizer.examine_all(photos, main_face)]


def _view(examined: Examined) -> View:
    if examined.error is not None:
        return View(None, f"{UNREADABLE}: {examined.error}")
    if not examined.portraits:
        return View(None, NO_FACE)
    portrait = examined.portraits[0]
    measures = {**portrait.quality.measures, "quality": portrait.quality.score, "faces": examined.others + 1.0}
    return View(portrait.embedding.vector, "", measures)


class PixelLens:
    """The trivial baseline: bare pixels of the whole photo."""

    @property
    def system(self) -> System:
        """What it is."""
        return System(
            model="pixels",
            identity=f"pixels{SIDE}",
            summary=NAME,
            training_data="none",
            licence="none",
            dim=DIM,
            detector="",
            engine="numpy",
            pretrained=False,
        )

    def look(self, photos: Sequence[Path]) -> list[View]:
        """Return the pixels of each photo as a vector."""
        return [_pixels(path) for path in photos]


def _pixels(path: Path) -> View:
    try:
        return View(pixel_vector(load_image(path)))
    except ImageError as error:
        return View(None, f"{UNREADABLE}: {error}")
