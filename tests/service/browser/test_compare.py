"""*Compare*: the answer in words, the faces, the choices, and every way it can fail without losing the photos."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect
from tests.service.browser.conftest import Photos, Running, Start, end

pytestmark = [pytest.mark.slow, pytest.mark.browser]
WHY_MS = 150_000  # seconds on an idle machine, a minute and more on a busy one
HEIC = Path(__file__).parents[2] / "golden" / "photo.heic"


def _give(page: Page, which: str, *files: str) -> None:
    page.get_by_label(f"File for {which} photo").set_input_files(list(files))


def _open(page: Page, service: Running) -> None:
    page.goto(f"{service.url}/")
    expect(page.get_by_role("heading", name="Compare", level=1)).to_be_visible()


def _pair(page: Page, service: Running, photos: Photos, left: str, right: str) -> None:
    _open(page, service)
    _give(page, "first", photos[left])
    _give(page, "second", photos[right])


def _verdict(page: Page, title: str) -> None:
    expect(page.locator(".verdict-title")).to_have_text(title)


def test_same_person_is_said_with_what_it_means(page: Page, service: Running, photos: Photos) -> None:
    _pair(page, service, photos, "astronaut.jpg", "turned.jpg")
    _verdict(page, "The same person")
    said = page.locator(".meaning")
    expect(said).to_contain_text("Over 99.99 % likely to be one person")
    expect(said).to_contain_text(re.compile(r"At most 1 in [\d,]+ strangers would score this high"))
    expect(page.get_by_role("img", name=re.compile(r"Similarity 0\.\d+; yes from 0\.377 on"))).to_be_visible()
    expect(page.locator(".box")).to_have_count(2)
    expect(page.locator(".lens img")).to_have_count(2)
    expect(page.locator("#polite")).to_contain_text("The same person")  # a screen reader hears it
    page.get_by_role("main").get_by_text("Figures").click()
    expect(page.locator(".figures")).to_contain_text("sface@")


def test_strangers_are_told_apart(page: Page, service: Running, photos: Photos) -> None:
    _pair(page, service, photos, "astronaut.jpg", "other.png")
    _verdict(page, "Not the same person")
    expect(page.locator(".verdict")).to_contain_text("at this choice 1 in 1,000 strangers passes")


def test_real_people_in_real_photos(page: Page, service: Running, data_folder: Path) -> None:
    people = sorted(one for one in (data_folder / "lfw" / "lfw2").iterdir() if (one / f"{one.name}_0002.jpg").is_file())
    first, second = (people[0] / f"{people[0].name}_000{n}.jpg" for n in (1, 2))
    _open(page, service)
    _give(page, "first", str(first))
    _give(page, "second", str(second))
    _verdict(page, "The same person")
    _give(page, "second", str(people[-1] / f"{people[-1].name}_0001.jpg"))
    _verdict(page, "Not the same person")


def test_a_stricter_choice_is_asked_of_the_service(page: Page, service: Running, photos: Photos) -> None:
    _pair(page, service, photos, "astronaut.jpg", "turned.jpg")
    _verdict(page, "The same person")
    page.get_by_label("Very strict").check()
    expect(page.locator(".verdict")).to_contain_text("at this choice 1 in 100,000 strangers passes")


def test_a_figure_that_is_not_known_is_not_said(page: Page, service: Running, photos: Photos) -> None:
    with page.expect_response("**/v1/verify") as asked:
        _pair(page, service, photos, "astronaut.jpg", "turned.jpg")
    told = asked.value.json()
    unmeasured = {**told, "probability": None, "strangers_above": None, "fmr": None}
    page.route("**/v1/verify", lambda route: route.fulfill(json=unmeasured))
    page.get_by_label("Very strict").check()
    expect(page.locator(".meaning")).to_have_text("How likely it is cannot be said: the model was not calibrated.")
    expect(page.locator(".verdict")).not_to_contain_text("1 in")


def test_another_face_of_a_group_can_be_meant(page: Page, service: Running, photos: Photos) -> None:
    _pair(page, service, photos, "group.jpg", "astronaut.jpg")
    faces = page.get_by_role("group", name=re.compile("3 faces: which one"))
    expect(faces.get_by_role("radio")).to_have_count(3)
    faces.get_by_role("radio", name="Face 2 from the left").check()
    _verdict(page, "The same person")
    faces.get_by_role("radio", name="Face 3 from the left").check()
    _verdict(page, "Not the same person")


def test_why_shows_both_maps_in_pictures_and_words(page: Page, service: Running, photos: Photos) -> None:
    _pair(page, service, photos, "astronaut.jpg", "turned.jpg")
    page.get_by_role("button", name="Why this answer?").click()
    expect(page.get_by_role("main").get_by_text("Covering the faces bit by bit")).to_be_visible()
    expect(page.get_by_role("heading", name="Why this answer")).to_be_focused(timeout=WHY_MS)
    for place in range(2):
        assert page.locator(".maps img").nth(place).evaluate("picture => picture.naturalWidth > 0")
    expect(page.get_by_role("main").get_by_text("makes the two more alike")).to_be_visible()


def test_photos_are_dropped_and_pasted(page: Page, service: Running, photos: Photos) -> None:
    _open(page, service)
    for kind, target in (("drop", ".wells"), ("paste", "body")):
        page.evaluate(
            """async ([kind, target, pictures]) => {
                const data = new DataTransfer();
                for (const [name, url] of pictures) {
                    const bytes = Uint8Array.from(atob(url), (c) => c.charCodeAt(0));
                    data.items.add(new File([bytes], name, { type: "image/jpeg" }));
                }
                const told = { bubbles: true, cancelable: true };
                const event = kind === "drop" ? new DragEvent("drop", { ...told, dataTransfer: data })
                                              : new ClipboardEvent("paste", { ...told, clipboardData: data });
                document.querySelector(target).dispatchEvent(event);
            }""",
            [kind, target, [[name, _base64(photos[name])] for name in ("astronaut.jpg", "turned.jpg")]],
        )
        _verdict(page, "The same person")
        for which in ("first", "second"):
            page.get_by_role("button", name=f"Remove {which} photo").click()


def _base64(path: str) -> str:
    import base64

    return base64.b64encode(Path(path).read_bytes()).decode()


def test_the_camera_takes_a_photo(page: Page, service: Running) -> None:
    _open(page, service)
    page.get_by_role("button", name="Camera: first photo").click()
    expect(page.get_by_role("dialog", name="Take a photo")).to_be_visible()
    page.get_by_role("button", name="Take the photo").click()
    first = page.get_by_role("region", name="First photo")
    expect(first.get_by_text("camera.jpg")).to_be_visible()
    expect(first.get_by_text("No face was found")).to_be_visible()  # the test picture shows nobody


def test_a_photo_that_the_browser_cannot_draw_works(page: Page, service: Running, photos: Photos) -> None:
    _pair(page, service, photos, "turned.tif", "astronaut.jpg")
    _verdict(page, "The same person")
    expect(page.get_by_role("img", name=re.compile("turned.tif: no preview"))).to_be_visible()
    expect(page.locator(".box img")).to_have_count(1)  # the face, where it is in the photo
    _give(page, "first", str(HEIC))
    expect(page.get_by_role("img", name=re.compile("photo.heic: no preview"))).to_be_visible()


def test_poor_photos_are_told_with_what_to_do(page: Page, service: Running, photos: Photos) -> None:
    _open(page, service)
    _give(page, "first", photos["dim.jpg"])
    expect(page.get_by_role("main").get_by_text("This photo could be better:")).to_be_visible()
    expect(page.get_by_role("main").get_by_text(re.compile("Too dark"))).to_be_visible()


def test_no_face_is_told_beside_the_photo(page: Page, service: Running, photos: Photos) -> None:
    _pair(page, service, photos, "coffee.jpg", "astronaut.jpg")
    expect(page.get_by_role("region", name="First photo").get_by_text("No face was found")).to_be_visible()
    expect(page.locator(".verdict")).to_have_count(0)
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("region", name="Answer").get_by_text("No face was found")).to_be_visible()


def test_what_is_not_a_photo_is_refused(page: Page, service: Running, photos: Photos) -> None:
    _open(page, service)
    _give(page, "first", photos["notes.txt"])
    expect(page.get_by_role("main").get_by_text("notes.txt is not a photo")).to_be_visible()
    _give(page, "first", photos["text.jpg"])
    expect(page.get_by_role("main").get_by_text("That file cannot be read as a photo")).to_be_visible()


def test_a_photo_too_large_is_told(page: Page, start: Start, photos: Photos) -> None:
    small = start(max_photo_bytes="20000")
    _open(page, small)
    _give(page, "first", photos["astronaut.jpg"])
    expect(page.get_by_role("main").get_by_text("That photo is too large")).to_be_visible()
    end(small)


def test_a_server_that_is_down_loses_nothing(page: Page, start: Start, photos: Photos) -> None:
    service = start()
    _pair(page, service, photos, "astronaut.jpg", "turned.jpg")
    _verdict(page, "The same person")
    end(service)
    page.get_by_label("Very strict").check()
    expect(page.get_by_role("region", name="Answer").get_by_text("The service cannot be reached")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("astronaut.jpg")).to_be_visible()
    again = start(service.folder, port=int(service.url.rsplit(":", 1)[1]))
    page.get_by_role("button", name="Try again").click()
    _verdict(page, "The same person")
    end(again)


def test_a_busy_service_is_asked_again_when_it_says(page: Page, service: Running, photos: Photos) -> None:
    asked: list[Request] = []

    def busy_twice(route: Route) -> None:
        asked.append(route.request)
        if len(asked) > 2:
            route.fallback()
            return
        told = {"status": 503, "title": "Service Unavailable", "error": "BusyError", "detail": "all places are taken"}
        route.fulfill(status=503, headers={"Retry-After": "1"}, content_type="application/problem+json", json=told)

    page.route("**/v1/verify", busy_twice)
    _pair(page, service, photos, "astronaut.jpg", "turned.jpg")
    expect(page.get_by_text(re.compile("The service is busy. Trying again in"))).to_be_visible()
    _verdict(page, "The same person")
    assert len(asked) == 3
