"""What is learned in closed form: joint Bayesian, and recipes that finish with it or put members side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tomli_w
import torch

from twinlens.errors import DatasetError, RecipeError
from twinlens.lab.joint_bayesian import Linear, fit_linear
from twinlens.lab.members import members_of
from twinlens.lab.networks.fused import Fused
from twinlens.lab.projection import Projected
from twinlens.lab.reading import table_of
from twinlens.lab.recipe import Recipe
from twinlens.lab.run import Limits, load_run
from twinlens.lab.train import train
from twinlens.metrics.verification import auc

Make = Callable[..., Recipe]
NOWHERE = Path("nowhere")
QUIET = Limits(panels=False, threads=1)
CLOSED = ("trunk.name=gradients", "trunk.sizes=[24]", "trunk.cell=6", "head.name=cosine", "training.epochs=0")
BAYES = ("finish.name=joint-bayesian", "finish.dim=6", "batch.kind=people", "data.labels=names", "training.monitor=auc")


def cosines(linear: Linear, features: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    white = (features - linear.mean) @ linear.basis
    turned = white / np.linalg.norm(white, axis=1, keepdims=True) @ linear.turn
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    return np.asarray((turned[left] * turned[right]).sum(axis=1))


def test_it_finds_what_tells_people_apart() -> None:
    """People differ in five of forty directions, photos much more in the others: cosines see it after fitting."""
    rng = np.random.default_rng(0)
    spread = np.r_[np.full(5, 1.0), np.zeros(35)]
    noise = np.r_[np.full(5, 0.4), np.full(35, 2.0)]
    people = np.repeat(np.arange(200), 4)
    features = (rng.standard_normal((200, 40)) * spread)[people] + rng.standard_normal((800, 40)) * noise
    features = features.astype(np.float32)
    train_rows, left = people < 150, np.flatnonzero(people >= 150)
    linear = fit_linear(features[train_rows], people[train_rows], dim=39, rounds=10, rng=np.random.default_rng(0))
    one, other = np.triu_indices(len(left), 1)
    one, other = left[one], left[other]
    same = people[one] == people[other]
    plain = (features[one] * features[other]).sum(axis=1)
    before = auc(plain[same].astype(float), plain[~same].astype(float))
    fitted = cosines(linear, features, one, other)
    after = auc(fitted[same], fitted[~same])
    assert before < 0.65
    assert after > 0.9


def test_the_same_generator_gives_the_same_map() -> None:
    rng = np.random.default_rng(1)
    features, people = rng.standard_normal((60, 20)).astype(np.float32), np.repeat(np.arange(20), 3)
    one, two = (fit_linear(features, people, dim=8, rounds=3, rng=np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.turn, two.turn)
    assert np.array_equal(one.basis, two.basis)


def test_too_little_is_said() -> None:
    features = np.zeros((10, 4), np.float32)
    for people, dim in ((np.repeat(np.arange(5), 2), 8), (np.arange(10), 2)):
        with pytest.raises(DatasetError, match="needs more than"):
            fit_linear(features, people, dim=dim, rounds=1, rng=np.random.default_rng(0))


def test_a_recipe_may_learn_in_closed_form_alone(make: Make, cache: Path, tmp_path: Path) -> None:
    outcome = train(make(*CLOSED, *BAYES), NOWHERE, tmp_path / "run", progress=False, limits=QUIET, cache=cache)
    assert outcome.epochs == 0
    assert outcome.validation is not None
    assert outcome.validation.auc > 0.8
    _, siamese = load_run(tmp_path / "run")
    assert isinstance(siamese.trunk, Projected)
    assert float(siamese.trunk.turn.abs().sum()) > 0


def test_parts_of_a_face_may_be_learned_from_before_the_whole(make: Make, cache: Path, tmp_path: Path) -> None:
    outcome = train(
        make(*CLOSED, *BAYES, "trunk.cell=4", "finish.part_dim=5"),
        NOWHERE, tmp_path / "run", progress=False, limits=QUIET, cache=cache,
    )  # fmt: skip
    assert outcome.validation is not None
    assert outcome.validation.auc > 0.8
    _, siamese = load_run(tmp_path / "run")
    trunk = siamese.trunk
    assert isinstance(trunk, Projected)
    assert len(trunk.pieces) == len(trunk.trunk.parts()) == 4
    assert trunk.mean.shape == (5 * len(trunk.pieces),)
    features = torch.rand(3, trunk.trunk.breadth)
    assert torch.allclose(trunk.pieced(features)[:, :5].norm(dim=1), torch.ones(3), atol=1e-5)
    moved = features.clone()
    moved[:, trunk.places[3]] += torch.rand(3, len(trunk.places[3]))
    moved[:, trunk.places[0]] = features[:, trunk.places[0]]
    alike = (trunk.pieced(features) == trunk.pieced(moved)).all(dim=0)
    assert bool(alike[:5].all())
    assert not bool(alike[15:].any())


def test_a_trained_network_may_be_finished_with_it(make: Make, cache: Path, tmp_path: Path) -> None:
    recipe = make("head.name=cosine", "loss.name=supcon", "batch.photos_each=2", *BAYES)
    outcome = train(recipe, NOWHERE, tmp_path / "run", progress=False, limits=QUIET, cache=cache)
    assert outcome.epochs == 2
    _, siamese = load_run(tmp_path / "run")
    assert isinstance(siamese.trunk, Projected)


def test_what_cannot_be_finished_is_refused(make: Make, cache: Path, tmp_path: Path) -> None:
    for changes, said in (
        (("data.labels=pairs", "batch.kind=pairs"), "who is who"),
        (("head.name=weighted-l1",), "take head cosine"),
        (("finish.name=joint-baysian",), "did you mean 'joint-bayesian'"),
        (("finish.dims=3",), "did you mean 'dim'"),
        (("finish.part_dim=-1",), "part_dim 0 or more"),
        (("finish.dim=1000000000",), "10000 at most"),
        (("trunk.name=residual", "finish.part_dim=5"), "trunks with parts"),
    ):
        recipe = make(*CLOSED, *BAYES, *changes)
        with pytest.raises(RecipeError, match=said):
            train(recipe, NOWHERE, tmp_path / "run", progress=False, limits=QUIET, cache=cache)


@pytest.mark.slow
def test_members_are_trained_apart_and_their_cosines_averaged(make: Make, cache: Path, tmp_path: Path) -> None:
    names = []
    phase = ("trunk.name=local-phase", "trunk.windows=[5]", "trunk.cells=[4]")
    for at, changes in enumerate((("trunk.cell=6",), ("trunk.cell=4", "finish.part_dim=5"), phase)):
        member = make(*CLOSED, *BAYES, *changes, "data.centre=24", f"name=member-{at}")
        names.append(tmp_path / f"member-{at}.toml")
        names[-1].write_text(tomli_w.dumps(table_of(member)), encoding="utf-8")
    listed = str([str(name) for name in names])
    weights = "trunk.weights=[1.0, 3.0, 2.0]"
    recipe = make(
        "trunk.name=fused", f"trunk.members={listed}", weights, "data.centre=24", "data.labels=names",
        "training.epochs=0", "training.monitor=auc", "batch.kind=people", "head.name=cosine",
    )  # fmt: skip
    outcome = train(recipe, NOWHERE, tmp_path / "run", progress=False, limits=QUIET, cache=cache)
    assert outcome.validation is not None
    assert [note.split(":")[0] for note in outcome.notes if note.startswith("member")] == [
        "member member-0",
        "member member-1",
        "member member-2",
    ]
    assert [one.data.labels for one in members_of(recipe)] == ["names"] * 3
    _, whole = load_run(tmp_path / "run")
    assert isinstance(whole.trunk, Fused)
    parts = [load_run(tmp_path / "run" / "members" / f"member-{at}")[1] for at in range(3)]
    pictures = torch.rand(2, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        alone = [float(part(pictures[:1], pictures[1:])) for part in parts]
        together = float(whole(pictures[:1], pictures[1:]))
    assert together == pytest.approx((alone[0] + 3 * alone[1] + 2 * alone[2]) / 6, abs=1e-5)
    again = train(recipe, NOWHERE, tmp_path / "run", resume=True, progress=False, limits=QUIET, cache=cache)
    assert again.validation == outcome.validation


def test_members_may_see_shares_of_a_whole_photo(make: Make, cache: Path, tmp_path: Path) -> None:
    names = []
    for share in (1.0, 0.5):
        member = make(*CLOSED, *BAYES, f"data.share={share}", f"name=member-{share > 0.5}".lower())
        names.append(str(tmp_path / f"{share}.toml"))
        Path(names[-1]).write_text(tomli_w.dumps(table_of(member)), encoding="utf-8")
    fused = (
        "trunk.name=fused", f"trunk.members={names}", "data.labels=names", "training.epochs=0",
        "training.monitor=auc", "batch.kind=people", "head.name=cosine",
    )  # fmt: skip
    train(make(*fused), NOWHERE, tmp_path / "run", progress=False, limits=QUIET, cache=cache)
    _, whole = load_run(tmp_path / "run")
    assert isinstance(whole.trunk, Fused)
    pictures = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    edge = pictures.clone()
    edge[:, :, :4] = 0
    with torch.no_grad():
        same = [torch.equal(one(pictures), one(edge)) for one in whole.trunk.members]
    assert same == [False, True]
    with pytest.raises(RecipeError, match="the whole photo"):
        members_of(make(*fused, "data.centre=24"))


def test_more_directions_than_photos_are_refused_before_there_is_room_for_them(
    make: Make, cache: Path, tmp_path: Path
) -> None:
    recipe = make(*CLOSED, *BAYES, "finish.dim=5000")
    with pytest.raises(DatasetError, match="more photos than directions"):
        train(recipe, NOWHERE, tmp_path / "run", progress=False, limits=QUIET, cache=cache)


def test_a_member_is_not_fused_itself(make: Make, cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "self.toml"
    fused = ("trunk.name=fused", f"trunk.members=['{file}']", "training.epochs=0", "head.name=cosine", "data.centre=24")
    recipe = make(*fused, "data.labels=names", "training.monitor=auc", "batch.kind=people", "name=self")
    file.write_text(tomli_w.dumps(table_of(recipe)), encoding="utf-8")
    with pytest.raises(RecipeError, match="fused itself"):
        train(recipe, NOWHERE, tmp_path / "run", progress=False, limits=QUIET, cache=cache)
