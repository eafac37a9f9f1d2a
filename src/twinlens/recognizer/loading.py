"""Name of a detector -> the detector, loaded."""

from __future__ import annotations

from twinlens.detect import DetectOptions, build_detector
from twinlens.errors import ModelError
from twinlens.protocols import Detector
from twinlens.runtime import RuntimeOptions
from twinlens.zoo import checked_paths, find_card


def load_detector(name: str, runtime: RuntimeOptions, options: DetectOptions | None) -> Detector:
    """Load a detector by name.

    Raises:
        ModelError: unknown, missing, not the one its card describes, or no detector.
    """
    card = find_card(name)
    if card.kind != "detector":
        msg = f"{card.name!r} is an {card.kind}; wanted a detector"
        raise ModelError(msg)
    return build_detector(card.family or card.name, checked_paths(card), runtime=runtime, options=options)
