from __future__ import annotations

import csv
import json
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from twinlens.errors import DatasetError, ModelError, ModelNotFoundError, RecipeError
from twinlens.lab.recipe import Recipe
from twinlens.lab.run import Limits, Outcome, load_run, read_outcome
from twinlens.lab.train import train

NOWHERE = Path("nowhere")
Make = Callable[..., Recipe]
Train = Callable[..., Outcome]


@pytest.fixture
def trained(cache: Path, tmp_path: Path) -> Train:
    def run(recipe: Recipe, name: str = "run", *, limits: Limits | None = None, resume: bool = False) -> Outcome:
        folder = tmp_path / name
        return train(recipe, NOWHERE, folder, progress=False, limits=limits, resume=resume, cache=cache)

    return run


def weights(outcome: Outcome) -> dict[str, torch.Tensor]:
    return load_file(outcome.folder / "weights.safetensors")


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def epochs_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_everything_in_its_folder(make: Make, trained: Train) -> None:
    outcome = trained(make("training.epochs=3"))
    names = {path.name for path in outcome.folder.iterdir()}
    wanted = {"recipe.toml", "environment.json", "metrics.csv", "weights.safetensors", "outcome.json", "curves.png"}
    assert names == wanted | {"panels", "tensorboard"}
    assert [row["epoch"] for row in epochs_of(outcome.folder)] == ["1", "2", "3"]
    made = json.loads((outcome.folder / "environment.json").read_text(encoding="utf-8"))
    assert made["seeds"] == {"training": 0, "split": 0}
    assert len(made["data"]["sha256"]) == 64
    assert read_outcome(outcome.folder) == outcome
    assert outcome.test is not None
    assert outcome.test.interval[0] <= outcome.test.accuracy <= outcome.test.interval[1]


def test_a_network_learns_people_made_of_waves(make: Make, trained: Train) -> None:
    outcome = trained(make("training.epochs=12", "training.keep=last"))
    assert outcome.train is not None
    assert outcome.train.auc > 0.9
    assert not outcome.collapsed


@pytest.mark.slow
def test_what_was_kept_is_what_is_loaded_and_scored(make: Make, trained: Train, cache: Path) -> None:
    from twinlens.lab.data import open_material
    from twinlens.lab.scoring import Judge

    outcome = trained(make("training.epochs=4", "training.monitor=auc"))
    recipe, siamese = load_run(outcome.folder)
    assert recipe == outcome.recipe
    rows = epochs_of(outcome.folder)
    best = max(range(4), key=lambda at: float(rows[at]["validation_auc"]))
    assert outcome.kept_epoch == best + 1
    material = open_material(recipe, NOWHERE, cache=cache)
    assert material.test is not None
    assert outcome.test is not None
    scores = Judge(material, material.test, recipe)(siamese)
    assert scores.auc == outcome.test.auc
    assert float(scores.right(outcome.test.threshold).mean()) == outcome.test.accuracy


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits(make: Make, trained: Train) -> None:
    first, second, other = (
        trained(make("training.epochs=1", f"training.seed={seed}"), name)
        for seed, name in ((3, "a"), (3, "b"), (4, "c"))
    )
    assert equal(weights(first), weights(second))
    assert not equal(weights(first), weights(other))


AUGMENTED = ("trunk.dropout=0.3", "training.average=0.9", "schedule.name=cosine", "schedule.warm_up=1.0")


def augmented(recipe: Recipe) -> Recipe:
    from dataclasses import replace

    from twinlens.lab.recipe import Part

    return replace(recipe, augment=(Part("faces"),))


class Killed(BaseException):
    """What ends a run in the middle of a step."""


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """End training as it is about to take a step, as Ctrl-C or a kill does."""
    original, taken = torch.optim.Adam.step, 0

    def stepping(self: torch.optim.Adam, closure: Callable[[], float] | None = None) -> float | None:
        nonlocal taken
        taken += 1
        if taken > step:
            raise Killed
        return original(self, closure)  # type: ignore[no-any-return]

    torch.optim.Adam.step = stepping  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.optim.Adam.step = original  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "step", [pytest.param(1, marks=pytest.mark.slow), 12, pytest.param(17, marks=pytest.mark.slow)]
)
def test_a_run_that_was_ended_comes_to_the_same_bits(make: Make, trained: Train, step: int) -> None:
    recipe = augmented(make("training.epochs=4", *AUGMENTED))
    whole = trained(recipe, "whole")
    with killed_at(step), pytest.raises(Killed):
        trained(recipe, "ended")
    resumed = trained(recipe, "ended", resume=True)
    assert equal(weights(resumed), weights(whole))
    assert resumed.test == whole.test
    left, right = epochs_of(whole.folder), epochs_of(resumed.folder)
    timed = {"train_seconds", "processor_seconds", "seconds"}
    assert [{k: v for k, v in row.items() if k not in timed} for row in left] == [
        {k: v for k, v in row.items() if k not in timed} for row in right
    ]


