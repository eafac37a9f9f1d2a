"""Detect, verify, explain: photos in every way they may come, and what is said of strangers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from twinlens.recognizer import Recognizer
from twinlens.score import Policy


def inline(photo: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(photo).decode()}


def test_a_face_is_found_with_its_crop(service: TestClient, photo: bytes) -> None:
    answer = service.post("/v1/detect", files={"photo": photo}, data={"crops": "true"}).json()
    assert (answer["width"], answer["height"], len(answer["faces"])) == (512, 512, 1)
    face = answer["faces"][0]
    left, top, right, bottom = face["box"]
    assert 150 < left < right < 300
    assert 40 < top < bottom < 200
    assert len(face["landmarks"]) == 5
    assert face["quality"]["reasons"] == []
    assert base64.b64decode(face["crop"].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")


def test_nobody_in_a_photo_is_an_answer_of_detect_and_an_error_of_verify(
    service: TestClient, photo: bytes, nobody: bytes
) -> None:
    assert service.post("/v1/detect", files={"photo": nobody}).json()["faces"] == []
    refused = service.post("/v1/verify", files={"left": photo, "right": nobody})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["error"] == "NoFaceError"
    assert "right" in refused.json()["detail"]


@pytest.mark.parametrize("way", ["multipart", pytest.param("json", marks=pytest.mark.slow)])
def test_verify_says_what_the_library_says(service: TestClient, photo: bytes, other_photo: bytes, way: str) -> None:
    if way == "multipart":
        files = {"left": photo, "right": other_photo}
        answer = service.post("/v1/verify", files=files, data={"target_fmr": "0.01"}).json()
    else:
        asked = {"left": inline(photo), "right": inline(other_photo), "target_fmr": 0.01}
        answer = service.post("/v1/verify", json=asked).json()
    with Recognizer.default(policy=Policy(target_fmr=0.01)) as recognizer:
        wanted = recognizer.verify(photo, other_photo)
    assert answer["score"] == pytest.approx(wanted.score, abs=1e-4)
    assert answer["probability"] == pytest.approx(wanted.probability, abs=1e-4)
    assert (answer["accepted"], answer["threshold"], answer["fmr"]) == (True, wanted.threshold, wanted.fmr)
    assert answer["left"]["others"] == 0
    assert answer["left"]["face"]["crop"] is None
    assert "strangers would score this high" in answer["meaning"]


def test_a_score_beyond_the_measurement_is_a_bound_and_says_so(service: TestClient, photo: bytes) -> None:
    answer = service.post("/v1/verify", files={"left": photo, "right": photo}).json()
    assert answer["score"] == pytest.approx(1.0, abs=1e-3)
    assert answer["strangers_bound"] == "at most"
    assert answer["meaning"].startswith("at most 1 in ")


def test_a_rate_that_nobody_measured_is_refused_with_what_to_do(service: TestClient, photo: bytes) -> None:
    refused = service.post("/v1/verify", files={"left": photo, "right": photo}, data={"target_fmr": "1e-12"})
    assert (refused.status_code, refused.json()["error"]) == (422, "CalibrationError")
    assert "measured down to" in refused.json()["detail"]


@pytest.mark.slow
def test_why_shows_two_maps_and_words(service: TestClient, photo: bytes, other_photo: bytes) -> None:
    answer = service.post("/v1/explain", files={"left": photo, "right": other_photo}).json()
    assert answer["decision"]["accepted"] is True
    assert answer["left_map"].startswith("data:image/png;base64,")
    assert answer["right_map"] != answer["left_map"]
    assert "taken for the same person" in answer["text"]


@pytest.mark.slow
def test_why_says_how_far_it_is_where_lines_are_accepted(
    service: TestClient, photo: bytes, other_photo: bytes, nobody: bytes
) -> None:
    def lines(right: bytes) -> list[dict[str, Any]]:
        asked = {"left": photo, "right": right}
        answered = service.post("/v1/explain", files=asked, headers={"Accept": "application/x-ndjson"})
        assert answered.headers["content-type"] == "application/x-ndjson"
        return [json.loads(line) for line in answered.text.splitlines()]

    *steps, answer = lines(other_photo)
    assert answer["decision"]["accepted"] is True
    done = [step["done"] for step in steps]
    assert (len(done) > 3, done, done[-1]) == (True, sorted(done), steps[0]["total"])
    (problem,) = lines(nobody)
    assert (problem["status"], problem["error"]) == (422, "NoFaceError")


def test_a_photo_is_called_as_its_field_and_options_are_bound_to_what_is_known(
    service: TestClient, photo: bytes
) -> None:
    for files, told in (
        ({"left": photo}, {}),
        ({"left": photo, "right": photo, "middle": photo}, {}),
        ({"left": photo, "right": photo}, {"threshold": "0.3"}),
        ({"left": photo, "right": photo}, {"target_fmr": "nan"}),
        ({"left": photo, "right": photo}, {"target_fmr": "0"}),
    ):
        refused = service.post("/v1/verify", files=files, data=told)
        assert (refused.status_code, refused.json()["error"]) == (422, "RequestError"), (list(files), told)


@pytest.mark.parametrize(
    ("sent", "data", "said"),
    [
        (["left", "right"], {"threshold": "0.5"}, "threshold: no such field; there are: target_fmr, crops"),
        (["left"], {}, "wanted one photo called 'right', got 0; to be sent once: left, right"),
    ],
)
def test_what_is_not_known_or_not_there_is_named_beside_what_is(
    service: TestClient, photo: bytes, sent: list[str], data: dict[str, str], said: str
) -> None:
    refused = service.post("/v1/verify", files=dict.fromkeys(sent, photo), data=data)
    assert (refused.status_code, refused.json()["error"], refused.json()["detail"]) == (422, "RequestError", said)
