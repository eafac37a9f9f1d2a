"""All pairs: against a naive loop, and fast and small enough for 9,000 photos."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.all_pairs import find_false_matches, score_all_pairs
from twinlens.metrics.operating import operating_point
from twinlens.metrics.verification import auc, eer, error_curve

ROOT = Path(__file__).parents[2]


def made_up(photos: int, people: int, *, dim: int = 16, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    owner = rng.integers(people, size=photos)
    vectors = rng.normal(size=(people, dim))[owner] + 0.7 * rng.normal(size=(photos, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), [f"p{number}" for number in owner]


def test_all_pairs_equal_the_naive_loop() -> None:
    vectors, subjects = made_up(700, 60)  # more than one block of rows
    wanted: dict[bool, list[float]] = {True: [], False: []}
    for a, b in combinations(range(700), 2):
        wanted[subjects[a] == subjects[b]].append(float(vectors[a] @ vectors[b]))
    got = score_all_pairs(vectors, subjects)
    for mine, theirs in ((got.genuine, wanted[True]), (got.impostor, wanted[False])):
        assert mine.dtype == np.float32
        np.testing.assert_allclose(mine, np.sort(theirs), atol=1e-6)


def test_false_matches_are_the_impostors_above_the_threshold() -> None:
    vectors, subjects = made_up(600, 40, seed=1)
    scores = score_all_pairs(vectors, subjects)
    threshold = float(scores.impostor[-25])
    found = find_false_matches(vectors, subjects, threshold)
    np.testing.assert_array_equal(found.scores, scores.impostor[-25:][::-1])
    for (a, b), score in zip(found.photos, found.scores, strict=True):
        assert subjects[a] != subjects[b]
        assert float(vectors[a] @ vectors[b]) == pytest.approx(float(score), abs=1e-6)
    assert find_false_matches(vectors, subjects, 1.5).photos.shape == (0, 2)


def test_progress_reaches_the_end() -> None:
    vectors, subjects = made_up(700, 60)
    seen: list[tuple[int, int]] = []
    score_all_pairs(vectors, subjects, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(512, 700), (700, 700)]


def test_what_cannot_be_compared_is_refused() -> None:
    vectors, subjects = made_up(10, 3)
    with pytest.raises(CalibrationError, match="10 vectors and 9 subjects"):
        score_all_pairs(vectors, subjects[1:])
    with pytest.raises(CalibrationError, match="10 photos of 1 people make 45 genuine and 0 impostor"):
        score_all_pairs(vectors, ["one"] * 10)
    broken = vectors.copy()
    broken[4, 2] = np.nan
    with pytest.raises(CalibrationError, match="vector number 4 is not finite"):
        score_all_pairs(broken, subjects)
    with pytest.raises(OptionError, match="250,000,000 pairs"):
        score_all_pairs(np.zeros((25_000, 1), dtype=np.float32), ["x"] * 25_000)


def forty_million() -> None:
    """Score and judge all pairs of 9,000 vectors: in a process of its own, so that the peak is nobody else's."""
    vectors, subjects = made_up(9000, 2500, dim=128)
    start = time.process_time()
    scores = score_all_pairs(vectors, subjects)
    assert scores.genuine.size + scores.impostor.size == 40_495_500
    rates = eer(scores.genuine, scores.impostor).rate, auc(scores.genuine, scores.impostor)
    point = operating_point(scores.genuine, scores.impostor, 1e-6)
    curve = error_curve(scores.genuine, scores.impostor)
    spent = time.process_time() - start
    assert 0 < rates[0] < 0.5 < rates[1] < 1
    assert point.false_matches == 40
    assert curve.thresholds.size > 1000
    assert spent < 60, f"{spent:.1f} s of processor time"
    if sys.platform == "linux":  # not ru_maxrss, which holds the peak of the process that started this one, too
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        peak = int(status.partition("VmHWM:")[2].split()[0]) / 2**20
        assert peak < 2, f"{peak:.2f} GiB"


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_forty_million_pairs_take_less_than_a_minute_and_two_gibibytes() -> None:
    code = f"from {__name__} import forty_million; forty_million()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
