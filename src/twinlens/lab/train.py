"""A recipe, a data folder and a run folder -> a trained network and what it is worth.

Lightning loops; an epoch is a function of (recipe, seed, epoch), so that a run that was killed goes on from its last
checkpoint to the same weights, bit by bit on one machine.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping, Timer
from torch import Tensor

from twinlens.errors import RecipeError
from twinlens.lab.augment import build_augmenter
from twinlens.lab.bar import Bar
from twinlens.lab.cache import default_cache
from twinlens.lab.checkpoint import WholeFiles, read_checkpoint
from twinlens.lab.collapse import collapse_of
from twinlens.lab.curves import curves_png
from twinlens.lab.data import Material, Portion, open_material
from twinlens.lab.environment import environment, has_bfloat16
from twinlens.lab.feed import Feed, Once
from twinlens.lab.finishing import check_finish, finished, surveyed
from twinlens.lab.keeper import Keeper
from twinlens.lab.members import joined
from twinlens.lab.module import SiameseModule
from twinlens.lab.objectives import build_objective
from twinlens.lab.panels import panels
from twinlens.lab.penalty import penalty
from twinlens.lab.reading import read_recipe, recipe_of, table_of
from twinlens.lab.recipe import Recipe
from twinlens.lab.run import (
    CHECKPOINT_FILE,
    CURVES_FILE,
    ENVIRONMENT_FILE,
    OUTCOME_FILE,
    PANELS_FOLDER,
    RECIPE_FILE,
    WEIGHTS_FILE,
    Limits,
    Outcome,
    cut_otherwise,
    read_outcome,
    write_file,
    write_json,
    write_outcome,
    write_recipe,
    write_weights,
)
from twinlens.lab.samplers import build_sampler
from twinlens.lab.scoring import Judge, Result, Scores
from twinlens.lab.siamese import build_siamese
from twinlens.lab.streams import stream

WITHOUT_NAMES = 0  # people that an objective is told of where only pairs may be used


def train(
    recipe: Recipe,
    data_root: Path,
    folder: Path,
    *,
    resume: bool = False,
    progress: bool = True,
    limits: Limits | None = None,
    cache: Path | None = None,
) -> Outcome:
    """Train a network, choose its weights and threshold, and score it once on the test part.

    Args:
        recipe: what to do.
        data_root: where registered data sets lie.
        folder: of the run; made if absent.
        resume: go on with the run in ``folder``; a finished one is returned as it is, an absent one begun.
        progress: show epochs on stderr.
        limits: what it may use.
        cache: where decoded pictures are kept; the user's cache folder if None.

    Raises:
        RecipeError: the recipe cannot be run, or the folder holds another run.
        DatasetError: data absent, malformed or too little.
        ModelError: a damaged checkpoint, weights of another shape, or the folder cannot be written.
    """
    limits = limits or Limits()
    recipe = recipe_of(table_of(_limited(recipe, limits)))  # every value plain, so that other processes can be told
    _check(recipe)
    done = _claim(folder, recipe, limits, resume=resume)
    if done is not None:
        return done
    if limits.threads is not None:
        torch.set_num_threads(limits.threads)
    place = cache or default_cache(os.environ)
    material = open_material(recipe, data_root, cache=place, train_pairs=limits.train_pairs)

    def train_member(member: Recipe, where: Path) -> Outcome:
        apart = replace(limits, test=False, panels=False)
        return train(member, data_root, where, resume=True, progress=progress, limits=apart, cache=cache)

    with _alone():
        return _Sitting(recipe, material, folder, limits).run(train_member, progress=progress)


class _Sitting:
    """One process's part of a run: from its beginning, or from a checkpoint, to its end."""

    def __init__(self, recipe: Recipe, material: Material, folder: Path, limits: Limits) -> None:
        self.recipe = recipe
        self.material = material
        self.folder = folder
        self.limits = limits
        self.notes = list(material.notes)
        self.keeper = Keeper(recipe, folder)
        self.module = self._module()

    def _module(self) -> SiameseModule:
        recipe, material, seed = self.recipe, self.material, self.recipe.training.seed
        siamese = build_siamese(recipe, generator=stream(seed, "weights"))
        people = material.train_people if material.named else WITHOUT_NAMES
        generator = stream(seed, "objective")
        objective = build_objective(recipe, siamese.trunk.dim, people, generator=generator)
        _check_objective(recipe, objective.needs, validated=material.validation is not None)
        feed = Feed(material, build_sampler(recipe, material), build_augmenter(recipe.augment), recipe)
        judge = None if material.validation is None else Judge(material, material.validation, recipe)
        siamese.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # convolutions on a processor take half the time
        return SiameseModule(recipe, siamese, objective, feed=feed, judge=judge)

    def run(self, train_member: Callable[[Recipe, Path], Outcome], *, progress: bool) -> Outcome:
        """Train to the end and write everything.

        Args:
            train_member: trains a recipe in a folder, for a trunk that has members.
            progress: show epochs on stderr.
        """
        recipe, folder = self.recipe, self.folder
        precision = "float32"
        if recipe.training.precision == "bfloat16":
            precision = "bfloat16" if has_bfloat16() else "float32"
            if precision == "float32":
                self.notes.append("this processor has no bfloat16: trained in float32")
        write_recipe(folder, recipe)
        made = environment(recipe, self.material, precision=precision, processes=self.limits.processes)
        made["train_pairs"] = self.limits.train_pairs
        write_json(folder / ENVIRONMENT_FILE, made)
        self.notes += joined(self.module.siamese, recipe, folder, train_member)
        surveyed(self.module.siamese, self.material, recipe)
        if recipe.training.epochs:
            self._fit(precision, progress=progress)
            self._load(self.keeper.best or self.module.kept_state())
        self.module.siamese = finished(self.module.siamese, self.material, recipe)
        kept = self.keeper.best_epoch or len(self.keeper.rows)
        write_weights(folder / WEIGHTS_FILE, self.module.state_dict(), recipe)
        title = recipe.name
        if self.keeper.rows:
            write_file(folder / CURVES_FILE, curves_png(self.keeper.rows, title=title, kept_epoch=kept))
        outcome = self._outcome(kept)
        write_outcome(outcome)
        (folder / CHECKPOINT_FILE).unlink(missing_ok=True)
        if outcome.collapsed:
            print(f"collapsed: {outcome.collapse}", file=sys.stderr, flush=True)  # noqa: T201
        return outcome

    def _load(self, state: Mapping[str, Tensor]) -> None:
        self.module.load_state_dict(dict(state))
        self.module.average = None
        self.module.eval()

    def _fit(self, precision: str, *, progress: bool) -> None:
        """Train, from the checkpoint if there is one."""
        checkpoint = self.folder / CHECKPOINT_FILE
        if checkpoint.exists():
            read_checkpoint(checkpoint)  # a damaged one is said before anything is built on it
        bar = Bar(self.recipe.training.epochs, screen=sys.stderr.isatty()) if progress else None
        trainer = self._trainer(precision, bar)
        with _exact(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            try:
                trainer.fit(
                    self.module,
                    train_dataloaders=self.module.feed,
                    val_dataloaders=Once() if self.module.judge is not None else None,
                    ckpt_path=str(checkpoint) if checkpoint.exists() else None,
                    weights_only=True,
                )
            finally:
                self.keeper.close()
                if bar is not None:
                    bar.close()
        if self.limits.processes > 1:  # what was kept was kept in another process
            state = read_checkpoint(checkpoint)
            self.keeper.load_state_dict(state["callbacks"][self.keeper.state_key])
        if trainer.interrupted:
            raise KeyboardInterrupt

    def _trainer(self, precision: str, bar: Bar | None) -> Trainer:
        plan, limits = self.recipe.training, self.limits
        callbacks: list[Callback] = [self.keeper] if bar is None else [bar, self.keeper]
        if plan.patience and self.module.judge is not None:
            mode = "min" if plan.monitor == "loss" else "max"
            callbacks.append(
                EarlyStopping(f"validation_{plan.monitor}", patience=plan.patience, mode=mode, check_finite=False)
            )
        if limits.seconds is not None:
            callbacks.append(Timer(timedelta(seconds=limits.seconds), verbose=False))
        return Trainer(
            accelerator="gpu" if torch.cuda.is_available() else "cpu",
            devices=limits.processes,
            strategy="ddp_spawn" if limits.processes > 1 else "auto",
            precision="bf16-mixed" if precision == "bfloat16" else "32-true",
            max_epochs=plan.epochs,
            gradient_clip_val=plan.clip or None,
            callbacks=callbacks,
            plugins=[WholeFiles()],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            inference_mode=False,
            default_root_dir=self.folder,
        )

    def _outcome(self, kept: int) -> Outcome:
        """Score the kept weights: the threshold comes from validation, or is the published one."""
        recipe, material, rows = self.recipe, self.material, self.keeper.rows
        validation = self._scored(material.validation)
        threshold = self.module.siamese.head.half
        if recipe.threshold == "validation" and validation is not None:
            threshold = validation[1].best_threshold
        stepped = recipe.training.epochs and len(material.train)  # what is learned in closed form fits its photos
        train = self._scored(material.train if stepped else None)
        test = self._scored(material.test) if self.limits.test else None
        shown, looked = test or validation or train, validation or test or train
        if self.limits.panels and shown is not None:
            judge, scores = shown
            drawn = panels(material, judge.portion, scores, threshold, recipe.training.seed)
            for name, content in drawn.items():
                write_file(self.folder / PANELS_FOLDER / f"{name}.png", content)
        images, spent = (sum(row.get(key, 0.0) for row in rows) for key in ("images", "train_seconds"))
        return Outcome(
            recipe=recipe,
            folder=self.folder,
            epochs=len(rows),
            kept_epoch=kept,
            seconds=sum(row["seconds"] for row in rows),
            images_per_second=images / spent if spent else 0.0,
            parameters=sum(one.numel() for one in self.module.parameters() if one.requires_grad),
            collapse="" if looked is None else collapse_of(looked[1], threshold),
            threshold_from=recipe.threshold,
            train=self._result(train, threshold),
            validation=self._result(validation, threshold),
            test=self._result(test, threshold),
            limits=self.limits.sizes,
            notes=tuple(self.notes),
        )

    def _scored(self, portion: Portion | None) -> tuple[Judge, Scores] | None:
        if portion is None:
            return None
        judge = Judge(self.material, portion, self.recipe)
        return judge, judge(self.module.siamese, self.module.objective)

    @torch.no_grad()
    def _result(self, scored: tuple[Judge, Scores] | None, threshold: float) -> Result | None:
        if scored is None:
            return None
        judge, scores = scored
        return judge.result(scores, threshold, float(penalty(self.module.siamese, self.recipe.training)))


def _limited(recipe: Recipe, limits: Limits) -> Recipe:
    """Return the recipe with no more epochs than allowed."""
    if limits.epochs is None or limits.epochs >= recipe.training.epochs:
        return recipe
    return replace(recipe, training=replace(recipe.training, epochs=limits.epochs))


def _check(recipe: Recipe) -> None:
    """Refuse what contradicts itself."""
    check_finish(recipe)
    if recipe.data.validation != "none":
        return
    if recipe.training.keep == "best" or recipe.training.patience or recipe.threshold == "validation":
        msg = (
            "data.validation = 'none' leaves nothing to choose on: set training.keep = 'last', training.patience = 0 "
            "and threshold = 'half'"
        )
        raise RecipeError(msg)


KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"pairs": ("pairs", "drawn-pairs"), "triplets": ("triplets",), "people": ("people", "drawn-pairs")}
)


