"""A matplotlib figure -> SVG: for a page, where the page's own colours hold in light and dark, or as a file.

Colours: Okabe and Ito, "Color Universal Design" (2008), darkened where text needs it; blue is always genuine, vermilion
always impostor. Systems that are compared have other colours and a dash pattern each.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twinlens.evaluate.drafts import whole

INK, MUTED, GRID, PLATE = "#1b2026", "#59626d", "#e2e5e9", "#fefefe"
GENUINE, IMPOSTOR = "#0072b2", "#d55e00"
SYSTEMS = ("#5d3a9b", "#00845f", "#b8326f", "#836600", "#3f4a57", "#9a4a1c")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.5, 1.5)), (0, (8, 2)), (0, (3, 3)))
# what each colour is called in the page's style sheet
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", PLATE: "plate", GENUINE: "genuine", IMPOSTOR: "impostor"} | {
    colour: f"system-{i}" for i, colour in enumerate(SYSTEMS, 1)
}
WIDTH, HEIGHT = 4.9, 3.5  # inches of 72 points; a phone shows it at its natural size
STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "hatch.color": MUTED,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and scaled
    "svg.hashsalt": "twinlens",  # the same report gives the same file
    "text.color": INK,
    "text.parse_math": False,  # a name may hold a dollar sign
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.major.size": 3,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.major.size": 3,
}
_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_COLOURS = re.compile("|".join(VARIABLES))


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure and the words that go with it.

    Attributes:
        name: of its file, without the ending; unique on a page.
        title: what it shows.
        reading: one sentence that tells how to read it.
        summary: what can be seen in it, for those who cannot see it.
        figure: drawn.
        wide: True where it wants the whole width of a page.
    """

    name: str
    title: str
    reading: str
    summary: str
    figure: Figure
    wide: bool = False


@contextmanager
def drawing() -> Iterator[None]:
    """Hold matplotlib's settings while figures are made or written, whatever the user's own are.

    A letter that matplotlib's font lacks is no fault: in SVG the reader's font writes it.
    """
    fonts = logging.getLogger("matplotlib.font_manager")
    before = fonts.level
    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support", category=UserWarning)
        fonts.setLevel(logging.ERROR)
        try:
            yield
        finally:
            fonts.setLevel(before)


def canvas(width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """Return a figure of some inches with one pair of axes."""
    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def markup(plot: Plot, prefix: str = "") -> str:
    """Return the plot as SVG to stand inside a page: its colours are the page's, its ids nobody else's."""
    buffer = io.StringIO()
    with drawing():
        plot.figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    root = ET.fromstring(_COLOURS.sub(lambda found: f"var(--{VARIABLES[found[0]]})", buffer.getvalue()))
    _strip(root)
    _rename(root, f"{prefix}{plot.name}-")
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    title, desc = f"{prefix}{plot.name}-title", f"{prefix}{plot.name}-desc"
    root.attrib.update({"role": "img", "aria-labelledby": f"{title} {desc}", "class": "plot"})
    for at, (tag, identity, text) in enumerate((("title", title, plot.title), ("desc", desc, plot.summary))):
        element = ET.Element(f"{{{_SVG}}}{tag}", {"id": identity})
        element.text = text
        root.insert(at, element)
    ET.register_namespace("", _SVG)
    return ET.tostring(root, encoding="unicode")


def write(plot: Plot, path: Path) -> None:
    """Write the plot as a file of its own, on a light plate: SVG or PNG by its ending."""
    with drawing(), whole(path) as draft:
        plot.figure.savefig(
            draft, dpi=160, facecolor=PLATE, metadata=_NO_METADATA if path.suffix == ".svg" else {"Software": None}
        )


_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def _strip(root: ET.Element) -> None:
    """Remove what draws nothing: metadata, and ids that nothing refers to."""
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", ET.tostring(root, encoding="unicode")))
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)


def _rename(root: ET.Element, prefix: str) -> None:
    """Give ids and the references to them a prefix, so that several plots stand in one page."""
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, prefix + value)
            elif key in {_LINK, "href"}:
                element.set("href", value.replace("#", f"#{prefix}", 1))
                if key == _LINK:
                    del element.attrib[_LINK]
            elif "url(#" in value:
                element.set(key, value.replace("url(#", f"url(#{prefix}"))
