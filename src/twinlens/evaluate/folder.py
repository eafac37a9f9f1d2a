"""Report -> a folder: the JSON, the page, the Markdown card and its plots; nothing is overwritten unasked."""

from __future__ import annotations

from pathlib import Path

from twinlens.errors import OptionError
from twinlens.evaluate.drafts import write_text
from twinlens.evaluate.extra import check_extra
from twinlens.evaluate.markdown import markdown_card
from twinlens.evaluate.page import page_text
from twinlens.evaluate.pictures import Pictures
from twinlens.evaluate.plots import save_plots
from twinlens.evaluate.records import Report
from twinlens.evaluate.storage import report_text

JSON_NAME = "report.json"
PAGE_NAME = "index.html"
CARD_NAME = "README.md"


def check_folder(folder: Path, *, replace: bool) -> None:
    """Refuse a place where a report cannot be written, before hours of work.

    Raises:
        OptionError: a file is in the way, or an earlier report and ``replace`` is False, or it cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; a report needs a folder"
        raise OptionError(msg)
    if not replace and any((folder / name).exists() for name in (JSON_NAME, PAGE_NAME, CARD_NAME)):
        msg = f"{folder} holds a report already: name another folder, or use --replace"
        raise OptionError(msg)
    check_extra()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {folder}: {error.strerror or error}; name one that can be written to"
        raise OptionError(msg) from error


def write_report(report: Report, folder: Path, *, photos: Path | None) -> list[Path]:
    """Write everything and return the paths, the JSON first: it holds all the others are made of.

    Args:
        report: what was found.
        folder: as checked by `check_folder`.
        photos: the data set's folder, for pictures of the worst mistakes; None for a page without.

    Raises:
        OptionError: something cannot be written.
    """
    found = [folder / JSON_NAME]
    _write(found[0], report_text(report))
    plots = save_plots(report, folder)
    page = page_text(report, pictures=None if photos is None else Pictures(photos))
    card = markdown_card(report, plots=[path.name for path in plots])
    for name, text in ((PAGE_NAME, page), (CARD_NAME, card)):
        _write(folder / name, text)
        found.append(folder / name)
    return [*found, *plots]


def _write(path: Path, text: str) -> None:
    try:
        write_text(path, text)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}; make room, or name a folder that can be written to"
        raise OptionError(msg) from error
