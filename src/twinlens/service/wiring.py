"""What every route stands on: the parts, a place in the pool, a client that is still there, and what OpenAPI says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Request
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from twinlens.service.asked import Asked
from twinlens.service.deeds import Deeds
from twinlens.service.gate import need
from twinlens.service.keys import EVERYBODY, SCOPES, Key, Scope as KeyScope
from twinlens.service.parts import Parts
from twinlens.service.photos import PhotoInput
from twinlens.service.refusals import PROBLEM

T = TypeVar("T")
GalleryName = Annotated[str, Path(description="Name of a gallery.", examples=["staff"])]
SubjectName = Annotated[
    str, Path(description="Name of a subject, percent-encoded; it may hold a slash.", examples=["Ada Lovelace"])
]


class ProblemAnswer(BaseModel):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    error: str
    request_id: str | None = None


async def parts_of(request: Request) -> Parts:
    """Return what the service works with."""
    parts: Parts = request.app.state.parts
    return parts


PartsOf = Annotated[Parts, Depends(parts_of)]


def needs(scope: KeyScope) -> Any:
    """Return the dependency that lets a request pass whose key has the scope."""

    async def check(request: Request) -> None:
        need(key_of(request), scope)

    return Depends(check)


READ, ENROL, ADMIN = (needs(scope) for scope in SCOPES)


def key_of(request: Request) -> Key | None:
    """Return the key that was shown; see `KeyGate`."""
    key: Key | None = request.state.key
    return key


async def deeds_of(request: Request, parts: PartsOf) -> Deeds:
    """Return what this request does, in the name of its key."""
    key = key_of(request) or EVERYBODY
    return Deeds(parts.guards, key.id, str(getattr(request.state, "request_id", "")))


DeedsOf = Annotated[Deeds, Depends(deeds_of)]


async def noted(parts: Parts, deeds: Deeds, did: str, work: Coroutine[Any, Any, T], gallery: str = "") -> T:
    """Do the work while the audit log says that it was asked for; the answer waits for both.

    Raises:
        ServiceError: the log cannot be written.
    """
    writing = asyncio.ensure_future(parts.pool.store(partial(deeds.note, did, gallery)))
    try:
        result = await work
        await writing
    finally:
        writing.cancel()
    return result


async def admitted(parts: PartsOf) -> AsyncIterator[None]:
    """Hold a place in the pool while a request is answered; 503 where there is none."""
    with parts.pool.admitted():
        yield


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do the work unless the client leaves first; what waits in the line is then taken out of it.

    To be called when the body was read.

    Raises:
        ClientDisconnect: nobody waits for the answer any more.
    """
    doing = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise ClientDisconnect
    finally:
        leaving.cancel()
        doing.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of the answers that are no success: these, and those every route may give."""
    always = (400, 401, 403, 408, 413, 414, 421, 422, 429, 431, 500, 503)
    return {status: _refusal(status) for status in sorted({*always, *statuses})}


def _refusal(status: int) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": "what was wanted, what came, what to do",
        "error": _EXAMPLES.get(status, "RequestError"),
        "request_id": "0f4c2a9e",
    }
    schema = {"$ref": "#/components/schemas/ProblemAnswer"}
    answer: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {PROBLEM: {"schema": schema, "example": example}},
    }
    if status in {429, 503}:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return answer


_EXAMPLES: Mapping[int, str] = {
    400: "MalformedBodyError",
    401: "KeyNeededError",
    403: "ScopeError",
    404: "UnknownSubjectError",
    408: "SlowUploadError",
    409: "ConflictError",
    413: "ImageTooLargeError",
    415: "ImageError",
    422: "NoFaceError",
    429: "RateLimitedError",
    503: "BusyError",
}


def body_of(options: type[Asked], *photos: str, many: bool = False) -> dict[str, Any]:
    """Return what OpenAPI says of a body with photos and options, in both ways it may come.

    Args:
        options: of the request.
        photos: fields that hold a photo each.
        many: the one field may hold several.
    """
    own = options.model_json_schema()
    fields, needed = own.get("properties", {}), [*photos, *own.get("required", [])]
    photo: dict[str, Any] = PhotoInput.model_json_schema()
    photo["oneOf"] = [{"required": ["base64"]}, {"required": ["url"]}]
    file: dict[str, Any] = {"type": "string", "format": "binary", "description": "The file of a photo."}
    if many:
        photo = {"oneOf": [photo, {"type": "array", "items": photo, "minItems": 1}]}
        file = {"type": "array", "items": file, "minItems": 1}
    text = {name: _as_text(field) for name, field in fields.items()}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {**dict.fromkeys(photos, file), **text},
                        "required": needed,
                        "additionalProperties": False,
                    }
                },
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {**dict.fromkeys(photos, photo), **fields},
                        "required": needed,
                        "additionalProperties": False,
                    }
                },
            },
        }
    }


def _as_text(field: Mapping[str, Any]) -> dict[str, Any]:
    """Return an option as a multipart field: an object is written as JSON, and what is left out is not null."""
    if field.get("type") == "object":
        return {"type": "string", "contentMediaType": "application/json", "description": "An object, as JSON."}
    kinds = [kind for kind in field.get("anyOf", []) if kind.get("type") != "null"]
    if len(kinds) == 1:
        return {**{key: value for key, value in field.items() if key not in {"anyOf", "default"}}, **kinds[0]}
    return dict(field)
