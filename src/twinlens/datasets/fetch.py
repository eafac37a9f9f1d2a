"""The owners' addresses -> a data set's files, resumed where a download broke off, checked by sha256.

A file is written beside its final name as ``NAME.part`` and takes its name only when its sum is right. With a
``.part`` present the rest is asked for (RFC 9110, section 14.2); a server that sends everything again is listened to
from the start.
"""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twinlens.datasets.archives import unpack
from twinlens.datasets.sources import SOURCES, Source, Sources
from twinlens.errors import DatasetError, OptionError
from twinlens.version import __version__

CHUNK = 1 << 20
TIMEOUT_S = 30.0
MOST_BYTES = 1 << 30  # of a file whose size is not published

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch did.

    Attributes:
        folder: where the data set is.
        loaded: names of the files that were downloaded, or of archives put there by hand that were unpacked.
        present: names of those that were here already.
        terms: what the owners allow.
        by_hand: what has to be obtained in another way, and how; empty where nothing is missing.
    """

    folder: Path
    loaded: tuple[str, ...]
    present: tuple[str, ...]
    terms: str
    by_hand: str


def fetch(name: str, data_root: Path, *, progress: Progress | None = None) -> Fetched:
    """Download a data set into the data root, check it and unpack its archives.

    Args:
        name: a key of `twinlens.datasets.sources.SOURCES`.
        data_root: the set goes to a folder of its own below.
        progress: called with (file, bytes here, bytes in all).

    Raises:
        OptionError: an unknown name; the message lists the known ones.
        DatasetError: no network, an error of the server, or a sum that differs; what arrived is kept for a resume,
            unless its sum is wrong.
    """
    check_name(name)
    return fetch_sources(SOURCES[name], data_root, progress=progress)


def check_name(name: str) -> None:
    """Refuse a name that is not known.

    Raises:
        OptionError: it is none; the message lists the known ones.
    """
    if name not in SOURCES:
        msg = f"nothing known to fetch under {name!r}; known: {', '.join(SOURCES)}"
        raise OptionError(msg)


def fetch_sources(sources: Sources, data_root: Path, *, progress: Progress | None = None) -> Fetched:
    """Download the files of a definition; as `fetch`.

    Raises:
        DatasetError: as `fetch`.
    """
    folder = data_root / sources.folder
    folder.mkdir(parents=True, exist_ok=True)
    loaded, present = [], []
    for source in sources.files:
        if _is_here(source, folder):
            present.append(source.name)
            continue
        path = folder / source.name
        if not _is_whole(source, path):
            path = download(source, folder, progress=progress)
        loaded.append(source.name)
        if source.unpacked:
            unpack(path, folder, max_bytes=source.unpacked_bytes)
            path.unlink()
    return Fetched(folder, tuple(loaded), tuple(present), sources.terms, sources.by_hand)


def _is_here(source: Source, folder: Path) -> bool:
    if source.unpacked:
        return (folder / source.unpacked).exists()
    return _is_whole(source, folder / source.name)


def _is_whole(source: Source, path: Path) -> bool:
    """Return whether a file, perhaps put there by hand, is the one that is wanted."""
    return path.is_file() and _sum(path) == source.sha256


def download(source: Source, folder: Path, *, progress: Progress | None = None) -> Path:
    """Download one file and return its path; every address is tried in turn.

    Raises:
        DatasetError: no address gave the right file; the message says what happened at each.
    """
    final, part = folder / source.name, folder / f"{source.name}.part"
    problems = []
    for url in source.urls:
        try:
            _receive(url, part, source, progress)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            problems.append(f"{url}: {_reason(error)}")
            continue
        if (found := _sum(part)).startswith(source.sha256):
            part.replace(final)
            return final
        part.unlink()
        problems.append(f"{url}: sent a file with sha256 {found}, wanted {source.sha256}; it was deleted")
    msg = (
        f"cannot fetch {source.name}: {'; '.join(problems)}. Is this machine on a network that lets it out? "
        f"What arrived is kept, and the next try goes on from there; or put the file into {folder} by hand"
    )
    raise DatasetError(msg)


def _receive(url: str, part: Path, source: Source, progress: Progress | None) -> None:
    """Write what an address sends behind what is already here.

    Raises:
        OSError: the network, the server or the disk.
    """
    have = part.stat().st_size if part.is_file() else 0
    answer = _ask(url, part, source, have)
    if answer is None:
        return
    with answer:
        resumed = answer.status == http.HTTPStatus.PARTIAL_CONTENT and _starts_at(answer, have)
        at = have if resumed else 0
        total = at + int(answer.headers.get("Content-Length") or 0)
        most = source.size_bytes or MOST_BYTES
        with part.open("ab" if resumed else "wb") as stream:
            while chunk := answer.read(CHUNK):
                at += len(chunk)
                if max(at, total) > most:
                    msg = f"sends {max(at, total)} bytes or more, wanted at most {most}"
                    raise OSError(msg)
                stream.write(chunk)
                if progress is not None:
                    progress(source.name, at, max(total, source.size_bytes))
    if at < total:
        msg = f"the connection ended after {at} of {total} bytes"
        raise OSError(msg)


def _ask(url: str, part: Path, source: Source, have: int) -> http.client.HTTPResponse | None:
    """Ask for the rest of a file; None where nothing is left to ask for."""
    request = urllib.request.Request(url, headers={"User-Agent": f"twinlens/{__version__}"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if not have or error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        if _sum(part).startswith(source.sha256):
            return None
        part.unlink()  # as long as the whole or longer, and not it: begin again
        return _ask(url, part, source, 0)
    return answer


def _starts_at(answer: http.client.HTTPResponse, have: int) -> bool:
    return (answer.headers.get("Content-Range") or "").startswith(f"bytes {have}-")


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({error.reason})"
    return str(error) or type(error).__name__


def _sum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
