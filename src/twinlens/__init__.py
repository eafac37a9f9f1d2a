"""Twinlens: from two photos to a decision you can act on.

    >>> import twinlens
    >>> recognizer = twinlens.Recognizer.default()  # doctest: +SKIP
    >>> recognizer.verify("a.jpg", "b.jpg").accepted  # doctest: +SKIP

Names are loaded when they are first used, so that importing costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from twinlens.version import __version__

if TYPE_CHECKING:
    from twinlens.errors import TwinlensError
    from twinlens.image import load_image
    from twinlens.recognizer import Recognizer
    from twinlens.types import Box, Crop, Decision, Embedding, Face, Image, Match, Quality, Template

__all__ = [
    "Box",
    "Crop",
    "Decision",
    "Embedding",
    "Face",
    "Image",
    "Match",
    "Quality",
    "Recognizer",
    "Template",
    "TwinlensError",
    "__version__",
    "load_image",
]

_HOMES = {
    "Recognizer": "twinlens.recognizer",
    "TwinlensError": "twinlens.errors",
    "load_image": "twinlens.image",
    **dict.fromkeys(
        ("Box", "Crop", "Decision", "Embedding", "Face", "Image", "Match", "Quality", "Template"),
        "twinlens.types",
    ),
}


def __getattr__(name: str) -> object:
    """Load a public name from its room (PEP 562)."""
    if name not in _HOMES:
        msg = f"module 'twinlens' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
