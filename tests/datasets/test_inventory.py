"""What is said to be here is what a loader opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinlens.datasets.inventory import take_stock
from twinlens.datasets.registry import DATASETS, open_dataset
from twinlens.datasets.sources import SOURCES
from twinlens.errors import DatasetError


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    shelves = take_stock(tmp_path / "absent")
    assert [shelf.name for shelf in shelves] == list(SOURCES)
    (tmp_path / "lfw").mkdir()  # as a fetch that failed leaves it
    assert {shelf.state for shelf in (*shelves, *take_stock(tmp_path))} == {"absent"}
    assert all(shelf.terms and (shelf.fetchable or shelf.by_hand) for shelf in shelves)


def test_every_protocol_stands_on_one_shelf() -> None:
    shelves = take_stock(Path("absent"))
    named = [stock.name for shelf in shelves for stock in shelf.protocols]
    assert sorted(named) == sorted([*DATASETS, "wider", "fddb"])


def test_a_set_without_one_of_its_lists_is_partly_here(tmp_path: Path) -> None:
    photo = tmp_path / "lfw/lfw2/Ann/Ann_0001.jpg"
    photo.parent.mkdir(parents=True)
    photo.touch()
    (tmp_path / "lfw/pairs.txt").touch()
    shelf = next(shelf for shelf in take_stock(tmp_path) if shelf.name == "lfw")
    lacking = {stock.name: stock.missing for stock in shelf.protocols}
    assert shelf.state == "partly"
    assert lacking["lfw-view2"] == ()
    assert lacking["lfw-view2-unrestricted"] == ("people.txt",)
    assert lacking["lfw-dev"] == ("pairsDevTrain.txt", "pairsDevTest.txt")


@pytest.mark.slow
def test_the_real_sets_open_exactly_where_nothing_is_lacking(data_folder: Path) -> None:
    for shelf in take_stock(data_folder):
        for stock in shelf.protocols:
            if stock.name not in DATASETS:
                continue
            if stock.missing:
                with pytest.raises(DatasetError):
                    open_dataset(stock.name, data_folder)
            elif stock.name in {"lfw-letters", "cfp", "orl", "avengers"}:
                assert open_dataset(stock.name, data_folder).photos
