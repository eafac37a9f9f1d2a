"""Embedding -> [Match]: who is enrolled, and who of them is most alike."""

from __future__ import annotations

from twinlens.gallery.contract import Contract, GalleryOptions
from twinlens.gallery.copying import Copied, checksum_of, copy_gallery
from twinlens.gallery.registry import SCHEMES, open_gallery
from twinlens.gallery.sqlite_gallery import SqliteGallery

__all__ = [
    "SCHEMES",
    "Contract",
    "Copied",
    "GalleryOptions",
    "SqliteGallery",
    "checksum_of",
    "copy_gallery",
    "open_gallery",
]
