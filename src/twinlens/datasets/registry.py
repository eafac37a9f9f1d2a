"""A name, a folder of people or a CSV of pairs -> Dataset."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from twinlens.datasets import cfp, folder, letters, lfw
from twinlens.datasets.pair_list import load_pair_list
from twinlens.datasets.records import Dataset, Loader
from twinlens.errors import OptionError

Need = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A protocol that is known by name.

    Attributes:
        folder: where it lies below the data root.
        load: folder -> Dataset.
        about: one line for people.
        needs: files below the folder, as patterns; of each tuple one is enough.
    """

    folder: str
    load: Loader
    about: str
    needs: tuple[Need, ...]


LFW_PHOTOS = ("*/*/*_0001.jpg", "*/*_0001.jpg", "*_0001.jpg")
LFW_DEVELOPMENT = (LFW_PHOTOS, ("pairsDevTrain.txt",), ("pairsDevTest.txt",))
LFW_NAMES = (("peopleDevTrain.txt",), ("peopleDevTest.txt",))
LFW_VIEW2 = (LFW_PHOTOS, ("pairs.txt",))


def _cfp(path: str) -> Need:
    return (path, f"{cfp.INNER_FOLDER}/{path}")


CFP_PHOTOS = (_cfp("Data/Images/*/*/01.jpg"), _cfp("Data/list_name.txt"), _cfp("Protocol/Pair_list_F.txt"))
CFP_PROFILES = (*CFP_PHOTOS, _cfp("Protocol/Pair_list_P.txt"))
CFP_FF, CFP_FP = _cfp("Protocol/Split/FF/10/same.txt"), _cfp("Protocol/Split/FP/10/same.txt")


def _lfw(load: Loader, about: str, *needs: Need, folder: str = "lfw") -> Entry:
    return Entry(folder, load, about, needs)


DATASETS: Mapping[str, Entry] = MappingProxyType(
    {
        "lfw-dev": _lfw(lfw.load_development, "LFW View 1, restricted: 2,200 + 1,000 pairs", *LFW_DEVELOPMENT),
        "lfw-dev-unrestricted": _lfw(
            lfw.load_development_unrestricted, "LFW View 1 with the names of its people", *LFW_DEVELOPMENT, *LFW_NAMES
        ),
        "lfw-view2": _lfw(lfw.load_view2, "LFW View 2, restricted: ten folds of 600 pairs", *LFW_VIEW2),
        "lfw-view2-unrestricted": _lfw(
            lfw.load_view2_unrestricted, "LFW View 2 with the names of its people", *LFW_VIEW2, ("people.txt",)
        ),
        "lfw-letters": _lfw(letters.load_letters, "Mahler and Liu's split of View 1 by initials", *LFW_DEVELOPMENT),
        "lfw-letters-disjoint": _lfw(
            letters.load_letters_disjoint, "the same, nobody in both training and validation", *LFW_DEVELOPMENT
        ),
        "lfw-funneled-dev": _lfw(
            lfw.load_development, "LFW View 1 on the funneled photos", *LFW_DEVELOPMENT, folder="lfw-funneled"
        ),
        "lfw-funneled-view2": _lfw(
            lfw.load_view2, "LFW View 2 on the funneled photos", *LFW_VIEW2, folder="lfw-funneled"
        ),
        "cfp": Entry("cfp", cfp.load_photos, "CFP: all photos of 500 people, no pairs", CFP_PROFILES),
        "cfp-ff": Entry("cfp", cfp.load_ff, "CFP frontal-frontal: ten folds of 700 pairs", (*CFP_PHOTOS, CFP_FF)),
        "cfp-fp": Entry("cfp", cfp.load_fp, "CFP frontal-profile: ten folds of 700 pairs", (*CFP_PROFILES, CFP_FP)),
        "cfp-baez": Entry(
            "cfp",
            cfp.load_baez,
            "CFP as Baez split it: folds 1-6, 7-8, 9-10 of FF and FP",
            (*CFP_PROFILES, CFP_FF, CFP_FP),
        ),
        "orl": Entry("orl", folder.load_orl, "AT&T faces: 40 people, 400 photos", (("s1/1.*",),)),
        "avengers": Entry("avengers", folder.load_avengers, "five actors, 273 crops", (("*/*.jpg", "*/*.png"),)),
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
        return replace(entry.load(data_root / entry.folder), name=name)
    if not name.strip():
        msg = "wanted a data set's name, a folder or a CSV file, got nothing: an empty variable?"
        raise OptionError(msg)
    path = Path(name).expanduser()
    if path.is_dir():
        return _own(folder.load_folder(path))
    if path.is_file():
        return _own(load_pair_list(path))
    near = difflib.get_close_matches(name, DATASETS, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    msg = f"no data set named {name!r}{hint}, and no folder or CSV file there; known: {', '.join(DATASETS)}"
    raise OptionError(msg)


def _own(dataset: Dataset) -> Dataset:
    """Return a user's data under a name that no registered set has: reports say what was tested by it."""
    return replace(dataset, name=f"./{dataset.name}") if dataset.name in DATASETS else dataset
