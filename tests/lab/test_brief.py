"""The short table of a reproduction: one line a configuration."""

from __future__ import annotations

from tests.lab.test_tables import TABLE, done, run, study

from twinlens.lab.brief import brief
from twinlens.lab.reproduction import Missing, Reproduction
from twinlens.lab.study import Study

__all__ = ["done", "study"]


def lines_of(done: Reproduction) -> dict[str, str]:
    titles = [str(one["title"]) for one in TABLE["configurations"]]  # type: ignore[attr-defined]
    lines = brief(done).split("\n")
    return {title: line for title in titles for line in lines if line.startswith(title)}


def test_published_ours_and_a_reading_in_a_line(done: Reproduction) -> None:
    lines = lines_of(done)
    assert len(lines) == 3
    assert "67.5 (66.0 to 69.0; 2)" in lines["big one"]
    assert "67.0 (" in lines["big one"]
    assert lines["big one"].endswith("agrees")
    assert lines["small one"].endswith("agrees; collapsed in 1 of 1")
    assert lines["the other"].endswith("cannot be made here")
    assert "every run was changed: training.epochs=5" in brief(done)
    assert len({line.index("test") for line in lines.values()}) == 1  # columns stand below one another


def test_what_is_not_comparable_is_not_compared(study: Study) -> None:
    lines = lines_of(Reproduction(study, (run("big", 0, 0.67, quick=True),), (Missing("never", "no weights"),)))
    assert lines["big one"].endswith("quick: not comparable")
    assert lines["small one"].endswith("not run yet")
