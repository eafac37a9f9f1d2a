"""Calibrated on one set of people, tried on others -> docs/results/calibration.md, with its JSON and plots.

    python benchmarks/calibration.py --resume FILE    prints (five minutes where photos have to be looked at)
    python benchmarks/calibration.py --write          also writes the page
    python benchmarks/calibration.py --write-card     also puts the calibration of LFW's training people into the card

Two questions. Is a probability worth the same on other people and other photos? And does a threshold chosen for a false
match rate keep it on other people, within the interval that was foretold? Nothing is chosen on the people it is tried
on: the family of the map is chosen by people left out of the source, the bounds by how many people the source has.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from twinlens.datasets.place import data_root
from twinlens.datasets.records import Split, joined
from twinlens.datasets.registry import open_dataset
from twinlens.evaluate.calibration_check import check_calibration
from twinlens.evaluate.figures import Chance
from twinlens.evaluate.lenses import RecognizerLens
from twinlens.evaluate.machine import machine
from twinlens.evaluate.memory import ResumeFile
from twinlens.evaluate.own import from_photos, only
from twinlens.evaluate.plots.ink import Plot, canvas, drawing, write
from twinlens.evaluate.plots.scores import reliability_plot
from twinlens.evaluate.score_records import CalibrationCheck
from twinlens.evaluate.sight import Seen, see
from twinlens.evaluate.trials import Trials, compare_pairs
from twinlens.metrics.calibrating import Fitted, fit_calibration, fitted
from twinlens.metrics.encounters import meet_everyone
from twinlens.metrics.folded import fold_pairs
from twinlens.metrics.intervals import wilson
from twinlens.metrics.people import PeopleScores
from twinlens.metrics.proper_scores import cllr, min_cllr
from twinlens.metrics.thresholds import Row, threshold_table
from twinlens.metrics.weighted import condense
from twinlens.recognizer import Recognizer
from twinlens.zoo import find_card, write_tables
from twinlens.zoo.calibration import Calibration

FOLDER = Path(__file__).parent.parent / "docs" / "results" / "calibration"
PAGE = FOLDER.parent / "calibration.md"
SPLITS, TARGETS, RESAMPLES = 10, (0.01, 0.001), 300
ECE_GOAL, CLLR_GOAL = 0.02, 1.10
DRAWS = 200  # of labels, for what a perfect calibration would show
WHY_MISSED = (
    "The goal for ECE is met between LFW and CFP-FF; that for Cllr is missed everywhere. A part of it can hardly be met: with "
    "some 35 errors among 7,000 pairs an isotonic map bends round each of them, so that the least is lower than anything a "
    "calibration could know beforehand. The column *a perfect one* shows by how much: labels are drawn anew from the "
    "probabilities of a logistic map, so that this map is right by construction, and its Cllr is held against the least of "
    "the drawn labels: 1.11 on CFP-FF, 1.14 and 1.26 on LFW's 3,200 and 1,000 pairs, on average. Logistic and beta maps "
    "fitted on the very target pairs do not reach 1.10 either, and isotonic maps of other people of the same set are farther "
    "off still. The rest is the price of other photos. What a better calibration could gain is the distance between `Cllr` "
    "and the smooth map fitted on the target: 0.004 bits from LFW to CFP-FF, 0.007 the other way. Frontal to profile is "
    "another matter: there the shift alone costs 0.35 bits, and probabilities must be calibrated on such photos."
)
CARD_COMMAND = "python benchmarks/calibration.py --write-card"


@dataclass(frozen=True)
class Transfer:
    """One calibration on one set of other people."""

    source: str
    target: str
    people: int
    pairs: int
    check: CalibrationCheck
    best_smooth: float  # the lower Cllr of a logistic and a beta map fitted on the target pairs themselves
    perfect: tuple[float, float, float]  # Cllr over the least where labels follow the map: 5 %, mean, 95 %
    left_out: float  # Cllr of an isotonic map fitted on the target's other people, five folds

    @property
    def ratio(self) -> float:
        """Cllr over the least possible."""
        return (self.check.cllr.value or 0.0) / self.check.min_cllr


def named(trials: Trials) -> PeopleScores:
    """Return the compared pairs with their people."""
    people, same = trials.people[trials.compared], trials.same[trials.compared]
    return PeopleScores(trials.genuine, trials.impostor, people[same, 0], people[~same])


def transfer(source: str, fit: Fitted, target: str, trials: Trials) -> Transfer:
    """Hold a calibration against other people's listed pairs."""
    pairs = named(trials)
    chance = Chance(np.random.default_rng(0), 1000)
    who = (pairs.genuine_people, pairs.impostor_people)
    check = check_calibration(
        fit.calibration, pairs.genuine, pairs.impostor, name=f"{source} -> {target}", people=who, chance=chance
    )
    own = fold_pairs(pairs, rng=np.random.default_rng(0))
    whole = condense(pairs.genuine, "genuine"), condense(pairs.impostor, "impostor")
    smooth = [fitted(method, whole, own.behind) for method in ("logistic", "beta")]
    best = min(cllr(*(kind.mapped(one.llr) for kind in whole)) for one in smooth)
    perfect = drawn_ratios(smooth[0], np.concatenate((pairs.genuine, pairs.impostor)))
    isotonic = fit_calibration(own, protocol="", command="", methods=("isotonic",)).held_out.cllr
    count = np.unique(np.concatenate((pairs.genuine_people, pairs.impostor_people.ravel()))).size
    return Transfer(source, target, count, pairs.genuine.size + pairs.impostor.size, check, best, perfect, isotonic)


