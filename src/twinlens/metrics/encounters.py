"""Photos or pairs of known people -> their comparisons, each pair of people alike: what a table of thresholds needs.

An error rate is a mean over comparisons, and it matters which. LFW's development people make 44 million impostor pairs
of photos, and one president with 530 photos takes part in five million of them: the rate over photos is largely his.
Whoever sets a threshold means people whom he does not know yet, each alike. So each person's genuine pairs weigh 1
together, and so do the impostor pairs of two people; ``alike=False`` counts pairs of photos instead, as most published
protocols do.

Of all pairs of thousands of photos only the scores are kept; whose the most alike impostors are is found when it is
asked for, since thresholds at a small FMR depend on few pairs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Num

from twinlens.errors import CalibrationError
from twinlens.metrics.all_pairs import Vectors, find_false_matches, numbered_people, score_all_pairs
from twinlens.metrics.people import PeopleScores
from twinlens.metrics.scores import accepted, ascending, next_above

WHOLE = 200_000  # of the most alike pairs so many are all kept; of further ones as many are drawn
DEEPER = 1.5  # how much further to look where the most alike pairs do not weigh enough

Times = Num[np.ndarray, " people"]
ByPerson = Float64[np.ndarray, " people"]


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The most alike impostor pairs.

    Attributes:
        scores: falling.
        people: the two of each.
        weights: what each counts.
    """

    scores: Float64[np.ndarray, " n"]
    people: Int[np.ndarray, "n 2"]
    weights: Float64[np.ndarray, " n"]

    def drawn(self, rng: np.random.Generator) -> Nearest:
        """Return the first `WHOLE` pairs and as many of the others, drawn at random, each standing for several."""
        more = self.scores.size - WHOLE
        if more <= WHOLE:
            return self
        some = WHOLE + np.sort(rng.choice(more, WHOLE, replace=False))
        keep = np.concatenate((np.arange(WHOLE), some))
        stand_for = np.concatenate((np.ones(WHOLE), np.full(WHOLE, more / WHOLE)))
        return Nearest(self.scores[keep], self.people[keep], self.weights[keep] * stand_for)

    def at_or_above(self, threshold: float) -> Nearest:
        """Return those that a threshold accepts."""
        count = int(np.searchsorted(-self.scores, -threshold, side="right"))
        return Nearest(self.scores[:count], self.people[:count], self.weights[:count])

    def by_person(self, people: int) -> ByPerson:
        """Return what they count by person, each pair at both people."""
        both = np.bincount(self.people[:, 0], self.weights, people)
        both += np.bincount(self.people[:, 1], self.weights, people)
        return both


@dataclass(frozen=True, slots=True, eq=False)
class Encounters:
    """Comparisons of known people; made by `meet_everyone`, `meet_listed` or `meet_unnamed`.

    Attributes:
        genuine: scores, ascending.
        impostor: scores, ascending.
        owners: the person of each genuine score, numbers from 0.
        people: how many; where nobody is named, every pair is taken for people of its own.
        met: pairs of people with an impostor pair; the impostor pairs themselves where nobody is named.
        named: False where nobody says who is compared.
        alike: whether each person and each pair of people counts the same, or each pair of photos.
        impostors: what each person's impostor pairs count; each pair at both people.
        find: the impostor pairs at or above a similarity.
        trials: what all impostor pairs count when people count so many times.
    """

    genuine: Float[np.ndarray, " genuine"]
    impostor: Float[np.ndarray, " impostor"]
    owners: Int[np.ndarray, " genuine"]
    people: int
    met: int
    named: bool
    alike: bool
    impostors: ByPerson
    find: Callable[[float], Nearest]
    trials: Callable[[Times], float]

    @property
    def mated(self) -> int:
        """People with a genuine pair; the genuine pairs themselves where nobody is named."""
        return int(np.unique(self.owners).size)

    def nearest(self, rate: float) -> Nearest:
        """Return the most alike impostor pairs: at least those that make up an FMR."""
        total = float(self.impostors.sum()) / 2
        reach = rate
        while True:
            count = min(int(reach * self.impostor.size) + 1, self.impostor.size)
            found = self.find(float(self.impostor[-count]))
            if count == self.impostor.size or found.weights.sum() > rate * total:
                return found
            reach *= DEEPER

    def threshold(self, target: float, nearest: Nearest) -> float:
        """Return the lowest threshold with at most the target's FMR.

        Args:
            target: between 0 and 1, both excluded.
            nearest: reaching further than the target.

        Raises:
            CalibrationError: the target cannot be told from zero with these pairs.
        """
        counted = np.cumsum(nearest.weights)
        # 0.001 * 3000 is 3 for a person and may be 2.9999999999999996 for the machine
        allowed = target * float(self.impostors.sum()) / 2 * (1 + 1e-9)
        first = min(int(np.searchsorted(counted, allowed, side="right")), nearest.scores.size - 1)
        if counted[-1] <= allowed:
            msg = f"the most alike pairs do not reach an FMR of {target:g}"
            raise CalibrationError(msg)
        return next_above(self.impostor.dtype.type(nearest.scores[first]))

    def rejected(self, threshold: float) -> tuple[ByPerson, ByPerson]:
        """Return by person what genuine pairs below a threshold count, and what all count."""
        below = self.genuine.size - accepted(self.genuine, threshold)
        errors = np.bincount(self.owners[:below], minlength=self.people).astype(np.float64)
        trials = np.bincount(self.owners, minlength=self.people).astype(np.float64)
        if not self.alike:
            return errors, trials
        return np.divide(errors, trials, out=np.zeros_like(errors), where=trials > 0), (trials > 0).astype(np.float64)

    def fnmr(self, threshold: float) -> float:
        """Return the share of genuine pairs below a threshold."""
        errors, trials = self.rejected(threshold)
        return float(errors.sum() / trials.sum())

    def fmr(self, threshold: float) -> float:
        """Return the share of impostor pairs at or above a threshold."""
        return float(self.find(threshold).weights.sum()) / (float(self.impostors.sum()) / 2)

    def products(self, times: Times, people: Int[np.ndarray, "n 2"]) -> Float64[np.ndarray, " n"]:
        """Return how often each impostor pair counts when people count so many times."""
        first, second = times[people[:, 0]].astype(np.float64), times[people[:, 1]]
        product: Float64[np.ndarray, " n"] = first * second if self.named else first
        return product


