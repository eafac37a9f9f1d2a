"""What a sweep may choose from, as it is written."""

from __future__ import annotations

import pytest

from twinlens.errors import RecipeError
from twinlens.lab.space import Axis, axes_of, change_of


def test_ranges_and_choices() -> None:
    axes = axes_of(
        ["optimizer.lr=1e-4..1e-2:log", "trunk.filters = 4 | 8 | 16", "trunk.dense=64..512", "head.name=a|b"]
    )
    assert axes == (
        Axis("optimizer.lr", low=1e-4, high=1e-2, log=True),
        Axis("trunk.filters", (4, 8, 16)),
        Axis("trunk.dense", low=64, high=512, whole=True),
        Axis("head.name", ("a", "b")),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("optimizer.lr", "is written key=low..high"),
        ("optimizer.lr=1e-3", "is written key=low..high"),
        ("optimizer.lr=1e-2..1e-4", "from less to more"),
        ("optimizer.lr=0.0..1.0:log", "from above 0"),
        ("optimizer.lr=a..b", "is written key=low..high"),
        ("optimizer.lr=1..2:linear", "is written key=low..high"),
    ],
)
def test_what_cannot_be_varied_is_said(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        axes_of([text])


def test_a_key_is_varied_once() -> None:
    with pytest.raises(RecipeError, match="varied twice"):
        axes_of(["a=1|2", "a=3|4"])


def test_a_value_becomes_a_change() -> None:
    assert change_of("trunk.init", "glorot") == 'trunk.init="glorot"'
    assert change_of("optimizer.lr", 1e-4) == "optimizer.lr=0.0001"
    assert change_of("trunk.batch_norm", value=True) == "trunk.batch_norm=true"
