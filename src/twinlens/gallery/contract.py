"""Model, dimension, limits -> what a gallery accepts and how it behaves.

The embedding contract pins a gallery to one model: similarities between two models' vectors mean nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from twinlens.errors import ModelMismatchError, OptionError
from twinlens.types import Embedding

MAX_DIM = 8192  # a vector must fit an SQLite row and a page of memory; face models use 128 to 1024
MAX_NAME = 5000  # characters; a folder of photos is enrolled under its paths, and those may have 4096
MIN_EXACT_ROWS = 16  # a codebook has 16 centroids and is learnt from more vectors than that


@dataclass(frozen=True, slots=True)
class Contract:
    """Whose vectors a gallery holds.

    Attributes:
        model: the model's name.
        dim: numbers in a vector.
    """

    model: str
    dim: int

    def __post_init__(self) -> None:
        if not self.model or not 1 <= self.dim <= MAX_DIM:
            msg = f"a gallery needs a model name and a dimension of 1 to {MAX_DIM}, got {self.model!r}, {self.dim}"
            raise OptionError(msg)

    def check(self, embedding: Embedding) -> None:
        """Refuse a vector of another model.

        Raises:
            ModelMismatchError: another model or dimension.
        """
        if embedding.model != self.model or embedding.vector.size != self.dim:
            msg = (
                f"this gallery holds embeddings of {self.model!r} ({self.dim}-d), got one of "
                f"{embedding.model!r} ({embedding.vector.size}-d): use {self.model!r}, or enrol into another gallery"
            )
            raise ModelMismatchError(msg)

    def matrix(self, probes: Sequence[Embedding], top: int) -> Float32[np.ndarray, "probes dim"]:
        """Return the vectors of a search, one a row, after looking whether it can be made.

        Raises:
            OptionError: ``top`` is less than 1.
            ModelMismatchError: a probe comes from another model.
        """
        if top < 1:
            msg = f"top must be 1 or more, got {top}"
            raise OptionError(msg)
        for probe in probes:
            self.check(probe)
        return np.array([probe.vector for probe in probes], np.float32).reshape(-1, self.dim)


@dataclass(frozen=True, slots=True)
class GalleryOptions:
    """How a gallery behaves; the defaults are measured in docs/gallery.md.

    Attributes:
        create: make the gallery where there is none.
        busy_timeout_s: how long to wait for another process before giving up, seconds.
        exact_rows: up to this many templates every vector is compared; above, compressed codes propose candidates;
            16 or more.
        snapshot_rows: from this many templates on, a scan index is kept beside the file.
        tail_rows: this many templates may be missing from the scan index before a writer adds them.
    """

    create: bool = True
    busy_timeout_s: float = 10.0
    exact_rows: int = 50_000
    snapshot_rows: int = 2_000
    tail_rows: int = 4_096

    def __post_init__(self) -> None:
        rows = min(self.snapshot_rows, self.tail_rows)
        if self.busy_timeout_s < 0 or rows < 1 or self.exact_rows < MIN_EXACT_ROWS:
            msg = f"a timeout must be 0 or more, exact_rows {MIN_EXACT_ROWS} and the other limits 1 or more, got {self}"
            raise OptionError(msg)


def label(text: str, what: str) -> str:
    """Return a name as it is stored: Unicode NFC, so that one name typed on two systems is one subject.

    Raises:
        OptionError: empty, too long, with control characters, or not text.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        msg = f"a {what} must be text, got undecodable bytes in {text!r}"
        raise OptionError(msg) from error
    name = unicodedata.normalize("NFC", text)
    if not name.strip() or len(name) > MAX_NAME or any(unicodedata.category(c) == "Cc" for c in name):
        msg = f"a {what} needs 1 to {MAX_NAME} characters and no control characters, got {name[:80]!r}"
        raise OptionError(msg)
    return name