def test_what_was_best_before_the_end_is_still_known(make: Make, trained: Train) -> None:
    still = ("schedule.name=multi-step", "schedule.milestones=[1]", "schedule.gamma=0.0")  # nothing changes any more
    trunk = ("trunk.name=mahler", "trunk.filters=2", "trunk.kernels=[3, 3, 2, 1]", "trunk.dense=8")
    recipe = make("training.epochs=4", *still, *trunk)
    with killed_at(12), pytest.raises(Killed):
        trained(recipe)
    outcome = trained(recipe, resume=True)
    assert (outcome.epochs, outcome.kept_epoch) == (4, 1)


def test_a_finished_run_is_not_repeated(make: Make, trained: Train) -> None:
    first = trained(make())
    before = (first.folder / "weights.safetensors").stat().st_mtime_ns
    assert trained(make(), resume=True) == first
    assert (first.folder / "weights.safetensors").stat().st_mtime_ns == before
    with pytest.raises(RecipeError, match="holds a run already"):
        trained(make())
    with pytest.raises(RecipeError, match=r"they differ in: optimizer"):
        trained(make("optimizer.lr=0.5"), resume=True)


def test_pieces_of_a_run_without_its_recipe_are_not_gone_on_with(make: Make, trained: Train) -> None:
    """A checkpoint knows no recipe: another one would be trained under its name."""
    first = trained(make())
    (first.folder / "recipe.toml").unlink()
    for resume in (False, True):
        with pytest.raises(RecipeError, match=r"weights.safetensors, outcome.json of a run without its recipe"):
            trained(make("optimizer.lr=0.5"), resume=resume)


def test_a_finished_run_without_its_weights_says_so(make: Make, trained: Train) -> None:
    first = trained(make())
    (first.folder / "weights.safetensors").unlink()
    with pytest.raises(RecipeError, match=r"finished run without its weights.safetensors: train it again"):
        trained(make(), resume=True)


def test_a_run_is_resumed_with_the_pairs_it_was_begun_with(make: Make, trained: Train) -> None:
    recipe = make()
    first = trained(recipe, limits=Limits(train_pairs=20))
    (first.folder / "outcome.json").unlink()
    with pytest.raises(RecipeError, match="another number of training pairs"):
        trained(recipe, resume=True)
    assert trained(recipe, limits=Limits(train_pairs=20), resume=True).train == first.train


@pytest.mark.slow
def test_patience_ends_a_run(make: Make, trained: Train) -> None:
    outcome = trained(make("training.epochs=30", "training.patience=2", "optimizer.name=sgd", "optimizer.lr=1e-12"))
    assert outcome.epochs < 30


@pytest.mark.slow
def test_a_constant_network_is_named(make: Make, trained: Train, capsys: pytest.CaptureFixture[str]) -> None:
    # 2 * l2_dense * lr = 1: every step takes the dense layer's weights away
    shrunk = ("optimizer.name=sgd", "optimizer.lr=0.001", "training.l2_dense=500.0", "trunk.norm=false")
    outcome = trained(make(*shrunk, "training.keep=last"))
    assert outcome.collapsed
    assert "constant output" in outcome.collapse or "one answer" in outcome.collapse
    assert f"collapsed: {outcome.collapse}" in capsys.readouterr().err
    assert read_outcome(outcome.folder).collapsed


def test_a_loss_that_is_no_number_ends_the_run(make: Make, trained: Train) -> None:
    outcome = trained(make("optimizer.name=sgd", "optimizer.lr=1e30", "training.epochs=20", "training.keep=last"))
    assert outcome.epochs < 20
    assert "not a number" in outcome.collapse


KINDS = [
    ("loss.name=contrastive", "head.name=euclidean"),
    ("loss.name=cosine-embedding", "head.name=cosine"),
    ("loss.name=triplet", "head.name=cosine", "batch.kind=triplets"),
    ("loss.name=batch-hard-triplet", "head.name=cosine", "batch.kind=people", "training.monitor=auc"),
    ("loss.name=arcface", "head.name=cosine", "batch.kind=people", "training.monitor=accuracy"),
]


