"""Report -> one HTML file that needs nothing else: no other host, no script, light and dark, screen and paper."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from twinlens.evaluate import verdict, wording
from twinlens.evaluate.extra import check_extra
from twinlens.evaluate.pictures import Pictures, Thumb
from twinlens.evaluate.records import Mistake, Report

if TYPE_CHECKING:
    from markupsafe import Markup

    from twinlens.evaluate.plots import Plot

T = TypeVar("T")
FILTERS = (
    wording.count,
    wording.duration,
    wording.interval,
    wording.moment,
    wording.named,
    wording.number,
    wording.p_value,
    wording.percent,
    wording.plural,
    wording.sentence,
    wording.shown,
    wording.target,
    wording.threshold,
    wording.with_interval,
)


@dataclass(frozen=True, slots=True)
class DrawnPlot:
    """A plot as a page wants it: its words, and SVG that may stand unescaped."""

    title: str
    reading: str
    svg: Markup
    wide: bool


@dataclass(frozen=True, slots=True)
class ShownMistake:
    """A mistake, the part it is in as people call it, and, where wanted, its two photos."""

    mistake: Mistake
    part: str
    first: Thumb | None
    second: Thumb | None


def page_text(report: Report, *, pictures: Pictures | None) -> str:
    """Return the page of a report.

    Args:
        report: what was found.
        pictures: where the photos of its mistakes are; without them the mistakes are named, not shown.

    Raises:
        OptionError: what pages are made with is not installed.
    """
    check_extra()
    from twinlens.evaluate.plots import report_plots  # noqa: PLC0415 - optional

    folds = {part.name for part in report.parts if part.role == "fold" and not part.name.startswith("fold")}
    return render(
        "page.html",
        {
            "report": report,
            "remarks": verdict.verdict(report),
            "failures_said": verdict.failures_said(report.failures),
            "operating": grouped(report.operating, lambda row: row.source),
            "slices": grouped(report.slices, lambda part: part.by),
            "plots": {plot.name: drawn(plot) for plot in report_plots(report)},
            "mistakes": [_shown(mistake, pictures, folds) for mistake in report.mistakes],
            "with_pictures": pictures is not None,
        },
    )


def grouped(items: Sequence[T], key: Callable[[T], str]) -> list[tuple[str, list[T]]]:
    """Return the items by what they have in common, groups and items in the order in which they came."""
    groups: dict[str, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())


def render(template: str, values: dict[str, Any]) -> str:
    """Fill a template of this room; whatever is not marked as markup is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - optional

    environment = Environment(
        loader=PackageLoader("twinlens.evaluate"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({f.__name__: f for f in FILTERS})
    return environment.get_template(template).render(values)


def drawn(plot: Plot) -> DrawnPlot:
    """Return a plot as a page wants it."""
    from markupsafe import Markup  # noqa: PLC0415 - optional

    from twinlens.evaluate.plots import markup  # noqa: PLC0415 - optional

    # written by matplotlib and by an XML writer, which escape every text
    return DrawnPlot(plot.title, plot.reading, Markup(markup(plot)), plot.wide)


def _shown(mistake: Mistake, pictures: Pictures | None, folds: Collection[str]) -> ShownMistake:
    part = f"fold {mistake.part}" if mistake.part in folds else mistake.part
    if pictures is None:
        return ShownMistake(mistake, part, None, None)
    return ShownMistake(mistake, part, pictures.thumb(mistake.first), pictures.thumb(mistake.second))
