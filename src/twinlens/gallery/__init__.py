"""Embedding -> [Match]: who is enrolled, and who of them is most alike."""

from __future__ import annotations

from twinlens.gallery.contract import Contract, GalleryOptions
from twinlens.gallery.registry import SCHEMES, open_gallery
from twinlens.gallery.sqlite_gallery import SqliteGallery

__all__ = ["SCHEMES", "Contract", "GalleryOptions", "SqliteGallery", "open_gallery"]
