"""Curves over epochs."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from twinlens.lab.curves import epoch_axis


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 60])
def test_only_whole_epochs_are_written(epochs: int) -> None:
    axes = Figure().add_subplot()
    axes.plot(range(1, epochs + 1), range(epochs))
    epoch_axis(axes)
    ticks = [tick for tick in axes.get_xticks() if 1 <= tick <= epochs]
    assert ticks
    assert all(tick == round(tick) for tick in ticks)
