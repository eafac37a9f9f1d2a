"""Reports as JSON: there and back without loss, and damage that is said."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.evaluate.conftest import full, hostile, minimal, perfect

from twinlens.errors import DatasetError
from twinlens.evaluate.records import Report
from twinlens.evaluate.score_records import Figure
from twinlens.evaluate.storage import made, plain, read_report, report_text


@pytest.mark.parametrize("make", [full, minimal, perfect, hostile])
def test_a_report_is_the_same_after_its_json(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "report.json"
    path.write_text(report_text(make()), encoding="utf-8")
    again = read_report(path)
    assert json.loads(report_text(again)) == json.loads(path.read_text(encoding="utf-8"))
    assert (again.title, again.parts, again.mistakes) == (make().title, make().parts, make().mistakes)


def test_an_older_report_without_processor_time_can_be_read(tmp_path: Path) -> None:
    record = json.loads(report_text(full()))
    del record["speed"]["cpu_seconds"]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    assert read_report(path).speed.cpu_seconds == 0


def test_what_is_no_number_becomes_nothing() -> None:
    report = replace(minimal(), headline=(Figure("x", float("nan"), float("inf")),))
    record = json.loads(report_text(report))
    assert (record["headline"][0]["value"], record["headline"][0]["low"]) == (None, None)


@settings(max_examples=30)
@given(st.floats(allow_nan=False, allow_infinity=False), st.text(), st.text())
def test_figures_survive(value: float, name: str, note: str) -> None:
    figure = Figure(name, value, format="number", note=note)
    again = made(json.loads(json.dumps(plain(asdict(figure)))), Figure, "figure")
    assert (again.name, again.note) == (figure.name, figure.note)
    assert again.value == pytest.approx(value, rel=1e-6)


def _without(record: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != key}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda r: [r], "is not a report"),
        (lambda r: {**r, "kind": "letter"}, "is not a report"),
        (lambda r: {**r, "format": 99}, "format 99"),
        (lambda r: _without(r, "speed"), "speed"),
        (lambda r: {**r, "more": 1}, "unknown keys more"),
        (lambda r: {**r, "folds": [0.9, "x"]}, "report.folds[1] must be float"),
        (lambda r: {**r, "quick": 1}, "report.quick must be bool"),
        (lambda r: {**r, "parts": {}}, "report.parts must be a list"),
        (lambda r: {**r, "headline": [{**r["headline"][0], "format": "furlongs"}]}, "furlongs"),
        (lambda r: {**r, "search": 3}, "report.search must be an object"),
        (
            lambda r: {**r, "headline": [{**r["headline"][0], "value": 1e308, "high": 1e308}]},
            "report.headline[0] must be",
        ),
        (lambda r: {**r, "headline": [{**r["headline"][0], "low": 0.9, "high": 0.1}]}, "within its interval"),
        (lambda r: {**r, "histogram": {**r["histogram"], "edges": [0.0]}}, "report.histogram has lists"),
        (lambda r: {**r, "curve": {**r["curve"], "fmr": []}}, "report.curve has lists"),
    ],
)
def test_damage_is_told_by_its_place(damage, said: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(damage(json.loads(report_text(full())))), encoding="utf-8")
    with pytest.raises(DatasetError) as error:
        read_report(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="cannot read the report"):
        read_report(path)
    with pytest.raises(DatasetError, match="cannot read the report"):
        read_report(tmp_path / "absent.json")


def test_a_report_has_the_fields_that_its_json_has() -> None:
    assert set(json.loads(report_text(full()))) == {"kind", "format", *Report.__dataclass_fields__}
