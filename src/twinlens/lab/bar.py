"""What a person sees while a network trains: a bar on a screen, a line an epoch elsewhere; always stderr."""

from __future__ import annotations

import sys
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from twinlens.lab.module import Row, SiameseModule


class Bar(Callback):
    """Shows the steps of an epoch and the figures of the last one."""

    def __init__(self, epochs: int, *, screen: bool) -> None:
        self.epochs = epochs
        self.screen = screen
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the bar."""
        if not self.screen:
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._progress.start()
        total = self.epochs * int(trainer.num_training_batches)
        self._task = self._progress.add_task("training", total=total, completed=trainer.global_step)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Move it."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say the epoch's figures."""
        assert isinstance(pl_module, SiameseModule)
        said = f"epoch {pl_module.current_epoch + 1} of {self.epochs}: {_said(pl_module.row)}"
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=said)
        elif trainer.is_global_zero:
            print(said, file=sys.stderr, flush=True)  # noqa: T201

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _said(row: Row) -> str:
    """Write an epoch's figures for people."""
    words = [f"loss {row.get('train_loss', float('nan')):.4g}"]
    if "validation_accuracy" in row:
        words.append(
            f"validation {row['validation_accuracy']:.1%} at its best threshold, AUC {row['validation_auc']:.3f}"
        )
    if "validation_loss" in row:
        words.append(f"loss {row['validation_loss']:.4g}")
    return ", ".join(words)
