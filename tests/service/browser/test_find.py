"""*Find*: a collection is looked at, a person's photos are found from one face, groups are named and stay so."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.service.browser.conftest import Photos, Running
from tests.service.browser.test_people import make_gallery

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def _open(page: Page, service: Running, album: str) -> None:
    page.goto(f"{service.url}/#/find")
    page.get_by_role("combobox", name="Album").select_option(album)


def _index(page: Page, photos: Photos) -> None:
    page.get_by_label("Folder of photos").set_input_files(photos["album"])
    expect(page.get_by_role("main").get_by_text("4 photos", exact=True)).to_be_visible()
    page.get_by_role("button", name="Look at 4 photos").click()
    expect(page.get_by_role("main").get_by_text("3 photos with faces, 1 without a face.")).to_be_visible()


def _see_faces(page: Page) -> None:
    page.locator(".cluster").first.scroll_into_view_if_needed()  # pictures are made when they come into sight
    expect(page.locator(".cluster img").first).to_be_visible()


def test_an_empty_album_asks_for_its_photos_first(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "nothing-yet", "album")
    _open(page, service, "nothing-yet")
    expect(page.get_by_role("main").get_by_text("This album is empty. Add photos first")).to_be_visible()
    expect(page.get_by_role("heading", name="Who is in it?")).to_have_count(0)
    expect(page.get_by_role("heading", name="A photo of the person")).to_have_count(0)
    _index(page, photos)
    expect(page.get_by_role("heading", name="A photo of the person")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("This album is empty")).to_have_count(0)


def test_all_photos_of_a_person_are_found_and_the_group_keeps_its_name(
    page: Page, service: Running, photos: Photos
) -> None:
    make_gallery(page, service, "collection", "album")
    _open(page, service, "collection")
    _index(page, photos)
    page.get_by_label("File for a photo of the person").set_input_files(photos["astronaut.jpg"])
    expect(page.get_by_role("heading", name="2 photos of this person")).to_be_visible()
    expect(page.locator("img.tile-photo")).to_have_count(2)
    expect(page.locator(".tile .name")).to_have_text(["2020/one.jpg", "2021/two.jpg"])
    page.get_by_role("button", name="Show less certain ones").click()
    expect(page.get_by_role("main").get_by_text("There are none.")).to_be_visible()

    page.get_by_role("button", name="Group the faces").click()
    expect(page.get_by_role("main").get_by_text("1 group, and 1 face seen once")).to_be_visible()
    _see_faces(page)
    name = page.get_by_label("Name of the person in 2 faces")
    name.fill("Eileen Collins")
    name.press("Enter")
    expect(page.get_by_role("main").get_by_text("Kept: Eileen Collins.")).to_be_visible()
    page.get_by_role("button", name="Group again").click()
    expect(page.get_by_role("heading", name="Eileen Collins", level=3)).to_be_visible()

    page.reload()  # the service keeps no photos: names without pictures, until the folder is shown again
    page.get_by_role("combobox", name="Album").select_option("collection")
    page.get_by_role("button", name="Group the faces").click()
    expect(page.get_by_role("main").get_by_text("The service keeps no photos.").first).to_be_visible()
    page.get_by_label("Folder of photos").set_input_files(photos["album"])
    page.get_by_role("button", name="Only show the pictures here").click()
    page.get_by_role("button", name="Group the faces").click()
    _see_faces(page)


def test_a_photo_of_nobody_is_said(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "bare", "album")
    _open(page, service, "bare")
    _index(page, photos)
    page.get_by_label("File for a photo of the person").set_input_files(photos["coffee.jpg"])
    expect(page.get_by_role("heading", name="No face was found")).to_be_visible()


def test_a_lost_connection_leaves_the_photos_that_are_left(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "broken", "album")
    _open(page, service, "broken")
    page.route(re.compile("galleries/broken/photos"), lambda route: route.abort())
    page.get_by_label("Folder of photos").set_input_files(photos["album"])
    page.get_by_role("button", name="Look at 4 photos").click()
    page.get_by_role("button", name="Go on with the 4 photos that are left").wait_for()
    page.unroute(re.compile("galleries/broken/photos"))
    page.get_by_role("button", name="Go on with the 4 photos that are left").click()
    expect(page.get_by_role("main").get_by_text("3 photos with faces, 1 without a face.")).to_be_visible()
