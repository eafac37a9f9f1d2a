"""*Who is this?*: names on a photo, *unknown* where nobody is known, and enrolment from there."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.service.browser.conftest import Photos, Running
from tests.service.browser.test_people import enrol, make_gallery

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def _ask(page: Page, service: Running, gallery: str, photo: str) -> Locator:
    """Ask who a photo shows; return the list beside it."""
    page.goto(f"{service.url}/#/who")
    page.get_by_role("combobox", name="Gallery").select_option(gallery)
    page.get_by_label("File for photo").set_input_files(photo)
    return page.get_by_role("list", name="Faces, from left to right")


def test_known_and_unknown_faces_are_named_and_enrolled(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "group")
    enrol(page, service, "group", "Eileen Collins", photos["astronaut.jpg"])
    faces = _ask(page, service, "group", photos["group.jpg"])
    expect(page.get_by_role("heading", name="3 faces: 1 known, 2 unknown")).to_be_visible()
    expect(page.locator(".box .tag")).to_have_text(["1unknown", "2Eileen Collins", "3unknown"])
    expect(faces.locator("> li").nth(1)).to_contain_text("2. Eileen Collins")
    expect(
        page.get_by_role("main").get_by_text(re.compile("strangers would be given a name by mistake"))
    ).to_be_visible()
    page.get_by_role("button", name="Enrol as …: face 1").click()
    dialog = page.get_by_role("dialog", name="Who is this?")
    dialog.get_by_role("button", name="Enrol").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Give a name.")
    dialog.get_by_label("Name").fill("A stranger")
    dialog.get_by_role("button", name="Enrol").click()
    expect(page.get_by_role("heading", name="3 faces: 2 known, 1 unknown")).to_be_visible()
    expect(page.locator(".box .tag").first).to_have_text("1A stranger")


def test_the_list_shows_on_the_photo_whom_it_means(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "pointing")
    _ask(page, service, "pointing", photos["group.jpg"])
    page.get_by_role("button", name="Enrol as …: face 3").focus()
    expect(page.locator(".box.lit")).to_have_count(1)
    expect(page.locator(".box.lit")).to_have_attribute("data-number", "3")
    page.locator(".box").nth(0).click()
    expect(page.locator(".identity").nth(0)).to_be_focused()


def test_names_do_not_cover_each_other(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "crowded")
    faces = _ask(page, service, "crowded", photos["group.jpg"])
    names, numbers = page.locator(".box .tag span"), page.locator(".box .tag b")
    expect(names.filter(visible=True)).to_have_count(3)
    page.set_viewport_size({"width": 360, "height": 740})  # a telephone
    expect(names.filter(visible=True)).to_have_count(0)
    expect(numbers.filter(visible=True)).to_have_text(["1", "2", "3"])
    expect(faces.locator("> li").nth(2)).to_contain_text("3. Unknown")
    page.set_viewport_size({"width": 1200, "height": 900})
    expect(names.filter(visible=True)).to_have_count(3)
    page.get_by_label("File for photo").set_input_files(photos["crowd.jpg"])
    expect(page.get_by_role("heading", name=re.compile("^5 faces"))).to_be_visible()
    assert page.locator(".over").evaluate("over => over.clientWidth >= 400")  # room, but too little between them
    expect(names.filter(visible=True)).to_have_count(0)
    expect(numbers.filter(visible=True)).to_have_count(5)


def test_a_face_under_a_second_name_is_questioned(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "second")
    enrol(page, service, "second", "Eileen Collins", photos["astronaut.jpg"])
    _ask(page, service, "second", photos["turned.tif"])  # one that the browser cannot draw, too
    page.get_by_role("button", name=re.compile("Add this photo …: face 1")).click()
    dialog = page.get_by_role("dialog", name="Add this photo to Eileen Collins")
    dialog.get_by_label("Name").fill("Twin of Eileen")
    dialog.get_by_role("button", name="Enrol").click()
    expect(dialog.get_by_role("alert")).to_contain_text("enrolled already, under another name")
    dialog.get_by_label("Enrol all the same").check()
    dialog.get_by_role("button", name="Enrol").click()
    expect(dialog).to_have_count(0)


def test_nobody_on_the_photo_and_no_photo_at_all(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "nobody")
    _ask(page, service, "nobody", photos["coffee.jpg"])
    expect(page.get_by_role("heading", name="No face was found")).to_be_visible()
    page.get_by_label("File for photo").set_input_files(photos["text.jpg"])
    expect(page.get_by_role("main").get_by_text("That file cannot be read as a photo")).to_be_visible()


def test_a_failed_question_is_asked_again(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "failing")
    page.route("**/v1/identify", lambda route: route.abort())
    _ask(page, service, "failing", photos["astronaut.jpg"])
    expect(page.get_by_role("region", name="Answer").get_by_text("The service cannot be reached")).to_be_visible()
    page.unroute("**/v1/identify")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="1 face: 0 known, 1 unknown")).to_be_visible()
