"""Downloads from a server on the loopback address: resumed, checked, unpacked, refused."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from twinlens.datasets.fetch import download, fetch, fetch_sources
from twinlens.datasets.sources import SOURCES, Source, Sources
from twinlens.errors import DatasetError, OptionError

DATA = bytes(range(256)) * 1000


@dataclass
class Shop:
    """A server, what it was asked, and how it behaves."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: list[str | None] = field(default_factory=list)
    honours_ranges: bool = True
    cut_after: int | None = None


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()

    class Counter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = shop.files.get(self.path.lstrip("/"))
            wanted = self.headers.get("Range")
            shop.ranges.append(wanted)
            if data is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and shop.honours_ranges else 0
            if start >= len(data) and start:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(data) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.end_headers()
            self.wfile.write(data[start : shop.cut_after])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    shop.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield shop
    server.shutdown()
    thread.join()
    server.server_close()


def source(shop: Shop, data: bytes = DATA, **changes: object) -> Source:
    shop.files.setdefault("data.bin", data)
    given = {"name": "data.bin", "urls": (f"{shop.url}data.bin",), "sha256": hashlib.sha256(data).hexdigest()}
    return Source(**{**given, "size_bytes": len(data), **changes})  # type: ignore[arg-type]


def test_a_file_is_downloaded_with_progress(shop: Shop, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    path = download(source(shop), tmp_path, progress=lambda *step: seen.append(step))
    assert path.read_bytes() == DATA
    assert seen[-1] == ("data.bin", len(DATA), len(DATA))
    assert list(tmp_path.iterdir()) == [path]


def test_a_broken_download_is_kept_and_resumed_where_it_ended(shop: Shop, tmp_path: Path) -> None:
    shop.cut_after = 100_000
    with pytest.raises(DatasetError, match=r"data\.bin: .*100000 of 256000 bytes.*goes on from there"):
        download(source(shop), tmp_path)
    assert (tmp_path / "data.bin.part").stat().st_size == 100_000
    shop.cut_after = None
    assert download(source(shop), tmp_path).read_bytes() == DATA
    assert shop.ranges == [None, "bytes=100000-"]
    assert not (tmp_path / "data.bin.part").exists()


def test_a_server_without_ranges_is_heard_from_the_start(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "data.bin.part").write_bytes(b"old" * 100)
    shop.honours_ranges = False
    assert download(source(shop), tmp_path).read_bytes() == DATA


@pytest.mark.parametrize("part", [DATA, DATA + b"more", b"x" * len(DATA)])
def test_a_part_as_long_as_the_whole_is_checked(shop: Shop, tmp_path: Path, part: bytes) -> None:
    (tmp_path / "data.bin.part").write_bytes(part)
    assert download(source(shop), tmp_path).read_bytes() == DATA
    assert len(shop.ranges) == (1 if part == DATA else 2)


def test_a_wrong_sum_is_deleted_and_the_next_address_tried(shop: Shop, tmp_path: Path) -> None:
    shop.files |= {"wrong": b"other" * 10, "right": DATA}
    two = source(shop, urls=(f"{shop.url}wrong", f"{shop.url}right"))
    assert download(two, tmp_path).read_bytes() == DATA
    (tmp_path / "data.bin").unlink()
    with pytest.raises(DatasetError, match=r"sha256 [0-9a-f]{64}, wanted [0-9a-f]{64}; it was deleted"):
        download(source(shop, urls=(f"{shop.url}wrong",)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_sends_too_much_is_cut_off(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="sends 256000 bytes or more, wanted at most 1000"):
        download(source(shop, size_bytes=1000), tmp_path)


def test_errors_of_the_server_and_the_network_are_said(shop: Shop, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/x"
    with pytest.raises(DatasetError) as caught:
        download(source(shop, urls=(f"{shop.url}absent", closed, "http://no-such-host.invalid/x")), tmp_path)
    message = str(caught.value)
    assert "the server answers 404 Not Found" in message
    assert message.count("no connection (") == 2
    assert "put the file into" in message


def test_a_set_is_fetched_once_and_unpacked(shop: Shop, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("inner/photo.txt", "photo")
    packed = stream.getvalue()
    shop.files["set.zip"] = packed
    sum_ = hashlib.sha256(packed).hexdigest()
    archive = Source("set.zip", (f"{shop.url}set.zip",), sum_, len(packed), unpacked="inner", unpacked_bytes=1000)
    sources = Sources("made-up", (source(shop), archive), "free", "the rest by hand")
    first = fetch_sources(sources, tmp_path)
    assert (first.loaded, first.present) == (("data.bin", "set.zip"), ())
    assert (first.folder, first.terms, first.by_hand) == (tmp_path / "made-up", "free", "the rest by hand")
    assert (tmp_path / "made-up/inner/photo.txt").read_text() == "photo"
    assert not (tmp_path / "made-up/set.zip").exists()
    second = fetch_sources(sources, tmp_path)
    assert (second.loaded, second.present) == ((), ("data.bin", "set.zip"))
    (tmp_path / "made-up/data.bin").write_bytes(b"spoiled")
    assert fetch_sources(sources, tmp_path).loaded == ("data.bin",)


def test_an_archive_put_there_by_hand_is_unpacked_without_a_network(shop: Shop, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("inner/photo.txt", "photo")
    packed = stream.getvalue()
    archive = Source(
        "set.zip", (f"{shop.url}absent",), hashlib.sha256(packed).hexdigest(), unpacked="inner", unpacked_bytes=1000
    )
    (tmp_path / "made-up").mkdir()
    (tmp_path / "made-up/set.zip").write_bytes(packed)
    assert fetch_sources(Sources("made-up", (archive,), "free"), tmp_path).loaded == ("set.zip",)
    assert shop.ranges == []
    assert (tmp_path / "made-up/inner/photo.txt").read_text() == "photo"


def test_unknown_sets_list_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="known: lfw, lfw-funneled, cfp"):
        fetch("imagenet", tmp_path)


def test_definitions_are_complete() -> None:
    for sources in SOURCES.values():
        assert sources.terms
        assert sources.files or sources.by_hand
        for file in sources.files:
            assert len(file.sha256) == 64
            assert set(file.sha256) <= set("0123456789abcdef")
            assert all(url.startswith(("https://", "http://")) for url in file.urls)
            assert bool(file.unpacked) == bool(file.unpacked_bytes)


def test_nothing_to_fetch_still_says_what_to_do_by_hand(tmp_path: Path) -> None:
    got = fetch("fddb", tmp_path)
    assert (got.loaded, got.folder.is_dir()) == ((), True)
    assert "FDDB-folds.tgz" in got.by_hand
