"""Subjects: pages, names of any kind, tags, merging, erasing; people are asked for by photo."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

ODD = ["Ada Lovelace", "team/Ada", "Ådå 🙂", "x/photos", "a/../b", "?#&", "'; DROP TABLE subjects; --"]


def enrol(service: TestClient, gallery: str, name: str, photo: bytes, **options: str) -> str:
    path = f"/v1/galleries/{gallery}/subjects/{quote(name, safe='')}/photos"
    answer = service.post(path, files={"photos": ("face.jpg", photo)}, data=options)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["reports"][0]["outcome"])


@pytest.mark.parametrize("name", ODD)
def test_a_name_of_any_kind_lives_and_goes(service: TestClient, gallery: str, photo: bytes, name: str) -> None:
    path = f"/v1/galleries/{gallery}/subjects/{quote(name, safe='')}"
    assert enrol(service, gallery, name, photo) == "done"
    shown = service.get(path).json()
    assert (shown["name"], shown["templates"], shown["sources"]) == (name, 1, ["face.jpg"])
    found = service.post("/v1/identify", files={"photo": photo}, data={"gallery": gallery}).json()
    assert found["faces"][0]["subject"] == name
    receipt = service.delete(path).json()
    assert (receipt["subject"], receipt["templates"], receipt["proven"]) == (name, 1, True)
    assert service.get(path).status_code == 404
    found = service.post("/v1/identify", files={"photo": photo}, data={"gallery": gallery}).json()
    assert found["faces"][0]["subject"] is None
    assert found["faces"][0]["reasons"] == ["the gallery is empty"]


def test_pages_follow_each_other_and_tags_choose(service: TestClient, gallery: str, photo: bytes) -> None:
    names = [f"P{number}" for number in range(5)]
    for name in names:
        enrol(service, gallery, name, photo, accept_conflict="true", tags='{"team": "north"}' if name < "P2" else "{}")
        photo += b"\0"  # another file, the same picture: known by its pixels
    listed: list[str] = []
    cursor = None
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = service.get(f"/v1/galleries/{gallery}/subjects", params=query).json()
        listed += [one["name"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert listed == sorted(listed)
    tagged = service.get(f"/v1/galleries/{gallery}/subjects", params={"tag": "team:north"}).json()["items"]
    assert {one["name"] for one in tagged} == {"P0", "P1"} & set(listed)
    assert [one["name"] for one in service.get(f"/v1/galleries/{gallery}/subjects?q=p0").json()["items"]] == ["P0"]


def test_rename_and_tags_and_what_cannot_be(
    service: TestClient, gallery: str, photo: bytes, other_photo: bytes
) -> None:
    enrol(service, gallery, "Ada", photo)
    enrol(service, gallery, "Eve", other_photo, accept_conflict="true")
    path = f"/v1/galleries/{gallery}/subjects"
    changed = service.patch(f"{path}/Ada", json={"name": "Ada L.", "tags": {"team": "north"}}).json()
    assert (changed["name"], changed["tags"]) == ("Ada L.", {"team": "north"})
    assert service.get(f"{path}/Ada").status_code == 404
    taken = service.patch(f"{path}/Ada%20L.", json={"name": "Eve"})
    assert (taken.status_code, taken.json()["error"]) == (409, "ConflictError")
    bad = service.patch(f"{path}/Ada%20L.", json={"name": "New", "tags": {"a\x07": "b"}})
    assert (bad.status_code, bad.json()["error"]) == (422, "OptionError")
    assert service.get(f"{path}/Ada%20L.").json()["tags"] == {"team": "north"}  # nothing was done by halves


def test_two_names_of_one_person_become_one(
    service: TestClient, gallery: str, photo: bytes, other_photo: bytes
) -> None:
    enrol(service, gallery, "Ada", photo)
    enrol(service, gallery, "A. Lovelace", other_photo, accept_conflict="true")
    path = f"/v1/galleries/{gallery}/subjects"
    merged = service.post(f"{path}/A.%20Lovelace/merge", json={"into": "Ada"})
    assert merged.json() == {"subject": "Ada", "templates": 2, "moved": 1}
    assert service.get(f"{path}/Ada").json()["templates"] == 2
    assert service.get(f"{path}/A.%20Lovelace").status_code == 404
    assert service.post(f"{path}/Ada/merge", json={"into": "Ada"}).status_code == 409
    assert service.post(f"{path}/Ada/merge", json={"into": "Nobody"}).status_code == 404


def test_identify_at_a_rate_of_one_comparison(service: TestClient, gallery: str, photo: bytes) -> None:
    enrol(service, gallery, "Ada", photo)
    loose, strict = (
        service.post("/v1/identify", files={"photo": photo}, data={"gallery": gallery, "target_fmr": rate}).json()
        for rate in ("0.01", "0.00001")
    )
    assert loose["threshold"] < strict["threshold"]
    assert (loose["fmr"], strict["fmr"]) == (pytest.approx(0.01, rel=0.05), pytest.approx(0.00001, rel=0.05))
    assert strict["faces"][0]["candidates"][0]["rank"] == 1


def test_a_gallery_that_is_not_there(service: TestClient, photo: bytes) -> None:
    for method, path in (("GET", "subjects"), ("GET", "subjects/a"), ("DELETE", "subjects/a"), ("GET", "doctor")):
        refused = service.request(method, f"/v1/galleries/nowhere/{path}")
        assert (refused.status_code, refused.json()["error"]) == (404, "UnknownGalleryError")
    refused = service.post("/v1/identify", files={"photo": photo}, data={"gallery": "../../etc"})
    assert (refused.status_code, refused.json()["error"]) == (404, "UnknownGalleryError")


@pytest.mark.parametrize("name", ["..", ".", "a/../b"])
def test_nobody_gets_a_name_that_clients_leave_out_of_a_path(
    service: TestClient, gallery: str, photo: bytes, name: str
) -> None:
    enrol(service, gallery, "Ada", photo)
    path = f"/v1/galleries/{gallery}/subjects/Ada"
    assert service.patch(path, json={"name": name}).status_code == 422
    assert service.get(path).status_code == 200


def test_tags_that_cannot_be_are_said_before_a_photo_is_stored(service: TestClient, gallery: str, photo: bytes) -> None:
    path, files = f"/v1/galleries/{gallery}/subjects", [("photos", ("a.jpg", photo))]
    for tags in ('{"team": "a\\nb"}', '{"": "north"}'):
        assert service.post(f"{path}/Ada/photos", files=files, data={"tags": tags}).status_code == 422
    assert service.get(path).json()["items"] == []
