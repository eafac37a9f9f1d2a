"""A head fitted on CFP's people, tried on others of CFP and on LFW -> docs/results/fit.md, with its JSON.

    python benchmarks/fit.py --resume FILE            prints (half an hour where photos have to be looked at)
    python benchmarks/fit.py --resume FILE --write    also writes the page

Ten folds of CFP, as its makers publish them: the head is trained on the people of nine folds, and its plan is chosen
among these people alone; the tenth fold is scored once. The threshold of each protocol comes from the nine folds too: for
the model as it is from its scores there, for the head from scores of heads that did not see those people (three heads,
each trained on six of the nine folds and scored on the other three). A photo without a face makes a non-match.

LFW's development test is scored by a head of all 500 people of CFP less those who share a name with anybody of LFW, and,
for comparison, by one of all 500; thresholds come from LFW's 2,200 training pairs.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from twinlens.datasets.place import data_root
from twinlens.datasets.records import Dataset, Split, joined
from twinlens.datasets.registry import open_dataset
from twinlens.evaluate.leakage.names import same_names
from twinlens.evaluate.leakage.rosters import listed_people
from twinlens.evaluate.machine import machine
from twinlens.evaluate.memory import ResumeFile
from twinlens.evaluate.sight import Seen, see
from twinlens.lab.fit.fitting import choose_head
from twinlens.lab.fit.head import Head
from twinlens.lab.fit.material import Material, material_of
from twinlens.lab.fit.training import PLANS, train_head
from twinlens.lab.fit.views import LENGTH, MirrorLens
from twinlens.metrics.intervals import Interval, mcnemar, over_folds
from twinlens.metrics.verification import best_accuracy_threshold
from twinlens.recognizer import Recognizer

PAGE = Path(__file__).parent.parent / "docs" / "results" / "fit.md"
PARTS = 3  # of the nine folds, for the threshold
RESAMPLES = 2000
RATES = (1e-2, 1e-3, 1e-4)  # FMR
UNSURE = 0.1  # of the photos, by the length of their vectors
Embed = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Tried:
    """The model as it is and the head on the same pairs."""

    name: str
    same: list[bool]
    people: list[tuple[str, str]]
    before: list[bool]  # right answers
    after: list[bool]
    folds: list[int]

    def accuracy(self, which: str) -> list[float]:
        """Return the accuracy of each fold."""
        right, folds = np.array(getattr(self, which)), np.array(self.folds)
        return [float(right[folds == fold].mean()) for fold in np.unique(folds)]


def scores(split: Split, seen: Seen, embed: Embed) -> np.ndarray:
    """Return similarities of listed pairs; a photo without a face makes a non-match."""
    rows = [seen.of([pair.first for pair in split.pairs]), seen.of([pair.second for pair in split.pairs])]
    lengths = np.nan_to_num(seen.measures[LENGTH], nan=1.0).astype(np.float32)
    left, right = (embed(seen.vectors[side] * np.float32(np.sqrt(2)), lengths[side]) for side in rows)
    found = seen.found[rows[0]] & seen.found[rows[1]]
    return np.where(found, np.einsum("ij,ij->i", left, right), -1.0)


def plain(vectors: np.ndarray, _lengths: np.ndarray) -> np.ndarray:
    """The model as it is: the crop's vector alone."""
    return vectors[:, : vectors.shape[1] // 2]


def mirrored(vectors: np.ndarray, _lengths: np.ndarray) -> np.ndarray:
    """The mean of the crop's vector and its mirror image's, nothing learned."""
    return Head.unchanged(vectors.shape[1] // 2, 2).apply(vectors)


def labels(split: Split) -> np.ndarray:
    """Return which pairs show one person."""
    return np.array([pair.same for pair in split.pairs])


def threshold(values: np.ndarray, same: np.ndarray) -> float:
    """Return the best threshold on these pairs."""
    return best_accuracy_threshold(values[same], values[~same])


def of_people(material: Material, people: frozenset[str]) -> Material:
    """Return the photos of some people."""
    return material.of([at for at, name in enumerate(material.names) if name in people])


def folds_of_cfp(
    material: Material, protocols: dict[str, Dataset], seen: Seen
) -> tuple[dict[str, Tried], list[dict[str, object]]]:
    """Train on nine folds, score the tenth, ten times."""
    extras = ("", " mirror", " map alone")
    tried = {f"{name}{extra}": Tried(name, [], [], [], [], []) for name in protocols for extra in extras}
    log: list[dict[str, object]] = []
    for fold in range(10):
        others = [at for at in range(10) if at != fold]
        ff = protocols["FF"].folds
        training = of_people(material, frozenset().union(*(ff[at].people for at in others)))
        begun = time.perf_counter()
        chosen = choose_head(training, seed=fold)
        seconds = time.perf_counter() - begun
        parts = [others[at::PARTS] for at in range(PARTS)]
        heads = [
            train_head(
                of_people(material, frozenset().union(*(ff[at].people for at in others if at not in part))),
                PLANS[chosen.plan],
                seed=fold,
            )
            for part in parts
        ]
        ways: dict[str, list[Embed]] = {
            "": [chosen.head.apply, *(head.apply for head in heads)],
            " mirror": [mirrored] * (1 + PARTS),
            " map alone": [replace(head, certainty=None).apply for head in (chosen.head, *heads)],
        }
        for name, dataset in protocols.items():
            test, rest = dataset.folds[fold], joined("rest", [dataset.folds[at] for at in others])
            bar = threshold(scores(rest, seen, plain), labels(rest))
            pieces = [joined("piece", [dataset.folds[at] for at in part]) for part in parts]
            right = (scores(test, seen, plain) >= bar) == labels(test)
            for extra, (embed, *crossing) in ways.items():
                crossed = np.concatenate([scores(p, seen, other) for p, other in zip(pieces, crossing, strict=True)])
                own = threshold(crossed, np.concatenate([labels(p) for p in pieces]))
                one = tried[name + extra]
                one.same.extend(labels(test).tolist())
                one.people.extend((pair.first.subject, pair.second.subject) for pair in test.pairs)
                one.before.extend(right.tolist())
                one.after.extend(((scores(test, seen, embed) >= own) == labels(test)).tolist())
                one.folds.extend([fold] * len(test.pairs))
        unseen = of_people(material, frozenset(ff[fold].people))
        log.append(
            {
                "fold": fold + 1,
                "plan": chosen.plan,
                "rates": dict(chosen.rates),
                "seconds": seconds,
                "before": missed(unseen, plain(unseen.vectors, unseen.vectors)),
                "after": missed(unseen, chosen.head.apply(unseen.vectors, unseen.lengths)),
                "unsure before": unsure_passed(unseen, plain(unseen.vectors, unseen.vectors)),
                "unsure after": unsure_passed(unseen, chosen.head.apply(unseen.vectors, unseen.lengths)),
            }
        )
        said = ", ".join(
            f"{n} {t.accuracy('before')[-1]:.4f} -> {t.accuracy('after')[-1]:.4f}" for n, t in tried.items()
        )
        print(f"fold {fold + 1}: {chosen.plan}, {seconds:.0f} s: {said}", flush=True)
    return tried, log


def missed(material: Material, vectors: np.ndarray) -> list[float]:
    """Return FNMR at each of `RATES`: all photos, frontal and profile, with all others."""
    above = np.triu_indices(len(vectors), 1)
    same = (material.people[:, None] == material.people[None, :])[above]
    similar = (vectors @ vectors.T)[above]
    strangers = np.sort(similar[~same])
    return [float((similar[same] <= strangers[-1 - int(rate * strangers.size)]).mean()) for rate in RATES]


def unsure_passed(material: Material, vectors: np.ndarray) -> list[float]:
    """Return, at each of `RATES` of everybody's, the false match rate of pairs with a photo of the least sure tenth."""
    assert material.lengths is not None
    first, second = np.triu_indices(len(vectors), 1)
    strange = material.people[first] != material.people[second]
    similar = (vectors @ vectors.T)[first, second][strange]
    short = material.lengths <= np.quantile(material.lengths, UNSURE)
    some = (short[first] | short[second])[strange]
    ranked = np.sort(similar)
    return [float((similar[some] > ranked[-1 - int(rate * ranked.size)]).mean()) for rate in RATES]


def on_lfw(material: Material, lfw: Dataset, seen: Seen, head: Head) -> Tried:
    """Score LFW's test with thresholds of its training pairs."""
    train, test = lfw.split("train"), lfw.split("test")
    answers = [
        (scores(test, seen, embed) >= threshold(scores(train, seen, embed), labels(train))) == labels(test)
        for embed in (plain, head.apply)
    ]
    who = [(pair.first.subject, pair.second.subject) for pair in test.pairs]
    return Tried("LFW", labels(test).tolist(), who, *(a.tolist() for a in answers), [0] * len(who))


def difference(tried: Tried) -> Interval:
    """Return the gain in accuracy, with its interval by resampling people."""
    gain = np.array(tried.after, np.float64) - np.array(tried.before, np.float64)
    names, numbers = np.unique(np.array(tried.people), return_inverse=True)
    first, second = numbers.reshape(-1, 2).T
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        times = np.bincount(rng.integers(names.size, size=names.size), minlength=names.size)
        weight = times[first] * np.where(first == second, 1, times[second])
        drawn.append(float(weight @ gain) / max(float(weight.sum()), 1.0))
    low, high = np.quantile(drawn, [0.025, 0.975])
    mean = float(gain.mean())
    return Interval(mean, min(float(low), mean), max(float(high), mean), 0.95, "bootstrap by person")


def row(name: str, tried: Tried) -> str:
    """Return a line of the table."""
    before, after = np.array(tried.before), np.array(tried.after)
    gap, test = difference(tried), mcnemar(before, after)
    figures = []
    for which, right in (("before", before), ("after", after)):
        spread = ""
        if len(set(tried.folds)) > 2:  # of two folds there is no spread to speak of
            spread = f" ± {over_folds(tried.accuracy(which)).standard_error:.4f}"
        figures.append(f"{right.mean():.4f}{spread}")
    same = np.array(tried.same)
    errors = [f"{int((~r & same).sum())} + {int((~r & ~same).sum())}" for r in (before, after)]
    return (
        f"| {name} | {before.size:,} | {figures[0]} | {figures[1]} | {gap.estimate:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}) "
        f"| {test.only_first} : {test.only_second}, p {test.p_value:.2g} | {errors[0]} | {errors[1]} |"
    )


def some_folds(tried: Tried, folds: Sequence[int]) -> Tried:
    """Return some folds alone."""
    kept = [at for at, fold in enumerate(tried.folds) if fold in folds]
    parts = (tried.same, tried.people, tried.before, tried.after, tried.folds)
    return Tried(tried.name, *([part[at] for at in kept] for part in parts))  # type: ignore[arg-type]


def paired(tried: Tried) -> str:
    """Return the gain by Student's interval of the folds' differences."""
    gaps = [after - before for before, after in zip(tried.accuracy("before"), tried.accuracy("after"), strict=True)]
    mean = over_folds(gaps)
    return f"{mean.mean:+.4f}, standard error {mean.standard_error:.4f} ({mean.interval.low:+.4f} to {mean.interval.high:+.4f})"


def rate_row(at: int, log: Sequence[dict[str, object]], kind: str = "") -> str:
    """Return what the folds' people say at one false match rate."""
    before, after = (np.array([one[kind + which][at] for one in log]) for which in ("before", "after"))  # type: ignore[index]
    gap = over_folds((after - before).tolist())
    low, high = gap.interval.low, gap.interval.high
    return f"| {RATES[at]:g} | {before.mean():.4f} | {after.mean():.4f} | {gap.mean:+.4f} ({low:+.4f} to {high:+.4f}) |"


def page(rows: Sequence[str], facts: Sequence[str]) -> str:
    """Return the page."""
    return "\n".join(
        [
            "# A head for profiles, fitted on CFP's people",
            "",
            f"Made by `python benchmarks/fit.py --write`. {machine()}. What `twinlens fit` does, see [models](../models.md).",
            "",
            "Accuracy, ± standard error over ten folds. The difference has a 95 % interval by resampling people. Beside it "
            "how many pairs only the model as it is answers rightly, and how many only the head, with McNemar's exact p. "
            "Errors: false non-matches + false matches. Photos without a face are non-matches.",
            "",
            "| tried on | pairs | default | with the head | difference | only default : only head | errors before | after |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            *facts,
            "",
        ]
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resume", type=Path, help="keep what was seen there; holds templates")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    root = data_root(os.environ)
    protocols = {name: open_dataset(f"cfp-{name.lower()}", root) for name in ("FF", "FP")}
    lfw = open_dataset("lfw-dev", root)
    photos = [photo for dataset in (*protocols.values(), lfw) for photo in dataset.photos]
    with ExitStack() as stack:
        recognizer = stack.enter_context(Recognizer.default())
        lens = MirrorLens(recognizer, detector="yunet, scales multi", engine="openvino, float32")
        memory = stack.enter_context(ResumeFile(arguments.resume, lens.system)) if arguments.resume else None
        seen = see(list(dict.fromkeys(photos)), lens, memory=memory)
    everybody = Dataset("cfp", root, {"all": joined("all", [f for d in protocols.values() for f in d.folds])})
    material = material_of(everybody, seen)
    tried, log = folds_of_cfp(material, protocols, seen)
    namesakes = frozenset(mine for mine, _ in same_names(everybody.people, listed_people(lfw), across=True))
    apart = choose_head(of_people(material, frozenset(material.names) - namesakes), seed=0)
    whole = choose_head(material, seed=0)
    rows = [
        row("CFP-FP, ten folds", tried["FP"]),
        row("of these, folds 9 and 10 alone", some_folds(tried["FP"], (8, 9))),
        row("CFP-FF, ten folds", tried["FF"]),
        row(
            f"LFW test, head of {len(material.names) - len(namesakes)} people", on_lfw(material, lfw, seen, apart.head)
        ),
        row(
            f"LFW test, head of all 500, {len(namesakes)} of whom share a name with LFW's",
            on_lfw(material, lfw, seen, whole.head),
        ),
        row("CFP-FP, mirror image averaged in, nothing learned", tried["FP mirror"]),
        row("CFP-FF, the same", tried["FF mirror"]),
        row("CFP-FP, the map alone, lengths left out", tried["FP map alone"]),
        row("CFP-FF, the same", tried["FF map alone"]),
    ]
    plans = [str(one["plan"]) for one in log]
    spent = [float(one["seconds"]) for one in log]  # type: ignore[arg-type]
    facts = [
        f"Fold by fold the head gains on FP {paired(tried['FP'])} and on FF {paired(tried['FF'])}; Student's interval over the "
        "ten differences.",
        "",
        "## At thresholds that applications use",
        "",
        "Each fold's people, whom the head did not see: all their photos, frontal and profile, with all others. Share of "
        "genuine pairs missed (FNMR), mean over folds, with Student's interval of the ten differences.",
        "",
        "| false match rate | default | with the head | difference |",
        "|---|---|---|---|",
        *(rate_row(at, log) for at in range(len(RATES))),
        "",
        "What is gained is paid by the photos that the network is least sure of: at the same thresholds, which hold for all "
        "pairs together, more strangers pass whose pair has a photo of the least sure tenth. Where every photo has to keep the "
        "stated rate, turn poor photos away (`verify` says why it doubts one), set thresholds on such photos, or fit with "
        "`--no-certainty`.",
        "",
        "| false match rate of all | of pairs with an unsure photo: default | with the head | difference |",
        "|---|---|---|---|",
        *(rate_row(at, log, "unsure ") for at in range(len(RATES))),
        "",
        "## What the head is, and how it was settled",
        "",
        "An affine map, and one number beside the new vector that says how sure the network was of the face: a power of the old "
        "vector's length, whose exponent is learned (`twinlens.lab.fit.certainty`): of an unsure photo less likeness is asked. "
        "The last two lines of the first table leave it out.",
        "",
        "Loss, steps, how far a map may go (`PLANS`), and that lengths count and by which odds, were looked for on folds 1 to 8, "
        "training on six and scoring two, so the ten folds are not new to the design. Folds 9 and 10 took no part in it and "
        "stand alone in the second line: 1,400 pairs. They had been scored before: by the map alone, and by this head before "
        "it set the shortest vectors apart. Also tried on folds "
        "1 to 8 and left out, because other people gained less: within-class whitening and linear discriminants (FP as before, "
        "FF worse), a residual network of 256 units, supervised-contrastive loss, the mean of four heads, and crops zoomed, "
        "stretched or squeezed besides the mirrored one; the likeness of the two views as a second sign of certainty, and "
        "lengths learned along with the map, gained as much and no more.",
        "",
        "What the default model learned from is not documented: it may have seen people of CFP and LFW, before and after alike.",
        "",
        f"Plans chosen by people of the nine folds: {', '.join(f'{p} {plans.count(p)} times' for p in dict.fromkeys(plans))}. "
        f"Choosing and training took {min(spent):.0f} to {max(spent):.0f} s a fold (the machine was shared). The head holds "
        f"{apart.head.parameters:,} numbers.",
    ]
    text = page(rows, facts)
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
        short = {name: {"before": t.accuracy("before"), "after": t.accuracy("after")} for name, t in tried.items()}
        (PAGE.parent / "fit.json").write_text(
            json.dumps({"accuracy": short, "folds": log}, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
