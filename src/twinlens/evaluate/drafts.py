"""A file's name -> the same name once it is whole: what a full disk or Ctrl-C cuts short is never left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a draft beside the file to write into; it takes the file's place at the end, or goes when writing fails.

    A link, a pipe or a device is written to as it is.

    Raises:
        OSError: it cannot be written; the error names the file.
    """
    as_it_is = path.is_symlink() or (path.exists() and not path.is_file())
    draft = path if as_it_is else path.with_name(f".{path.stem[:100]}.{os.getpid()}.part{path.suffix}")
    try:
        yield draft
        if draft != path:
            draft.replace(path)
    except OSError as error:
        error.filename = str(path)  # not the draft's; and a full disk names none
        raise
    finally:
        if draft != path:
            draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file; bytes of a photo's name that are no UTF-8 stand in it escaped (in JSON: as Python reads them back).

    Raises:
        OSError: as `whole`.
    """
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
