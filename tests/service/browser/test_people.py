"""*People*: enrol with a report a photo, rename, tag, merge, delete with a receipt; what fails loses nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from tests.service.browser.conftest import Photos, Running, Start

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def empty(start: Start) -> Running:
    """A service that nobody has used yet, without reports."""
    return start()


def make_gallery(page: Page, service: Running, name: str, kind: str = "people") -> None:
    """Make a gallery without the page."""
    made = page.request.post(f"{service.url}/v1/galleries", data={"name": name, "kind": kind})
    assert made.ok, made.text()


def enrol(page: Page, service: Running, gallery: str, subject: str, photo: str, **options: str) -> None:
    """Enrol a photo without the page."""
    file = FilePayload(name=f"{subject}/{Path(photo).name}", mimeType="image/jpeg", buffer=Path(photo).read_bytes())
    url = f"{service.url}/v1/galleries/{gallery}/enrolments"
    done = page.request.post(url, multipart={**options, "photos": file})
    assert [report["outcome"] for report in done.json()["reports"]] == ["done"], done.text()


def open_people(page: Page, service: Running, gallery: str) -> None:
    page.goto(f"{service.url}/#/people")
    page.get_by_role("combobox", name="Gallery").select_option(gallery)
    expect(page.get_by_role("heading", name="Who is enrolled")).to_be_visible()


def _folder(page: Page) -> Locator:
    return page.get_by_label("Folder of people")


def _row(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="People").get_by_role("listitem").filter(has_text=name)


def test_the_first_gallery_is_made_here(page: Page, empty: Running) -> None:
    page.goto(f"{empty.url}/#/people")
    page.get_by_role("button", name="Make the first gallery").click()
    dialog = page.get_by_role("dialog", name="New gallery")
    dialog.get_by_label("Name").fill("Not a name")
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("A name is 1 to 64")
    dialog.get_by_label("Name").fill("first")
    dialog.get_by_label("Erase each person after").fill("30")
    dialog.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("combobox", name="Gallery")).to_have_value("first")
    expect(page.get_by_role("combobox", name="Gallery").locator("option")).to_have_text("first (kept 30 days)")
    expect(page.get_by_role("main").get_by_text("Nobody is enrolled yet")).to_be_visible()


def test_a_folder_is_enrolled_with_a_report_and_its_conflicts_are_settled(
    page: Page, service: Running, photos: Photos
) -> None:
    make_gallery(page, service, "folder")
    open_people(page, service, "folder")
    _folder(page).set_input_files(photos["people"])
    expect(page.get_by_role("main").get_by_text("4 people, 5 photos")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("Left out, because they are not photos")).to_contain_text("notes.txt")
    page.get_by_role("button", name="Enrol 5 photos").click()
    expect(page.get_by_role("main").get_by_text("2 photos enrolled, 3 not enrolled.")).to_be_focused()
    report = page.get_by_role("list", name="What needs a look")
    expect(report.get_by_role("listitem").filter(has_text="cup.jpg")).to_contain_text("No face found")
    clash = report.get_by_role("listitem").filter(has_text="one.jpg")
    expect(clash).to_contain_text("Looks like 'Copy of Eileen'")
    clash.get_by_role("button", name="Same person: add to Copy of Eileen").click()
    expect(page.get_by_role("main").get_by_text("3 photos enrolled, 2 not enrolled.")).to_be_visible()
    expect(_row(page, "Copy of Eileen")).to_contain_text("2 photos")
    report.get_by_role("button", name=re.compile("Two people: enrol")).click()
    expect(page.get_by_role("main").get_by_text("4 photos enrolled, 1 not enrolled.")).to_be_visible()
    expect(_row(page, "Eileen Collins")).to_contain_text("1 photo")


def test_loose_photos_ask_whose_they_are(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "loose")
    open_people(page, service, "loose")
    page.get_by_label("Photos of one person").set_input_files(photos["astronaut.jpg"])
    page.get_by_role("button", name="Enrol 1 photo").click()
    expect(page.get_by_role("main").get_by_text("Say whose photos they are.")).to_be_visible()
    page.get_by_label("Whose photo is astronaut.jpg?").fill('Eileen "Mom" Collins/NASA')  # a name for a path of its own
    page.get_by_role("button", name="Enrol 1 photo").click()
    expect(page.get_by_role("main").get_by_text("1 photo enrolled.")).to_be_visible()
    expect(_row(page, 'Eileen "Mom" Collins/NASA')).to_be_visible()


def test_a_person_is_renamed_tagged_merged_and_deleted_with_a_receipt(
    page: Page, service: Running, photos: Photos
) -> None:
    make_gallery(page, service, "names")
    enrol(page, service, "names", "Eileen", photos["astronaut.jpg"])
    enrol(page, service, "names", "Collins", photos["turned.jpg"], accept_conflict="true")
    enrol(page, service, "names", "Stranger", photos["stranger.png"])
    open_people(page, service, "names")

    page.get_by_role("button", name="Open Eileen").click()
    dialog = page.get_by_role("dialog", name="Eileen")
    dialog.get_by_label("Name").fill("Collins")
    dialog.get_by_role("button", name="Keep the changes").click()
    expect(dialog.get_by_role("alert")).to_contain_text("That clashes with somebody enrolled")
    dialog.get_by_label("Name").fill("Eileen M. Collins")
    dialog.get_by_label("Tags").fill("team: crew")
    dialog.get_by_role("button", name="Keep the changes").click()
    expect(_row(page, "Eileen M. Collins")).to_contain_text("team: crew")

    page.get_by_role("button", name="Open Collins").click()
    page.get_by_role("button", name="Merge with …").click()
    page.get_by_label("The other person").fill("Nobody at all")
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("Nobody of that name is enrolled")
    page.get_by_label("The other person").fill("Eileen M. Collins")
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(_row(page, "Eileen M. Collins")).to_contain_text("2 photos")
    told = "Collins was merged: 1 photo went to Eileen M. Collins, who has 2 now."
    expect(page.get_by_role("main").get_by_text(told)).to_be_visible()

    page.get_by_role("button", name="Open Stranger").click()
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Erase", exact=True).click()
    receipt = page.get_by_role("dialog", name="Stranger was erased")
    expect(receipt).to_contain_text("Nothing is left in any place that was checked.")
    with page.expect_download() as saved:
        receipt.get_by_role("link", name="Save the receipt").click()
    assert '"proven": true' in saved.value.path().read_text()
    receipt.get_by_role("button", name="Close").click()
    expect(_row(page, "Stranger")).to_have_count(0)


def test_the_check_finds_one_person_under_two_names(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "doubles")
    enrol(page, service, "doubles", "Eileen", photos["astronaut.jpg"])
    enrol(page, service, "doubles", "Collins", photos["turned.jpg"], accept_conflict="true")
    open_people(page, service, "doubles")
    page.get_by_role("button", name="Check the gallery").click()
    found = page.get_by_role("region", name="Is everything right in it?")
    merge = page.get_by_role("button", name=re.compile("^Merge (Eileen into Collins|Collins into Eileen)")).first
    expect(merge).to_be_visible()
    for name in ("Eileen", "Collins"):  # whoever is named can be looked at from there
        found.get_by_role("button", name=f"Open {name}").first.click()
        page.get_by_role("dialog", name=name).get_by_role("button", name="Close").click()
    merge.click()
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_role("list", name="People").get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("region", name="Is everything right in it?")).to_contain_text(re.compile("Nothing|finding"))


def test_a_lost_connection_leaves_the_rest_to_be_sent(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "lost")
    open_people(page, service, "lost")
    page.route("**/enrolments", lambda route: route.abort())
    _folder(page).set_input_files(photos["people"])
    page.get_by_role("button", name="Enrol 5 photos").click()
    expect(page.get_by_role("main").get_by_text("0 photos enrolled, 5 not sent.")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("The service cannot be reached").first).to_be_visible()
    page.unroute("**/enrolments")
    page.get_by_role("button", name="Send the 5 that are left").click()
    expect(page.get_by_role("main").get_by_text("2 photos enrolled, 3 not enrolled.")).to_be_visible()


def test_enrolment_can_be_stopped_and_gone_on_with(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "stopped")
    open_people(page, service, "stopped")
    page.route("**/enrolments", lambda _: None)  # never answered
    _folder(page).set_input_files(photos["people"])
    page.get_by_role("button", name="Enrol 5 photos").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("main").get_by_text("Stopped. What is enrolled stays")).to_be_visible()
    page.unroute("**/enrolments")
    page.get_by_role("button", name="Send the 5 that are left").click()
    expect(page.get_by_role("main").get_by_text("2 photos enrolled, 3 not enrolled.")).to_be_visible()


def test_a_gallery_is_deleted_only_by_its_name(page: Page, service: Running, photos: Photos) -> None:
    make_gallery(page, service, "gone")
    enrol(page, service, "gone", "Eileen", photos["astronaut.jpg"])
    open_people(page, service, "gone")
    page.get_by_role("button", name="Manage").click()
    expect(page.get_by_role("dialog", name="Gallery gone")).to_contain_text("1 person, 1 template")
    page.get_by_role("button", name="Delete it …").click()
    page.get_by_role("button", name="Erase everybody in it").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("Type the name, gone")
    page.get_by_label("Type gone to go on").fill("gone")
    page.get_by_role("button", name="Erase everybody in it").click()
    expect(page.get_by_role("dialog", name="Gallery gone was erased")).to_contain_text("1 person, 1 template")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("combobox", name="Gallery").locator("option", has_text="gone")).to_have_count(0)
