"""The laws of the house that import-linter cannot say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import twinlens

SOURCE = Path(twinlens.__file__).parent
HOMELESS = {"utils", "util", "common", "helpers", "helper", "core", "misc"}
LONGEST_FILE = 400


def test_no_room_without_a_name() -> None:
    names = {part for path in SOURCE.rglob("*.py") for part in path.relative_to(SOURCE).with_suffix("").parts}
    assert not names & HOMELESS


def test_files_stay_short() -> None:
    lengths = {
        str(path.relative_to(SOURCE)): len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCE.rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_every_public_name_exists() -> None:
    for name in twinlens.__all__:
        assert getattr(twinlens, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = twinlens.nonsense


@pytest.mark.parametrize(
    ("modules", "forbidden"),
    [
        ("twinlens", {"torch", "cv2", "openvino", "onnxruntime", "faiss", "typer", "PIL"}),
        ("twinlens.recognizer, twinlens.cli.app", {"torch", "lightning", "matplotlib"}),
        ("twinlens.cli.app", {"openvino", "onnxruntime", "faiss", "fastapi", "uvicorn", "pydantic_settings"}),
        ("twinlens.service.app", {"torch", "lightning", "matplotlib", "openvino", "onnxruntime"}),
    ],
)
def test_imports_stay_light(modules: str, forbidden: set[str]) -> None:
    code = f"import sys, {modules}; print(' '.join(sorted({forbidden!r} & set(sys.modules))))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == ""
