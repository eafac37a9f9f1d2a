"""Every recipe that is carried: it reads, its parts exist, and its network has the published size."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w

from twinlens.errors import RecipeError
from twinlens.lab.augment import build_augmenter
from twinlens.lab.networks import outline_trunk
from twinlens.lab.optimizers import optimizer_options
from twinlens.lab.reading import read_recipe, recipe_names, recipe_of, table_of
from twinlens.lab.schedules import build_schedule
from twinlens.lab.siamese import count_parameters
from twinlens.lab.space import axes_of, known_space

PARAMETERS = {
    "koch-2015": 38_951_745,
    "koch-2015-affine": 38_951_745,
    "000-final": 243_899_073,
    "000-initial": 914_369,
    "001-harveyslash": 40_254_465,
    "001-adityajn105": 27_417_409,
    "002-cosine-v1": 117_487_680,
    "002-cosine-v1-aug": 117_487_680,
    "002-cosine-v2": 117_487_680,
    "002-cosine-v2-aug": 117_487_680,
    "002-decision": 237_037_634,
    "002-decision-aug": 237_037_634,
    "002-decision-linear": 151_054_402,
    "002-decision-linear-aug": 151_054_402,
    "002-triplet": 117_487_680,
    "003": 1_097_241,
    "003-strict": 1_097_241,
    "003-stated": 8_440_857,
    "003-original": 137_256_129,
    "003-dropout": 310_809,
    "003-contrastive": 1_097_241 - 257,
    "004-none": 10_641_345,
    "004-step": 10_641_345,
    "004-multi-step": 10_641_345,
    "004-exponential": 10_641_345,
}
CHANGED = {
    ("003", "trunk.filters=4"): 537_069,
    ("003", "trunk.filters=16"): 2_288_433,
    ("003", "trunk.filters=32"): 4_954_209,
    ("003", "trunk.filters=64"): 11_419_329,
    ("000-final", "trunk.dense=64"): 15_278_913,
    ("004-none", "trunk.pools=3"): 38_952_897,
}
DOCUMENTS = [name for name in recipe_names() if name.startswith(("0", "koch"))]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("optimizer.lr=nan", "wanted float, got nan"),
        ("optimizer.lr=inf", "wanted float, got inf"),
        ("notes=5", "notes: wanted a list, got 5"),
        ("augment=5", "augment: wanted a list, got 5"),
        ("title=\udcff", "text in UTF-8"),
    ],
)
def test_values_that_cannot_be_are_said(change: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        optimizer_options(read_recipe("003", [change]).optimizer)


def test_any_text_is_a_title_and_brackets_without_end_are_text() -> None:
    assert read_recipe("003", ["title=\N{GRINNING FACE} C:\\x"]).title == "\N{GRINNING FACE} C:\\x"
    assert read_recipe("003", ["title=" + "[" * 5000]).title == "[" * 5000
    with pytest.raises(RecipeError, match="no recipe"):
        read_recipe("~nosuchuser/x.toml")


@pytest.mark.parametrize("name", recipe_names())
def test_its_parts_exist_and_take_its_options(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name
    assert outline_trunk(recipe.trunk, channels=recipe.data.channels, size=recipe.data.size).dim > 0
    if recipe.training.epochs:
        assert count_parameters(recipe).total > 0
        assert optimizer_options(recipe.optimizer).lr > 0
    assert build_schedule(recipe.schedule, epochs=recipe.training.epochs)(0.0) >= 0
    build_augmenter(recipe.augment)


@pytest.mark.parametrize("name", recipe_names())
def test_it_survives_being_written_out(name: str) -> None:
    import tomllib

    recipe = read_recipe(name)
    assert recipe_of(tomllib.loads(tomli_w.dumps(table_of(recipe)))) == recipe


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_its_network_has_the_published_size(name: str, parameters: int) -> None:
    assert count_parameters(read_recipe(name)).total == parameters


@pytest.mark.parametrize(("changed", "parameters"), CHANGED.items())
def test_its_variants_have_the_published_size(changed: tuple[str, str], parameters: int) -> None:
    name, change = changed
    assert count_parameters(read_recipe(name, [change])).total == parameters


def test_every_published_recipe_has_its_size_tested() -> None:
    ours = {name for name in DOCUMENTS if "mobile" in name}
    assert set(DOCUMENTS) - ours == set(PARAMETERS)


@pytest.mark.parametrize("name", recipe_names())
def test_the_usual_space_of_a_recipe_holds_keys_that_it_takes(name: str) -> None:
    for axis in axes_of(known_space(name)):
        values = axis.choices or ((int(axis.low), int(axis.high)) if axis.whole else (axis.low, axis.high))
        for value in values:
            recipe = read_recipe(name, [f"{axis.key}={value}"])
            count_parameters(recipe)
            if axis.key != "optimizer.name":
                optimizer_options(recipe.optimizer)


def test_every_space_belongs_to_a_recipe() -> None:
    from twinlens.lab import space

    assert {path.stem for path in Path(space.FOLDER).glob("*.toml")} <= set(recipe_names())
