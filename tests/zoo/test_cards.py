"""Cards say what a model is; files are what their cards say."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, external_data_helper, helper

from twinlens.errors import ChecksumError, ModelError, ModelNotFoundError
from twinlens.zoo import checked_paths, faulty_cards, find_card, list_cards, read_card

CARD = """
name = "mine"
kind = "embedder"
summary = "for tests"
dim = 4
[[files]]
name = "mine.onnx"
sha256 = "{sha256}"
size_bytes = 5
"""


def write(folder: Path, text: str = CARD, data: bytes = b"hello") -> Path:
    (folder / "mine.onnx").write_bytes(data)
    path = folder / "mine.toml"
    path.write_text(text.replace("{sha256}", hashlib.sha256(b"hello").hexdigest()), encoding="utf-8")
    return path


def test_carried_models_are_whole_and_licensed() -> None:
    cards = list_cards(Path("absent"))
    assert {"sface", "yunet"} <= {card.name for card in cards}
    for card in cards:
        assert all(
            path.stat().st_size == file.size_bytes for path, file in zip(checked_paths(card), card.files, strict=True)
        )
        assert "unknown" not in (card.licence_code, card.licence_weights)
        assert card.training_data
        assert card.source
        assert card.provenance


LEARNED = {"Conv": (1, 2), "Gemm": (1, 2), "PRelu": (1,), "BatchNormalization": (1, 2)}


def learned(path: Path) -> int:
    """Weights and biases of a graph's layers, through the nodes that unpack them; each stored array once."""
    graph = onnx.load(str(path)).graph
    size = {array.name: math.prod(array.dims) for array in graph.initializer}
    maker = {output: node for node in graph.node for output in node.output}
    used = set()
    for node in graph.node:
        for place in LEARNED.get(node.op_type, ()):
            name = node.input[place] if place < len(node.input) else ""
            while name in maker:
                name = maker[name].input[0]
            used |= {name} & set(size)
    return sum(size[name] for name in used)


@pytest.mark.parametrize("name", ["yunet", "mtcnn", "sface", "scratch64"])
def test_parameters_are_those_of_the_graphs(name: str) -> None:
    card = find_card(name)
    assert card.parameters == sum(map(learned, checked_paths(card))) > 0


def test_the_default_embedder_is_measured() -> None:
    measured = find_card("sface").measured
    assert measured is not None
    assert measured.points[-1].fmr * measured.impostors >= 3  # the rule of three


def test_a_users_card_is_found_by_name_and_by_path(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert find_card("mine", tmp_path) == find_card(str(path)) == read_card(path)
    assert checked_paths(find_card("mine", tmp_path), tmp_path) == [tmp_path / "mine.onnx"]


def test_another_file_is_refused(tmp_path: Path) -> None:
    card = read_card(write(tmp_path, data=b"other"))
    with pytest.raises(ChecksumError, match="not the file"):
        checked_paths(card, tmp_path)


def test_a_missing_file_says_where_to_put_it(tmp_path: Path) -> None:
    card = read_card(write(tmp_path))
    (tmp_path / "mine.onnx").unlink()
    with pytest.raises(ModelNotFoundError, match=f"put it into {tmp_path}"):
        checked_paths(card, tmp_path)


def test_unknown_names_get_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"did you mean 'sface'.*known: mtcnn, scratch64, sface"):
        find_card("sfcae", tmp_path)
    with pytest.raises(ModelNotFoundError, match="no model card at"):
        find_card(str(tmp_path / "absent.toml"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "embedder"', 'kind = "oracle"', "kind must be"),
        ("dim = 4", "dimension = 4", "unknown keys dimension"),
        ("dim = 4", "", "needs dim"),
        ('name = "mine.onnx"', 'name = "../mine.onnx"', "without folders"),
        ("{sha256}", "abc", "64 lower-case"),
        ("[[files]]", "[[file]]", "malformed"),
        ('summary = "for tests"', 'summary = "for', "cannot read"),
        ("size_bytes = 5", "size = 5", "malformed"),
        ("dim = 4", "dim = 4\nmeasured = 3", "malformed"),
        ("dim = 4", "dim = 4\nparameters = -1", "parameters must be 0 or more"),
        ("dim = 4", 'dim = 4\nparameters = "many"', "parameters must be int"),
    ],
)
def test_malformed_cards_are_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        read_card(write(tmp_path, CARD.replace(old, new)))


def test_operating_points_must_be_in_order(tmp_path: Path) -> None:
    table = """
[measured]
protocol = "p"
command = "c"
impostors = 10
genuine = 10
people = 10
points = [{ fmr = 0.1, threshold = 0.5, fnmr = 0.0 }, { fmr = 0.01, threshold = 0.4, fnmr = 0.0 }]
"""
    with pytest.raises(ModelError, match="rise in threshold"):
        read_card(write(tmp_path, CARD + table))


def test_a_user_cannot_take_a_carried_name(tmp_path: Path) -> None:
    write(tmp_path, CARD.replace('"mine"', '"sface"'))
    assert "taken" in str(faulty_cards(tmp_path)[0])
    assert [card.name for card in list_cards(tmp_path)].count("sface") == 1


def test_a_malformed_card_does_not_hide_the_others(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "bad.toml").write_text("name = ")
    assert "mine" in [card.name for card in list_cards(tmp_path)]
    assert "bad.toml" in str(faulty_cards(tmp_path)[0])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('dim = "4"', "dim must be int"),
        ("dim = 4.5", "dim must be int"),
        ("dim = true", "dim must be int"),
        ("dim = 4\ngolden = [nan]", "golden must be finite"),
        ("dim = 4\ngolden = [0.1, 0.1, 0.1, 0.1, 0.1]", "at most dim numbers"),
        ("dim = 4\n[input]\nmean = nan", "mean must be finite"),
        ("dim = 4\n" + "a = " + "[" * 5000, "cannot read"),
    ],
)
def test_values_of_another_type_are_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        read_card(write(tmp_path, CARD.replace("dim = 4", line)))


def test_weights_outside_of_the_file_are_refused(tmp_path: Path) -> None:
    """Their bytes are in no sha256: they could be exchanged under the same name."""
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [1], bytes(4), raw=True)
    external_data_helper.set_external_data(tensor, "w.bin")
    data = helper.make_model(helper.make_graph([], "g", [], [], [tensor])).SerializeToString()
    card = CARD.replace("{sha256}", hashlib.sha256(data).hexdigest())
    with pytest.raises(ChecksumError, match="one file"):
        checked_paths(read_card(write(tmp_path, card, data)), tmp_path)
