"""Finished runs -> docs/results/reproduce-thresholds.md: is a network no better than a coin, or only its threshold?

    TWINLENS_DATA=../shared/data python benchmarks/reproduce_thresholds.py runs/003/* runs/004/* --write

The documents answer "same" from a fixed 0.5 on (or, for a distance, within the margin). Each run's kept weights are asked
once more for the test pairs, and judged at that threshold, at the one that suits the run's own validation pairs best,
and by the order of the pairs alone (AUC). Nothing is chosen on the test pairs. A run without weights, as those of docs/results/runs are, is left out.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from twinlens.datasets.place import data_root
from twinlens.lab.data import open_material
from twinlens.lab.environment import processor
from twinlens.lab.run import OUTCOME_FILE, load_run, read_outcome
from twinlens.lab.scoring import Judge
from twinlens.metrics.intervals import wilson

PAGE = Path(__file__).parents[1] / "docs" / "results" / "reproduce-thresholds.md"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Asked:
    """One run.

    Attributes:
        name: of its folder, after its system.
        fixed: test accuracy at the document's threshold.
        chosen: at the threshold of the validation pairs.
        pairs: of the test.
        auc: of the test.
        threshold: of the validation pairs.
        spread: standard deviation of the test's similarities.
    """

    name: str
    fixed: float
    chosen: float
    pairs: int
    auc: float
    threshold: float
    spread: float

    @property
    def line(self) -> str:
        """A row of the table."""
        ends = wilson(round(self.chosen * self.pairs), self.pairs)
        return (
            f"| {self.name} | {100 * self.fixed:.1f} | {100 * self.chosen:.1f} ({100 * ends.low:.1f} to "
            f"{100 * ends.high:.1f}) | {self.auc:.3f} | {self.threshold:.4f} | {self.spread:.2g} |"
        )


def asked(folder: Path, root: Path) -> Asked | None:
    """Ask a run's network; None where the document's threshold is not fixed, or there is no validation."""
    outcome = read_outcome(folder)
    recipe, siamese = load_run(folder)
    material = open_material(recipe, root)
    if outcome.test is None or outcome.threshold_from != "half" or material.validation is None or material.test is None:
        return None
    threshold = Judge(material, material.validation, recipe)(siamese).best_threshold
    scores = Judge(material, material.test, recipe)(siamese)
    fixed, chosen = (float(scores.right(at).mean()) for at in (outcome.test.threshold, threshold))
    name = f"{folder.parent.name} {folder.name}"
    return Asked(name, fixed, chosen, scores.same.size, scores.auc, threshold, float(scores.similarity.std()))


def page(rows: list[Asked]) -> str:
    """Return the page."""
    return "\n".join(
        [
            "# A coin, or only a threshold?",
            "",
            "    TWINLENS_DATA=../shared/data python benchmarks/reproduce_thresholds.py runs/003/* runs/004/* --write",
            "",
            f"{processor()}, one thread. Networks of `twinlens reproduce`, asked once more for the test pairs. *Fixed* is the "
            "document's threshold: 0.5, or for a distance the margin. *From validation* suits the run's own validation pairs "
            "best; its 95 % interval is Wilson's over the test pairs. *Spread* is the standard deviation of the test pairs' "
            "outputs: a network whose outputs are one number to within a millionth has collapsed, whatever its AUC.",
            "",
            "| run | fixed | from validation (95 %) | AUC | threshold from validation | spread |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *(row.line for row in rows),
            "",
        ]
    )


def main() -> None:
    """Ask, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    root = data_root(os.environ)
    rows = []
    for folder in sorted(arguments.runs):
        if (folder / WEIGHTS).exists() and (folder / OUTCOME_FILE).exists():
            row = asked(folder, root)
            if row is not None:
                rows.append(row)
                print(row.line, flush=True)
    if not rows:
        parser.error("none of these folders holds a finished run with its weights: make them with twinlens reproduce")
    if arguments.write:
        PAGE.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