@pytest.mark.parametrize("changes", KINDS)
@pytest.mark.parametrize("listed", [True, False])
def test_every_kind_of_batch_trains(
    make: Make, trained: Train, people: Path, changes: tuple[str, ...], listed: bool
) -> None:
    drawn = [] if listed or any("batch.kind" in change for change in changes) else ["batch.kind=drawn-pairs"]
    whole = ("data.labels=names", "training.epochs=1", *drawn, *changes)
    outcome = trained(make(*whole) if listed else make(*whole, dataset=people))
    assert outcome.validation is not None
    assert (outcome.validation.loss is None) is ("batch.kind=people" in changes)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "rmsprop"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_optimizers_and_precisions(make: Make, trained: Train, optimizer: str, precision: str) -> None:
    changes = (f"optimizer.name={optimizer}", "optimizer.lr=0.001", f"training.precision={precision}")
    outcome = trained(make("training.epochs=1", *changes), limits=Limits(panels=False))
    assert outcome.train is not None
    assert outcome.train.loss is not None


def test_limits_are_kept_and_marked(make: Make, trained: Train) -> None:
    outcome = trained(make("training.epochs=9"), limits=Limits(epochs=1, train_pairs=20, test=False, panels=False))
    assert outcome.epochs == 1
    assert outcome.test is None
    assert outcome.train is not None
    assert outcome.train.n == 20
    assert outcome.limits == {"epochs": 1, "train_pairs": 20}
    assert not (outcome.folder / "panels").exists()


def test_time_that_is_over_ends_a_run_in_the_middle_of_an_epoch(make: Make, trained: Train) -> None:
    outcome = trained(make("training.epochs=500"), limits=Limits(seconds=0.3, panels=False))
    assert 1 <= outcome.epochs < 500
    assert outcome.test is not None
    assert outcome.limits == {"seconds": 0.3}


def test_no_validation_needs_nothing_to_choose(make: Make, trained: Train) -> None:
    with pytest.raises(RecipeError, match="nothing to choose on"):
        trained(make("data.validation=none"))
    outcome = trained(make("data.validation=none", "training.keep=last", "threshold=half"), "half")
    assert outcome.validation is None
    assert outcome.test is not None
    assert outcome.test.threshold == 0.5


def test_batches_that_hold_nothing_for_the_loss_are_refused(make: Make, trained: Train) -> None:
    with pytest.raises(RecipeError, match="learns from triplets"):
        trained(make("loss.name=triplet", "head.name=cosine"))
    changes = ("loss.name=arcface", "head.name=cosine", "batch.kind=people", "data.labels=names")
    with pytest.raises(RecipeError, match=r"monitor = 'auc'"):
        trained(make(*changes), "other")


@pytest.mark.slow
def test_a_damaged_checkpoint_is_said(make: Make, trained: Train, tmp_path: Path) -> None:
    recipe = make("training.epochs=4")
    with killed_at(12), pytest.raises(Killed):
        trained(recipe)
    checkpoint = tmp_path / "run" / "checkpoint"
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    checkpoint.write_bytes(content)
    with pytest.raises(ModelError, match="checkpoint is damaged"):
        trained(recipe, resume=True)
    checkpoint.unlink()
    assert trained(recipe, resume=True).epochs == 4


@contextmanager
def full_disk(free: int) -> Iterator[None]:
    """Let the system refuse files beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.slow
def test_a_full_disk_leaves_the_run_as_it_was(make: Make, trained: Train, tmp_path: Path) -> None:
    recipe = make("training.epochs=3")
    whole = trained(recipe, "whole")
    with killed_at(9), pytest.raises(Killed):
        trained(recipe)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    with full_disk(16_000), pytest.raises(ModelError, match=r"cannot write .*--resume"):
        trained(recipe, resume=True)
    after = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    assert after["checkpoint"] == before["checkpoint"]
    assert after.keys() == before.keys()
    assert equal(weights(trained(recipe, resume=True)), weights(whole))


def test_a_full_disk_under_the_cache_is_said(make: Make, tmp_path: Path) -> None:
    with full_disk(9_000), pytest.raises(DatasetError, match="free some space"):
        train(make(), NOWHERE, tmp_path / "run", progress=False, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
    assert not (tmp_path / "run").exists()


def test_weights_of_another_shape_are_said(make: Make, trained: Train) -> None:
    folder = trained(make("training.epochs=1")).folder
    state = load_file(folder / "weights.safetensors")
    save_file({**state, "siamese.trunk.dense.weight": torch.zeros(3, 3)}, folder / "weights.safetensors")
    with pytest.raises(ModelError, match=r"trunk\.dense\.weight is \[8, 8\] in the recipe's network and is \[3, 3\]"):
        load_run(folder)
    (folder / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="damaged"):
        load_run(folder)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(ModelNotFoundError, match="holds no weights"):
        load_run(folder)
