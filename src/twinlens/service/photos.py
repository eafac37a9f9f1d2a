"""Request -> its options and photos, each bounded in bytes before anything is decoded.

A photo comes as a multipart file, or in JSON as ``{"base64": ...}`` or, where it is allowed, ``{"url": ...}``.
"""

from __future__ import annotations

import binascii
import io
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from twinlens.errors import ImageTooLargeError
from twinlens.image import ImageLimits, UrlOptions
from twinlens.image.kinds import kind_of, looks_like
from twinlens.image.url import fetch
from twinlens.service.asked import Asked
from twinlens.service.errors import refusal_of
from twinlens.service.multipart import Part, PartLimits, read_parts
from twinlens.service.pool import Pool
from twinlens.service.refusals import Refusal

O = TypeVar("O", bound=Asked)  # noqa: E741 - options
M = TypeVar("M", bound=BaseModel)
MOST_NAME = 500  # characters of a file's name that are kept
SMALL = 64 * 1024  # bytes of JSON that are read on the event loop


class PhotoInput(BaseModel):
    """A photo in JSON: its file in base64, or where to fetch it (only where the service allows it)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    base64: Annotated[str | None, Field(examples=["/9j/4AAQSkZJRgABAQ..."])] = None
    url: Annotated[str | None, Field(examples=["https://example.org/ada.jpg"], max_length=8000)] = None
    name: Annotated[str | None, Field(examples=["ada.jpg"], max_length=MOST_NAME)] = None


class Upload(io.BytesIO):
    """The bytes of a photo under the name that its sender gave it; the name is for people, never a path.

    Args:
        data: of the file.
        name: for messages and reports.
    """

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


@dataclass(frozen=True, slots=True)
class Intake:
    """How photos are taken in.

    Attributes:
        limits: bytes and pixels of one.
        allow_url: fetch addresses.
        most: photos in one request.
        json_bytes: of a JSON body, which is in memory as a whole.
        pool: fetches on its threads.
    """

    limits: ImageLimits
    allow_url: bool
    most: int
    json_bytes: int
    pool: Pool

    async def read(self, request: Request, options: type[O], names: Sequence[str]) -> tuple[O, list[Upload]]:
        """Return the options of a request and its photos, one under each of the names, in their order.

        Raises:
            Refusal: 400, 413, 415 or 422: another kind of body, too long, or not what was asked for.
        """
        told, photos = await self._body(request, names, most=len(names))
        for name in names:
            count = sum(key == name for key, _ in photos)
            if count != 1:
                raise _invalid(f"wanted one photo called {name!r}, got {count}; to be sent once: {', '.join(names)}")
        found = dict(photos)
        return validated(options, told), [self.checked(found[name], name) for name in names]

    async def read_many(
        self, request: Request, options: type[O], name: str
    ) -> tuple[O, AsyncIterator[Upload | ImageTooLargeError]]:
        """Return the options of a request, and its photos as they arrive: never all of them in memory.

        Options of a multipart body stand before its first photo. A photo that is too long comes as its error.

        Raises:
            Refusal: as `read`; the iterator, too, where the body breaks off or another field follows.
        """
        if media_type(request) == "multipart/form-data":
            parts = self.parts(request, self.most)
            told: dict[str, object] = {}
            async for part in parts:
                if part.filename is not None:
                    return validated(options, told), self._files(part, parts, name)
                told[part.name] = _text(part)
            raise _invalid(f"wanted one photo or more called {name!r}, got none")
        told, photos = await self._body(request, (name,), most=self.most)
        if not photos:
            raise _invalid(f"wanted one photo or more called {name!r}, got none")
        return validated(options, told), _several([photo for _, photo in photos])

    async def _files(
        self, first: Part, others: AsyncIterator[Part], name: str
    ) -> AsyncIterator[Upload | ImageTooLargeError]:
        yield self._file(first, name)
        async for part in others:
            yield self._file(part, name)

    def _file(self, part: Part, name: str) -> Upload | ImageTooLargeError:
        if part.filename is None or part.name != name:
            raise _invalid(f"the field {part.name[:80]!r} is no photo: options stand before the photos called {name!r}")
        try:
            return self.upload(part)
        except ImageTooLargeError as error:
            return error

    def checked(self, photo: Upload, field: str) -> Upload:
        """Return a photo whose first bytes are those of a picture.

        Raises:
            Refusal: 415, it is something else; 422, it is empty.
        """
        head = photo.getbuffer()[:4096].tobytes()
        if not head:
            raise Refusal(422, "ImageError", f"{field}: empty, 0 bytes; send it again")
        if kind_of(head) is None:
            raise Refusal(415, "ImageError", f"{field}: not a picture: it looks like {looks_like(head)}")
        return photo

    def upload(self, part: Part) -> Upload:
        """Return a multipart file as a photo.

        Raises:
            ImageTooLargeError: it was longer than a photo may be.
        """
        name = file_name(part.filename) or part.name
        if part.too_long:
            self.limits.check_bytes(name, part.length)
        return Upload(part.data, name)

    async def _body(
        self, request: Request, names: Collection[str], *, most: int
    ) -> tuple[dict[str, object], list[tuple[str, Upload]]]:
        kind = media_type(request)
        if kind == "multipart/form-data":
            return await self._multipart(request, names, most)
        if kind == "application/json":
            return await self._json(request, names, most)
        told = f"wanted multipart/form-data or application/json, got {kind[:80] or 'no content type'!r}"
        raise Refusal(415, "MediaTypeError", told)

    async def _multipart(
        self, request: Request, names: Collection[str], most: int
    ) -> tuple[dict[str, object], list[tuple[str, Upload]]]:
        told: dict[str, object] = {}
        photos: list[tuple[str, Upload]] = []
        async for part in self.parts(request, most + 1):  # one more, to say that its name is wrong
            if part.name not in names:
                told[part.name] = _text(part)
                continue
            try:
                photos.append((part.name, self.upload(part)))
            except ImageTooLargeError as error:
                raise refusal_of(error) from error
        return told, photos

    def parts(self, request: Request, most: int) -> AsyncIterator[Part]:
        """Yield the parts of a multipart body as they arrive."""
        limits = PartLimits(self.limits.max_bytes, most)
        return read_parts(request.stream(), request.headers["content-type"], limits)

    async def _json(
        self, request: Request, names: Collection[str], most: int
    ) -> tuple[dict[str, object], list[tuple[str, Upload]]]:
        body = await self._text_of(request)
        told = parsed(body) if len(body) <= SMALL else await self.pool.store(partial(parsed, body))
        del body  # its photos are in memory once more now
        photos: list[tuple[str, Upload]] = []
        for name in names:
            given = told.pop(name, None)
            many = given if isinstance(given, list) and most > 1 else [] if given is None else [given]
            if len(many) > most:
                raise Refusal(413, "TooManyPartsError", f"{len(many)} photos came, {most} are taken at once")
            photos += [(name, await self._photo(one, name)) for one in many]
        return told, photos

    async def _text_of(self, request: Request) -> bytearray:
        """Return a JSON body; what is too long was refused by its head already, unless that did not say."""
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > self.json_bytes:
                told = f"the JSON is longer than {self.json_bytes:,} bytes: send photos as multipart parts"
                raise Refusal(413, "BodyTooLargeError", told)
        return body

    async def _photo(self, given: object, field: str) -> Upload:
        if not isinstance(given, dict):
            raise _invalid(f"{field}: a photo in JSON is an object with base64 or url")
        photo = validated(PhotoInput, given, field)
        if (photo.base64 is None) == (photo.url is None):
            raise _invalid(f"{field}: a photo has either base64 or url")
        name = file_name(photo.name) or field
        if photo.base64 is not None:
            text = photo.base64
            data = await self.pool.store(lambda: decoded(text, field, self.limits))
            return Upload(data, name)
        if not self.allow_url:
            raise Refusal(422, "OptionError", f"{field}: this service fetches no addresses: send the photo itself")
        url, options = photo.url or "", UrlOptions()
        return Upload(await self.pool.store(lambda: fetch(url, self.limits, allow_url=True, options=options)), name)


def media_type(request: Request) -> str:
    """Return the content type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def decoded(text: str, field: str, limits: ImageLimits) -> bytes:
    """Return what base64 stands for; its length is known before it is decoded.

    Raises:
        ImageTooLargeError: more bytes than a photo may have.
        Refusal: 422, it is not base64.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    limits.check_bytes(field, len(text) // 4 * 3 - 2 if len(text) > 2 else 0)
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid(f"{field}: not base64 (RFC 4648, with padding and without line breaks): {error}") from error


def file_name(given: str | None) -> str:
    """Return the name that a client gave to a file, as text that can be printed and stored."""
    name = "".join(c for c in (given or "").replace("\\", "/") if c.isprintable())
    return name.strip()[-MOST_NAME:]


def parsed(body: bytes | bytearray) -> dict[str, object]:
    """Return a JSON object; nesting is bounded by the parser.

    Raises:
        Refusal: 400, it is not one.
    """
    try:
        found: Any = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Refusal(400, "MalformedBodyError", f"not sound JSON: {str(error)[:200]}") from error
    if not isinstance(found, dict):
        raise _invalid(f"wanted a JSON object, got {type(found).__name__}")
    return found


def validated(model: type[M], given: Mapping[str, object], where: str = "") -> M:
    """Return a request's values, checked.

    Raises:
        Refusal: 422, naming each field and what is wrong with it, never its value.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        raise _invalid(said(problems, where, tuple(model.model_fields))) from error


def said(problems: Sequence[Mapping[str, Any]], where: str = "", known: Sequence[str] = ()) -> str:
    """Put what pydantic found wrong into one sentence; ``known`` are the fields that there are."""
    told = []
    for problem in problems[:5]:
        place = ".".join(map(str, ([where] if where else []) + list(problem["loc"])))
        fault = problem["msg"]
        if problem["type"] == "extra_forbidden":
            fault = f"no such field; there are: {', '.join(known)}" if known else "no such field"
        told.append(f"{place[:120]}: {fault}")
    more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
    return "; ".join(told) + more


async def _several(photos: Sequence[Upload]) -> AsyncIterator[Upload | ImageTooLargeError]:
    for photo in photos:
        yield photo


def _text(part: Part) -> str:
    if part.filename is not None:
        raise _invalid(f"no photo called {part.name[:80]!r} is wanted")
    try:
        return part.data.decode()
    except UnicodeDecodeError as error:
        raise _invalid(f"the field {part.name[:80]!r} is not text in UTF-8") from error


def _invalid(detail: str) -> Refusal:
    return Refusal(422, "RequestError", detail)
