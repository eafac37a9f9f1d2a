"""All pairs of photos that have something in common -> their error rates, counted by formula where nothing went wrong.

The same slices as for listed pairs (`twinlens.evaluate.slices`): a pair belongs to the slice of the worse photo.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Int

from twinlens.evaluate.crossed import Crossed
from twinlens.evaluate.figures import figure_of
from twinlens.evaluate.records import Slice
from twinlens.evaluate.score_records import Figure
from twinlens.evaluate.sight import Seen
from twinlens.evaluate.slices import RULERS
from twinlens.metrics.clustered import clustered_rate


def slices_of_all(
    crossed: Crossed, matches: Int[np.ndarray, "matches 2"], threshold: float, seen: Seen
) -> tuple[Slice, ...]:
    """Return the error rates of all pairs by photo measure.

    Args:
        crossed: the photos compared.
        matches: places in ``crossed`` of the two photos of each false match.
        threshold: similarity at which these were found.
        seen: what is known of the photos.
    """
    first, second, people, scores = _genuine_pairs(crossed)
    rejected = scores < threshold
    found = []
    for ruler in RULERS:
        values = seen.measures.get(ruler.measure)
        if values is None:
            continue
        places = np.digitize(values[crossed.rows], ruler.limits)
        lower = ruler.worse is np.minimum
        places = len(ruler.limits) - places if lower else places  # now the higher place is the worse
        names = ruler.names[::-1] if lower else ruler.names
        trials = _impostors_by_place(crossed, places, len(names))
        pairs, hits = np.maximum(places[first], places[second]), np.maximum(*places[matches].T)
        for place, name in enumerate(names):
            found.append(
                Slice(
                    ruler.by,
                    name,
                    int((pairs == place).sum()),
                    int(trials[:, place].sum()) // 2,
                    _rate("FMR", crossed.people[matches[hits == place]].ravel(), trials[:, place], ends=2),
                    _rate(
                        "FNMR",
                        people[(pairs == place) & rejected],
                        np.bincount(people[pairs == place], minlength=trials.shape[0]),
                        ends=1,
                    ),
                )
            )
    kept = [slice_ for slice_ in found if slice_.genuine or slice_.impostors]
    several = {slice_.by for slice_ in kept if sum(other.by == slice_.by for other in kept) > 1}
    return tuple(slice_ for slice_ in kept if slice_.by in several)


def _genuine_pairs(crossed: Crossed) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the places, the person and the score of each compared pair of one person."""
    starts = np.searchsorted(crossed.people, np.arange(crossed.photos.size + 1))
    parts: list[tuple[np.ndarray, ...]] = []
    for person, (start, end) in enumerate(pairwise(starts)):
        first, second = np.triu_indices(end - start, 1)
        scores = (crossed.vectors[start:end] @ crossed.vectors[start:end].T)[first, second]
        parts.append((first + start, second + start, np.full(first.size, person), scores))
    first, second, people, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    return first, second, people, scores


def _impostors_by_place(
    crossed: Crossed, places: Int[np.ndarray, " found"], count: int
) -> Int[np.ndarray, "people places"]:
    """Return each person's pairs with others whose worse photo is at each place."""
    own = np.zeros((crossed.photos.size, count), dtype=np.int64)
    np.add.at(own, (crossed.people, places), 1)
    others = own.sum(axis=0) - own
    better = np.cumsum(others, axis=1) - others
    own_better = np.cumsum(own, axis=1) - own
    trials: Int[np.ndarray, "people places"] = own * (others + better) + own_better * others
    return trials


def _rate(
    name: str, wrong: Int[np.ndarray, " errors"], trials: Int[np.ndarray, " people"], *, ends: int
) -> Figure | None:
    if not trials.sum():
        return None
    errors = np.bincount(wrong, minlength=trials.size)
    note = f"{errors.sum() // ends:,} of {trials.sum() // ends:,}"
    return figure_of(name, clustered_rate(errors, trials, ends=ends), note=note)
