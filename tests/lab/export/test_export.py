"""Exported networks answer as torch does, in the recognizer's framing, or are refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch

from twinlens.align import CANONICAL_POINTS, similarity_matrix
from twinlens.embed import load_embedder
from twinlens.embed.golden import golden_crop, golden_error
from twinlens.errors import ModelError, ModelNotFoundError, OptionError
from twinlens.lab.cache import small_picture
from twinlens.lab.export import exporting
from twinlens.lab.export.agreement import agreements, sample_crops
from twinlens.lab.export.exporting import Wish, export
from twinlens.lab.export.framing import LFW_A_POINTS, Framing, frame_lfw_a
from twinlens.lab.export.graph import CropNetwork, to_onnx
from twinlens.lab.export.weights import packed
from twinlens.lab.reading import recipe_of, table_of
from twinlens.lab.recipe import DataPlan, Recipe
from twinlens.lab.run import WEIGHTS_FILE, write_recipe, write_weights
from twinlens.lab.scaling import scaled, unit
from twinlens.lab.siamese import Siamese, build_siamese
from twinlens.runtime import RuntimeOptions, installed_engines
from twinlens.types import Crop
from twinlens.zoo import read_card

TABLE = {
    "name": "tiny",
    "title": "A tiny network",
    "source": "ours",
    "data": {"dataset": "lfw-dev", "size": 40, "colour": "grey"},
    "trunk": {"name": "residual", "stages": [1, 1], "width": 4, "dim": 8},
    "head": {"name": "weighted-l1"},
    "loss": {"name": "bce"},
    "batch": {"size": 16},
    "optimizer": {"name": "adam", "lr": 1e-2},
}
NOWHERE = Path("nowhere")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def recipe_with(**data: object) -> Recipe:
    return recipe_of({**TABLE, "data": {**TABLE["data"], **data}})  # type: ignore[dict-item]


def drawn(recipe: Recipe) -> Siamese:
    return build_siamese(recipe, generator=torch.Generator().manual_seed(0)).eval()


def make_run(folder: Path, recipe: Recipe) -> Path:
    write_recipe(folder, recipe)
    state = {f"siamese.{key}": value for key, value in drawn(recipe).state_dict().items()}
    write_weights(folder / WEIGHTS_FILE, state, recipe)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("colour", "scale"), [("grey", "unit"), ("rgb", "imagenet")])
def test_both_engines_answer_as_torch_does(colour: str, scale: str) -> None:
    recipe = recipe_with(colour=colour, scale=scale)
    middle = torch.linspace(-0.1, 0.1, 8)
    network = CropNetwork(recipe, drawn(recipe), frame_lfw_a(recipe.data), middle=middle).eval()
    found = agreements(network, to_onnx(network))
    assert {one.engine for one in found} == set(installed_engines())
    assert all(one.difference < 1e-4 and one.cosine > 0.9999 for one in found)


@pytest.mark.slow
def test_another_network_is_noticed() -> None:
    recipe = recipe_with()
    network = CropNetwork(recipe, drawn(recipe), Framing.whole(40)).eval()
    model = to_onnx(network)
    other = build_siamese(recipe, generator=torch.Generator().manual_seed(1)).eval()
    with pytest.raises(ModelError, match=r"differs from torch by .* it is not saved"):
        agreements(CropNetwork(recipe, other, Framing.whole(40)).eval(), model)


@pytest.mark.slow
def test_packed_weights_are_int8_and_near() -> None:
    recipe = recipe_of({**TABLE, "trunk": {"name": "residual", "stages": [1, 1], "width": 16, "dim": 8}})
    network = CropNetwork(recipe, drawn(recipe), Framing.whole(40)).eval()
    plain = to_onnx(network)
    small = packed(plain)
    graph = onnx.load_from_string(small).graph
    assert any(tensor.data_type == onnx.TensorProto.INT8 for tensor in graph.initializer)
    assert len(small) < 0.7 * len(plain)
    assert all(one.cosine > 0.99 for one in agreements(network, small, packed=True))


def test_the_whole_crop_is_plain_resizing() -> None:
    """As `small_picture` makes pictures: grey, area averaged (224 to 112 and 56 are whole numbers of pixels)."""
    rng = np.random.default_rng(0)
    pixels = cv2.GaussianBlur(rng.integers(0, 256, (112, 112, 3), np.uint8), (0, 0), 3)
    recipe = recipe_with(size=56)
    network = CropNetwork(recipe, drawn(recipe), Framing.whole(56)).eval()
    found = network.pictures(torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32)))
    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (56, 56), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(found[0, 0].numpy() * 255, grey, atol=1.01)


def test_lfw_framing_brings_back_what_the_lab_saw(tmp_path: Path) -> None:
    """A photo cut by the recognizer and framed in the graph is the lab's own picture, where the crop reaches."""
    rng = np.random.default_rng(1)
    photo = cv2.GaussianBlur(rng.integers(0, 256, (250, 250, 3), np.uint8), (0, 0), 6)
    photo = cv2.normalize(photo, np.zeros_like(photo), 0, 255, cv2.NORM_MINMAX)
    cv2.imwrite(str(tmp_path / "photo.png"), photo[..., ::-1])
    plan = DataPlan("lfw-dev", colour="grey", size=60, centre=120, down=10)
    # what the framing leaves out: the slight turn of the mean points
    turned = similarity_matrix(LFW_A_POINTS)
    framing = frame_lfw_a(plan)
    straight = np.array([[framing.scale, 0.0, framing.across], [0.0, framing.scale, framing.down]])
    to_input = 60 / 120
    photo_to_input = np.array([[to_input, 0, (0.5 - 65) * to_input - 0.5], [0, to_input, (0.5 - 75) * to_input - 0.5]])
    matrix = straight @ np.vstack((photo_to_input, [0, 0, 1]))
    assert np.abs(matrix[:, :2] - turned[:, :2]).max() < 0.03
    crop = cv2.warpAffine(photo, matrix, (112, 112), flags=cv2.INTER_LINEAR)
    recipe = recipe_with(size=60, centre=120, down=10)
    network = CropNetwork(recipe, drawn(recipe), framing).eval()
    found = network.pictures(torch.from_numpy(crop.transpose(2, 0, 1)[None].astype(np.float32)))
    lab = scaled(unit(torch.from_numpy(small_picture(tmp_path / "photo.png", plan)[None])), "unit")
    inner = slice(10, 50)
    difference = (found - lab)[0, 0, inner, inner].abs()
    assert float(difference.mean()) < 0.01
    assert float(difference.max()) < 0.04


