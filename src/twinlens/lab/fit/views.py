"""Recognizer -> a lens that sees each photo's main face as it is and mirrored: what a head is fitted on.

Both vectors of the frozen model stand side by side in one of twice the length, so that `twinlens.evaluate.sight` looks
at every photo once and a resume file keeps what was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from twinlens.evaluate.lenses import RecognizerLens
from twinlens.evaluate.records import System
from twinlens.evaluate.sight import NO_FACE, UNREADABLE, View
from twinlens.recognizer import Examined, Recognizer
from twinlens.recognizer.choice import main_face
from twinlens.types import Crop


class MirrorLens:
    """The main face of each photo and its mirror image.

    Args:
        recognizer: looks at the photos.
        detector: the detector's name and scales.
        engine: the engine and precision.
    """

    def __init__(self, recognizer: Recognizer, *, detector: str, engine: str) -> None:
        self._recognizer = recognizer
        plain = RecognizerLens(recognizer, detector=detector, engine=engine).system
        self._system = replace(plain, identity=f"{plain.identity}+mirror beside", dim=2 * plain.dim)

    @property
    def system(self) -> System:
        """What it is."""
        return self._system

    def look(self, photos: Sequence[Path]) -> list[View]:
        """Return both vectors of each photo, one after the other, of length one together."""
        examined = list(self._recognizer.examine_all(photos, main_face))
        mirrored = [
            Crop(np.ascontiguousarray(one.portraits[0].crop.pixels[:, ::-1])) for one in examined if one.portraits
        ]
        others = iter(self._recognizer.embedder.embed(mirrored))
        return [_view(one, next(others).vector if one.portraits else None) for one in examined]


def _view(examined: Examined, mirrored: np.ndarray | None) -> View:
    if examined.error is not None:
        return View(None, f"{UNREADABLE}: {examined.error}")
    if mirrored is None:
        return View(None, NO_FACE)
    both = np.concatenate((examined.portraits[0].embedding.vector, mirrored))
    return View(np.asarray(both / np.sqrt(2), np.float32))
