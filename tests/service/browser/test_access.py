"""For everybody: axe finds nothing serious in light or dark; a keyboard and a small phone are enough."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Literal

import pytest
from platformdirs import user_cache_path
from playwright.sync_api import Browser, Page, expect
from tests.service.browser.conftest import Photos, Running
from tests.service.browser.test_people import enrol, make_gallery

pytestmark = [pytest.mark.slow, pytest.mark.browser]
PAGES = {"compare": "Compare", "people": "People", "who": "Who is this?", "find": "Find", "reports": "Reports"}
GRAVE = ("serious", "critical")
INSTALL_S = 120


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core (dev only, never served): from npm, into a cache folder."""
    folder = Path(os.environ.get("TWINLENS_AXE", user_cache_path("twinlens-tests") / "axe"))
    source = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not source.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("axe-core is not here and npm neither: apt-get install npm")
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), "axe-core@^4.10"]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_S)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"npm could not install axe-core: {error}")
    return source.read_text(encoding="utf-8")


def _check(page: Page, axe: str, where: str) -> None:
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    grave = [
        f"{where}: {one['id']}: {node['html'][:160]}: {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
    assert grave == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    page: Page, service: Running, photos: Photos, axe: str, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    gallery = f"axe-{scheme}"
    make_gallery(page, service, gallery)
    make_gallery(page, service, f"{gallery}-album", "album")
    enrol(page, service, gallery, "Eileen Collins", photos["astronaut.jpg"])

    _see_compare(page, axe, service.url, photos)
    _see_people(page, axe, gallery, photos)
    _see_searches(page, axe, gallery, photos)


def _see_compare(page: Page, axe: str, url: str, photos: Photos) -> None:
    page.goto(f"{url}/#/compare")
    _check(page, axe, "compare, empty")
    page.get_by_label("File for first photo").set_input_files(photos["group.jpg"])
    page.get_by_label("File for second photo").set_input_files(photos["dim.jpg"])
    page.locator(".verdict").wait_for()
    page.get_by_role("main").get_by_text("Figures").click()
    _check(page, axe, "compare, answered")
    page.get_by_label("File for second photo").set_input_files(photos["text.jpg"])
    page.get_by_role("main").get_by_text("That file cannot be read as a photo").wait_for()
    _check(page, axe, "compare, refused")
    page.get_by_role("button", name="Settings").click()
    _check(page, axe, "settings")
    page.keyboard.press("Escape")


def _see_people(page: Page, axe: str, gallery: str, photos: Photos) -> None:
    page.get_by_role("link", name="People").click()
    page.get_by_role("combobox", name="Gallery").select_option(gallery)
    page.get_by_role("button", name="Open Eileen Collins").click()
    _check(page, axe, "person")
    page.keyboard.press("Escape")
    page.get_by_label("Folder of people").set_input_files(photos["people"])
    _check(page, axe, "people, planned")
    page.get_by_role("button", name="Enrol 5 photos").click()
    page.get_by_role("main").get_by_text("not enrolled.").wait_for()
    page.get_by_role("button", name="Check the gallery").click()
    page.get_by_role("button", name="Check again").wait_for()
    _check(page, axe, "people, enrolled")


def _see_searches(page: Page, axe: str, gallery: str, photos: Photos) -> None:
    page.get_by_role("link", name="Who is this?").click()
    page.get_by_label("File for photo", exact=True).set_input_files(photos["group.jpg"])
    page.locator(".identity").first.wait_for()
    _check(page, axe, "who")

    page.get_by_role("link", name="Find").click()
    page.get_by_role("combobox", name="Album").select_option(f"{gallery}-album")
    page.get_by_label("Folder of photos").set_input_files(photos["album"])
    page.get_by_role("button", name="Look at 4 photos").click()
    page.get_by_role("main").get_by_text("with faces").wait_for()
    page.get_by_label("File for a photo of the person").set_input_files(photos["astronaut.jpg"])
    page.locator(".tile").first.wait_for()
    page.get_by_role("button", name="Group the faces").click()
    page.locator(".cluster").first.wait_for()
    _check(page, axe, "find")

    page.get_by_role("link", name="Reports").click()
    page.get_by_role("list", name="Reports").wait_for()
    _check(page, axe, "reports")


def test_a_keyboard_is_enough(page: Page, service: Running, photos: Photos) -> None:
    page.on(
        "filechooser", lambda chooser: None
    )  # asked for only when Enter is pressed, Chromium may hear of it too late
    page.goto(f"{service.url}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    first = page.get_by_role("button", name="Choose a photo: first photo")
    expect(first).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(photos["astronaut.jpg"])
    page.get_by_label("File for second photo").set_input_files(photos["turned.jpg"])
    page.locator(".verdict").wait_for()
    go = page.get_by_role("button", name="Compare", exact=True)
    go.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".verdict-title")).to_be_focused()
    page.get_by_role("link", name="People").press("Enter")
    expect(page.get_by_role("heading", name="People", level=1)).to_be_focused()
    assert page.title() == "People · Twinlens"
    settings = page.get_by_role("button", name="Settings")
    settings.press("Enter")
    page.keyboard.press("Escape")
    expect(settings).to_be_focused()


def test_a_small_phone_shows_all_of_it(chromium: Browser, service: Running, photos: Photos) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    try:
        for name, title in PAGES.items():
            page.goto(f"{service.url}/#/{name}")
            expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
            _fits(page, name)
        page.goto(f"{service.url}/#/compare")
        page.get_by_label("File for first photo").set_input_files(photos["group.jpg"])
        page.get_by_label("File for second photo").set_input_files(photos["turned.jpg"])
        page.locator(".verdict").wait_for()
        _fits(page, "compare, answered")
    finally:
        context.close()


def _fits(page: Page, where: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == 360, where
    small = page.evaluate(
        """[...document.querySelectorAll("button, a.as-button, select, nav a")].filter((one) => one.offsetParent)
            .filter((one) => one.offsetHeight < 32 || one.offsetWidth < 32).map((one) => one.outerHTML.slice(0, 99))"""
    )
    assert small == [], where  # a finger hits them