def _check_objective(recipe: Recipe, needs: str, *, validated: bool) -> None:
    """Refuse batches that hold nothing for the loss, and a loss as monitor that cannot be said of other people."""
    if recipe.batch.kind not in KINDS[needs]:
        kinds = " or ".join(map(repr, KINDS[needs]))
        msg = f"loss {recipe.loss.name!r} learns from {needs}: batch.kind is {kinds}, got {recipe.batch.kind!r}"
        raise RecipeError(msg)
    if needs == "people" and recipe.training.monitor == "loss" and validated:
        msg = (
            f"loss {recipe.loss.name!r} depends on who shares a batch and is not measured on validation people: set "
            "training.monitor = 'auc' or 'accuracy'"
        )
        raise RecipeError(msg)


def _claim(folder: Path, recipe: Recipe, limits: Limits, *, resume: bool) -> Outcome | None:
    """Return the finished run in a folder that is to be resumed; refuse a folder with another one."""
    if not (folder / RECIPE_FILE).exists():
        left = [name for name in (CHECKPOINT_FILE, WEIGHTS_FILE, OUTCOME_FILE) if (folder / name).exists()]
        if left:
            msg = f"{folder} holds {', '.join(left)} of a run without its {RECIPE_FILE}: name another folder (--out)"
            raise RecipeError(msg)
        return None
    if not resume:
        msg = f"{folder} holds a run already: go on with it (--resume), or name another folder (--out)"
        raise RecipeError(msg)
    before, now = table_of(read_recipe(folder / RECIPE_FILE)), table_of(recipe)
    other = [key for key in now if before.get(key) != now[key]]
    if other:
        msg = f"{folder} holds a run of another recipe; they differ in: {', '.join(other)}. Name another folder (--out)"
        raise RecipeError(msg)
    if cut_otherwise(folder, limits.train_pairs):
        msg = (
            f"{folder} holds a run of another number of training pairs: resume it as it was begun (with or without "
            "--quick), or name another folder (--out)"
        )
        raise RecipeError(msg)
    if not (folder / OUTCOME_FILE).exists():
        return None
    if not (folder / WEIGHTS_FILE).exists():
        msg = f"{folder} holds a finished run without its {WEIGHTS_FILE}: train it again in another folder (--out)"
        raise RecipeError(msg)
    return read_outcome(folder)


@contextmanager
def _alone() -> Iterator[None]:
    """Keep Lightning's advice away, and the caller's random numbers and settings as they were."""
    log = logging.getLogger("lightning.pytorch")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        log.setLevel(before)


@contextmanager
def _exact() -> Iterator[None]:
    """Let PyTorch take the way that gives the same bits every time, where there is one."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        memory.fill_uninitialized_memory = filled
