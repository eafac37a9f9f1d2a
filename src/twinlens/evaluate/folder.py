"""Report -> a folder: the JSON, the page, the Markdown card and its plots; nothing is overwritten unasked."""

from __future__ import annotations

from pathlib import Path

from twinlens.errors import OptionError
from twinlens.evaluate.records import Report
from twinlens.evaluate.storage import report_text

JSON_NAME = "report.json"
PAGE_NAME = "index.html"
CARD_NAME = "README.md"


def check_folder(folder: Path, *, replace: bool) -> None:
    """Refuse a place where a report cannot be written, before hours of work.

    Raises:
        OptionError: a file is in the way, or an earlier report and ``replace`` is False.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; a report needs a folder"
        raise OptionError(msg)
    if not replace and any((folder / name).exists() for name in (JSON_NAME, PAGE_NAME, CARD_NAME)):
        msg = f"{folder} holds a report already: name another folder, or use --replace"
        raise OptionError(msg)
    folder.mkdir(parents=True, exist_ok=True)


def write_report(report: Report, folder: Path, *, photos: Path | None) -> list[Path]:
    """Write everything and return the paths, the JSON first.

    Args:
        report: what was found.
        folder: as checked by `check_folder`.
        photos: the data set's folder, for pictures of the worst mistakes; None for a page without.
    """
    found = folder / JSON_NAME
    found.write_text(report_text(report), encoding="utf-8")
    return [found]
