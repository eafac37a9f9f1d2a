"""Two photos -> why the answer is what it is: quality, rarity of the score, nearest impostors, what each place says.

A map tells what the network's answer depends on, not what is true of the two people; see
`twinlens.recognizer.occlusion` for how it is made, and docs/explanation.md for how it was tested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float32

from twinlens.protocols import Search
from twinlens.recognizer.occlusion import OcclusionOptions, importance, occluded
from twinlens.recognizer.pipeline import Pipeline
from twinlens.recognizer.results import Examined, Portrait
from twinlens.score import Bar, fmr_at
from twinlens.types import Decision, Embedding, Match
from twinlens.zoo import Measurement

BATCH = 32  # crops embedded together
IMPOSTORS = 3  # reported for each photo
Progress = Callable[[int, int], None]

# Rows and columns of the canonical crop, whose eyes are in row 52, nose tip in row 72 and mouth in row 92.
REGIONS = MappingProxyType(
    {
        "forehead": (slice(4, 36), slice(24, 88)),
        "eyes and brows": (slice(36, 64), slice(18, 94)),
        "nose": (slice(58, 82), slice(42, 70)),
        "mouth": (slice(82, 104), slice(32, 80)),
        "left edge": (slice(16, 96), slice(0, 16)),
        "right edge": (slice(16, 96), slice(96, 112)),
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
        beyond: True where the score lies beyond the card's last point: ``fmr`` is then a bound from above.
        left: the first photo.
        right: the second.
    """

    decision: Decision
    fmr: float | None
    beyond: bool
    left: ExplainedPhoto
    right: ExplainedPhoto

    @property
    def photos(self) -> tuple[ExplainedPhoto, ExplainedPhoto]:
        """Both photos."""
        return self.left, self.right


def explain_pair(
    pipeline: Pipeline,
    photos: tuple[Examined, Examined],
    decision: Decision,
    *,
    measured: Measurement | None,
    known: Callable[[Embedding], tuple[Match | None, tuple[Match, ...]]],
    options: OcclusionOptions | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Explain a decision on the main faces of two examined photos.

    Args:
        pipeline: embeds the blotted copies, on its threads.
        photos: each with its main face first.
        decision: on these faces.
        measured: of the model's card.
        known: gives the subject a face is named as and its nearest impostors; see `nearest_impostors`.
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
        explained.append(ExplainedPhoto(photo.source, portraits[place], found, *known(mine)))
    return Explanation(
        decision,
        None if measured is None else fmr_at(measured, decision.score),
        measured is not None and decision.score > measured.points[-1].threshold,
        *explained,
    )


def nearest_impostors(
    gallery: Search | None, bar: Bar | None, face: Embedding, *, count: int = IMPOSTORS
) -> tuple[Match | None, tuple[Match, ...]]:
    """Return the subject that a search names, and the most alike other subjects.

    Args:
        gallery: who is enrolled; None for nobody.
        bar: the threshold for a gallery of this size; None where there is none, and nobody is named.
        face: what is searched for.
        count: how many impostors.
    """
    if gallery is None:
        return None, ()
    (matches,) = gallery.search([face], count + 1)
    if matches and bar is not None and matches[0].score >= bar.threshold:
        return matches[0], tuple(matches[1:])
    return None, tuple(matches[:count])
