"""A network, its objective and a recipe -> what Lightning trains."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from twinlens.lab.averaging import Average
from twinlens.lab.batch import Batch
from twinlens.lab.feed import Feed
from twinlens.lab.heap import keep_freed_memory
from twinlens.lab.objectives import Objective
from twinlens.lab.optimizers import build_optimizer, raise_momentum
from twinlens.lab.penalty import penalty
from twinlens.lab.recipe import Recipe
from twinlens.lab.schedules import build_schedule
from twinlens.lab.scoring import Judge, Scores
from twinlens.lab.siamese import Siamese
from twinlens.lab.streams import seed_of

Row = dict[str, float]


class SiameseModule(LightningModule):
    """Trains a Siamese network; what is measured in an epoch stands in `row`.

    Attributes:
        siamese: the network.
        objective: what is minimised.
        row: the figures of the epoch, by name.
        scores: what the network said of the validation pairs last.
        average: of the weights; None where the recipe wants none.
    """

    def __init__(
        self, recipe: Recipe, siamese: Siamese, objective: Objective, *, feed: Feed, judge: Judge | None
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.siamese = siamese
        self.objective = objective
        self.feed = feed
        self.judge = judge
        self.row: Row = {}
        self.scores: Scores | None = None
        decay = recipe.training.average
        self.average = Average(self, decay) if decay else None
        self._factor = build_schedule(recipe.schedule, epochs=recipe.training.epochs)
        self._losses: list[Tensor] = []
        self._right: list[Tensor] = []
        self._pictures = 0
        self._began = 0.0
        self._used = 0.0

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Make the optimizer and the schedule of its rates."""
        optimizer = build_optimizer(self.siamese, self.objective, self.recipe.optimizer)
        steps = len(self.feed)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self._factor(step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_fit_start(self) -> None:
        """Prepare this process."""
        keep_freed_memory()

    def on_train_epoch_start(self) -> None:
        """Begin an epoch's own streams of random numbers."""
        self.feed.epoch, self.feed.rank = self.current_epoch, self.global_rank
        self.feed.world = self.trainer.world_size
        torch.manual_seed(seed_of(self.recipe.training.seed, "dropout", self.current_epoch, self.global_rank))
        optimizer = self.trainer.optimizers[0]
        raise_momentum(optimizer, self.recipe.optimizer, epoch=self.current_epoch, epochs=self.recipe.training.epochs)
        self._losses, self._right, self._pictures = [], [], 0
        self.row = {"lr": max(float(group["lr"]) for group in optimizer.param_groups)}
        self._began, self._used = time.perf_counter(), time.process_time()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a step, penalty included."""
        embeddings = self.siamese.embed(batch.pictures)
        loss: Tensor = self.objective(self.siamese, embeddings, batch) + penalty(self.siamese, self.recipe.training)
        self._losses.append(loss.detach())
        self._pictures += len(batch.pictures)
        if len(batch.left):
            with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
                detached = embeddings.detach().float()
                likeness = self.siamese.similarity(detached[batch.left], detached[batch.right])
            self._right.append((likeness >= self.siamese.head.half) == batch.same)
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Take the step's weights into the average."""
        if self.average is not None:
            self.average.update(self)
        if batch_idx + 1 == len(self.feed):
            self.close_epoch()

    def close_epoch(self) -> None:
        """Sum an epoch's steps up, before validation."""
        seconds = time.perf_counter() - self._began
        losses = torch.stack(self._losses) if self._losses else torch.full((1,), torch.nan)
        self.row |= {
            "train_loss": float(losses.float().mean()),
            "train_accuracy": float(torch.cat(self._right).float().mean()) if self._right else float("nan"),
            "train_seconds": seconds,
            "processor_seconds": time.process_time() - self._used,
            "images": float(self._pictures),
        }

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Score the validation pairs, each photo embedded once."""
        if self.judge is None:
            return
        with self.average.within(self) if self.average is not None else nullcontext():
            scores = self.judge(self.siamese, self.objective)
            weights = float(penalty(self.siamese, self.recipe.training))
        self.scores = scores if scores.loss is None else replace(scores, loss=scores.loss + weights)
        threshold = scores.best_threshold
        figures = {"auc": scores.auc, "accuracy": scores.accuracy(threshold)}
        if self.scores.loss is not None:
            figures["loss"] = self.scores.loss
        for name, value in figures.items():
            self.log(f"validation_{name}", value, batch_size=1, sync_dist=True)
        self.row |= {f"validation_{name}": value for name, value in figures.items()}
        self.row |= {"validation_threshold": threshold, "spread": float(scores.similarity.std())}

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move a batch; what is scored stays where it is."""
        if not isinstance(batch, Batch) or device.type == "cpu":
            return batch
        return Batch(*(getattr(batch, name).to(device) for name in Batch.__dataclass_fields__))

    def kept_state(self) -> dict[str, Tensor]:
        """Return a copy of the weights that would be kept now."""
        with self.average.within(self) if self.average is not None else nullcontext():
            return {key: value.detach().clone() for key, value in self.state_dict().items()}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the average."""
        if self.average is not None:
            checkpoint["average"] = {"values": self.average.values, "steps": self.average.steps}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the average back."""
        if self.average is not None:
            self.average.values = checkpoint["average"]["values"]
            self.average.steps = checkpoint["average"]["steps"]
