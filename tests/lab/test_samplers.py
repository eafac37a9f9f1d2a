from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.lab.waves import make_people

from twinlens.errors import DatasetError, RecipeError
from twinlens.lab.data import Material, open_material
from twinlens.lab.recipe import Recipe
from twinlens.lab.samplers import Meeting, Sampler, build_sampler

NOWHERE = Path("nowhere")
Make = Callable[..., Recipe]
Drawn = tuple[Sampler, Material]


@pytest.fixture
def draw(make: Make, make_named: Make, cache: Path) -> Callable[..., Drawn]:
    def made(*changes: str, listed: bool = False) -> Drawn:
        recipe = (make if listed else make_named)(*changes)
        material = open_material(recipe, NOWHERE, cache=cache)
        return build_sampler(recipe, material), material

    return made


def rows(meeting: Meeting) -> list[tuple[int, ...]]:
    """Return pairs, triplets or photos as places in the material."""
    if len(meeting.left):
        columns = torch.stack([meeting.photos[meeting.left], meeting.photos[meeting.right]], dim=1)
    elif len(meeting.triplets):
        columns = meeting.photos[meeting.triplets]
    else:
        columns = meeting.photos[:, None]
    return [tuple(row) for row in columns.tolist()]


KINDS = [
    (True, ("batch.kind=pairs",)),
    (True, ("batch.kind=pairs", "batch.same_share=0.25")),
    (False, ("batch.kind=drawn-pairs", "batch.epoch=50")),
    (True, ("batch.kind=triplets", "data.labels=names")),
    (False, ("batch.kind=triplets", "batch.epoch=40")),
    (False, ("batch.kind=people",)),
]


@pytest.mark.parametrize(("listed", "changes"), KINDS)
def test_an_epoch_is_a_function_of_seed_and_number(
    draw: Callable[..., Drawn], listed: bool, changes: tuple[str, ...]
) -> None:
    sampler, _ = draw(*changes, listed=listed)
    again, _ = draw(*changes, listed=listed)
    other, _ = draw(*changes, "training.seed=1", listed=listed)
    epochs = {at: [rows(meeting) for meeting in sampler.epoch(at)] for at in (0, 1, 2)}
    assert [rows(meeting) for meeting in again.epoch(2)] == epochs[2]  # without having been asked for 0 and 1
    assert epochs[0] != epochs[1]
    assert [rows(meeting) for meeting in other.epoch(0)] != epochs[0]
    assert len(epochs[0]) == len(sampler)


@pytest.mark.parametrize(("listed", "changes"), KINDS)
def test_two_processes_share_each_step(draw: Callable[..., Drawn], listed: bool, changes: tuple[str, ...]) -> None:
    sampler, _ = draw(*changes, listed=listed)
    whole = [sorted(rows(meeting)) for meeting in sampler.epoch(3)]
    halves = [[rows(meeting) for meeting in sampler.epoch(3, rank=rank, world=2)] for rank in (0, 1)]
    assert [sorted(a + b) for a, b in zip(*halves, strict=True)] == whole


@pytest.mark.parametrize(("listed", "changes"), KINDS)
def test_each_photo_comes_once_a_step_and_trains(
    draw: Callable[..., Drawn], listed: bool, changes: tuple[str, ...]
) -> None:
    sampler, material = draw(*changes, listed=listed)
    for meeting in sampler.epoch(0):
        assert len(torch.unique(meeting.photos)) == len(meeting.photos)
        assert int(material.people[meeting.photos].max()) < material.train_people
        if len(meeting.left):
            people = material.people[meeting.photos]
            assert torch.equal(people[meeting.left] == people[meeting.right], meeting.same)
            assert bool((meeting.left != meeting.right).all())


def test_listed_pairs_come_once_each(draw: Callable[..., Drawn]) -> None:
    sampler, material = draw(listed=True)
    seen = sorted(pair for meeting in sampler.epoch(5) for pair in rows(meeting))
    listed = sorted(zip(material.train.left.tolist(), material.train.right.tolist(), strict=True))
    rest = len(listed) % sampler.size
    assert len(seen) == len(listed) - (rest if rest < 2 else 0)
    assert set(seen) <= set(listed)
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_every_step_has_the_share_of_genuine_pairs(draw: Callable[..., Drawn], share: float) -> None:
    sampler, _ = draw(f"batch.same_share={share}", listed=True)
    assert {int(meeting.same.sum()) for meeting in sampler.epoch(0)} == {round(share * 16)}


def test_drawn_pairs_keep_the_share_on_average(draw: Callable[..., Drawn]) -> None:
    sampler, _ = draw("batch.epoch=4000", "batch.same_share=0.3")
    same = torch.cat([meeting.same for meeting in sampler.epoch(0)])
    assert len(same) == 4000
    assert float(same.float().mean()) == pytest.approx(0.3, abs=0.03)  # four standard errors


def test_triplets_are_what_002_makes(draw: Callable[..., Drawn]) -> None:
    sampler, material = draw("batch.kind=triplets", "data.labels=names", listed=True)
    drawn = [row for meeting in sampler.epoch(0) for row in rows(meeting)]
    people = material.people
    assert all(people[a] == people[p] != people[n] for a, p, n in drawn)
    listed = {
        (a, b): bool(s)
        for a, b, s in zip(*(getattr(material.train, n).tolist() for n in ("left", "right", "same")), strict=True)
    }
    assert all(listed.get((a, p)) is True or listed.get((a, n)) is False for a, p, n in drawn)
    again = {row for meeting in sampler.epoch(1) for row in rows(meeting)}
    assert len(again & set(drawn)) >= len(again) - 2  # drawn once, only their order is new


def test_negatives_leak_only_when_asked_to(draw: Callable[..., Drawn]) -> None:
    for negatives, leaks in (("train", False), ("all", True)):
        changes = ("batch.kind=triplets", "data.labels=names", f"batch.negatives={negatives}")
        sampler, material = draw(*changes, listed=True)
        most = max(int(material.people[meeting.photos].max()) for meeting in sampler.epoch(0))
        assert (most >= material.train_people) is leaks


def test_p_people_with_k_photos(draw: Callable[..., Drawn]) -> None:
    sampler, material = draw("batch.kind=people", "batch.photos_each=4", "batch.size=12")
    photos: list[int] = []
    for meeting in sampler.epoch(0):
        _, counts = torch.unique(material.people[meeting.photos], return_counts=True)
        assert counts.tolist() == [4, 4, 4]
        photos += meeting.photos.tolist()
    assert len(set(photos)) == len(photos)  # nobody's photo comes twice an epoch


def test_steps_that_cannot_be_made_are_refused(draw: Callable[..., Drawn], make_named: Make, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="fewer than two people"):
        draw("batch.kind=people", "batch.photos_each=16", "batch.size=16")
    single = make_people(tmp_path / "single", photos=1)
    recipe = make_named("data.validation=none", "data.test=none", "data.train=all", dataset=single)
    material = open_material(recipe, NOWHERE, cache=tmp_path / "cache")
    with pytest.raises(DatasetError, match="two photos"):
        next(iter(build_sampler(recipe, material).epoch(0)))
