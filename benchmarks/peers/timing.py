"""Peers in turn on the same pair, round after round -> latencies that another's work on the machine hits alike."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from peers.catalogue import Peer
from peers.conversation import Conversation, cold_start_s
from twinlens.datasets.records import Pair

T = TypeVar("T")
WARM_UP = 5  # WebAssembly and graph compilers need a few calls


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of every peer in every round.

    Attributes:
        rounds: peer -> its seconds, one a round.
        processor: peer -> processor seconds of the same calls; empty for cold starts.
    """

    rounds: dict[str, list[float]]
    processor: dict[str, list[float]]

    def ratio(self, name: str, first: str) -> float:
        """Return the median over rounds of a peer's seconds divided by those of the first in the same round."""
        return float(np.median(np.divide(self.rounds[name], self.rounds[first])))

    def percentile(self, name: str, percent: float) -> float:
        """Return a peer's seconds at a percentile."""
        return float(np.percentile(self.rounds[name], percent))


def warm(peers: Sequence[Peer], work: Path, pairs: Sequence[Pair], *, one_thread: bool, pixels: bool = False) -> Times:
    """Return the times of one comparison, all peers running and one of them asked at a time.

    Args:
        peers: in turn, each round beginning with another.
        work: the working folder.
        pairs: one a round; every peer finds a face in each photo.
        one_thread: each process may use one processor core; else whatever it takes by default.
        pixels: the peers are given decoded pixels instead of files.
    """
    times = Times({peer.name: [] for peer in peers}, {peer.name: [] for peer in peers})
    with ExitStack() as stack:
        running = [stack.enter_context(Conversation(peer, work, one_thread=one_thread)) for peer in peers]
        for number in range(-WARM_UP, len(pairs)):
            pair = pairs[max(number, 0)]
            photos = [_decoded(photo.path, work) if pixels else photo.path for photo in (pair.first, pair.second)]
            for conversation in _turned(running, number):
                answer = conversation.ask(photos[0], photos[1], pixels=pixels)
                if number >= 0:
                    times.rounds[conversation.peer.name].append(answer.wall_s)
                    times.processor[conversation.peer.name].append(answer.cpu_s)
    return times


def cold(peers: Sequence[Peer], work: Path, pair: Pair, rounds: int) -> Times:
    """Return the times from the start of a process to its first answer, files in the system's cache."""
    times = Times({peer.name: [] for peer in peers}, {})
    for number in range(-1, rounds):
        for peer in _turned(list(peers), number):
            took = cold_start_s(peer, work, pair.first.path, pair.second.path)
            if number >= 0:
                times.rounds[peer.name].append(took)
    return times


def busy(times: Times, first: str) -> float:
    """Return the share of one core that the first peer did not get while it computed on one thread."""
    share = 1 - float(np.median(np.divide(times.processor[first], times.rounds[first])))
    if share > 0.1:
        print(f"the machine was busy: {share:.0%} of the core went to others; measure again", file=sys.stderr)
    return share


def _turned(items: list[T], number: int) -> list[T]:
    start = number % len(items)
    return items[start:] + items[:start]


def _decoded(photo: Path, work: Path) -> Path:
    file = work / "pixels" / f"{photo.stem}.npy"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, np.asarray(Image.open(photo).convert("RGB")))
    return file
