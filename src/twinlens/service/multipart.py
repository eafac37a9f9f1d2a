"""Pieces of a multipart body -> its parts, one after the other, in memory and within bounds (RFC 7578).

Photos are biometric: unlike a framework's form reader, nothing is ever spooled to a temporary file. A part that is too
long is counted and thrown away, so that one photo of many can be refused alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from twinlens.service.refusals import Refusal

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FIELD_BYTES = 64 * 1024
MOST_FIELDS = 32


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        name: of the field.
        filename: as the client calls the file; None for a field that is no file.
        data: its bytes; empty where there are too many.
        length: how many bytes came.
        too_long: more than a part may have.
    """

    name: str
    filename: str | None
    data: bytes
    length: int
    too_long: bool


@dataclass(frozen=True, slots=True)
class PartLimits:
    """What a body may hold.

    Attributes:
        file_bytes: of one file.
        files: how many.
    """

    file_bytes: int
    files: int


async def read_parts(body: AsyncIterator[bytes], content_type: str, limits: PartLimits) -> AsyncIterator[Part]:
    """Yield each part when it is complete; a caller that takes its time holds the sender back.

    Raises:
        Refusal: 400 where it is no multipart body or breaks off, 413 where it has too many parts or too long fields.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise _malformed("the content type names no boundary")
    collector = _Collector(limits)
    try:
        parser = MultipartParser(boundary, collector.callbacks())
        async for piece in body:
            parser.write(piece)
            while collector.complete:
                yield collector.complete.popleft()
    except FormParserError as error:
        raise _malformed(str(error)) from error
    if not collector.ended:
        raise _malformed("it breaks off before its last boundary")


class _Collector:
    """Gathers what the parser calls out."""

    def __init__(self, limits: PartLimits) -> None:
        self.complete: deque[Part] = deque()
        self.ended = False
        self._limits = limits
        self._files = self._fields = 0
        self._begin()

    def callbacks(self) -> MultipartCallbacks:
        """Return what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_header_field": lambda data, start, end: self._key.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._headers,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._key, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._name = ""
        self._filename: str | None = None
        self._pieces: list[bytes] = []
        self._length = 0

    def _header(self) -> None:
        if self._key.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._key, self._value = bytearray(), bytearray()

    def _headers(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise _malformed("a part has no name (Content-Disposition: form-data; name=...)")
        self._name = options[b"name"].decode("utf-8", "replace")
        if b"filename" in options:
            self._filename = options[b"filename"].decode("utf-8", "replace")
            self._files += 1
        else:
            self._fields += 1
        if self._files > self._limits.files or self._fields > MOST_FIELDS:
            told = f"more than {self._limits.files} files or {MOST_FIELDS} fields: send fewer at once"
            raise Refusal(413, "TooManyPartsError", told)

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._length += end - start
        if self._length <= self._most():
            self._pieces.append(data[start:end])
        elif self._filename is None:
            told = f"the field {self._name[:80]!r} is longer than {MOST_FIELD_BYTES:,} bytes"
            raise Refusal(413, "BodyTooLargeError", told)
        else:
            self._pieces.clear()

    def _most(self) -> int:
        return MOST_FIELD_BYTES if self._filename is None else self._limits.file_bytes

    def _end(self) -> None:
        too_long = self._length > self._most()
        self.complete.append(Part(self._name, self._filename, b"".join(self._pieces), self._length, too_long))
        self._begin()

    def _finish(self) -> None:
        self.ended = True


def _malformed(why: str) -> Refusal:
    return Refusal(400, "MalformedBodyError", f"not a sound multipart body: {why}")
