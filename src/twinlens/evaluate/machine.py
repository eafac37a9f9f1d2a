"""This machine -> one line that stands beside every figure."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path

from twinlens.runtime import RuntimeOptions, chosen_engine, usable_cores

CPU_INFO = Path("/proc/cpuinfo")
CPU_FLAGS = ("amx_tile", "avx512_bf16", "avx512f", "avx2")


def machine() -> str:
    """Return processor, cores, vector units, engine and versions; nothing that names the machine or its owner.

    Raises:
        ModelError: no inference engine is installed.
    """
    info = CPU_INFO.read_text(encoding="utf-8") if CPU_INFO.exists() else ""
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    named = {key.strip(): value.strip() for key, value in fields.items()}
    flags = named.get("flags", "").split()
    units = ", ".join(flag for flag in CPU_FLAGS if flag in flags) or "unknown vector units"
    engine = chosen_engine(RuntimeOptions())
    processor = named.get("model name") or platform.processor() or platform.machine()
    return (
        f"{processor}, {usable_cores()} cores ({units}), Python "
        f"{platform.python_version()}, {engine} {importlib.metadata.version(engine)}, OpenCV "
        f"{importlib.metadata.version('opencv-python-headless')}"
    )
