"""[Crop] -> [Embedding]: any network of the zoo whose card says how it is fed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from twinlens.errors import ModelError
from twinlens.protocols import Network
from twinlens.types import CROP_SIZE, Crop, Embedding
from twinlens.zoo import ModelCard

BATCH = 8  # crops a run: beyond it a single-threaded request gains nothing (docs/benchmarks.md)


class OnnxEmbedder:
    """Runs a card's network over crops; may be called from several threads at once.

    Args:
        card: says how pixels are fed and how long a vector is.
        network: the card's file, loaded.
        flip: average each crop's vector with its mirror image's: twice the time, slightly fewer errors.
    """

    def __init__(self, card: ModelCard, network: Network, *, flip: bool = False) -> None:
        self.card = card
        self._network = network
        self._flip = flip

    @property
    def model(self) -> str:
        """The card's identity; ``+flip`` where mirror images are averaged in."""
        return self.card.identity + ("+flip" if self._flip else "")

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self.card.dim

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        """Return one embedding a crop, in order.

        Raises:
            ModelError: the network answers with another shape than its card says, or with NaN.
        """
        found: list[Embedding] = []
        for start in range(0, len(crops), BATCH):
            pixels = np.stack([crop.pixels for crop in crops[start : start + BATCH]])
            vectors = self._vectors(pixels)
            if self._flip:
                vectors = vectors + self._vectors(pixels[:, :, ::-1])
            found += [Embedding(vector, self.model) for vector in self._unit(vectors)]
        return found

    def answers(self, crops: Sequence[Crop]) -> Float32[np.ndarray, "crops dim"]:
        """Return the network's own vectors, not brought to length one, nor averaged with mirror images.

        How long one is says how sure the network is of the face (Ranjan et al. 2017, arXiv 1703.09507, section 3).

        Raises:
            ModelError: as `embed`.
        """
        parts = [crops[start : start + BATCH] for start in range(0, len(crops), BATCH)]
        found = [self._answers(np.stack([crop.pixels for crop in part])) for part in parts]
        return np.concatenate(found) if found else np.zeros((0, self.dim), np.float32)

    def _vectors(self, pixels: np.ndarray) -> Float32[np.ndarray, "batch dim"]:
        """Return unit vectors of a batch of crops (batch, 112, 112, 3)."""
        return self._unit(self._answers(pixels))

    def _answers(self, pixels: np.ndarray) -> Float32[np.ndarray, "batch dim"]:
        """Return the vectors of a batch of crops (batch, 112, 112, 3) as the network gives them: finite, not zero."""
        spec = self.card.input
        if spec.colour == "bgr":
            pixels = pixels[..., ::-1]
        batch = np.empty((len(pixels), 3, CROP_SIZE, CROP_SIZE), np.float32)
        np.copyto(batch, pixels.transpose(0, 3, 1, 2))
        if spec.mean:
            batch -= spec.mean
        if spec.scale != 1.0:
            batch *= spec.scale
        outputs = self._network.run(batch)
        name = spec.output or next(iter(outputs))
        if name not in outputs:
            msg = f"{self.card.name}: no output {name!r}; the network has {', '.join(outputs)}: mend the card"
            raise ModelError(msg)
        vectors = outputs[name].reshape(len(pixels), -1)
        if vectors.shape[1] != self.dim:
            msg = f"{self.card.name}: wanted vectors of {self.dim} numbers (its card), got {vectors.shape[1]}"
            raise ModelError(msg)
        lengths = np.linalg.norm(vectors, axis=1)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            msg = f"{self.card.name}: the network answers with NaN or zeros; try the engine onnxruntime"
            raise ModelError(msg)
        return np.asarray(vectors, np.float32)

    @staticmethod
    def _unit(vectors: np.ndarray) -> Float32[np.ndarray, "batch dim"]:
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
