"""Parts of data -> what they share and should not: people, photos, copies of photos, faces, pairs."""

from __future__ import annotations

from twinlens.evaluate.leakage.check import check_leakage
from twinlens.evaluate.leakage.faces import Likeness
from twinlens.evaluate.leakage.findings import Example, Finding, Leakage, Place, Thing

__all__ = ["Example", "Finding", "Leakage", "Likeness", "Place", "Thing", "check_leakage"]
