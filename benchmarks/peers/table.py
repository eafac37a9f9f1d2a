"""Results -> two tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from peers.accuracy import Result
from peers.catalogue import TWINLENS, Peer
from peers.timing import Times
from twinlens.metrics.intervals import Interval


def accuracy_table(peers: Sequence[Peer], results: Mapping[str, Result]) -> list[str]:
    """Return a row a peer: accuracy, its interval, and whether it differs from that of Twinlens."""
    lines = [
        "| | own threshold: accuracy (95 %) | p | false matches, non-matches | threshold from training pairs: accuracy "
        "(95 %) | p | false matches, non-matches | photos without a face |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for peer in peers:
        result = results[peer.name]
        own, fitted = (f"{wrong[0]}, {wrong[1]}" for wrong in result.errors)
        p_own, p_fitted = ("" if peer == TWINLENS else _p(value) for value in (result.own_p, result.fitted_p))
        lines.append(
            f"| {peer.title} | {_share(result.own)} | {p_own} | {own} | {_share(result.fitted)} | {p_fitted} | "
            f"{fitted} | {result.faceless} |"
        )
    return lines


def cost_table(
    peers: Sequence[Peer], times: Mapping[str, Times], cold: Times, sizes_mb: Mapping[str, float]
) -> list[str]:
    """Return a row a peer: times as multiples of those of Twinlens, then in milliseconds, and its size.

    Args:
        peers: the rows.
        times: by heading.
        cold: from the start of the process.
        sizes_mb: packages and weights.
    """
    lines = [
        f"| | {' | '.join(times)} | cold start | installed |",
        f"|---|{'---|' * len(times)}---|---|",
    ]
    for peer in peers:
        warm = [_times(each, peer, unit="ms") for each in times.values()]
        size, ours = sizes_mb[peer.name], sizes_mb[TWINLENS.name]
        lines.append(
            f"| {peer.title} | {' | '.join(warm)} | {_times(cold, peer, unit='s')} | "
            f"{size / ours:.2f} x, {size:.0f} MB |"
        )
    return lines


def _times(times: Times, peer: Peer, *, unit: str) -> str:
    scale, places = (1e3, 0) if unit == "ms" else (1.0, 2)
    low, middle, high = (f"{times.percentile(peer.name, q) * scale:.{places}f}" for q in (10, 50, 90))
    return f"**{times.ratio(peer.name, TWINLENS.name):.1f} x**, {middle} {unit} ({low} to {high})"


def _share(interval: Interval) -> str:
    return f"**{interval.estimate:.3f}** ({interval.low:.3f} to {interval.high:.3f})"


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 1e-4 else "< 0.0001"