def test_points_that_are_the_crops_own_give_the_whole_crop() -> None:
    found = Framing.of_points(CANONICAL_POINTS, "test")
    assert (found.scale, found.across, found.down) == pytest.approx((1, 0, 0), abs=1e-5)


@pytest.mark.slow
def test_a_run_becomes_a_model_by_name(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", recipe_with())
    found = export(run, Wish(name="mine"), NOWHERE, tmp_path / "models")
    card = read_card(found.path)
    assert (card.name, card.dim, card.measured) == ("mine", 8, None)
    assert any("not at hand" in said for said in found.notes)
    assert any("weighted-l1" in said for said in found.notes)
    embedder = load_embedder("mine", RuntimeOptions(engine=installed_engines()[0]), folder=tmp_path / "models")
    error = golden_error(embedder)
    assert error is not None
    assert error < 1e-5
    recipe = recipe_with()
    network = CropNetwork(recipe, drawn(recipe), found.framing).eval()
    with torch.no_grad():
        wanted = network(torch.from_numpy(sample_crops()[:1])).numpy()[0]
    got = embedder.embed([golden_crop(), Crop(golden_crop().pixels[::-1].copy())])[0].vector
    assert float(got @ wanted / np.linalg.norm(wanted)) > 0.9999


def test_names_folders_and_weights_that_cannot_be(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", recipe_with())
    models = tmp_path / "models"
    with pytest.raises(ModelNotFoundError, match="no weights"):
        export(tmp_path / "absent", Wish(), NOWHERE, models)
    with pytest.raises(ModelError, match="taken by a model that Twinlens carries"):
        export(run, Wish(name="sface"), NOWHERE, models)
    with pytest.raises(OptionError, match="a name that can be a file's"):
        export(run, Wish(name="a/b"), NOWHERE, models)
    models.mkdir(exist_ok=True)
    (models / "tiny.onnx").write_bytes(b"somebody's")
    with pytest.raises(ModelError, match="'tiny' is taken"):
        export(run, Wish(), NOWHERE, models)
    assert (models / "tiny.onnx").read_bytes() == b"somebody's"
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot write models"):
        export(run, Wish(), NOWHERE, tmp_path / "file" / "models")
    (run / WEIGHTS_FILE).write_bytes(b"\x10" * 64)
    with pytest.raises(ModelError, match="damaged"):
        export(run, Wish(name="other"), NOWHERE, models)
    assert not (models / "other.onnx").exists()


def test_tables_of_this_test_are_recipes() -> None:
    assert recipe_of(table_of(recipe_with())) == recipe_with()
    assert exporting.GOLDEN >= 8
