from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from twinlens.errors import DatasetError, RecipeError
from twinlens.lab.cache import open_block, small_picture
from twinlens.lab.data import Material, Portion, open_material
from twinlens.lab.recipe import DataPlan, Recipe

NOWHERE = Path("nowhere")
Make = Callable[..., Recipe]


def who(material: Material, portion: Portion | None) -> set[int]:
    assert portion is not None
    places = torch.cat([portion.photos, portion.left, portion.right])
    return set(material.people[places].tolist())


def test_nobody_is_in_two_parts(make: Make, make_named: Make, cache: Path) -> None:
    for recipe in (make(), make_named()):
        material = open_material(recipe, NOWHERE, cache=cache)
        parts = [who(material, part) for part in (material.train, material.validation, material.test)]
        assert all(parts)
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]
        assert parts[0] == set(range(material.train_people))  # ids of those who train come first


def test_labels_say_who_is_who(make: Make, make_named: Make, cache: Path) -> None:
    for recipe in (make(), make_named()):
        material = open_material(recipe, NOWHERE, cache=cache)
        for part in (material.train, material.validation, material.test):
            assert part is not None
            assert torch.equal(material.people[part.left] == material.people[part.right], part.same)


def test_linked_photos_are_one_person_and_no_name_is_used(make: Make, cache: Path, tmp_path: Path) -> None:
    """Genuine pairs a-b and b-c make one person of three photos; d of the same name stays somebody else."""
    recipe = make("data.labels=linked", "batch.kind=people")
    by_name = open_material(make(), NOWHERE, cache=cache)
    material = open_material(recipe, NOWHERE, cache=cache)
    joined = material.people[material.train.left] == material.people[material.train.right]
    assert bool(joined[material.train.same].all())
    assert not bool(joined[~material.train.same].any())
    assert who(material, material.train) == set(range(material.train_people))
    assert material.train_people == by_name.train_people  # all genuine pairs are listed

    listed = Path(recipe.data.dataset).read_text(encoding="utf-8").splitlines()
    seen: dict[str, int] = {}
    kept = [listed[0]]
    for line in listed[1:]:
        *_, same, first, _ = line.split(",")
        seen[first] = seen.get(first, 0) + int(same)
        if same == "0" or seen[first] == 1:  # one genuine pair of each person is left
            kept.append(line)
    short = Path(recipe.data.dataset).with_name("short.csv")
    short.write_text("\n".join(kept), encoding="utf-8")
    material = open_material(make("data.labels=linked", "batch.kind=people", dataset=short), NOWHERE, cache=cache)
    assert torch.bincount(material.people)[: material.train_people].max() == 2
    assert material.train_people > by_name.train_people


def test_validation_pairs_may_be_drawn_from_names(make: Make, cache: Path) -> None:
    material = open_material(make("data.validation_pairs=drawn"), NOWHERE, cache=cache)
    part = material.validation
    assert part is not None
    assert torch.equal(material.people[part.left] == material.people[part.right], part.same)
    assert torch.bincount(material.people[part.left[part.same]]).max() == 4
    assert int((~part.same).sum()) > int(part.same.sum())


def test_pictures_are_the_photos(make: Make, cache: Path) -> None:
    material = open_material(make(), NOWHERE, cache=cache)
    for at in (0, 7, len(material.paths) - 1):
        photo = cv2.imread(str(material.paths[at]))
        assert photo is not None
        grey = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
        wanted = cv2.resize(grey, (24, 24), interpolation=cv2.INTER_AREA)
        assert np.abs(material.pictures[at, 0].numpy().astype(int) - wanted).max() <= 1


def test_held_out_pairs_are_the_share_asked_for(make: Make, cache: Path) -> None:
    recipe = make("data.validation=pairs", "data.test=none", "data.train=all", "data.validation_share=0.1")
    material = open_material(recipe, NOWHERE, cache=cache)
    assert material.validation is not None
    assert material.test is None
    assert len(material.validation) == round(0.1 * (len(material.validation) + len(material.train)))
    assert any("also occur in training" in note for note in material.notes)


def test_a_cut_is_central_and_may_lie_lower(tmp_path: Path) -> None:
    pixels = np.zeros((60, 40, 3), np.uint8)
    pixels[30:50, 10:30] = 255
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    plan = DataPlan("x", size=20, centre=20, down=10)
    assert small_picture(tmp_path / "a.png", plan).min() == 255
    assert small_picture(tmp_path / "a.png", DataPlan("x", size=20, centre=20)).min() == 0


