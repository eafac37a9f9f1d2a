"""Test pairs that have something in common -> their error rates: where a system is weak.

A pair belongs to the slice of the worse of its two photos: the smaller face, the one turned farther. The limits of the
slices are fixed, not fitted, so that reports can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from twinlens.evaluate.figures import Chance, share
from twinlens.evaluate.records import Slice
from twinlens.evaluate.sight import Seen
from twinlens.evaluate.trials import Trials

MOST_VALUES = 12  # of a user's column: more are no slices but labels


@dataclass(frozen=True, slots=True)
class Ruler:
    """How photos are sorted by a measure.

    Attributes:
        by: what it is called.
        measure: the key in `Seen.measures`.
        limits: rising; a value on a limit belongs above it.
        names: one more than limits.
        worse: which of two photos decides.
    """

    by: str
    measure: str
    limits: tuple[float, ...]
    names: tuple[str, ...]
    worse: Callable[..., Float64[np.ndarray, " pairs"]]


RULERS = (
    Ruler("image quality", "quality", (0.3, 0.5, 0.7), ("poor", "doubtful", "fair", "good"), np.minimum),
    Ruler(
        "face width",
        "width",
        (60, 100, 200),
        ("under 60 pixels", "60 to 100 pixels", "100 to 200 pixels", "200 pixels or more"),
        np.minimum,
    ),
    Ruler(
        "head turned to a side",
        "yaw_deg",
        (15, 30, 52),
        ("under 15 degrees", "15 to 30 degrees", "30 to 52 degrees", "52 degrees or more"),
        np.maximum,
    ),
    Ruler("brightness", "brightness", (90, 150), ("dark", "medium", "bright"), np.minimum),
    Ruler("blur", "blur", (0.35, 0.5), ("sharp", "soft", "blurred"), np.maximum),
    Ruler("faces in the photo", "faces", (2,), ("one", "several"), np.maximum),
)


def slices_of(trials: Trials, accepted: Bool[np.ndarray, " pairs"], seen: Seen, *, chance: Chance) -> tuple[Slice, ...]:
    """Return the error rates of listed pairs by photo measure, by photos of the person, and by the list's columns."""
    return tuple(
        _slice(by, value, trials, accepted, members, chance)
        for by, values in _divisions(trials, seen).items()
        for value, members in values
    )


def _slice(
    by: str,
    value: str,
    trials: Trials,
    accepted: Bool[np.ndarray, " pairs"],
    members: Bool[np.ndarray, " pairs2"],
    chance: Chance,
) -> Slice:
    genuine, impostor = members & trials.same, members & ~trials.same
    return Slice(
        by,
        value,
        int(genuine.sum()),
        int(impostor.sum()),
        share("FMR", accepted[impostor], trials.people[impostor], chance=chance),
        share("FNMR", ~accepted[genuine], trials.people[genuine], chance=chance),
    )


def _divisions(trials: Trials, seen: Seen) -> Mapping[str, list[tuple[str, np.ndarray]]]:
    found: dict[str, list[tuple[str, np.ndarray]]] = {}
    first, second = trials.rows.T
    for ruler in RULERS:
        values = seen.measures.get(ruler.measure)
        if values is None:
            continue
        places = np.digitize(ruler.worse(values[first], values[second]), ruler.limits)
        known = np.isfinite(values[first]) & np.isfinite(values[second])
        found[ruler.by] = [(name, known & (places == place)) for place, name in enumerate(ruler.names)]
    # Pairs without a score have no measures and are in no slice above, but count as rejected: they have their own.
    found["a face found"] = [("in both photos", trials.compared), ("not in both photos", ~trials.compared)]
    several = _has_several(seen)
    both = several[first] & several[second]
    found["photos of the person in this set"] = [("one, of either", ~both), ("several, of both", both)]
    found |= _columns(trials)
    kept = {by: [(name, members) for name, members in values if members.any()] for by, values in found.items()}
    return {by: values for by, values in kept.items() if len(values) > 1}


def _has_several(seen: Seen) -> Bool[np.ndarray, " photos"]:
    _, numbers, counts = np.unique([p.subject for p in seen.photos], return_inverse=True, return_counts=True)
    several: Bool[np.ndarray, " photos"] = counts[numbers] > 1
    return several


def _columns(trials: Trials) -> Iterator[tuple[str, list[tuple[str, np.ndarray]]]]:
    names: Mapping[str, None] = dict.fromkeys(name for pair in trials.pairs for name in pair.columns)
    for name in names:
        values = np.array([pair.columns.get(name, "") for pair in trials.pairs])
        kinds = np.unique(values)
        if 1 < kinds.size <= MOST_VALUES:
            yield name, [(str(kind) or "(empty)", values == kind) for kind in kinds]