def meet_everyone(
    vectors: Vectors,
    subjects: Sequence[str],
    *,
    alike: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Encounters:
    """Compare all pairs of photos.

    Args:
        vectors: of unit length.
        subjects: whom each photo shows.
        alike: count each person and each pair of people once; False counts each pair of photos.
        progress: called with (photos done, photos in all).

    Raises:
        CalibrationError: no pair of one kind, labels that do not fit, or vectors that are not finite.
        OptionError: too many pairs (`twinlens.metrics.all_pairs.MAX_PAIRS`).
    """
    scores = score_all_pairs(vectors, subjects, progress=progress)
    people = numbered_people(vectors, subjects)
    photos = np.bincount(people)

    weight = 1.0 / photos if alike else np.ones(photos.size)  # a pair weighs the product of its people's
    mass = photos * weight

    def find(threshold: float) -> Nearest:
        found = find_false_matches(vectors, subjects, threshold)
        pairs = people[found.photos]
        return Nearest(found.scores.astype(np.float64), pairs, weight[pairs[:, 0]] * weight[pairs[:, 1]])

    def trials(times: Times) -> float:
        drawn = times * mass
        return float(drawn.sum() ** 2 - (drawn**2).sum()) / 2

    genuine, owners = _own_pairs(vectors, people)
    count = photos.size
    return Encounters(
        genuine,
        scores.impostor,
        owners,
        people=count,
        met=count * (count - 1) // 2,
        named=True,
        alike=alike,
        impostors=mass * (mass.sum() - mass),
        find=find,
        trials=trials,
    )


def meet_listed(pairs: PeopleScores, *, alike: bool = True) -> Encounters:
    """Take listed pairs of named people; see `meet_everyone`."""
    count, owners, others = pairs.numbered
    low, high = others.min(axis=1), others.max(axis=1)
    met, which, times = np.unique(low * count + high, return_inverse=True, return_counts=True)
    listed = _Listed(pairs.genuine, pairs.impostor, owners, others, 1.0 / times[which] if alike else None)
    return _of_list(listed, people=count, met=met.size, named=True)


def meet_unnamed(genuine: Float[np.ndarray, " genuine"], impostor: Float[np.ndarray, " impostor"]) -> Encounters:
    """Take pairs of people whom nobody names, as independent.

    Raises:
        CalibrationError: no score of one kind, or some that are not finite.
    """
    for scores, kind in ((genuine, "genuine"), (impostor, "impostor")):
        ascending(scores, kind)
    count = genuine.size + impostor.size
    others = np.repeat(np.arange(genuine.size, count)[:, None], 2, axis=1)
    listed = _Listed(genuine, impostor, np.arange(genuine.size), others, None)
    return _of_list(listed, people=count, met=impostor.size, named=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Listed:
    genuine: Float[np.ndarray, " genuine"]
    impostor: Float[np.ndarray, " impostor"]
    owners: Int[np.ndarray, " genuine"]
    others: Int[np.ndarray, "impostor 2"]
    weights: Float64[np.ndarray, " impostor"] | None  # of impostor pairs; None for all the same


def _of_list(listed: _Listed, *, people: int, met: int, named: bool) -> Encounters:
    order = np.argsort(listed.genuine, kind="stable")
    falling = np.argsort(-listed.impostor, kind="stable")
    weights = np.ones(falling.size) if listed.weights is None else listed.weights[falling]
    everything = Nearest(listed.impostor[falling].astype(np.float64), listed.others[falling], weights)

    def trials(times: Times) -> float:
        return float(everything.weights @ made.products(times, everything.people))

    made = Encounters(
        listed.genuine[order],
        listed.impostor[falling[::-1]],
        listed.owners[order],
        people=people,
        met=met,
        named=named,
        alike=listed.weights is not None,
        impostors=everything.by_person(people),
        find=everything.at_or_above,
        trials=trials,
    )
    return made


def _own_pairs(
    vectors: Vectors, people: Int[np.ndarray, " photos"]
) -> tuple[Float32[np.ndarray, " genuine"], Int[np.ndarray, " genuine"]]:
    """Return the scores of all genuine pairs, ascending, and whose each is."""
    order = np.argsort(people, kind="stable")
    starts = np.searchsorted(people[order], np.arange(int(people.max()) + 2))
    scores, owners = [], []
    for person, (start, end) in enumerate(itertools.pairwise(starts.tolist())):
        own = vectors[order[start:end]]
        upper = (own @ own.T)[np.triu_indices(end - start, 1)]
        scores.append(upper)
        owners.append(np.full(upper.size, person))
    all_scores, all_owners = np.concatenate(scores), np.concatenate(owners)
    rising = np.argsort(all_scores, kind="stable")
    return all_scores[rising], all_owners[rising]
