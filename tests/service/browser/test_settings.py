"""The API key, and light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.service.browser.conftest import Photos, Running, Start

from twinlens.service.keys import Keyring

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A folder of a service with two keys: one that may do everything, one that may ask."""
    folder = tmp_path_factory.mktemp("locked")
    ring = Keyring(folder / "keys.db")
    _, everything = ring.create("tests", ["admin"])
    _, asking = ring.create("tests", ["read"])
    ring.close()
    return folder, everything, asking


@pytest.fixture(scope="module")
def locked(start: Start, keys: tuple[Path, str, str]) -> Running:
    return start(keys[0])


def test_work_goes_on_as_soon_as_there_is_a_key(
    page: Page, locked: Running, keys: tuple[Path, str, str], photos: Photos
) -> None:
    page.goto(f"{locked.url}/")
    page.get_by_label("File for first photo").set_input_files(photos["astronaut.jpg"])
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_accessible_name("An API key is needed")
    dialog.get_by_label("API key", exact=True).fill("twl_of_nobody")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog).to_have_accessible_name("This API key is not known")
    dialog.get_by_label("API key", exact=True).fill(keys[1])
    dialog.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("main").get_by_text("A good photo of a face.")).to_be_visible()
    kept = page.evaluate(
        "[JSON.stringify(sessionStorage), JSON.stringify(localStorage), document.cookie, location.href]"
    )
    assert keys[1] in kept[0]
    assert not any(keys[1] in place for place in kept[1:])


def test_saying_no_to_the_key_keeps_the_photo(page: Page, locked: Running, photos: Photos) -> None:
    page.goto(f"{locked.url}/")
    page.get_by_label("File for first photo").set_input_files(photos["astronaut.jpg"])
    page.get_by_role("dialog", name="An API key is needed").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("region", name="First photo")).to_contain_text("An API key is needed")
    expect(page.get_by_role("img", name="First photo: astronaut.jpg")).to_be_visible()


def test_a_key_that_may_not_is_told_so(page: Page, locked: Running, keys: tuple[Path, str, str]) -> None:
    page.goto(f"{locked.url}/")
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("API key", exact=True).fill("wrong")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("An API key is needed")
    page.get_by_label("API key", exact=True).fill(keys[2])
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="People").click()
    page.get_by_role("button", name="Make the first gallery").click()
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("This API key may not do that")


def test_light_and_dark_are_chosen_and_kept(page: Page, service: Running) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{service.url}/")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Dark").check()
    page.keyboard.press("Escape")
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) == dark
