"""Reports that nobody measured: a full one, the barest one that can be, and one full of traps."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from twinlens.evaluate.records import (
    Answers,
    Baseline,
    Caution,
    Failures,
    Mistake,
    Part,
    Protocol,
    Report,
    Slice,
    Speed,
    System,
)
from twinlens.evaluate.score_records import (
    CalibrationCheck,
    ErrorCurve,
    Figure,
    Histogram,
    OperatingRow,
    ReliabilityBin,
    Search,
)
from twinlens.metrics.intervals import wilson

NASTY = '<script>alert("x")</script>'
QUOTES = 'O\'Brien & "Söhne" <b>$\\frac{1}{0}$ {{ 7*7 }} {% raw %} | ` \\ *bold* _x_ [a](b)'
RIGHT_TO_LEFT = "محمد بن سلمان \u202eevil\u202c"
LONG = "Wolfeschlegelsteinhausenbergerdorff-Smythe-Jones"


def rate(name: str, hits: int, trials: int, note: str = "") -> Figure:
    ends = wilson(hits, trials)
    return Figure(name, ends.estimate, ends.low, ends.high, "Wilson", "rate", note)


def answers_of(seed: int, quality: float, pairs: int = 1000) -> Answers:
    rng = np.random.default_rng(seed)
    same = np.arange(pairs) % 2 == 0
    scores = np.where(same, rng.normal(quality, 0.12, pairs), np.random.default_rng(1).normal(0.05, 0.1, pairs))
    digest = hashlib.sha256(b"the same pairs").hexdigest()
    shown = tuple(None if i % 97 == 5 else round(float(score), 6) for i, score in enumerate(scores))
    accepted = tuple(score is not None and score >= 0.3 for score in shown)
    return Answers(digest, shown, tuple(map(bool, same)), accepted)


def curve_of(quality: float, *, genuine: int = 3000, impostors: int = 30000, bands: bool = True) -> ErrorCurve:
    thresholds = np.linspace(-0.35, 0.95, 220)
    below, above = NormalDist(quality, 0.14), NormalDist(0.05, 0.1)
    fmr = [round((1 - above.cdf(t)) * impostors) / impostors for t in thresholds]
    fnmr = [round(below.cdf(t) * genuine) / genuine for t in thresholds]
    ends = ((fmr, impostors), (fnmr, genuine))
    low_high = [tuple((w.low, w.high) for w in (wilson(round(r * n), n) for r in rates)) for rates, n in ends]
    drawn = (low_high[0], low_high[1]) if bands else ((), ())
    return ErrorCurve(tuple(map(float, thresholds)), tuple(fmr), tuple(fnmr), *drawn)


def histogram_of(quality: float) -> Histogram:
    edges = np.linspace(-0.4, 1.0, 57)
    rng = np.random.default_rng(3)
    genuine, _ = np.histogram(np.clip(rng.normal(quality, 0.14, 3000), -0.4, 1), edges)
    impostors, _ = np.histogram(rng.normal(0.05, 0.1, 30000), edges)
    return Histogram(tuple(map(float, edges)), tuple(map(int, genuine)), tuple(map(int, impostors)))


def bins_of(shift: float) -> tuple[ReliabilityBin, ...]:
    pairs = (1380, 41, 22, 11, 0, 12, 19, 30, 85, 1400)
    made = []
    for i, n in enumerate(pairs):
        middle = (i + 0.5) / 10
        hits = round(n * min(max(middle + shift * np.sin(middle * 6), 0), 1))
        ends = wilson(hits, n) if n else wilson(0, 1)
        made.append(ReliabilityBin(i / 10, (i + 1) / 10, middle, ends.estimate, ends.low, ends.high, n))
    return tuple(made)


def check_of(name: str, shift: float, ece: float) -> CalibrationCheck:
    figures = [
        Figure(n, v, v * 0.8, v * 1.3, "bootstrap by person", "number")
        for n, v in (("ECE", ece), ("Brier", 0.021), ("Cllr", 0.094))
    ]
    verdict = "Can be believed on such data: Cllr is 4 % above the least possible."
    if ece > 0.02:
        verdict = (
            "Not to be used on such data: it is off by 6.3 points on average, Cllr is 41 % above the least possible."
        )
    return CalibrationCheck(
        name, "logistic", "CFP-FF, 250 people", 0.5, figures[0], figures[1], figures[2], 0.09, bins_of(shift), verdict
    )


SLICES = (
    Slice("face width", "under 60 pixels", 120, 140, rate("FMR", 2, 140), rate("FNMR", 21, 120)),
    Slice("face width", "60 to 100 pixels", 900, 950, rate("FMR", 1, 950), rate("FNMR", 31, 900)),
    Slice("face width", "over 100 pixels", 1980, 28910, rate("FMR", 12, 28910), rate("FNMR", 25, 1980)),
    Slice("head turned", "under 15°", 2500, 25000, rate("FMR", 9, 25000), rate("FNMR", 20, 2500)),
    Slice("head turned", "over 45°", 0, 300, rate("FMR", 0, 300), None),
    Slice("brightness", "dark", 40, 0, None, rate("FNMR", 9, 40)),
    Slice("brightness", "even", 2960, 30000, rate("FMR", 15, 30000), rate("FNMR", 68, 2960)),
)
MISTAKES = (
    Mistake(
        "false match",
        "lfw2/Ann_A/Ann_A_0001.jpg",
        "lfw2/Bea_B/Bea_B_0002.jpg",
        ("Ann A", "Bea B"),
        0.61,
        0.30,
        "test",
        "the two share a byte-identical photo",
    ),
    Mistake(
        "false match", "lfw2/Cid_C/Cid_C_0001.jpg", "lfw2/Dan_D/Dan_D_0001.jpg", ("Cid C", "Dan D"), 0.41, 0.30, "test"
    ),
    Mistake(
        "false non-match",
        "lfw2/Eva_E/Eva_E_0001.jpg",
        "lfw2/Eva_E/Eva_E_0007.jpg",
        ("Eva E", "Eva E"),
        -0.08,
        0.30,
        "test",
    ),
    Mistake(
        "false non-match",
        "lfw2/Fay_F/Fay_F_0001.jpg",
        "lfw2/Fay_F/Fay_F_0002.jpg",
        ("Fay F", "Fay F"),
        0.11,
        0.30,
        "test",
    ),
)


def full() -> Report:
    """Return a report in which nothing is missing."""
    accuracy = rate("accuracy", 4955, 5000, "failures count as rejections; threshold chosen on train")
    return Report(
        title="sface on lfw-dev",
        system=System(
            "sface",
            "sface-0ba9fbfa",
            "MobileFaceNet trained with the SFace loss",
            "CASIA-WebFace, VGGFace2, MS1M",
            "Apache-2.0",
            128,
            "yunet at 1, 0.5",
            "openvino, float32",
            True,
        ),
        protocol=Protocol(
            "lfw-dev",
            "LFW, development view: 1,000 test pairs of people not seen before",
            (
                "The threshold is chosen on the 2,200 training pairs.",
                "A photo without a face counts as a rejection.",
                "The test pairs were scored once.",
            ),
            ("the detector yunet (trained on WIDER FACE)", "the embedder sface (trained on 5 million photos)"),
            "research; credit the makers",
            ("one JPEG is truncated and is read all the same",),
            "listed",
            0,
        ),
        parts=(
            Part("train", "threshold", 2132, 3443, 1100, 1100, 3),
            Part("test", "test", 963, 1712, 2500, 2500, 5),
        ),
        failures=Failures(
            1712, 4, 1, 6, 2, ("lfw2/Gus_G/Gus_G_0001.jpg: no face found", "lfw2/Hal_H/Hal_H_0003.jpg: truncated")
        ),
        leakage=(
            Caution("clean", "No person of train occurs in test by name (2,132 and 963 people)."),
            Caution(
                "note",
                "2 groups of photos are byte-identical, each within one person.",
                ("lfw2/A/A_1.jpg = lfw2/A/A_2.jpg",),
            ),
            Caution("leak", "3 people of test look like people of train: probably the same.", ("Ann A ~ Anna A",)),
        ),
        headline=(
            accuracy,
            Figure("AUC", 0.9987, 0.9979, 0.9993, "bootstrap by person", "number"),
            rate("EER", 42, 5000),
            rate("TAR at FMR 1 %", 2480, 2500),
            rate("TAR at FMR 0.1 %", 2444, 2500),
            Figure("TAR at FMR 0.001 %", None, note="needs 300,000 impostor pairs, there are 2,500"),
        ),
        folds=(0.991, 0.988, 0.995, 0.9917, 0.9933, 0.985, 0.99, 0.9967, 0.9883, 0.9917),
        operating=(
            OperatingRow("chosen on train", 0.01, 0.2841, 1100, rate("FMR", 31, 2500), rate("FNMR", 20, 2500)),
            OperatingRow("chosen on train", 0.003, 0.3312, 1100, rate("FMR", 6, 2500), rate("FNMR", 39, 2500)),
            OperatingRow(
                "chosen on train",
                0.001,
                None,
                1100,
                None,
                None,
                "needs 3,000 impostor pairs, there are 1,100 (rule of three)",
            ),
            OperatingRow("of the model's card", 0.001, 0.363, 239000, rate("FMR", 3, 2500), rate("FNMR", 56, 2500)),
        ),
        curve=curve_of(0.6),
        histogram=histogram_of(0.6),
        calibrations=(check_of("of the model's card", 0.15, 0.063), check_of("fitted on train", 0.03, 0.012)),
        search=Search(
            963,
            749,
            120,
            tuple(round(1 - 0.06 / k**0.7, 4) for k in range(1, 21)),
            (
                rate("rank-1", 704, 749),
                rate("rank-5", 730, 749),
                Figure("mAP", 0.951, 0.93, 0.967, "bootstrap by person", "number"),
            ),
        ),
        slices=SLICES,
        mistakes=MISTAKES,
        baseline=Baseline(
            "cosine of 24 x 24 grey pixels",
            (rate("accuracy", 3135, 5000), rate("EER", 1870, 5000)),
            Figure(
                "McNemar", 1e-30, format="p-value", note="1 840 pairs only sface answers rightly, 20 only the baseline"
            ),
        ),
        speed=Speed(1712, 41.3, 41.5, 5000, "a laptop of 2 cores, openvino"),
        answers=answers_of(2, 0.6),
        command="twinlens evaluate sface --on lfw-dev --out report.json",
        made="2026-05-01T12:30:05+00:00",
        version="0.3.0",
    )


def minimal() -> Report:
    """Return a report in which nothing is there that may be missing."""
    return Report(
        title="m on d",
        system=System("m", "m-00", "", "", "", 0, "", "", False),
        protocol=Protocol("d", "", (), (), "", (), "all", 0),
        parts=(),
        failures=Failures(0, 0, 0, 0, 0),
        leakage=(Caution("clean", "nothing was found"),),
        headline=(Figure("accuracy", None, note="one class only"),),
        folds=(),
        operating=(),
        curve=ErrorCurve((), (), ()),
        histogram=Histogram((), (), ()),
        calibrations=(),
        search=None,
        slices=(),
        mistakes=(),
        baseline=None,
        speed=Speed(0, 0.0, 0.0, 0, ""),
        answers=None,
        command="",
        made="2026-05-01T12:30:05+00:00",
        version="0.3.0",
        quick=True,
    )


def perfect() -> Report:
    """Return a report without any error: nothing that a logarithmic axis could show."""
    flat = ErrorCurve((0.2, 0.4), (0.0, 0.0), (0.0, 0.0), ((0.0, 0.1), (0.0, 0.1)), ((0.0, 0.1), (0.0, 0.1)))
    return replace(
        full(),
        headline=(rate("accuracy", 40, 40), rate("EER", 0, 20)),
        parts=(Part("01", "fold", 4, 8, 20, 20, 0),),
        folds=(1.0,),
        curve=flat,
        histogram=Histogram((0.0, 0.5, 1.0), (0, 20), (20, 0)),
        search=Search(4, 4, 0, (1.0,), (rate("rank-1", 4, 4),)),
        calibrations=(replace(check_of("one bin", 0, 0.0), bins=(ReliabilityBin(0, 1, 1.0, 1.0, 0.8, 1.0, 20),)),),
        slices=(Slice("face width", "all", 20, 20, rate("FMR", 0, 20), rate("FNMR", 0, 20)),),
        mistakes=(),
        answers=answers_of(9, 0.9, 40),
    )


def hostile() -> Report:
    """Return a report whose every text tries to be markup, formula, template or a wall."""
    made = full()
    return replace(
        made,
        title=f"{NASTY} on {RIGHT_TO_LEFT}",
        system=replace(
            made.system,
            model=LONG,
            summary=QUOTES,
            training_data=NASTY,
            detector=QUOTES,
            licence="http://example.org/<x>",
        ),
        protocol=replace(
            made.protocol,
            dataset=NASTY,
            title=QUOTES,
            rule=(NASTY, QUOTES),
            outside_data=(RIGHT_TO_LEFT,),
            notes=(NASTY,),
            terms=NASTY,
        ),
        parts=(replace(made.parts[0], name=NASTY), replace(made.parts[1], name=LONG)),
        failures=replace(
            made.failures,
            examples=(f"{NASTY}.jpg: no face", f"{RIGHT_TO_LEFT}.jpg: no face", f"{LONG * 4}.jpg: no face"),
        ),
        leakage=(Caution("leak", QUOTES, (NASTY,)),),
        headline=(
            replace(made.headline[0], name=NASTY, note=QUOTES, method=NASTY),
            replace(made.headline[1], name=LONG * 2),
        ),
        operating=(replace(made.operating[2], refused=NASTY, source=QUOTES),),
        calibrations=(replace(made.calibrations[0], name=NASTY, verdict=QUOTES, method=NASTY, fitted_on=LONG * 3),),
        slices=tuple(
            replace(s, by=b, value=v)
            for s, b, v in zip(
                SLICES,
                (NASTY, NASTY, QUOTES, QUOTES, RIGHT_TO_LEFT, LONG * 2, "日本"),
                (QUOTES, RIGHT_TO_LEFT, LONG * 3, NASTY, "日本語", "", "\N{FAMILY}"),
                strict=True,
            )
        ),
        mistakes=tuple(
            replace(m, first=f"{NASTY}.jpg", second=f"{LONG * 4}.jpg", subjects=(RIGHT_TO_LEFT, LONG), note=QUOTES)
            for m in MISTAKES
        ),
        baseline=replace(made.baseline, name=NASTY) if made.baseline else None,
        speed=replace(made.speed, machine=QUOTES),
        command=f"twinlens evaluate '{NASTY}' --on \"{LONG * 3}\"",
        made=NASTY,
        version=NASTY,
    )


@pytest.fixture
def full_report() -> Report:
    return full()


@pytest.fixture
def minimal_report() -> Report:
    return minimal()


@pytest.fixture
def perfect_report() -> Report:
    return perfect()


@pytest.fixture
def hostile_report() -> Report:
    return hostile()
