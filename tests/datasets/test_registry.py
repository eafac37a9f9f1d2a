"""Names, folders and lists are opened; the data root; registered sets load where their data is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twinlens.datasets.place import data_root
from twinlens.datasets.registry import DATASETS, open_dataset
from twinlens.errors import DatasetError, OptionError


def test_the_data_root_is_the_variable_then_home_then_the_platforms_folder(tmp_path: Path) -> None:
    assert data_root({"TWINLENS_DATA": "/data", "TWINLENS_HOME": "/home"}) == Path("/data")
    assert data_root({"TWINLENS_DATA": "", "TWINLENS_HOME": "/home"}) == Path("/home/data")
    default = data_root({})
    assert (default.parent.name, default.name) == ("twinlens", "data")


def test_folders_and_lists_are_opened_by_path(tmp_path: Path) -> None:
    for name in ("Ann/1.png", "Ann/2.png", "Bo/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "pairs.csv").write_text("first,second,same\nAnn/1.png,Ann/2.png,1\nAnn/1.png,Bo/1.png,0\n")
    assert open_dataset(str(tmp_path), tmp_path).people == {"Ann", "Bo"}
    assert len(open_dataset(str(tmp_path / "pairs.csv"), tmp_path).split("all").pairs) == 2
    own = tmp_path / "orl" / "Ann"
    own.mkdir(parents=True)
    (own / "1.png").touch()
    (own / "2.png").touch()
    assert open_dataset(str(own.parent), tmp_path).name == "./orl"  # not AT&T's set, whatever the folder is called
    with pytest.raises(OptionError, match="an empty variable"):
        open_dataset("", tmp_path)  # not the folder in which one happens to be


def test_unknown_names_list_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"did you mean 'cfp-ff'\?.*known: lfw-dev, "):
        open_dataset("cfp-fff", tmp_path)


@pytest.mark.parametrize("name", DATASETS)
def test_an_absent_set_says_what_was_looked_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=str(tmp_path / DATASETS[name].folder)):
        open_dataset(name, tmp_path)


@pytest.mark.parametrize("name", ["lfw-dev", "lfw-letters-disjoint", "cfp-ff", "orl", "avengers"])
def test_a_registered_set_loads_with_its_published_counts(name: str) -> None:
    root = Path(os.environ.get("TWINLENS_DATA", "absent"))
    if not (root / DATASETS[name].folder).is_dir():
        pytest.skip(f"TWINLENS_DATA names no folder that holds {DATASETS[name].folder}/")
    dataset = open_dataset(name, root)
    assert dataset.name == name
    assert dataset.terms
    assert {part.name: part.counts for part in dataset.parts if part.name in dataset.expected} == dict(dataset.expected)
    for part in dataset.parts:
        assert len(set(part.photos)) == len(part.photos)
        assert {photo for pair in part.pairs for photo in (pair.first, pair.second)} <= set(part.photos)
