"""What is said over REST is advice for whoever sent a request, not for the command line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import twinlens
from twinlens.service.wording import WORDS, in_requests

SOURCES = Path(twinlens.__file__).parent
ROOMS = ("recognizer", "gallery", "image", "detect", "embed", "quality.py", "score.py", "runtime.py", "service")
NOT_SENT = (  # a service has galleries, sets allow_url, indexes no folder, and makes no remedies and no Ray cluster
    "photos that were indexed are not in",
    "this recognizer has no gallery",
    "an address; nothing is fetched",
    "no Ray cluster",
)


def texts() -> Iterator[str]:
    """Yield every sentence that these rooms may say, with {} where something is filled in."""
    for room in ROOMS:
        place = SOURCES / room
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            if path.name in {"remedies.py", "wording.py"}:
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
            for node in ast.walk(tree):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
                    yield node.value


def test_no_option_of_the_command_line_is_sent() -> None:
    said = [text for text in texts() if " " in text and "\n" not in text and "--" in text]
    assert len(said) >= 4
    for text in said:
        if not any(start in text for start in NOT_SENT):
            assert "--" not in in_requests(text), text


def test_what_is_put_in_other_words_is_still_said() -> None:
    all_texts = "\n".join(texts())
    for said in WORDS:
        assert said in all_texts, f"nothing says this any more: {said}"


@pytest.mark.parametrize("text", ["Ada (--)", "a -- b", "x (2024) - y", "1--2"])
def test_names_are_left_alone(text: str) -> None:
    assert in_requests(text) == text


def test_nobody_in_a_photo_is_told_what_the_service_can_do(service: TestClient, photo: bytes, nobody: bytes) -> None:
    refused = service.post("/v1/verify", files={"left": photo, "right": nobody}).json()
    assert "--" not in refused["detail"]
    assert "TWINLENS_SCALES" in refused["detail"]


def test_a_subject_that_is_not_there_is_told_where_they_are_listed(service: TestClient, gallery: str) -> None:
    refused = service.get(f"/v1/galleries/{gallery}/subjects/Ada").json()
    assert "run:" not in refused["detail"]
    assert "subjects" in refused["detail"]
