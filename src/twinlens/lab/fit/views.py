"""Recognizer -> a lens that sees each photo's main face as it is and mirrored: what a head is fitted on.

Both vectors of the frozen model stand side by side in one of twice the length, so that `twinlens.evaluate.sight` looks
at every photo once and a resume file keeps what was seen. Beside them how long they were before they were brought to
length one, which says how sure the network is of the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from twinlens.embed import OnnxEmbedder
from twinlens.errors import ImageError, ModelError
from twinlens.evaluate.lenses import RecognizerLens
from twinlens.evaluate.records import System
from twinlens.evaluate.sight import NO_FACE, UNREADABLE, View
from twinlens.recognizer import Recognizer
from twinlens.recognizer.choice import main_face
from twinlens.types import Crop

LENGTH = "length"  # a measure: the geometric mean of both vectors' lengths
SHARE = 8  # crops that a thread takes at once


class MirrorLens:
    """The main face of each photo and its mirror image.

    Args:
        recognizer: looks at the photos.
        detector: the detector's name and scales.
        engine: the engine and precision.

    Raises:
        ModelError: its embedder is no network of the zoo.
    """

    def __init__(self, recognizer: Recognizer, *, detector: str, engine: str) -> None:
        self._recognizer = recognizer
        if not isinstance(recognizer.embedder, OnnxEmbedder):
            msg = f"{recognizer.embedder.model}: wanted a network of the zoo, whose own answers can be had"
            raise ModelError(msg)
        self._embedder = recognizer.embedder
        plain = RecognizerLens(recognizer, detector=detector, engine=engine).system
        self._system = replace(plain, identity=f"{plain.identity}+mirror beside, lengths", dim=2 * plain.dim)

    @property
    def system(self) -> System:
        """What it is."""
        return self._system

    def look(self, photos: Sequence[Path]) -> list[View]:
        """Return both vectors of each photo, one after the other, of length one together."""
        found = list(self._recognizer.apply(self._crop, photos))
        crops = [one for one in found if isinstance(one, Crop)]
        mirrored = [Crop(np.ascontiguousarray(crop.pixels[:, ::-1])) for crop in crops]
        both = [*crops, *mirrored]
        parts = self._recognizer.apply(
            self._embedder.answers, [both[at : at + SHARE] for at in range(0, len(both), SHARE)]
        )
        answers = np.concatenate([np.zeros((0, self._embedder.dim), np.float32), *parts])
        pairs = iter(np.stack((answers[: len(crops)], answers[len(crops) :]), axis=1))
        return [_view(next(pairs)) if isinstance(one, Crop) else one for one in found]

    def _crop(self, photo: Path) -> Crop | View:
        """Return the main face, or why there is none."""
        try:
            crops = self._recognizer.look(photo, main_face).crops
        except ImageError as error:
            return View(None, f"{UNREADABLE}: {error}")
        return crops[0] if crops else View(None, NO_FACE)


def _view(answers: np.ndarray) -> View:
    """Return what two answers (2, dim) of the network come to."""
    lengths = np.linalg.norm(answers, axis=1)
    both = (answers / lengths[:, None]).ravel()
    return View(np.asarray(both / np.sqrt(2), np.float32), "", {LENGTH: float(np.sqrt(lengths[0] * lengths[1]))})
