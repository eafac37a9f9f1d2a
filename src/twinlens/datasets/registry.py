"""A name, a folder of people or a CSV of pairs -> Dataset."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from twinlens.datasets import cfp, folder, letters, lfw
from twinlens.datasets.pair_list import load_pair_list
from twinlens.datasets.records import Dataset, Loader
from twinlens.errors import OptionError


@dataclass(frozen=True, slots=True)
class Entry:
    """A protocol that is known by name.

    Attributes:
        folder: where it lies below the data root.
        load: folder -> Dataset.
        about: one line for people.
    """

    folder: str
    load: Loader
    about: str


DATASETS: Mapping[str, Entry] = MappingProxyType(
    {
        "lfw-dev": Entry("lfw", lfw.load_development, "LFW View 1, restricted: 2,200 + 1,000 pairs"),
        "lfw-dev-unrestricted": Entry(
            "lfw", lfw.load_development_unrestricted, "LFW View 1 with the names of its people"
        ),
        "lfw-view2": Entry("lfw", lfw.load_view2, "LFW View 2, restricted: ten folds of 600 pairs"),
        "lfw-view2-unrestricted": Entry("lfw", lfw.load_view2_unrestricted, "LFW View 2 with the names of its people"),
        "lfw-letters": Entry("lfw", letters.load_letters, "Mahler and Liu's split of View 1 by initials"),
        "lfw-letters-disjoint": Entry(
            "lfw", letters.load_letters_disjoint, "the same, nobody in both training and validation"
        ),
        "cfp": Entry("cfp", cfp.load_photos, "CFP: all photos of 500 people, no pairs"),
        "cfp-ff": Entry("cfp", cfp.load_ff, "CFP frontal-frontal: ten folds of 700 pairs"),
        "cfp-fp": Entry("cfp", cfp.load_fp, "CFP frontal-profile: ten folds of 700 pairs"),
        "cfp-baez": Entry("cfp", cfp.load_baez, "CFP as Baez split it: folds 1-6, 7-8, 9-10 of FF and FP"),
        "orl": Entry("orl", folder.load_orl, "AT&T faces: 40 people, 400 photos"),
        "avengers": Entry("avengers", folder.load_avengers, "five actors, 273 crops"),
    }
)


def open_dataset(name: str, data_root: Path) -> Dataset:
    """Load a registered data set by name, a folder with one folder per person, or a CSV of pairs by path.

    Raises:
        OptionError: neither a known name nor such a path; the message lists the names.
        DatasetError: it is absent or malformed.
    """
    if name in DATASETS:
        entry = DATASETS[name]
        return entry.load(data_root / entry.folder)
    path = Path(name).expanduser()
    if path.is_dir():
        return folder.load_folder(path)
    if path.is_file():
        return load_pair_list(path)
    near = difflib.get_close_matches(name, DATASETS, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    msg = f"no data set named {name!r}{hint}, and no folder or CSV file there; known: {', '.join(DATASETS)}"
    raise OptionError(msg)
