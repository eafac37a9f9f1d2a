"""Advice of the library, in words of the command line -> advice in words of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

# what is said -> what is sent; the longer ones first, because one may hold another
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "For crowds use scales 'tiny' (--scales tiny)": "For crowds the service must look at finer scales "
        "(its setting TWINLENS_SCALES: tiny)",
        "accept the conflict (--accept-conflict)": "send accept_conflict: true",
        "take the main face (--main-face)": "send main_face: true",
        "give a threshold of your own (--threshold, a similarity from -1 to 1), or use a measured model": "the service "
        "needs a measured model (its setting TWINLENS_MODEL)",
        "shrink it or raise max_bytes": "shrink it",
        "shrink it or raise max_pixels": "shrink it",
        "; run: twinlens gallery list": ": the gallery's subjects are listed at /v1/galleries/{gallery}/subjects",
    }
)
_OPTION = re.compile(r" ?\(--[a-z][^()]*\)")


def in_requests(text: str) -> str:
    """Return a message as it is said to whoever sent a request; an option in brackets without one here is left out."""
    for said, sent in WORDS.items():
        text = text.replace(said, sent)
    return _OPTION.sub("", text)
