"""Pairs of photos -> each peer's answers, and what they amount to beside those of Twinlens."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peers.catalogue import Peer
from peers.conversation import Conversation
from peers.environments import fingerprint
from twinlens.datasets.records import Pair
from twinlens.metrics.intervals import Interval, mcnemar, wilson
from twinlens.metrics.verification import best_accuracy_threshold


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a peer said of one pair.

    Attributes:
        score: similarity on its own scale; None where it found no face.
        accepted: its own decision.
        missing: names of photos in which it found no face.
    """

    score: float | None
    accepted: bool
    missing: tuple[str, ...]


Verdicts = dict[str, Verdict]


def key(pair: Pair) -> str:
    """Return what a pair is called in the files of results."""
    return f"{pair.first.path.name} {pair.second.path.name}"


def spread(pairs: Sequence[Pair], wanted: int) -> list[Pair]:
    """Return that many pairs, half of each kind, evenly spread over the list."""
    chosen: list[Pair] = []
    for same in (True, False):
        kind = [pair for pair in pairs if pair.same == same]
        places = np.linspace(0, len(kind) - 1, min(wanted // 2, len(kind))).round().astype(int)
        chosen += [kind[place] for place in places]
    return chosen


def answer_pairs(peer: Peer, work: Path, pairs: Sequence[Pair]) -> Verdicts:
    """Return a peer's verdicts on all pairs; those already in its file of results are not asked again."""
    file = work / "answers" / f"{peer.name}.jsonl"
    made_of = fingerprint(peer, work)
    known = _read(file, made_of)
    left = [pair for pair in pairs if key(pair) not in known]
    if not left:
        return known
    print(f"{peer.name}: {len(left)} pairs", file=sys.stderr)
    if not known:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made_of + "\n")
    with Conversation(peer, work, patient=True) as conversation, file.open("a", buffering=1) as results:
        for pair in left:
            answer = conversation.ask(pair.first.path, pair.second.path)
            sides = {"left": pair.first.path.name, "right": pair.second.path.name}
            verdict = Verdict(answer.score, answer.accepted, tuple(sides[side] for side in answer.missing))
            known[key(pair)] = verdict
            row = {"pair": key(pair), "score": verdict.score, "accepted": verdict.accepted, "missing": verdict.missing}
            results.write(json.dumps(row) + "\n")
    return known


def _read(file: Path, made_of: str) -> Verdicts:
    lines = file.read_text().splitlines() if file.exists() else []
    if lines[:1] != [made_of]:
        return {}
    rows = [json.loads(line) for line in lines[1:] if line.endswith("}")]  # a line may have been cut short
    return {row["pair"]: Verdict(row["score"], row["accepted"], tuple(row["missing"])) for row in rows}


@dataclass(frozen=True, slots=True)
class Result:
    """A peer's accuracy on the test pairs; a pair without a score is a non-match.

    Attributes:
        own: with its own threshold.
        own_p: McNemar's test against Twinlens with Twinlens's own.
        fitted: with the threshold that is best on the training pairs.
        fitted_p: McNemar's test against Twinlens with Twinlens's fitted threshold.
        errors: false matches and false non-matches at the peer's own threshold, then at the fitted one.
        faceless: test photos in which it found no face.
    """

    own: Interval
    own_p: float
    fitted: Interval
    fitted_p: float
    errors: tuple[tuple[int, int], tuple[int, int]]
    faceless: int


def judge(
    verdicts: Mapping[str, Verdicts], train: Sequence[Pair], test: Sequence[Pair], first: str
) -> dict[str, Result]:
    """Return each peer's result.

    Args:
        verdicts: of each peer.
        train: pairs for the threshold.
        test: pairs for the accuracy.
        first: the peer with whom the others are compared.
    """
    same = np.array([pair.same for pair in test])
    decisions = {name: _decisions(given, train, test) for name, given in verdicts.items()}
    results = {}
    for name, (own, fitted) in decisions.items():
        right, right_first = ([d == same for d in decisions[who]] for who in (name, first))
        results[name] = Result(
            own=wilson(int(right[0].sum()), len(test)),
            own_p=mcnemar(right[0], right_first[0]).p_value,
            fitted=wilson(int(right[1].sum()), len(test)),
            fitted_p=mcnemar(right[1], right_first[1]).p_value,
            errors=(_errors(own, same), _errors(fitted, same)),
            faceless=len({photo for pair in test for photo in verdicts[name][key(pair)].missing}),
        )
    return results


def _decisions(given: Verdicts, train: Sequence[Pair], test: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray]:
    """Return yes or no for each test pair: by the peer's own threshold, by the fitted one."""
    scored = [(score, pair.same) for pair in train if (score := given[key(pair)].score) is not None]
    threshold = best_accuracy_threshold(
        np.array([score for score, same in scored if same]), np.array([score for score, same in scored if not same])
    )
    own = np.array([given[key(pair)].accepted for pair in test])
    scores = [given[key(pair)].score for pair in test]
    return own, np.array([score is not None and score >= threshold for score in scores])


def _errors(accepted: np.ndarray, same: np.ndarray) -> tuple[int, int]:
    return int((accepted & ~same).sum()), int((~accepted & same).sum())
