"""k-way one-shot accuracy against a naive argmax."""

from __future__ import annotations

import numpy as np
import pytest

from twinlens.errors import CalibrationError
from twinlens.metrics.oneshot import oneshot_accuracy


def test_accuracy_equals_the_naive_argmax() -> None:
    scores = np.random.default_rng(0).normal(size=(20, 20, 20)) + 2 * np.eye(20)
    right = sum(int(np.argmax(episode[probe])) == probe for episode in scores for probe in range(20))
    got = oneshot_accuracy(scores)
    assert got.estimate == right / 400
    assert 0.3 < got.estimate < 0.9
    assert got.low < got.estimate < got.high


def test_chance_is_one_in_k_and_a_constant_network_finds_nobody() -> None:
    noise = np.random.default_rng(1).normal(size=(500, 5, 5))
    assert oneshot_accuracy(noise).holds(0.2)
    assert oneshot_accuracy(np.zeros((10, 5, 5))).estimate == 0


@pytest.mark.parametrize(
    "scores", [np.empty((0, 5, 5)), np.zeros((1, 5, 4)), np.zeros((1, 1, 1)), np.full((1, 2, 2), np.nan)]
)
def test_episodes_that_say_nothing_are_refused(scores: np.ndarray) -> None:
    with pytest.raises(CalibrationError, match="wanted episodes of k probes by k photos"):
        oneshot_accuracy(scores)
