"""Photos, detectors -> what each of them reports in each photo, and what that costs.

Every photo is shown to every setting in turn, on one thread, so that a busy machine slows all alike; who comes first
changes from photo to photo. A setting sees a photo three times: for the boxes down to a score that decides nothing
(average precision needs them), once so that the engine prepares itself for this size, and once at the user's bar, which
is timed. Decoding is not timed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from twinlens.detect import DetectOptions, build_detector
from twinlens.detect.options import SCALES, Scales
from twinlens.errors import ImageError, ModelError, ModelNotFoundError, OptionError
from twinlens.evaluate.scenes import Scene
from twinlens.image import load_image
from twinlens.protocols import Detector
from twinlens.runtime import RuntimeOptions
from twinlens.types import Face, Image
from twinlens.zoo import ModelCard, checked_paths, find_card, list_cards, locate

LEAST_SCORE = 0.02  # boxes below decide nothing


@dataclass(frozen=True, slots=True)
class Setting:
    """A detector and the scales it looks at."""

    card: ModelCard
    scales: Scales

    @property
    def label(self) -> str:
        """``yunet single``."""
        return f"{self.card.name} {self.scales}"


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one setting saw in one photo.

    Attributes:
        boxes: left, top, right, bottom of everything that it thinks possible, pixels, the surest first.
        scores: how sure it is.
        reported: boxes at the user's bar.
        wall_s: time by the clock for ``reported``, seconds.
        cpu_s: processor time for it, seconds.
    """

    boxes: Float32[np.ndarray, "possible 4"]
    scores: Float32[np.ndarray, " possible"]
    reported: Float32[np.ndarray, "reported 4"]
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, eq=False)
class PhotoLooks:
    """What all settings saw in one photo.

    Attributes:
        name: of the scene.
        width_height: of the picture; None where it could not be decoded.
        error: why not; empty where it could.
        looks: by the setting's label; empty where it could not be decoded.
    """

    name: str
    width_height: tuple[int, int] | None
    error: str
    looks: Mapping[str, Look]


def default_settings() -> list[Setting]:
    """Return the carried detectors as they are compared in docs/detection.md, then the user's whose files are here."""
    carried = [("yunet", scales) for scales in SCALES] + [("mtcnn", scales) for scales in ("single", "tiny")]
    named = {name for name, _ in carried}
    own = [card for card in list_cards() if card.kind == "detector" and card.name not in named and _here(card)]
    return [
        *(Setting(find_card(name), scales) for name, scales in carried),
        *(Setting(card, scales) for card in own for scales in ("single", "tiny")),
    ]


def chosen_settings(names: Sequence[str]) -> list[Setting]:
    """Return the settings of some detectors, after the first default one, against which times are given.

    Args:
        names: ``mtcnn`` for the default settings of a detector, ``mtcnn:single`` for one; a card's path too.

    Raises:
        OptionError: not a detector, or unknown scales.
        ModelNotFoundError: no such card.
    """
    known = default_settings()
    chosen = {known[0].label: known[0]}
    for name in names:
        place, separator, scales = name.rpartition(":") if name.rpartition(":")[2] in SCALES else (name, "", "")
        card = find_card(place)
        if card.kind != "detector":
            msg = f"{card.name!r} is an {card.kind}; wanted a detector (NAME or NAME:SCALES, see twinlens models list)"
            raise OptionError(msg)
        wanted = (
            [Setting(card, s) for s in SCALES if s == scales] if separator else [s for s in known if s.card == card]
        )
        for setting in wanted or [Setting(card, "single"), Setting(card, "tiny")]:
            chosen[setting.label] = setting
    return list(chosen.values())


class Watch:
    """Every setting's detectors, loaded on one thread.

    Args:
        settings: who looks.
        bar: the score from which on a face is reported.

    Raises:
        ModelError: a model cannot be loaded.
    """

    def __init__(self, settings: Sequence[Setting], *, bar: float) -> None:
        self._pairs = {s.label: (_detector(s, LEAST_SCORE), _detector(s, bar)) for s in settings}

    def look(self, scenes: Iterable[tuple[int, Scene]]) -> Iterator[PhotoLooks]:
        """Yield what is seen in each photo; one that cannot be decoded comes back with its error.

        Args:
            scenes: with their place in the set, which says whose turn is first.

        Raises:
            ModelError: a network refuses a picture; the message names setting and photo.
        """
        labels = list(self._pairs)
        for place, scene in scenes:
            try:
                image = load_image(scene.path)
            except ImageError as error:
                yield PhotoLooks(scene.name, None, str(error), {})
                continue
            turn = place % len(labels)
            seen = {label: self._one(label, image, scene.name) for label in labels[turn:] + labels[:turn]}
            yield PhotoLooks(scene.name, (image.width, image.height), "", {label: seen[label] for label in labels})

    def _one(self, label: str, image: Image, name: str) -> Look:
        thorough, usual = self._pairs[label]
        try:
            everything = thorough.detect([image])[0]
            usual.detect([image])
            wall, cpu = time.perf_counter(), time.process_time()
            reported = usual.detect([image])[0]
            wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
        except ModelError as error:
            msg = f"{label} fails on {name}: {error}"
            raise ModelError(msg) from error
        scores = np.array([face.score for face in everything], np.float32)
        return Look(_boxes(everything), scores, _boxes(reported), wall_s, cpu_s)


def _here(card: ModelCard) -> bool:
    try:
        return all(locate(card, file) for file in card.files)
    except ModelNotFoundError:
        return False


def _detector(setting: Setting, bar: float) -> Detector:
    card = setting.card
    return build_detector(
        card.family or card.name,
        checked_paths(card),
        runtime=RuntimeOptions(threads=1),
        options=DetectOptions(scales=setting.scales, min_score=bar),
    )


def _boxes(faces: Sequence[Face]) -> Float32[np.ndarray, "faces 4"]:
    return np.array([face.box.xyxy for face in faces], np.float32).reshape(-1, 4)
