"""Two photos -> why the answer is what it is: quality, rarity of the score, nearest impostors, what each place says.

A map tells what the network's answer depends on, not what is true of the two people; see
`twinlens.recognizer.occlusion` for how it is made, and docs/explanation.md for how it was tested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from jaxtyping import Float32

from twinlens.protocols import Search
from twinlens.recognizer.occlusion import OcclusionOptions, importance, occluded
from twinlens.recognizer.pipeline import Pipeline
from twinlens.recognizer.results import Examined, Portrait
from twinlens.score import Bar, Reading, fmr_at
from twinlens.types import Decision, Embedding, Match
from twinlens.zoo import Measurement

BATCH = 32  # crops embedded together
IMPOSTORS = 3  # reported for each photo
Progress = Callable[[int, int], None]
Bound = Literal["at", "at most", "at least"]

# Rows and columns of the canonical crop, whose eyes are in row 52, nose tip in row 72 and mouth in row 92;
# an eye with its brow; an edge is hair, ear or background.
REGIONS = MappingProxyType(
    {
        "forehead": (slice(4, 36), slice(24, 88)),
        "left eye": (slice(36, 62), slice(18, 56)),
        "right eye": (slice(36, 62), slice(56, 94)),
        "nose": (slice(58, 82), slice(44, 68)),
        "left cheek": (slice(64, 96), slice(14, 40)),
        "right cheek": (slice(64, 96), slice(72, 98)),
        "mouth and chin": (slice(84, 112), slice(40, 72)),
        "left edge": (slice(16, 96), slice(0, 14)),
        "right edge": (slice(16, 96), slice(98, 112)),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedPhoto:
    """One of the two photos.

    Attributes:
        source: where it came from.
        portrait: its main face: crop, quality with reasons, embedding.
        importance: how much the similarity falls where a place of the crop is blotted out: positive where it speaks
            for one person, negative where it speaks against.
        known: the enrolled subject that a search for this face would name; None for nobody, or without a gallery.
        impostors: the most alike of all other subjects, best first; empty without a gallery.
    """

    source: str
    portrait: Portrait
    importance: Float32[np.ndarray, "112 112"]
    known: Match | None = None
    impostors: tuple[Match, ...] = ()

    @property
    def regions(self) -> dict[str, float]:
        """The mean of the map over parts of the face, the strongest first; left and right as seen in the picture."""
        means = {name: float(self.importance[place].mean()) for name, place in REGIONS.items()}
        return dict(sorted(means.items(), key=lambda item: -abs(item[1])))


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why two photos were taken for one person, or not.

    Attributes:
        decision: the answer.
        fmr: share of strangers that score this high or higher, by the model's card; None where nobody measured it.
        bound: ``at`` within what the card measured; ``at most`` beyond its strictest point, ``at least`` below its
            loosest: ``fmr`` is then the rate of that point.
        left: the first photo.
        right: the second.
    """

    decision: Decision
    fmr: float | None
    bound: Bound
    left: ExplainedPhoto
    right: ExplainedPhoto

    @property
    def photos(self) -> tuple[ExplainedPhoto, ExplainedPhoto]:
        """Both photos."""
        return self.left, self.right


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Who else is enrolled.

    Attributes:
        gallery: searched for each face.
        bar: the threshold for a gallery of this size.
        reading: gives the candidates their probabilities.
        count: impostors to report for each face.
    """

    gallery: Search
    bar: Bar
    reading: Reading
    count: int = IMPOSTORS

    def of(self, face: Embedding) -> tuple[Match | None, tuple[Match, ...]]:
        """Return the subject that a search for this face names, and the most alike other subjects."""
        (found,) = self.gallery.search([face], self.count + 1)
        matches = self.reading.read(found)
        if matches and matches[0].score >= self.bar.threshold:
            return matches[0], tuple(matches[1:])
        return None, tuple(matches[: self.count])


def explain_pair(
    pipeline: Pipeline,
    photos: tuple[Examined, Examined],
    decision: Decision,
    *,
    measured: Measurement | None,
    neighbours: Neighbours | None = None,
    options: OcclusionOptions | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Explain a decision on the main faces of two examined photos.

    Args:
        pipeline: embeds the blotted copies, on its threads.
        photos: each with its main face first.
        decision: on these faces.
        measured: of the model's card.
        neighbours: who else is enrolled; None without a gallery.
        options: how the faces are probed.
        progress: called with (copies embedded, copies in all).
    """
    options = options or OcclusionOptions()
    portraits = [photo.portraits[0] for photo in photos]
    copies = [copy for portrait in portraits for copy in occluded(portrait.crop, options)]
    parts: list[Embedding] = []
    batches = (copies[start : start + BATCH] for start in range(0, len(copies), BATCH))
    for batch in pipeline.apply(pipeline.embedder.embed, batches):
        parts += batch
        if progress is not None:
            progress(len(parts), len(copies))
    half = len(copies) // 2
    explained = []
    for place, photo in enumerate(photos):
        mine, other = portraits[place].embedding, portraits[1 - place].embedding
        found = importance(mine, parts[place * half : (place + 1) * half], other, options)
        known = (None, ()) if neighbours is None else neighbours.of(mine)
        explained.append(ExplainedPhoto(photo.source, portraits[place], found, *known))
    return Explanation(decision, *rarity(measured, decision.score), *explained)


def rarity(measured: Measurement | None, score: float) -> tuple[float | None, Bound]:
    """Return the share of strangers that score this high or higher, and whether it is a bound; see `Explanation`."""
    if measured is None:
        return None, "at"
    loosest, strictest = measured.points[0], measured.points[-1]
    if score > strictest.threshold:
        return strictest.fmr, "at most"
    if score < loosest.threshold:
        return loosest.fmr, "at least"
    return fmr_at(measured, score), "at"
