"""A published document as data: its figures, their honest reading, and the runs that stand beside them -> `Study`.

One TOML file a document in `published/`. Rows are what was printed, corrected where print and log disagree (the printed
text is kept); configurations are the distinct runs behind them, which may be fewer: a document that repeats a run under
three names has three rows and one configuration.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from twinlens.errors import RecipeError
from twinlens.lab.options import options_of, unknown

FOLDER = Path(__file__).parent / "published"
MEASURES: Mapping[str, str] = MappingProxyType(
    {"test_accuracy": "test", "validation_accuracy": "validation", "oneshot_accuracy": "one-shot"}
)
FIGURES = (*MEASURES, "train_accuracy", "test_loss", "validation_loss", "train_loss", "test_auc", "validation_auc")
COSTS = ("epochs", "seconds", "epoch_seconds")


@dataclass(frozen=True, slots=True)
class Configuration:
    """One distinct run of a document.

    Attributes:
        name: of its folders.
        recipe: it starts from.
        title: what is special about it, for people.
        changes: ``a.b=c`` on that recipe.
        quick: further changes with ``--quick``. Where they say how many epochs, all pairs are used for so many;
            otherwise two epochs of 200 pairs (`twinlens.lab.run.QUICK`).
        oneshot: ways of a one-shot test of its network after training, on the people of the test split; 0 for none.
        stand_in: on other data, or with another trunk, than what was published: no figure is said to agree with it.
    """

    name: str
    recipe: str
    title: str
    changes: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    oneshot: int = 0
    stand_in: bool = False

    @property
    def shortened(self) -> bool:
        """Whether its quick run is the whole one, but for its epochs and what else ``quick`` says."""
        return any(change.startswith("training.epochs=") for change in self.quick)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a published table.

    Attributes:
        table: which table or page.
        label: what the document calls it.
        configuration: the run of ours beside it; empty where none can be.
        figures: name (`FIGURES`, `COSTS`) -> value; accuracies in percent, losses as they were before slips of print.
        printed: name -> what the document prints, where that is something else.
        reading: what the figure is worth.
    """

    table: str
    label: str
    configuration: str
    figures: Mapping[str, float]
    printed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    reading: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """A published or recovered run of values.

    Attributes:
        name: what they are.
        values: in order.
        reading: what they are worth.
    """

    name: str
    values: tuple[float, ...]
    reading: str


@dataclass(frozen=True, slots=True)
class About:
    """What a document is.

    Attributes:
        name: as `reproduce` knows it.
        title: one line.
        source: where it is published.
        protocol: data and rule of its figures, and what ours does otherwise.
        seeds: how many runs of each configuration are usual.
        floor: accuracy in percent of the trivial answer on the same test (0 for unknown), to read figures against.
        floor_name: what that answer is.
        notes: for whoever reads the table.
        independent: its test pairs share next to nobody, so that they count as independent trials.
        repeats: its figures of one configuration are repeats of one run, so that their spread is one of seeds.
    """

    name: str
    title: str
    source: str
    protocol: str
    seeds: int = 3
    floor: float = 0.0
    floor_name: str = ""
    notes: tuple[str, ...] = ()
    independent: bool = True
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Study:
    """A document as data.

    Attributes:
        about: what it is.
        configurations: its distinct runs, in the order of their worth: what runs first.
        rows: its figures, in the document's order.
        series: values that are no table.
    """

    about: About
    configurations: tuple[Configuration, ...]
    rows: tuple[Row, ...]
    series: tuple[Series, ...] = ()

    @property
    def name(self) -> str:
        """What `reproduce` knows it by."""
        return self.about.name

    def configuration(self, name: str) -> Configuration:
        """Return a configuration by name.

        Raises:
            RecipeError: none of that name; the nearest is named.
        """
        known = {one.name: one for one in self.configurations}
        if name not in known:
            raise RecipeError(unknown(f"run of {self.name}", name, name, known))
        return known[name]

    def rows_of(self, name: str) -> tuple[Row, ...]:
        """Return the published rows behind a configuration."""
        return tuple(row for row in self.rows if row.configuration == name)


def study_names() -> list[str]:
    """Return the documents that can be reproduced, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_study(name: str) -> Study:
    """Read a document's figures.

    Raises:
        RecipeError: no document of that name (the nearest is named), or a row of an unknown run or figure.
    """
    if name not in study_names():
        raise RecipeError(unknown("system", name, name, study_names()))
    return study_of(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")))


def study_of(table: Mapping[str, Any]) -> Study:
    """Make a study of a bare table.

    Raises:
        RecipeError: an unknown key, a row of an unknown run, or an unknown figure.
    """
    values = dict(table)
    configurations = _listed(Configuration, values.pop("configurations", ()), "configurations")
    rows = tuple(_row(one, f"rows[{at}]") for at, one in enumerate(values.pop("rows", ())))
    series = _listed(Series, values.pop("series", ()), "series")
    known = {one.name for one in configurations}
    for row in rows:
        if row.configuration and row.configuration not in known:
            raise RecipeError(unknown("configuration", row.configuration, row.configuration, known))
    about = options_of(About, values, "")
    return Study(about, configurations, rows, series)


def _listed(kind: type[Any], tables: Any, where: str) -> tuple[Any, ...]:
    return tuple(options_of(kind, one, f"{where}[{at}]") for at, one in enumerate(tables))


def _row(table: Mapping[str, Any], where: str) -> Row:
    """Make a row: every key that is no attribute of a row is a figure."""
    words = {"table", "label", "configuration", "printed", "reading"}
    figures = {key: value for key, value in table.items() if key not in words}
    for key, value in figures.items():
        if key not in (*FIGURES, *COSTS):
            raise RecipeError(unknown("figure", f"{where}.{key}", key, (*FIGURES, *COSTS)))
        if not isinstance(value, int | float) or isinstance(value, bool):
            msg = f"{where}.{key}: wanted a number, got {value!r}"
            raise RecipeError(msg)
    return Row(
        str(table.get("table", "")),
        str(table.get("label", "")),
        str(table.get("configuration", "")),
        MappingProxyType({key: float(value) for key, value in figures.items()}),
        MappingProxyType({key: str(value) for key, value in table.get("printed", {}).items()}),
        str(table.get("reading", "")),
    )
