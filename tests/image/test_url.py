"""Addresses -> pictures, only when asked, and nothing that a stranger could turn against us."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image as Pillow

from twinlens.errors import ImageError, ImageTooLargeError, OptionError
from twinlens.image import ImageLimits, UrlOptions, load_image
from twinlens.image.url import _is_public

PIXELS = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
HERE = UrlOptions(timeout_s=5, allow_private=True)  # the test's server is on loopback


def png() -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(PIXELS).save(buffer, "PNG")
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    """One path a behaviour."""

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        if self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(50):
                self.wfile.write(b"x")
                time.sleep(0.1)
            return
        data = png()
        status, body, headers = {
            "/photo.png": (200, data, {}),
            "/gr%C3%BC%C3%9Fe.png": (200, data, {}),
            "/hop": (302, b"", {"Location": "/photo.png"}),
            "/round": (302, b"", {"Location": "/round"}),
            "/file": (302, b"", {"Location": "file:///etc/passwd"}),
            "/inside": (302, b"", {"Location": "http://10.0.0.1/secret.png"}),
            "/empty": (200, b"", {}),
            "/page": (200, b"<!doctype html><p>Sign in first</p>", {}),
            "/claims-a-lot": (200, data, {"Content-Length": str(10**12)}),
            "/stream": (200, b"x" * 100_000, {}),
            "/short": (200, data[:30], {"Content-Length": str(len(data))}),
        }.get(self.path.partition("?")[0], (404, b"not here", {}))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class QuietServer(ThreadingHTTPServer):
    """A server that says nothing of clients who hang up."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with QuietServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize("path", ["/photo.png", "/photo.png?size=big one", "/hop", "/gr\u00fc\u00dfe.png"])
def test_a_picture_is_fetched(server: str, path: str) -> None:
    image = load_image(server + path, allow_url=True, url_options=HERE)
    assert np.array_equal(image.pixels, PIXELS)
    assert image.source == server + path


def test_nothing_is_fetched_unasked(server: str) -> None:
    with pytest.raises(OptionError, match="allow_url"):
        load_image(server + "/photo.png")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_private_addresses_are_refused_however_they_are_written(server: str, host: str) -> None:
    port = server.rpartition(":")[2]
    with pytest.raises(ImageError, match=r"private or loopback|not known"):
        load_image(f"http://{host}:{port}/photo.png", allow_url=True, url_options=UrlOptions(timeout_s=5))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:a00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert _is_public(address) is public


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/nowhere", "404"),
        ("/round", "more than 3 redirects"),
        ("/file", "only http and https"),
        ("/empty", "0 bytes"),
        ("/page", "a web page"),
        ("/short", "before the whole picture"),
    ],
)
def test_failures_are_named(server: str, path: str, says: str) -> None:
    with pytest.raises(ImageError, match=says) as caught:
        load_image(server + path, allow_url=True, url_options=HERE)
    assert str(caught.value).startswith(server + path)


def test_a_redirect_into_a_private_network_is_refused(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinlens.image.url._is_public", lambda address: address == "127.0.0.1")
    with pytest.raises(ImageError, match=r"10.0.0.1.*private"):
        load_image(server + "/inside", allow_url=True, url_options=UrlOptions(timeout_s=5))


@pytest.mark.parametrize("path", ["/claims-a-lot", "/stream"])
def test_length_is_bounded(server: str, path: str) -> None:
    with pytest.raises(ImageTooLargeError):
        load_image(server + path, allow_url=True, url_options=HERE, limits=ImageLimits(max_bytes=50_000))


def test_time_is_bounded_even_if_bytes_keep_dripping(server: str) -> None:
    start = time.monotonic()
    with pytest.raises(ImageError, match=r"within 0.5 s"):
        load_image(server + "/drip", allow_url=True, url_options=UrlOptions(timeout_s=0.5, allow_private=True))
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("url", ["ftp://example.org/a.jpg", "http://", "http://[bad/a.jpg", "https://host:port/a.jpg"])
def test_odd_addresses_are_refused(url: str) -> None:
    with pytest.raises(ImageError):
        load_image(url, allow_url=True)


def test_nobody_answers(server: str) -> None:
    with pytest.raises(ImageError, match="cannot be fetched"):
        load_image("http://127.0.0.1:9/a.jpg", allow_url=True, url_options=HERE)


@pytest.mark.parametrize("options", [{"timeout_s": 0}, {"timeout_s": float("nan")}, {"max_redirects": -1}])
def test_options_have_ranges(options: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        UrlOptions(**options)  # type: ignore[arg-type]