def drawn_ratios(truth: Calibration, scores: np.ndarray) -> tuple[float, float, float]:
    """Return Cllr over the least possible for labels drawn from a map's own probabilities: 5 %, mean, 95 %."""
    rng, found = np.random.default_rng(0), []
    probability = 1 / (1 + np.exp(-truth.llr(scores)))
    for _ in range(DRAWS):
        same = rng.random(scores.size) < probability
        kinds = condense(scores[same], "genuine"), condense(scores[~same], "impostor")
        found.append(cllr(*(kind.mapped(truth.llr) for kind in kinds)) / min_cllr(*kinds))
    low, high = np.quantile(found, (0.05, 0.95))
    return float(low), float(np.mean(found)), float(high)


def splits(name: str, vectors: np.ndarray, subjects: np.ndarray) -> list[dict[str, object]]:
    """Choose thresholds on half of the people, measure the rate on the other half; ten times."""
    people, rows = np.unique(subjects), []
    for seed in range(SPLITS):
        rng = np.random.default_rng(seed)
        chosen = np.isin(subjects, rng.permutation(people)[: people.size // 2])
        known = meet_everyone(vectors[chosen], subjects[chosen].tolist())
        others = meet_everyone(vectors[~chosen], subjects[~chosen].tolist())
        table = threshold_table(known, TARGETS, rng=rng, others=others.people, resamples=RESAMPLES)
        for row in table:
            assert isinstance(row, Row)
            measured = others.fmr(row.threshold)
            naive = wilson(round(row.fmr.estimate * known.impostor.size), known.impostor.size)
            rows.append(
                {
                    "set": name,
                    "seed": seed,
                    "target": row.target,
                    "threshold": row.threshold,
                    "measured": measured,
                    "low": row.elsewhere.low,
                    "high": row.elsewhere.high,
                    "holds": row.elsewhere.holds(measured),
                    "naive_low": naive.low,
                    "naive_high": naive.high,
                    "naive_holds": naive.holds(measured),
                }
            )
    return rows


def splits_plot(rows: Sequence[dict[str, object]], name: str, target: float) -> Plot:
    """Draw the rates measured on other people against both intervals."""
    own = [row for row in rows if row["set"] == name and row["target"] == target]
    figure, axes = canvas(height=3.0)
    for row in own:
        x, low, high = (float(row[key]) for key in ("seed", "low", "high"))  # type: ignore[arg-type]
        axes.vlines(x + 1, 100 * low, 100 * high, color="#0072b2", linewidth=6, alpha=0.3)
        naive = [100 * float(row[key]) for key in ("naive_low", "naive_high")]  # type: ignore[arg-type]
        axes.vlines(x + 1, *naive, color="#444444", linewidth=2)
        axes.plot(x + 1, 100 * float(row["measured"]), "o", color="#d55e00", markersize=6)  # type: ignore[arg-type]
    axes.axhline(100 * target, color="#888888", linewidth=0.8, linestyle=(0, (1, 2)))
    axes.set(xlabel="random split of the people", ylabel="FMR, %", xticks=range(1, SPLITS + 1))
    said = (
        "Dots: the rate measured on people who did not choose the threshold. Wide bars: the interval foretold, by "
        "person. Thin black bars: Wilson's interval, which takes pairs as independent."
    )
    return Plot(f"splits-{name.lower()}-{target:g}", f"{name}, target FMR {target:.1%}", said, "", figure)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resume", type=Path, help="keep what was seen there; holds templates")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--write-card", action="store_true")
    arguments = parser.parse_args()
    root = data_root(os.environ)
    lfw, ff, fp = (open_dataset(name, root) for name in ("lfw-dev-unrestricted", "cfp-ff", "cfp-fp"))
    photos = dict.fromkeys((*lfw.photos, *ff.photos, *fp.photos))
    with ExitStack() as stack:
        recognizer = stack.enter_context(Recognizer.default())
        lens = RecognizerLens(recognizer, detector="yunet, scales multi", engine="openvino, float32")
        memory = stack.enter_context(ResumeFile(arguments.resume, lens.system)) if arguments.resume else None
        seen = see(list(photos), lens, memory=memory)
    sources = {}
    for name, dataset in (("LFW training people", only(lfw, "train")), ("CFP-FF", ff)):
        material = from_photos(dataset, seen, rng=np.random.default_rng(0))
        protocol = "LFW-a development view, all pairs of photos of the training people, everybody alike"
        sources[name] = fit_calibration(material.folded, protocol=protocol, command=CARD_COMMAND)
    tests = {
        "LFW test, 1,000 pairs": lfw.split("test"),
        "LFW train and test, 3,200 pairs": joined("lfw", lfw.splits.values()),
        "CFP-FF": joined("ff", ff.folds),
        "CFP-FP": joined("fp", fp.folds),
    }
    plan = [
        ("LFW training people", "LFW test, 1,000 pairs"),
        ("LFW training people", "CFP-FF"),
        ("LFW training people", "CFP-FP"),
        ("CFP-FF", "LFW test, 1,000 pairs"),
        ("CFP-FF", "LFW train and test, 3,200 pairs"),
    ]
    found = [transfer(s, sources[s], t, compare_pairs(tests[t], seen)) for s, t in plan]
    rows = [
        row
        for name, split in (("LFW", joined("lfw", lfw.splits.values())), ("CFP", joined("ff", ff.folds)))
        for row in splits(name, *vectors_of(split, seen))
    ]
    text = page(sources, found, rows)
    print(text)
    if arguments.write:
        save(text, found, rows)
    if arguments.write_card:
        card = find_card("sface")
        write_tables(card.folder / "sface.toml", measured=None, calibration=sources["LFW training people"].calibration)


def vectors_of(split: Split, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of a split's photos and whose they are."""
    rows = seen.of(split.photos)
    there = seen.found[rows]
    return seen.vectors[rows[there]], np.array([photo.subject for photo in split.photos])[there]


def page(sources: dict[str, Fitted], found: Sequence[Transfer], rows: Sequence[dict[str, object]]) -> str:
    """Return the page."""
    lines = [
        "# Calibration on other people",
        "",
        "Made by `python benchmarks/calibration.py --write`. " + machine() + ".",
        "",
        "## Is a probability worth the same on other people and other photos?",
        "",
        "Fitted on all pairs of photos of the source, everybody alike; held against listed pairs of other people. Goals: "
        f"ECE at most {ECE_GOAL}, Cllr at most {CLLR_GOAL:.2f} times the least that any rising map of these scores could "
        "reach (isotonic, fitted on the very pairs it is tried on). Intervals: 95 %, by resampling people.",
        "",
        "| fitted on | map | tried on | people | pairs | ECE | Cllr, bits | least | ratio | a perfect one (5 to 95 %) | "
        "best of logistic and beta fitted on these very pairs | isotonic, other people of the same set | goals |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        error, cost = one.check.ece, one.check.cllr
        met = f"ECE {'met' if (error.value or 0) <= ECE_GOAL else 'missed'}, "
        met += f"Cllr {'met' if one.ratio <= CLLR_GOAL else 'missed'}"
        least = one.check.min_cllr
        lines.append(
            f"| {one.source} | {one.check.method} | {one.target} | {one.people:,} | {one.pairs:,} | {error.value:.4f} "
            f"({error.low:.4f} to {error.high:.4f}) | {cost.value:.4f} ({cost.low:.4f} to {cost.high:.4f}) | {least:.4f} "
            f"| {one.ratio:.2f} | {one.perfect[1]:.2f} ({one.perfect[0]:.2f} to {one.perfect[2]:.2f}) | {one.best_smooth:.4f}, ratio {one.best_smooth / least:.2f} | {one.left_out:.4f}, ratio "
            f"{one.left_out / least:.2f} | {met} |"
        )
    lines += ["", WHY_MISSED]
    lines += ["", *(f"- {one.source} to {one.target}: {one.check.verdict}." for one in found), ""]
    lines += [
        "How the families did on people left out of the source (Cllr): "
        + "; ".join(
            f"{name}: " + ", ".join(f"{c.method} {c.cllr:.4f}" for c in fit.candidates) for name, fit in sources.items()
        )
        + ".",
        "",
        "## Does a threshold keep its false match rate on other people?",
        "",
        f"{SPLITS} random halvings of the people (seeds 0 to {SPLITS - 1}). One half chooses the threshold and foretells, "
        "by drawing people twice over, in which interval the rate of the other half will lie. Beside it Wilson's interval, "
        "which takes pairs as independent. Each person and each pair of people count alike. Goal: nine of ten.",
        "",
        "| people | target FMR | measured on the others | within the interval foretold | within Wilson's |",
        "|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(str(row["set"]) for row in rows):
        for target in TARGETS:
            own = [row for row in rows if row["set"] == name and row["target"] == target]
            rates = [float(row["measured"]) for row in own]  # type: ignore[arg-type]
            lines.append(
                f"| {name} | {target:.1%} | {min(rates):.3%} to {max(rates):.3%} | {sum(bool(r['holds']) for r in own)} "
                f"of {len(own)} | {sum(bool(r['naive_holds']) for r in own)} of {len(own)} |"
            )
    lines += ["", *(f"![{n}](calibration/{n}.svg)" for n in plot_names(found, rows)), ""]
    return "\n".join(lines)


def plot_names(found: Sequence[Transfer], rows: Sequence[dict[str, object]]) -> list[str]:
    """Return the plots that the page shows."""
    pairs = dict.fromkeys((str(row["set"]), row["target"]) for row in rows)
    return [f"splits-{n.lower()}-{t:g}" for n, t in pairs] + [f"reliability-{i}" for i in range(1, len(found) + 1)]


def save(text: str, found: Sequence[Transfer], rows: Sequence[dict[str, object]]) -> None:
    """Write page, JSON and plots."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    figures = {"transfers": [asdict(one) for one in found], "splits": list(rows)}
    (FOLDER / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    with drawing():
        plots = [splits_plot(rows, n, t) for n, t in dict.fromkeys((str(r["set"]), float(r["target"])) for r in rows)]  # type: ignore[arg-type]
        made = [reliability_plot(one.check, name=f"reliability-{i}") for i, one in enumerate(found, 1)]
    for plot in (*plots, *made):
        if plot is not None:
            write(plot, FOLDER / f"{plot.name}.svg")


if __name__ == "__main__":
    main()