def test_a_share_is_central_in_photos_of_any_shape(tmp_path: Path) -> None:
    pixels = np.zeros((80, 40, 3), np.uint8)
    pixels[20:60, 10:30] = 255
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    assert small_picture(tmp_path / "a.png", DataPlan("x", size=16, share=0.5)).min() == 255
    whole = small_picture(tmp_path / "a.png", DataPlan("x", size=16))
    assert (int(whole[0, 0, 0]), int(whole[0, 8, 8])) == (0, 255)
    with pytest.raises(RecipeError, match="one cut is enough"):
        DataPlan("x", centre=20, share=0.5)


def test_pictures_of_another_share_are_another_block(people: Path, cache: Path) -> None:
    blocks = [open_block(paths_of(people), DataPlan("x", size=16, share=share), cache) for share in (1.0, 0.5)]
    assert not np.array_equal(blocks[0].pictures, blocks[1].pictures)


def paths_of(people: Path) -> list[Path]:
    return sorted(people.rglob("*.png"))


def test_nothing_is_decoded_twice(people: Path, tmp_path: Path) -> None:
    plan, paths = DataPlan("x", size=24), paths_of(people)
    first, second = (open_block(paths, plan, tmp_path) for _ in range(2))
    assert (first.decoded, second.decoded) == (len(paths), 0)
    assert np.array_equal(first.pictures, second.pictures)
    assert open_block(paths, DataPlan("x", size=25), tmp_path).decoded == len(paths)
    assert open_block(paths, DataPlan("x", size=24, colour="rgb"), tmp_path).pictures.shape[1] == 3


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "header"])
def test_a_damaged_block_is_made_again(people: Path, tmp_path: Path, damage: str) -> None:
    plan, paths = DataPlan("x", size=24), paths_of(people)
    whole = open_block(paths, plan, tmp_path).pictures.copy()
    (file,) = tmp_path.glob("*.pictures")
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[9999] ^= 1
    elif damage == "header":
        content[3] ^= 0xFF
    file.write_bytes(bytes(content[: {"cut": -1, "empty": 0}.get(damage)]))
    again = open_block(paths, plan, tmp_path)
    assert again.decoded == len(paths)
    assert np.array_equal(again.pictures, whole)


def test_a_photo_that_changed_is_seen(people: Path, tmp_path: Path) -> None:
    copy = tmp_path / "people"
    shutil.copytree(people, copy)
    plan, paths = DataPlan("x", size=24), paths_of(copy)
    before = open_block(paths, plan, tmp_path / "cache")
    paths[0].write_bytes(paths[1].read_bytes())
    after = open_block(paths, plan, tmp_path / "cache")
    assert after.decoded
    assert after.digest != before.digest
    assert np.array_equal(after.pictures[0], after.pictures[1])


def test_what_cannot_be_trained_on_is_said(make: Make, make_named: Make, people: Path, tmp_path: Path) -> None:
    cases: list[tuple[Recipe, type[Exception], str]] = [
        (make(dataset="lfw-letters"), DatasetError, "lfw"),
        (make(dataset="lfw-leters"), ValueError, "did you mean 'lfw-letters'"),
        (make(dataset=people), RecipeError, "lists none"),
        (make_named("data.labels=pairs"), RecipeError, "data.labels = 'names'"),
        (make("data.train=nobody"), RecipeError, "has no part 'nobody'"),
        (make_named("data.validation_share=0.6"), RecipeError, "leaves nobody to train"),
    ]
    for recipe, kind, said in cases:
        with pytest.raises(kind, match=said):
            open_material(recipe, tmp_path / "nothing", cache=tmp_path)


def test_one_person_alone_is_refused(make_named: Make, people: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(people / "p00", alone / "p00")
    for changes in ((), ("data.validation=none", "data.test=none", "data.train=all")):
        with pytest.raises(DatasetError, match=r"people"):
            open_material(make_named(*changes, dataset=alone), NOWHERE, cache=tmp_path)


def test_a_photo_that_cannot_be_read_is_named(make_named: Make, people: Path, tmp_path: Path) -> None:
    copy = tmp_path / "people"
    shutil.copytree(people, copy, ignore=shutil.ignore_patterns("*.csv"))
    (copy / "p03" / "1.png").write_bytes(b"no picture at all")
    with pytest.raises(DatasetError, match=r"1\.png"):
        open_material(make_named(dataset=copy), NOWHERE, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*"))


@pytest.mark.slow
def test_published_parts_are_as_published(data_folder: Path, tmp_path: Path) -> None:
    from twinlens.lab.reading import read_recipe

    material = open_material(read_recipe("003"), data_folder, cache=tmp_path)
    assert material.validation is not None
    assert material.test is not None
    assert (len(material.train), len(material.validation), len(material.test)) == (1478, 722, 1000)
    assert any("188 of 816" in note for note in material.notes)
