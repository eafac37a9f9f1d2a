"""Photos of many people -> one-to-many figures: CMC, mean average precision, FNIR at FPIR, 20-way one-shot.

One photo a person is enrolled (the first), every other photo is a probe. For the open set half of the people are left
out of the gallery, by seed, and their photos are the strangers. 20-way one-shot as Koch et al. 2015, section 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32, Int

from twinlens.datasets.oneshot import WAYS, draw_episodes
from twinlens.datasets.pairing import by_person
from twinlens.datasets.records import Photo
from twinlens.evaluate.figures import Chance, by_person_or_wilson, figure_of, mean_by_person
from twinlens.evaluate.score_records import Figure, Search
from twinlens.evaluate.sight import Seen
from twinlens.metrics.identification import (
    Outcomes,
    average_precisions,
    cmc,
    join_outcomes,
    open_set,
    search_outcomes,
)
from twinlens.metrics.intervals import Interval
from twinlens.metrics.oneshot import oneshot_hits
from twinlens.metrics.operating import impostors_needed, threshold_at_fmr

TOP = 20  # ranks of the CMC
BLOCK = 1024  # probes at once
MOST_LISTS = 1000  # probes behind the mean average precision: each is a ranking of all photos
TRIALS = 2000  # of one-shot
FPIRS = (0.1, 0.01)
STRANGER = -2.0  # score of a photo without a vector: below every similarity


def search_people(photos: Sequence[Photo], seen: Seen, *, chance: Chance) -> Search | None:
    """Return the one-to-many figures of these people; None where fewer than two have a second photo.

    A probe without a face is a miss; a person whose first photo shows no face is enrolled from it all the same, and
    is never found: failures count.
    """
    people = {name: owned for name, owned in by_person(tuple(dict.fromkeys(photos))).items() if len(owned) > 1}
    if len(people) < 2:
        return None
    gallery = [owned[0] for owned in people.values()]
    probes = [photo for owned in people.values() for photo in owned[1:]]
    closed = _searched(probes, gallery, seen)
    figures = [_rank(closed, probes, k, chance) for k in (1, 5) if k < len(gallery)]
    aside = replace(chance, rng=chance.rng.spawn(1)[0])  # intervals must not move what is drawn below
    figures += _retrieval(photos, seen, chance.rng, aside)
    nonmated, found = _open_set(people, photos, seen, chance.rng, aside)
    figures += found
    if len(people) >= WAYS:
        figures.append(_oneshot(photos, seen, chance.rng, aside))
    top = min(TOP, len(gallery))
    return Search(len(gallery), len(probes), nonmated, tuple(cmc(closed.ranks, top).tolist()), tuple(figures))


def _similarities(probes: Sequence[Photo], gallery: Sequence[Photo], seen: Seen) -> Float32[np.ndarray, "p g"]:
    p, g = seen.of(probes), seen.of(gallery)
    scores: Float32[np.ndarray, "p g"] = seen.vectors[p] @ seen.vectors[g].T
    scores[~seen.found[p]] = STRANGER
    scores[:, ~seen.found[g]] = STRANGER
    return scores


def _searched(probes: Sequence[Photo], gallery: Sequence[Photo], seen: Seen) -> Outcomes:
    names = [photo.subject for photo in gallery]
    return join_outcomes(
        [
            search_outcomes(_similarities(part, gallery, seen), [photo.subject for photo in part], names)
            for part in (probes[start : start + BLOCK] for start in range(0, len(probes), BLOCK))
        ]
    )


def _rank(outcomes: Outcomes, probes: Sequence[Photo], k: int, chance: Chance) -> Figure:
    hits = outcomes.ranks <= k
    interval = _by_person(hits, probes, chance)
    note = f"{int(hits.sum()):,} of {hits.size:,} probes; {outcomes.gallery_size:,} people enrolled with one photo each"
    return figure_of(f"rank-{k} identification rate", interval, note=note)


def _by_person(hits: Bool[np.ndarray, " probes"], probes: Sequence[Photo], chance: Chance) -> Interval:
    """Return the share of hits; one person's searches err together."""
    people = _numbers(probes)
    ones = np.ones(people.size, dtype=np.int64)
    return by_person_or_wilson(hits.astype(np.int64), ones, np.stack((people, people), axis=1), chance=chance)


