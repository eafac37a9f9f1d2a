"""Stretches as they end -> pieces: their samples are embedded many at once, on the recognizer's threads."""

from __future__ import annotations

from collections.abc import Iterable

from twinlens.recognizer import Portrait, Recognizer
from twinlens.video.piece import Piece, Shot, pieces_of
from twinlens.video.samples import Sample
from twinlens.video.tracker import Stretch

BATCH = 8  # crops embedded in one go
HELD = 64  # crops that wait: 2.4 MB


class Gathering:
    """Takes in stretches in the order in which they end, gives back pieces.

    Args:
        recognizer: embeds the samples.
        bar: similarity below which two parts of a stretch are two people.
    """

    def __init__(self, recognizer: Recognizer, bar: float) -> None:
        self._recognizer = recognizer
        self._bar = bar
        self._waiting: list[tuple[Stretch, list[Sample]]] = []
        self._held = 0
        self._last: dict[int, Piece] = {}  # the last piece of each stretch, by number
        self._pieces: list[Piece] = []

    def take(self, ended: Iterable[Stretch]) -> None:
        """Take in stretches; embed where enough have gathered."""
        for stretch in ended:
            samples = stretch.samples.chosen()
            self._waiting.append((stretch, samples))
            self._held += len(samples)
        if self._held >= HELD:
            self._embed()

    def finish(self) -> list[Piece]:
        """Embed what waits; return all pieces."""
        self._embed()
        return self._pieces

    def _embed(self) -> None:
        crops = [sample.sighting.crop for _, samples in self._waiting for sample in samples]
        batches = [crops[i : i + BATCH] for i in range(0, len(crops), BATCH)]
        embeddings = iter(
            [e for batch in self._recognizer.apply(self._recognizer.embedder.embed, batches) for e in batch]
        )
        for stretch, samples in self._waiting:
            shots = []
            for sample in samples:
                seen = sample.sighting
                portrait = Portrait(seen.face, seen.crop, seen.quality, next(embeddings))
                shots.append(Shot(sample.frame, sample.time_s, portrait))
            before = None if stretch.follows is None else self._last[stretch.follows]
            made = list(pieces_of(stretch.trail, shots, self._bar, before))
            self._pieces += made
            self._last[stretch.number] = made[-1]
        self._waiting, self._held = [], 0
