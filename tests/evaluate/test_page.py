"""The page: everything a report holds is on it, nothing that a report holds can act on it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.conftest import LONG, NASTY, full, hostile, minimal, perfect
from tests.evaluate.leakage.photos import save, scene

from twinlens.errors import DatasetError
from twinlens.evaluate.page import page_text
from twinlens.evaluate.pictures import Pictures

VOID = {"meta", "img", "br", "link", "input", "hr"}
PLOTS = ["roc", "det", "histogram", "folds", "reliability-1", "reliability-2", "cmc", "slices-fnmr", "slices-fmr"]


class Reader(HTMLParser):
    """Collects what a browser would: tags in balance, ids, links, scripts, and the visible words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.tags: set[str] = set()
        self.loaded: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        assert not any(name.startswith("on") for name in found), attrs
        self.ids += [found["id"] or ""] if "id" in found else []
        href = found.get("href") or ""
        (self.targets if href.startswith("#") else self.loaded).append(href)
        self.loaded.append(found.get("src") or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def full_page() -> str:
    return page_text(full(), pictures=None)


@pytest.fixture(scope="module")
def hostile_page() -> str:
    return page_text(hostile(), pictures=None)


def test_everything_of_a_report_is_on_its_page(full_page: str) -> None:
    read, report = Reader(full_page), full()
    for wanted in (
        report.title,
        *(f"{text[:1].upper()}{text[1:]}" for text in (*report.protocol.rule, *report.protocol.outside_data)),
        *report.protocol.notes,
        report.system.training_data,
        "2,132",  # people
        "lfw2/Gus_G/Gus_G_0001.jpg: no face found",
        "3 people of test look like people of train",
        "needs 3,000 impostor pairs, there are 1,100 (rule of three)",
        "CFP-FF, 250 people",
        "Not to be used on such data",
        "rank-5",
        "over 45°",
        "lfw2/Ann_A/Ann_A_0001.jpg",
        "The two share a byte-identical photo",
        "cosine of 24 x 24 grey pixels",
        "41.5 a second",
        report.command,
    ):
        assert wanted.casefold() in read.text.casefold(), wanted
    assert [name for name in PLOTS if f'id="{name}-title"' not in full_page] == []


def test_tags_balance_ids_are_unique_and_links_lead_somewhere(full_page: str, hostile_page: str) -> None:
    for page in (full_page, hostile_page, page_text(minimal(), pictures=None)):
        read = Reader(page)
        assert read.open == []
        assert len(read.ids) == len(set(read.ids))
        assert {target[1:] for target in read.targets} <= set(read.ids)


def test_the_page_needs_nothing_else(full_page: str, hostile_page: str) -> None:
    for page in (full_page, hostile_page):
        read = Reader(page)
        assert not {"script", "link", "iframe", "object"} & read.tags
        assert [source for source in read.loaded if source] == []
        assert "@import" not in page
        assert not re.findall(r"url\((?!#)", page)
        assert "default-src 'none'" in page


def test_whatever_a_report_holds_is_only_text(hostile_page: str) -> None:
    assert NASTY not in hostile_page
    read = Reader(hostile_page)
    assert NASTY in read.text  # shown as it is
    assert "{{ 7*7 }}" in read.text
    assert "49" not in re.findall(r"O'Brien[^|]*", read.text)[0]
    assert f"{LONG * 4}.jpg" in read.text


def test_text_in_plots_stays_text(hostile_page: str) -> None:
    drawn = re.findall(r"<svg.*?</svg>", hostile_page, re.DOTALL)
    assert len(drawn) >= 5
    assert all("<script" not in one and "<text" in one for one in drawn)
    assert any("&lt;script&gt;" in one for one in drawn)


def test_what_is_not_there_has_no_section_and_a_quick_look_is_marked() -> None:
    page = page_text(minimal(), pictures=None)
    assert set(re.findall(r'<section id="(\w+)"', page)) == {"short", "asked", "data", "made"}
    assert "Do not quote these figures" in page
    assert "not measured (one class only)" in Reader(page).text


def test_a_report_without_any_error_can_be_drawn() -> None:
    read = Reader(page_text(perfect(), pictures=None))
    assert "100 %" in read.text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "mistakes" not in read.ids


def test_a_calibration_that_is_off_and_photos_without_faces_are_reasons_to_beware(full_page: str) -> None:
    warned = re.findall(r'<li class="beware">(.*?)</li>', full_page)
    assert [text.split()[0] for text in warned] == ["Probabilities", "Leakage:", "Of"]
    assert "of the model&#39;s card" in warned[0]


def test_mistakes_are_shown_as_small_photos_and_nothing_outside_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    save(folder / "a.png", scene(1, 600))
    save(tmp_path / "secret.png", scene(2, 600))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no")
    shown = [("a.png", "../secret.png"), (str(tmp_path / "secret.png"), "broken.jpg"), ("absent.jpg", "a.png")]
    bare = minimal()
    mistakes = tuple(replace(m, first=f, second=s) for m, (f, s) in zip(full().mistakes, shown, strict=False))
    page = page_text(replace(bare, mistakes=mistakes), pictures=Pictures(folder))
    photos = re.findall(r'<img src="data:image/webp;base64,[^"]+" width="(\d+)" height="(\d+)" alt="([^"]+)">', page)
    assert len(photos) == 2
    assert all(max(int(width), int(height)) <= 240 for width, height, _ in photos)
    text = Reader(page).text
    assert text.count("not in the folder") == 3
    assert text.count("not to be read") == 1
    assert "These photos show real people" in text
    assert len(page) < 100_000


def test_without_a_folder_there_are_no_photos(tmp_path: Path, full_page: str) -> None:
    assert "<img" not in full_page
    with pytest.raises(DatasetError, match="no folder of photos"):
        Pictures(tmp_path / "absent")


def test_a_page_stays_small(full_page: str, hostile_page: str) -> None:
    assert len(full_page.encode()) < 400_000
    assert len(hostile_page.encode()) < 400_000
    assert np.isfinite(len(full_page))
