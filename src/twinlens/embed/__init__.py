"""[Crop] -> [Embedding]: an embedder from a card of the zoo, by name or by the user's own file."""

from __future__ import annotations

from pathlib import Path

from twinlens.embed.onnx import OnnxEmbedder
from twinlens.errors import ModelError
from twinlens.runtime import RuntimeOptions, load_network
from twinlens.zoo import checked_paths, find_card

__all__ = ["OnnxEmbedder", "load_embedder"]


def load_embedder(
    name: str, runtime: RuntimeOptions | None = None, *, flip: bool = False, folder: Path | None = None
) -> OnnxEmbedder:
    """Load an embedder by the name of its card, or by a path to a card.

    Raises:
        ModelError: no such model, not an embedder, or its file is missing, changed or unreadable.
    """
    card = find_card(name, folder)
    if card.kind != "embedder":
        msg = f"{card.name!r} is a {card.kind}; wanted an embedder"
        raise ModelError(msg)
    (path, *_) = checked_paths(card, folder)
    return OnnxEmbedder(card, load_network(path, runtime), flip=flip)
