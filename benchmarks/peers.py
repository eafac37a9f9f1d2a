"""The same photos -> Twinlens and its peers side by side: accuracy, latency, cold start, installed size.

    python benchmarks/peers.py --work FOLDER            everything; about an hour on two cores
    python benchmarks/peers.py --work FOLDER --resume   keep the answers that FOLDER holds, measure the times again
    python benchmarks/peers.py --pairs 40 --train-pairs 40 --rounds 5
                                                        a quick look

FOLDER gets an environment for each peer (about 1.5 GB); packages come from their registries, nothing else is
downloaded. Every accuracy is on LFW's development test pairs. Node's peer is left out where there is no npm.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from peers.accuracy import Verdicts, answer_pairs, judge, key, spread
from peers.catalogue import PEERS, TWINLENS, Peer
from peers.environments import prepare, size_mb
from peers.table import accuracy_table, cost_table
from peers.timing import busy, cold, warm

from twinlens.datasets.lfw import load_development
from twinlens.datasets.place import data_root
from twinlens.datasets.records import Pair
from twinlens.evaluate.machine import machine

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks-peers.md"
TABLE = re.compile(r"(?<=<!-- measured -->\n).*?(?=<!-- end -->)", re.DOTALL)
TRAIN_PAIRS = 2200  # all of them


def pairs_for_timing(verdicts: dict[str, Verdicts], test: Sequence[Pair], rounds: int) -> list[Pair]:
    """Return pairs in which every peer finds both faces, evenly spread."""
    seen = [pair for pair in test if all(given[key(pair)].score is not None for given in verdicts.values())]
    return spread(seen, rounds + rounds % 2)[:rounds]


def accuracy_lines(
    peers: Sequence[Peer], verdicts: dict[str, Verdicts], train: Sequence[Pair], test: Sequence[Pair]
) -> list[str]:
    """Return the first table and what it counts."""
    about = (
        f"{len(test):,} test pairs of LFW's development view; the fitted threshold comes from {len(train):,} of its "
        "training pairs, the same for all. p: McNemar's exact test against Twinlens."
    )
    return [about, "", *accuracy_table(peers, judge(verdicts, train, test, TWINLENS.name)), ""]


def cost_lines(peers: Sequence[Peer], work: Path, pairs: Sequence[Pair], cold_rounds: int) -> list[str]:
    """Measure the times, keep them in the working folder, and return the second table."""
    before = os.getloadavg()[0]
    times = {
        "files, one core": warm(peers, work, pairs, one_thread=True),
        "decoded, one core": warm(peers, work, pairs, one_thread=True, pixels=True),
        "files, default threads": warm(peers, work, pairs, one_thread=False),
    }
    starts = cold(peers, work, pairs[0], cold_rounds)
    lost = busy(times["files, one core"], TWINLENS.name)
    everything = {name: asdict(each) for name, each in {**times, "cold": starts}.items()}
    (work / "times.json").write_text(json.dumps(everything))
    about = (
        f"One comparison of two photos: multiples of Twinlens (median over {len(pairs)} rounds of the ratio within a "
        "round), then the median and the 10th to 90th percentile; cold start: "
        f"{cold_rounds} processes each. {machine()}; load {before:.1f} before the run, {lost:.0%} of the core lost to "
        "others."
    )
    sizes = {peer.name: size_mb(peer, work) for peer in peers}
    return [about, "", *cost_table(peers, times, starts, sizes), ""]


def main() -> None:
    """Prepare, ask, measure, print; with ``--write`` also put the tables into the page."""
    options = _options()
    if options.resume and options.work is None:
        sys.exit("--resume needs --work FOLDER: the folder of the run to go on with")
    work = (options.work or Path(tempfile.mkdtemp(prefix="twinlens-peers-"))).resolve()
    print(f"working folder: {work}", file=sys.stderr)
    if not options.resume:
        shutil.rmtree(work / "answers", ignore_errors=True)
    wanted = options.only.split(",") if options.only else [peer.name for peer in PEERS]
    peers = [peer for peer in PEERS if peer == TWINLENS or peer.name in wanted]
    if shutil.which("npm") is None:
        peers = [peer for peer in peers if not peer.house.node]
    for peer in peers:
        prepare(peer, work)
    data = load_development(data_root(os.environ) / "lfw")
    test = spread(data.split("test").pairs, options.pairs)
    train = spread(data.split("train").pairs, options.train_pairs)
    verdicts = {peer.name: answer_pairs(peer, work, [*test, *train]) for peer in peers}
    lines = accuracy_lines(peers, verdicts, train, test)
    if options.rounds:
        lines += cost_lines(peers, work, pairs_for_timing(verdicts, test, options.rounds), options.cold)
    print("\n".join(lines))
    if options.write:
        PAGE.write_text(TABLE.sub(lambda _: "\n" + "\n".join(lines) + "\n", PAGE.read_text()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="working folder (default: a temporary one)")
    parser.add_argument("--resume", action="store_true", help="keep the answers that the working folder holds")
    parser.add_argument("--pairs", type=int, default=1000, help="test pairs, half of each kind")
    parser.add_argument("--train-pairs", type=int, default=TRAIN_PAIRS, help="training pairs for the threshold")
    parser.add_argument("--rounds", type=int, default=40, help="rounds of warm calls; 0: no times")
    parser.add_argument("--cold", type=int, default=7, help="cold starts of each peer")
    parser.add_argument("--only", help="names of peers, with commas; Twinlens always runs")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
