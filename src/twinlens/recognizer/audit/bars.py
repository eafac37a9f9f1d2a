"""Card, policy, options -> the similarities that an audit goes by."""

from __future__ import annotations

from dataclasses import dataclass

from twinlens.recognizer.audit.findings import AuditOptions, Likeness
from twinlens.recognizer.explanation import rarity
from twinlens.score import Bar, Policy, identification_bar, threshold_at
from twinlens.zoo import Measurement, ModelCard


@dataclass(frozen=True, slots=True)
class Bars:
    """Similarities from the model's card.

    Attributes:
        measured: what they were read from.
        identification: the threshold for a gallery of this size.
        unlike: below it a photo is hardly the same person's.
        rival: see `AuditOptions.rival_fmr`.
        one_person: mean similarity from which on two subjects may be one person.
        near: from here on two subjects are uncomfortably alike; at most the identification threshold.
    """

    measured: Measurement
    identification: Bar
    unlike: float
    rival: float
    one_person: float
    near: float

    def likeness(self, of: str, score: float) -> Likeness:
        """Put a similarity beside the share of strangers that reach it."""
        return Likeness(of, score, *rarity(self.measured, score))


def bars_of(card: ModelCard, policy: Policy, options: AuditOptions, templates: int) -> Bars | None:
    """Return the similarities for a gallery of this size; None where nobody measured the model's error rates."""
    measured = card.measured
    if measured is None:
        return None
    bar = identification_bar(card, policy, templates)
    strictest = measured.points[-1].fmr

    def at(rate: float) -> float:
        return threshold_at(measured, max(rate, strictest))

    near = at(min(options.near * (strictest if bar.fmr is None else bar.fmr), 0.5))
    return Bars(
        measured=measured,
        identification=bar,
        unlike=at(options.unlike_fmr),
        rival=at(options.rival_fmr),
        one_person=at(options.one_person_fmr),
        near=min(near, bar.threshold),
    )
