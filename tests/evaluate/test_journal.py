"""What was seen comes back exactly; a file cut anywhere goes on; another question is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from tests.evaluate.detector_samples import look, seen

from twinlens.errors import DatasetError, OptionError
from twinlens.evaluate.journal import Journal, read_looks
from twinlens.evaluate.looks import Look, PhotoLooks

QUESTION = {"data set": "mine", "machine": "this one"}
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


def three() -> list[PhotoLooks]:
    return [
        seen("ä b.jpg", {"yunet single": look([(1, 2, 3.3, 4)]), "yunet tiny": look([])}),
        PhotoLooks("broken.jpg", None, "not a picture", {}),
        seen("c.jpg", {"yunet single": look([(1, 2, 3, 4), (5, 6, 7, 8)], scores=[0.7, 0.1])}),
    ]


def write(path: Path, photos: list[PhotoLooks], *, resume: bool = False) -> list[str]:
    with Journal(path, QUESTION, resume=resume) as journal:
        there = [photo.name for photo in journal.photos()]
        for photo in photos:
            journal.add(photo)
    return there


def same(one: PhotoLooks, other: PhotoLooks) -> bool:
    def arrays(look: Look) -> list[object]:
        return [look.boxes.tolist(), look.scores.tolist(), look.reported.tolist(), look.wall_s, look.cpu_s]

    return (one.name, one.width_height, one.error) == (other.name, other.width_height, other.error) and (
        {label: arrays(seen) for label, seen in one.looks.items()}
        == {label: arrays(seen) for label, seen in other.looks.items()}
    )


@given(st.lists(st.tuples(floats, floats, floats, floats), max_size=4), floats)
def test_numbers_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[tuple[float, float, float, float]], score: float
) -> None:
    photo = seen("a.jpg", {"x": look(boxes, scores=[score] * len(boxes))})
    path = tmp_path_factory.mktemp("journal") / "looks.jsonl"
    write(path, [photo])
    (back,) = read_looks(path)
    assert same(back, photo)
    assert back.looks["x"].boxes.dtype == np.float32


@pytest.mark.parametrize("resume", [False, True])
def test_an_existing_file_is_begun_anew_or_gone_on_with(tmp_path: Path, resume: bool) -> None:
    path = tmp_path / "deep" / "looks.jsonl"
    first, second, third = three()
    assert write(path, [first, second]) == []
    assert write(path, [third], resume=resume) == ([first.name, second.name] if resume else [])
    kept = list(read_looks(path))
    wanted = [first, second, third] if resume else [third]
    assert len(kept) == len(wanted)
    assert all(same(*pair) for pair in zip(kept, wanted, strict=True))


def test_a_file_cut_at_any_byte_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "looks.jsonl"
    write(path, three())
    whole = path.read_bytes()
    for cut in [*range(0, len(whole), 37), len(whole) - 1]:
        path.write_bytes(whole[:cut])
        done = write(path, [], resume=True)
        assert done == [photo.name for photo in three()][: len(done)]
        assert len(done) == max(whole[:cut].count(b"\n") - 1, 0)
        write(path, [photo for photo in three() if photo.name not in done], resume=True)
        assert path.read_bytes() == whole


def test_another_question_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "looks.jsonl"
    write(path, three())
    before = path.read_bytes()
    with pytest.raises(OptionError, match=r"begun with another machine: .*leave out --resume"):
        Journal(path, {**QUESTION, "machine": "another"}, resume=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"my diary", "is not what twinlens benchmark detectors keeps"),
        (b"my diary\n", ":1: wanted a JSON object"),
        (b'{"kind": "something else"}\n', "is not what twinlens benchmark detectors keeps"),
        (b"[1]\n", ":1: wanted a JSON object, got"),
    ],
)
def test_a_strange_file_is_refused_and_left_alone(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "looks.jsonl"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        Journal(path, QUESTION, resume=True)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("line", "message"),
    [(b"{}", r":3: wanted what was seen in a photo"), (b"{", ":3: wanted a JSON object"), (b"\xff", ":3: wanted")],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "looks.jsonl"
    write(path, three())
    lines = path.read_bytes().split(b"\n")
    lines[2] = line
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(DatasetError, match=message):
        list(read_looks(path))
    with pytest.raises(DatasetError, match="cannot read"):
        list(read_looks(tmp_path / "absent"))
