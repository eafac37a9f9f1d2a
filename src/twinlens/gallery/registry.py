"""URL or path -> an open gallery: one engine a scheme, in a visible dict."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from twinlens.errors import OptionError
from twinlens.gallery.contract import Contract, GalleryOptions
from twinlens.gallery.sqlite_gallery import SqliteGallery
from twinlens.protocols import Gallery

_SCHEME = re.compile(r"([a-z][a-z0-9+]+):(?://)?(.*)", re.DOTALL)  # two letters and more: C: is a drive


def _sqlite(place: str, contract: Contract, options: GalleryOptions) -> Gallery:
    return SqliteGallery(Path(place), contract, options)


def _milvus(place: str, contract: Contract, options: GalleryOptions, *, tls: bool = False) -> Gallery:
    from twinlens.gallery.milvus_address import MilvusAddress  # noqa: PLC0415 - optional

    address = MilvusAddress.parse(place, tls=tls)
    if find_spec("pymilvus") is None:
        msg = "a gallery on Milvus needs pymilvus: pip install 'twinlens[distributed]'"
        raise OptionError(msg)
    from twinlens.gallery.milvus_gallery import MilvusGallery  # noqa: PLC0415 - optional

    return MilvusGallery(address, contract, options)


def _milvus_tls(place: str, contract: Contract, options: GalleryOptions) -> Gallery:
    return _milvus(place, contract, options, tls=True)


SCHEMES: dict[str, Callable[[str, Contract, GalleryOptions], Gallery]] = {
    "sqlite": _sqlite,
    "milvus": _milvus,
    "milvus+tls": _milvus_tls,
}


def open_gallery(url_or_path: str | Path, *, model: str, dim: int, options: GalleryOptions | None = None) -> Gallery:
    """Open a gallery, and create it where there is none.

    Args:
        url_or_path: a file's path, ``sqlite:PATH``, or ``milvus://HOST:PORT/COLLECTION``.
        model: whose embeddings it holds.
        dim: numbers in one.
        options: limits and patience.

    Raises:
        OptionError: an unknown scheme.
        GalleryError: it cannot be opened; the message says what to do.
        ModelMismatchError: it holds another model's vectors.
    """
    contract, options = Contract(model, dim), options or GalleryOptions()
    found = None if isinstance(url_or_path, Path) else _SCHEME.fullmatch(url_or_path)
    if found is None:
        return _sqlite(str(url_or_path), contract, options)
    scheme, place = found.groups()
    if scheme not in SCHEMES:
        msg = f"unknown kind of gallery {scheme!r}; known: a path, sqlite:PATH, milvus://HOST:PORT/COLLECTION, milvus+tls://..."
        raise OptionError(msg)
    return SCHEMES[scheme](place, contract, options)
