"""A report's folder: what is in it, what is refused before the work, and what is said of a full disk."""

from __future__ import annotations

import errno
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.evaluate.conftest import full, hostile, minimal

from twinlens.errors import OptionError
from twinlens.evaluate.drafts import whole, write_text
from twinlens.evaluate.folder import check_folder, write_report
from twinlens.evaluate.storage import read_report

FULL = Path("/dev/full")
MOST_BYTES = 700_000


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(full(), folder, photos=None)
    return folder


def test_a_folder_holds_the_page_the_figures_the_card_and_its_plots(written: Path) -> None:
    names = {path.name for path in written.iterdir()}
    plots = {"roc", "det", "histogram", "folds", "reliability-1", "reliability-2", "cmc", "slices-fnmr", "slices-fmr"}
    assert names == {"report.json", "index.html", "README.md", *(f"{name}.svg" for name in plots)}
    assert sum(path.stat().st_size for path in written.iterdir()) < MOST_BYTES
    assert read_report(written / "report.json").title == full().title
    shown = re.findall(r"!\[[^\]]*\]\(<([^>]+)>\)", (written / "README.md").read_text(encoding="utf-8"))
    assert set(shown) == {f"{name}.svg" for name in plots}


def test_plots_are_svg_with_words_and_without_foreign_things(written: Path) -> None:
    for path in written.glob("*.svg"):
        root = ET.parse(path).getroot()
        words = ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert any(re.search(r"[a-z]{3}", word) for word in words), path.name
        assert "<script" not in path.read_text(encoding="utf-8")
        assert not list(root.iter("{http://www.w3.org/2000/svg}image"))


@pytest.mark.slow
def test_the_same_report_gives_the_same_files(written: Path, tmp_path: Path) -> None:
    again = replace(full(), slices=(), calibrations=(), search=None, folds=())
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_report(again, tmp_path / name, photos=None)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    assert (tmp_path / "one" / "roc.svg").read_bytes() == (written / "roc.svg").read_bytes()


def test_names_of_files_never_come_from_a_report(tmp_path: Path) -> None:
    bare = replace(minimal(), title=hostile().title, leakage=hostile().leakage)
    write_report(bare, tmp_path, photos=None)
    assert {path.name for path in tmp_path.iterdir()} == {"report.json", "index.html", "README.md"}


def test_a_place_is_looked_at_before_the_work(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b", replace=False)
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OptionError, match="needs a folder"):
        check_folder(tmp_path / "file", replace=True)
    with pytest.raises(OptionError, match="cannot make the folder"):
        check_folder(tmp_path / "file" / "below", replace=False)
    (tmp_path / "index.html").write_text("", encoding="utf-8")
    with pytest.raises(OptionError, match="--replace"):
        check_folder(tmp_path, replace=False)
    check_folder(tmp_path, replace=True)


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("name", ["report.json", "index.html", "README.md"])
def test_a_full_disk_is_told_by_the_file_that_did_not_fit(name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to(FULL)
    with pytest.raises(OptionError, match=rf"cannot write .*{re.escape(name)}: No space left on device; make room"):
        write_report(minimal(), tmp_path, photos=None)


def test_what_a_full_disk_cuts_short_is_not_left_behind(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old", encoding="utf-8")
    with pytest.raises(OSError, match="No space left") as told:
        _half(tmp_path / "page.html", OSError(errno.ENOSPC, "No space left on device"))
    assert told.value.filename == str(tmp_path / "page.html")  # a full disk names no file: the shell would be blamed
    with pytest.raises(KeyboardInterrupt):
        _half(tmp_path / "new.html", KeyboardInterrupt())
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "old"
    write_text(tmp_path / "page.html", "caf\udce9")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "caf\\udce9"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def _half(path: Path, error: BaseException) -> None:
    with whole(path) as draft:
        draft.write_text("half", encoding="utf-8")
        raise error
