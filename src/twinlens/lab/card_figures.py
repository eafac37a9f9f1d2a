"""Comparisons of people who trained nothing -> the thresholds and the calibration of a new model's card.

As far down as the comparisons support, and no further: a model that is new has no other thresholds to fall back on.
"""

from __future__ import annotations

from dataclasses import dataclass

from twinlens.errors import CalibrationError
from twinlens.evaluate.own import Material
from twinlens.metrics.calibrating import fit_calibration
from twinlens.metrics.thresholds import measure
from twinlens.zoo import Calibration, Measurement


@dataclass(frozen=True, slots=True)
class CardFigures:
    """What a card says of error rates.

    Attributes:
        measured: thresholds; None where not even one stranger in ten is supported.
        calibration: similarity to probability; None where too few people are known.
        notes: why something is missing, and what a user must know.
    """

    measured: Measurement | None
    calibration: Calibration | None
    notes: tuple[str, ...]


def card_figures(compared: Material, *, protocol: str, command: str) -> CardFigures:
    """Measure thresholds and fit a calibration.

    Args:
        compared: people who trained nothing.
        protocol: whose these are, in words.
        command: what made it.
    """
    notes: list[str] = []
    measured: Measurement | None = None
    calibration: Calibration | None = None
    try:
        measured = measure(compared.known, protocol=protocol, command=command)
    except CalibrationError as error:
        notes.append(f"no thresholds in the card: {error}")
    try:
        fitted = fit_calibration(compared.folded, protocol=protocol, command=command)
        calibration = fitted.calibration
        notes += fitted.notes
    except CalibrationError as error:
        notes.append(f"no calibration in the card: {error}")
    return CardFigures(measured, calibration, tuple(notes))
