"""This machine, this code and this data -> what must be known to make a run again."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from twinlens.lab.data import Material
from twinlens.lab.recipe import Recipe
from twinlens.version import __version__

PACKAGES = ("torch", "lightning", "pytorch-metric-learning", "kornia", "numpy", "opencv-python-headless")


def environment(recipe: Recipe, material: Material, *, precision: str, processes: int) -> dict[str, Any]:
    """Return it as plain values, without any path of this machine."""
    return {
        "twinlens": __version__,
        "git_commit": git_commit(Path(__file__).parent),
        "seeds": {"training": recipe.training.seed, "split": recipe.data.split_seed},
        "data": {
            "dataset": recipe.data.dataset,
            "sha256": material.digest,
            "photos": len(material.paths),
            "train_people": material.train_people,
        },
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "processes": processes,
        "precision": precision,
    }


def git_commit(folder: Path) -> str:
    """Return the commit that the code is at, with ``+`` where it was changed since; empty outside of a repository."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=20
        )
        return done.stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        return commit + ("+" if git("status", "--porcelain", "--untracked-files=no", "--", str(folder)) else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def processor() -> str:
    """Return the processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def has_bfloat16() -> bool:
    """Return whether this processor computes with bfloat16 itself (elsewhere it would be slower than float32)."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported() and torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
