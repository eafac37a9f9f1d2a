"""What OpenAPI and the documentation say is what the service does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined
from starlette.testclient import TestClient

from twinlens.service.settings import Settings

DOCS = Path(__file__).parents[2] / "docs" / "service.md"
METHODS = {"get", "post", "patch", "delete"}


@pytest.fixture(scope="module")
def schema(service: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = service.get("/openapi.json").json()
    return found


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    paths = schema["paths"].items()
    return [(f"{method} {path}", told) for path, many in paths for method, told in many.items() if method in METHODS]


def test_every_operation_is_described_and_named_once(schema: dict[str, Any]) -> None:
    found = operations(schema)
    assert len(found) >= 29
    assert len({told["operationId"] for _, told in found}) == len(found)
    for name, told in found:
        assert told["description"], name
        assert told["tags"], name


def test_every_refusal_is_declared_as_problem_details(schema: dict[str, Any]) -> None:
    for name, told in operations(schema):
        if " /v1/" not in name:
            continue
        assert {"400", "401", "403", "413", "422", "429", "500", "503"} <= set(told["responses"]), name
        for status, answer in told["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (name, status)
                assert answer["content"]["application/problem+json"]["example"]["status"] == int(status)


def test_photos_may_come_in_both_ways(schema: dict[str, Any]) -> None:
    bodies = [(name, told["requestBody"]["content"]) for name, told in operations(schema) if "requestBody" in told]
    with_photos = [name for name, content in bodies if set(content) == {"multipart/form-data", "application/json"}]
    assert len(with_photos) == 8
    for name, content in bodies:
        for told in content.values():
            assert "threshold" not in str(told.get("schema")), name  # requests ask for a rate


def test_answers_have_examples(schema: dict[str, Any]) -> None:
    for name in ("VerifyAnswer", "SubjectAnswer", "ReportAnswer", "GalleryAnswer"):
        fields = schema["components"]["schemas"][name]["properties"].values()
        assert any("examples" in field for field in fields), name


def test_the_table_of_settings_is_whole() -> None:
    rows = {
        line.split("|")[1].strip(" `"): line
        for line in DOCS.read_text(encoding="utf-8").splitlines()
        if "| `TWINLENS_" in line
    }
    fields = Settings.model_fields
    assert set(rows) == {f"TWINLENS_{name.upper()}" for name in fields}
    for name, field in fields.items():
        row = rows[f"TWINLENS_{name.upper()}"]
        assert str(field.description).replace("|", "\\|") in row
        if field.default is not PydanticUndefined:
            assert f"| {_written(field.default)} |" in row, row


def _written(default: object) -> str:
    if default is None or default in ("", ()):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
