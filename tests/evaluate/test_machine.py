"""The line beside every figure says what the machine is, and nothing that names it."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from twinlens.evaluate import machine as module
from twinlens.evaluate.machine import machine


def test_it_says_processor_and_versions_and_no_name() -> None:
    said = machine()
    assert f"Python {platform.python_version()}" in said
    assert "cores" in said
    assert platform.node() not in said


def test_a_system_without_cpuinfo_is_described_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "CPU_INFO", tmp_path / "absent")
    assert "unknown vector units" in machine()