def _numbers(photos: Sequence[Photo]) -> Int[np.ndarray, " photos"]:
    return np.unique(np.array([photo.subject for photo in photos]), return_inverse=True)[1]


def _retrieval(photos: Sequence[Photo], seen: Seen, rng: np.random.Generator, chance: Chance) -> list[Figure]:
    """Return the mean average precision of searching photos with photos, over probes drawn by seed."""
    everyone = list(dict.fromkeys(photos))
    numbers = _numbers(everyone)
    several = np.bincount(numbers)[numbers] > 1
    able = np.flatnonzero(several)
    chosen = np.sort(rng.choice(able, size=min(MOST_LISTS, able.size), replace=False))
    values = []
    for row in chosen:
        scores = _similarities([everyone[row]], everyone, seen)
        scores[0, row] = -np.inf
        mates = (numbers == numbers[row])[None]
        mates[0, row] = False
        values.append(float(average_precisions(scores, mates)[0]))
    note = f"over {len(values):,} probes among {len(everyone):,} photos"
    interval = mean_by_person(np.array(values), numbers[chosen], chance=chance)
    return [figure_of("mean average precision", interval, note=note)]


def _open_set(
    people: dict[str, list[Photo]], photos: Sequence[Photo], seen: Seen, rng: np.random.Generator, chance: Chance
) -> tuple[int, list[Figure]]:
    """Return the strangers' number and FNIR at stated FPIR, with half of the people enrolled."""
    names = sorted(people)
    enrolled = {names[i] for i in rng.permutation(len(names))[: len(names) // 2]}
    gallery = [people[name][0] for name in sorted(enrolled)]
    probes = [photo for name in sorted(enrolled) for photo in people[name][1:]]
    strangers = [photo for photo in dict.fromkeys(photos) if photo.subject not in enrolled]
    outcomes = _searched([*probes, *strangers], gallery, seen)
    figures = []
    for fpir in FPIRS:
        name = f"FNIR at FPIR {100 * fpir:.0f} %"
        if outcomes.nonmated.size < impostors_needed(fpir):
            few = f"{outcomes.nonmated.size:,} searches by strangers; {impostors_needed(fpir):,} are needed"
            figures.append(Figure(name, None, note=few))
            continue
        point = open_set(outcomes, threshold_at_fmr(outcomes.nonmated, fpir))
        missed = (outcomes.ranks > 1) | (outcomes.mated < point.threshold)
        note = (
            f"{point.misses:,} of {point.mated:,} searches; {point.gallery_size:,} people enrolled, one photo each; "
            f"threshold {point.threshold:.3f} read off {point.nonmated:,} searches by these strangers"
        )
        figures.append(figure_of(name, _by_person(missed, probes, chance), note=note))
    return len(strangers), figures


def _oneshot(photos: Sequence[Photo], seen: Seen, rng: np.random.Generator, chance: Chance) -> Figure:
    episodes = draw_episodes(tuple(dict.fromkeys(photos)), rng=rng, trials=TRIALS)
    scores = np.stack([_similarities(episode.probes, episode.gallery, seen) for episode in episodes])
    note = f"{scores.shape[0] * WAYS:,} trials drawn by seed; chance is {100 / WAYS:.0f} %"
    probes = [photo for episode in episodes for photo in episode.probes]
    interval = _by_person(oneshot_hits(scores).ravel(), probes, chance)
    return figure_of(f"{WAYS}-way one-shot accuracy", interval, note=note)
