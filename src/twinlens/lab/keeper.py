"""After every epoch: which weights are kept, what the journal says, and a checkpoint to go on from."""

from __future__ import annotations

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor

from twinlens.lab.module import Row, SiameseModule
from twinlens.lab.recipe import Recipe
from twinlens.lab.run import CHECKPOINT_FILE, METRICS_FILE, TENSORBOARD_FOLDER, write_file

COLUMNS = (
    "epoch",
    "lr",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "validation_auc",
    "validation_threshold",
    "spread",
    "images",
    "train_seconds",
    "processor_seconds",
    "seconds",
)
COST = 0.05  # share of the time that may go into checkpoints; they are written more seldom where they are large


class Keeper(Checkpoint):
    """Keeps the best weights by the recipe's monitor, or the last; writes metrics and checkpoints.

    Attributes:
        rows: one an epoch, of all sittings of the run.
        best: weights kept; empty before the first epoch, and where the last are kept.
        best_epoch: whose they are, counted from 1.
        best_value: of the monitor; higher is better here.
    """

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.recipe = recipe
        self.folder = folder
        self.rows: list[Row] = []
        self.best: dict[str, Tensor] = {}
        self.best_epoch = 0
        self.best_value = -math.inf
        self._written_at = -math.inf
        self._cost_s = 0.0
        self._epoch_began = 0.0
        self._board: Any = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note when an epoch began."""
        self._epoch_began = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep what is to be kept of an epoch, and write it down."""
        assert isinstance(pl_module, SiameseModule)
        if "train_loss" not in pl_module.row:  # the time was over in the middle of it
            pl_module.close_epoch()
        seconds = time.perf_counter() - self._epoch_began
        row = {"epoch": float(pl_module.current_epoch + 1), **pl_module.row, "seconds": seconds}
        self.rows.append(row)
        self._keep(row, pl_module)
        if not math.isfinite(row["train_loss"]):
            trainer.should_stop = True  # nothing better follows
        if trainer.is_global_zero:
            self._write(row)
        self._checkpoint(trainer)

    def _keep(self, row: Row, module: SiameseModule) -> None:
        plan = self.recipe.training
        if plan.keep == "last":
            return
        value = row.get(f"validation_{plan.monitor}", math.nan) * (-1 if plan.monitor == "loss" else 1)
        if value > self.best_value or not self.best:
            self.best, self.best_epoch = module.kept_state(), int(row["epoch"])
            self.best_value = value if math.isfinite(value) else -math.inf

    def _write(self, row: Row) -> None:
        """Write the journal; TensorBoard's is added to."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for one in self.rows:
            writer.writerow({key: f"{value:.9g}" for key, value in one.items()})
        write_file(self.folder / METRICS_FILE, text.getvalue().encode())
        if self._board is None:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 (takes seconds)

            place = str(self.folder / TENSORBOARD_FOLDER)
            self._board = SummaryWriter(place, purge_step=int(row["epoch"]))
        for key, value in row.items():
            if key != "epoch":
                self._board.add_scalar(key.replace("_", "/", 1), value, int(row["epoch"]))

    def _checkpoint(self, trainer: Trainer) -> None:
        """Write a checkpoint, unless the last one was so costly that it is too early for the next."""
        began = time.monotonic()
        if trainer.world_size == 1 and (began - self._written_at) * COST < self._cost_s:
            return
        trainer.save_checkpoint(self.folder / CHECKPOINT_FILE)
        self._written_at = time.monotonic()
        self._cost_s = self._written_at - began

    def close(self) -> None:
        """Finish TensorBoard's file."""
        if self._board is not None:
            self._board.close()
            self._board = None

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint holds of it."""
        names = ("rows", "best", "best_epoch", "best_value")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        for name, value in state_dict.items():
            setattr(self, name, value)
