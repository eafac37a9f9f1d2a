"""A card that is written is read back equal; a name that is taken stays whose it is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from twinlens.errors import ModelError, OptionError
from twinlens.zoo import Accuracy, InputSpec, ModelCard, ModelFile, checked_paths, find_card, list_cards, read_card
from twinlens.zoo.writing import card_text, free_name, write_model

CARD = ModelCard(
    name="mine",
    kind="embedder",
    summary='has "quotes", \\ and a\nline',
    files=(ModelFile("mine.onnx", "0" * 64, 1),),
    dim=4,
    input=InputSpec(colour="bgr", mean=127.5, scale=1 / 127.5, output="fc1"),
    parameters=7,
    golden=(0.5, -0.25, 1e-7),
    accuracy=(Accuracy("all", 1.0, 0.9, 1.0, "a command"),),
)


def test_every_carried_card_comes_back_equal(tmp_path: Path) -> None:
    for card in (*list_cards(Path("absent")), CARD):
        path = tmp_path / f"{card.name}.toml"
        path.write_text(card_text(card), encoding="utf-8")
        assert dataclasses.replace(read_card(path), folder=card.folder) == card


def test_a_model_is_found_by_name_and_its_file_is_checked(tmp_path: Path) -> None:
    path = write_model(CARD, b"network", tmp_path / "new" / "models")
    card = find_card("mine", path.parent)
    assert checked_paths(card, path.parent)[0].read_bytes() == b"network"
    assert card.files[0].size_bytes == 7
    with pytest.raises(ModelError, match="'mine' is taken in"):
        write_model(CARD, b"another", path.parent)
    assert checked_paths(card, path.parent)[0].read_bytes() == b"network"
    write_model(CARD, b"another", path.parent, replace_old=True)
    assert checked_paths(find_card("mine", path.parent), path.parent)[0].read_bytes() == b"another"
    assert sorted(p.name for p in path.parent.iterdir()) == ["mine.onnx", "mine.toml"]


def test_another_card_of_that_name_is_in_the_way(tmp_path: Path) -> None:
    write_model(dataclasses.replace(CARD, name="first"), b"network", tmp_path)
    (tmp_path / "first.toml").rename(tmp_path / "renamed.toml")
    with pytest.raises(ModelError, match="'first' is taken"):
        free_name("first", tmp_path, replace_old=True)


@pytest.mark.parametrize("name", ["", " a", "a/b", "../a", "a@b", ".a", "a.toml", "x" * 101, "a\nb"])
def test_names_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="a name that can be a file's"):
        free_name(name, tmp_path)


@pytest.mark.parametrize("name", ["sface", "yunet"])
def test_carried_names_are_never_given_away(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="that Twinlens carries"):
        free_name(name, tmp_path, replace_old=True)


def test_a_folder_that_cannot_be_written_is_said_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot write models into"):
        free_name("mine", tmp_path / "file" / "models")
