"""A run, its model, photos of people it was not trained on -> what the export costs: accuracies of the same pairs.

Four answers to each pair: the network with its own head, as the lab scores it; its embeddings by cosine; and the
model as the recognizer runs it, from detection on, in float32 and with int8 weights where they were asked for.
Thresholds are the best on these very pairs, for all alike, so the figures compare the four and flatter each; the
run's own outcome says what the network is worth. The test part is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from twinlens.datasets.records import Photo
from twinlens.evaluate.lenses import RecognizerLens
from twinlens.evaluate.own import Material as Compared
from twinlens.evaluate.sight import Progress, see
from twinlens.lab.card_figures import CardFigures, card_figures
from twinlens.lab.data import Material, Portion
from twinlens.lab.recipe import Recipe
from twinlens.lab.scoring import Judge, embed
from twinlens.lab.siamese import Siamese
from twinlens.metrics.encounters import meet_listed
from twinlens.metrics.folded import fold_pairs
from twinlens.metrics.intervals import Interval, wilson
from twinlens.metrics.people import PeopleScores
from twinlens.metrics.verification import best_accuracy_threshold
from twinlens.recognizer import Recognizer

ENOUGH = 1000  # photos whose mean embedding is taken
OWN, COSINE = "own head", "cosine of its embeddings"


@dataclass(frozen=True, slots=True)
class Answered:
    """How the pairs were answered.

    Attributes:
        by: whom.
        accuracy: at the best threshold on these pairs, with Wilson's interval.
        failures: pairs with a photo in which no face was found: non-matches.
    """

    by: str
    accuracy: Interval
    failures: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Pairs that measure an export.

    Attributes:
        material: the run's photos.
        portion: the validation part, or the training part where there is none.
    """

    material: Material
    portion: Portion

    @property
    def same(self) -> Bool[np.ndarray, " pairs"]:
        """The labels."""
        return np.asarray(self.portion.same.numpy(), np.bool_)

    @property
    def people(self) -> Int64[np.ndarray, "pairs 2"]:
        """The two people of each pair."""
        people = self.material.people.numpy()
        ends = [people[side.numpy()] for side in (self.portion.left, self.portion.right)]
        return np.stack(ends, axis=1).astype(np.int64)

    @property
    def photos(self) -> list[tuple[Photo, Photo]]:
        """The two photos of each pair."""
        people, paths = self.material.people.numpy(), self.material.paths
        rows = zip(self.portion.left.tolist(), self.portion.right.tolist(), strict=True)
        return [(Photo(str(people[a]), paths[a]), Photo(str(people[b]), paths[b])) for a, b in rows]


def middle_of(material: Material, recipe: Recipe, siamese: Siamese) -> Tensor:
    """Return the mean embedding (dim,) of training photos, at most `ENOUGH` of them."""
    photos = material.train.photos
    return embed(siamese, material, photos[:: max(len(photos) // ENOUGH, 1)], recipe).mean(0).cpu()


def answer_in_torch(probe: Probe, recipe: Recipe, siamese: Siamese, middle: Tensor | None) -> tuple[Answered, Answered]:
    """Return how the lab answers: by the network's own head, and by the cosine of its embeddings less the middle."""
    judge = Judge(probe.material, probe.portion, recipe)
    own = judge(siamese).similarity
    vectors = embed(siamese, probe.material, judge.photos, recipe).double().cpu().numpy()
    vectors = vectors - (0 if middle is None else middle.double().numpy())
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    cosine = np.einsum("ij,ij->i", vectors[judge.left.numpy()], vectors[judge.right.numpy()])
    return _answered(OWN, own, probe.same), _answered(COSINE, cosine, probe.same)


def similarities(
    probe: Probe, recognizer: Recognizer, *, detector: str, engine: str, progress: Progress | None = None
) -> Float64[np.ndarray, " pairs"]:
    """Return what the recognizer answers, photo to similarity; NaN where no face was found.

    Raises:
        DatasetError: no photo at all gave a vector.
    """
    pairs = probe.photos
    photos = [photo for pair in pairs for photo in pair]
    seen = see(photos, RecognizerLens(recognizer, detector=detector, engine=engine), progress=progress)
    left, right = (seen.of([pair[side] for pair in pairs]) for side in (0, 1))
    scores = np.einsum("ij,ij->i", seen.vectors[left], seen.vectors[right]).astype(np.float64)
    return np.where(seen.found[left] & seen.found[right], np.clip(scores, -1, 1), np.nan)


def answered(by: str, scores: Float64[np.ndarray, " pairs"], same: Bool[np.ndarray, " pairs"]) -> Answered:
    """Return the accuracy of the recognizer's similarities, failures as non-matches."""
    failed = np.isnan(scores)
    return _answered(by, np.where(failed, -1.0, scores), same, int(failed.sum()))


def _answered(by: str, scores: np.ndarray, same: np.ndarray, failures: int = 0) -> Answered:
    threshold = best_accuracy_threshold(scores[same], scores[~same])
    return Answered(by, wilson(int(((scores >= threshold) == same).sum()), same.size), failures)


def figures_of(probe: Probe, scores: Float64[np.ndarray, " pairs"], *, protocol: str, command: str) -> CardFigures:
    """Return thresholds and calibration from the recognizer's similarities."""
    kept, rng = ~np.isnan(scores), np.random.default_rng(0)
    same, people, values = probe.same[kept], probe.people[kept], scores[kept]
    pairs = PeopleScores(values[same], values[~same], people[same, 0], people[~same])
    compared = Compared(fold_pairs(pairs, rng=rng), meet_listed(pairs))
    return card_figures(compared, protocol=protocol, command=command)
