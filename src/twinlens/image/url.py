"""Address -> bytes, bounded in length, time and redirects; private networks stay out of reach.

A program that fetches addresses for others can be used to reach what only it can reach (CWE-918, server-side request
forgery). So a name is resolved once, every address it has must be public, and the connection goes to the very address
that was checked. Proxies of the environment are not used: they would connect on our behalf.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from twinlens.errors import ImageError, OptionError
from twinlens.image.limits import ImageLimits
from twinlens.version import __version__

_CHUNK = 1 << 16
_ADDRESS_CHARACTERS = "/%:?@!$&'()*+,;=~[]"  # of RFC 3986; others are escaped
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # NAT64 (RFC 6052): the last 32 bits are an IPv4 address


@dataclass(frozen=True, slots=True)
class UrlOptions:
    """How an address is fetched.

    Attributes:
        timeout_s: for the whole fetch with its redirects.
        max_redirects: how many are followed.
        allow_private: also reach loopback, private and other addresses that are not public.
    """

    timeout_s: float = 10.0
    max_redirects: int = 3
    allow_private: bool = False

    def __post_init__(self) -> None:
        if not self.timeout_s > 0 or self.max_redirects < 0:
            msg = f"wanted timeout_s > 0 and max_redirects >= 0, got {self.timeout_s} and {self.max_redirects}"
            raise OptionError(msg)


def is_url(source: str) -> bool:
    """Return whether a string is an address and not a path: ``scheme://...``."""
    scheme, found, _ = source.partition("://")
    return bool(found) and len(scheme) > 1 and scheme.isalnum()


def fetch(url: str, limits: ImageLimits, *, allow_url: bool, options: UrlOptions) -> bytes:
    """Return what lies at an http or https address.

    Raises:
        OptionError: ``allow_url`` is False.
        ImageError: another scheme, a private address, no answer in time, an error status, too many redirects.
        ImageTooLargeError: longer than ``limits.max_bytes``.
    """
    if not allow_url:
        msg = (
            f"{url}: an address; nothing is fetched unless asked for: pass allow_url=True (--allow-url), "
            "or download the file"
        )
        raise OptionError(msg)
    deadline = time.monotonic() + options.timeout_s
    target = url
    for _ in range(options.max_redirects + 1):
        answer = _Request(url, target, deadline, options).run(limits)
        if isinstance(answer, bytes):
            if not answer:
                msg = f"{url}: the server sent 0 bytes"
                raise ImageError(msg)
            return answer
        target = answer.location
    msg = f"{url}: more than {options.max_redirects} redirects; give the final address"
    raise ImageError(msg)


@dataclass(frozen=True, slots=True)
class _Redirect:
    location: str


class _Request:
    """One request and its answer."""

    def __init__(self, url: str, target: str, deadline: float, options: UrlOptions) -> None:
        self._url, self._target, self._deadline, self._options = url, target, deadline, options
        self._expired = threading.Event()

    def run(self, limits: ImageLimits) -> bytes | _Redirect:
        """Send it; return the body or where to look instead."""
        parts = self._checked_parts()
        try:
            with self._connect(parts) as plain:
                # A socket's timeout starts anew with every byte; the watch ends the whole exchange.
                watch = threading.Timer(max(0.0, self._deadline - time.monotonic()), self._expire, [plain])
                watch.daemon = True
                watch.start()
                try:
                    return self._exchange(plain, parts, limits)
                finally:
                    watch.cancel()
        except (OSError, http.client.HTTPException) as error:
            if self._expired.is_set() or isinstance(error, TimeoutError):
                msg = f"{self._url}: no whole answer within {self._options.timeout_s:g} s; try later or raise timeout_s"
            else:
                msg = f"{self._url}: cannot be fetched: {str(error) or type(error).__name__}"
            raise ImageError(msg) from error

    def _checked_parts(self) -> SplitResult:
        try:
            parts = urlsplit(self._target)
            parts.port  # noqa: B018 - raises where it is no number
        except ValueError as error:
            msg = f"{self._url}: not a valid address: {error}"
            raise ImageError(msg) from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            msg = f"{self._url}: only http and https addresses are fetched, got {parts.scheme or 'no scheme'!r}"
            raise ImageError(msg)
        return parts

    def _connect(self, parts: SplitResult) -> socket.socket:
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            msg = f"{self._url}: the host {host!r} is not known"
            raise ImageError(msg) from error
        addresses = [str(entry[4][0]) for entry in found]
        if not self._options.allow_private and not all(map(_is_public, addresses)):
            msg = (
                f"{self._url}: {host!r} is a private or loopback address; download the file yourself "
                "(in Python, UrlOptions(allow_private=True) permits it)"
            )
            raise ImageError(msg)
        left_s = max(0.001, self._deadline - time.monotonic())
        return socket.create_connection((addresses[0], port), timeout=left_s)

    def _expire(self, sock: socket.socket) -> None:
        self._expired.set()
        with suppress(OSError):  # closed in the meantime
            sock.shutdown(socket.SHUT_RDWR)

    def _exchange(self, plain: socket.socket, parts: SplitResult, limits: ImageLimits) -> bytes | _Redirect:
        host = parts.hostname or ""
        connection = http.client.HTTPConnection(host, parts.port)  # for what it says; it connects nowhere
        if parts.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        else:
            connection.sock = plain
        with closing(connection):
            return self._ask(connection, parts, limits)

    def _ask(
        self, connection: http.client.HTTPConnection, parts: SplitResult, limits: ImageLimits
    ) -> bytes | _Redirect:
        path = quote(parts.path or "/", safe=_ADDRESS_CHARACTERS)
        if parts.query:
            path += "?" + quote(parts.query, safe=_ADDRESS_CHARACTERS)
        headers = {
            "User-Agent": f"twinlens/{__version__}",
            "Accept": "image/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        connection.request("GET", path, headers=headers)
        with connection.getresponse() as answer:
            return self._read(answer, limits)

    def _read(self, answer: http.client.HTTPResponse, limits: ImageLimits) -> bytes | _Redirect:
        location = answer.headers.get("Location")
        if answer.status in _REDIRECTS and location:
            return _Redirect(urljoin(self._target, location))
        if answer.status != 200:
            msg = f"{self._url}: the server answered {answer.status} {answer.reason}"
            raise ImageError(msg)
        if answer.length is not None:
            limits.check_bytes(self._url, answer.length)
        return self._body(answer, limits)

    def _body(self, answer: http.client.HTTPResponse, limits: ImageLimits) -> bytes:
        chunks: list[bytes] = []
        room = limits.max_bytes + 1
        while room > 0:
            chunk = answer.read(min(_CHUNK, room))
            if not chunk:
                break
            chunks.append(chunk)
            room -= len(chunk)
        if room <= 0:
            limits.check_bytes(self._url, None)
        if self._expired.is_set() or (answer.length or 0) > 0:
            msg = "the connection ended before the whole picture had come"
            raise http.client.HTTPException(msg)
        return b"".join(chunks)


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])  # without an interface's name
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return ip.is_global and not ip.is_multicast
