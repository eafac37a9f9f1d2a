"""This machine -> one line that stands beside every figure."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path

from twinlens.runtime import RuntimeOptions, chosen_engine, usable_cores

CPU_FLAGS = ("amx_tile", "avx512_bf16", "avx512f", "avx2")


def machine() -> str:
    """Return processor, cores, widest vector unit, engine and versions; no name of the machine."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    named = {key.strip(): value.strip() for key, value in fields.items()}
    flags = named.get("flags", "").split()
    units = ", ".join(flag for flag in CPU_FLAGS if flag in flags) or "unknown vector units"
    engine = chosen_engine(RuntimeOptions())
    return (
        f"{named.get('model name', platform.processor())}, {usable_cores()} cores ({units}), Python "
        f"{platform.python_version()}, {engine} {importlib.metadata.version(engine)}, OpenCV "
        f"{importlib.metadata.version('opencv-python-headless')}"
    )
