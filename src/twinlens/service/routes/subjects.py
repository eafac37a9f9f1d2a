"""Subjects of a gallery: list by pages, show, rename, tag, merge, delete with proof."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from twinlens.errors import OptionError, UnknownSubjectError
from twinlens.gallery.contract import label
from twinlens.protocols import Subject
from twinlens.service import answers, asked as a, schemas as s
from twinlens.service.deeds import Deeds
from twinlens.service.enrolling import check_tags
from twinlens.service.parts import Parts
from twinlens.service.refusals import Refusal
from twinlens.service.wiring import ENROL, READ, DeedsOf, GalleryName, PartsOf, SubjectName, admitted, refusals

router = APIRouter(prefix="/v1/galleries/{gallery}/subjects", tags=["subjects"], dependencies=[Depends(admitted)])
Tag = Annotated[list[str], Query(description="Only subjects with this tag, as key:value; may be repeated.")]


@router.get("", dependencies=[READ], responses=refusals(404, 409))
async def list_subjects(
    gallery: GalleryName,
    parts: PartsOf,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(description="next_cursor of the page before.")] = None,
    tag: Tag = [],  # noqa: B006 - FastAPI copies it
    q: Annotated[str, Query(max_length=500, description="A part of the name.")] = "",
) -> s.SubjectPage:
    """List who is enrolled, by name, in pages."""
    after = None if cursor is None else _opened(cursor)
    found = await parts.pool.store(partial(_listed, parts, gallery, _tags(tag)))
    wanted = q.casefold()
    found = [one for one in found if (after is None or one.name > after) and wanted in one.name.casefold()]
    page = found[:limit]
    more = _cursor(page[-1].name) if len(found) > limit else None
    return s.SubjectPage(items=[answers.subject(one) for one in page], next_cursor=more)


@router.get("/{name:path}", dependencies=[READ], responses=refusals(404, 409))
async def show_subject(gallery: GalleryName, name: SubjectName, parts: PartsOf) -> s.SubjectAnswer:
    """Show a subject, without vectors."""
    return answers.subject(await parts.pool.store(partial(_shown, parts, gallery, name)))


@router.patch("/{name:path}", dependencies=[ENROL], responses=refusals(404, 409))
async def change_subject(
    gallery: GalleryName, name: SubjectName, asked: a.SubjectChange, parts: PartsOf, deeds: DeedsOf
) -> s.SubjectAnswer:
    """Rename a subject, or set tags; an empty value removes one."""
    return answers.subject(await parts.pool.store(partial(_changed, parts, deeds, gallery, name, asked)))


@router.delete("/{name:path}", dependencies=[ENROL], responses=refusals(404, 409))
async def delete_subject(gallery: GalleryName, name: SubjectName, parts: PartsOf, deeds: DeedsOf) -> s.SubjectErasure:
    """Erase a subject's vectors from every file, then look whether anything is left."""

    def work() -> s.SubjectErasure:
        with parts.galleries.use(gallery) as found, found.writing:
            return answers.erasure(deeds.erase(gallery, found, name))

    return await parts.pool.store(work)


@router.post("/{name:path}/merge", dependencies=[ENROL], responses=refusals(404, 409))
async def merge_subject(
    gallery: GalleryName, name: SubjectName, asked: a.MergeAsked, parts: PartsOf, deeds: DeedsOf
) -> s.MergeAnswer:
    """Give all photos of a subject to another, whose name stays; in one step."""

    def work() -> s.MergeAnswer:
        with parts.galleries.use(gallery) as found, found.writing:
            moved = deeds.merge(gallery, found, name, asked.into)
            held = len(found.recognizer.gallery.templates(asked.into).embeddings)
            return s.MergeAnswer(subject=asked.into, templates=held, moved=moved)

    return await parts.pool.store(work)


def _listed(parts: Parts, gallery: str, tags: dict[str, str]) -> list[Subject]:
    with parts.galleries.use(gallery) as found:
        return found.recognizer.gallery.subjects(tags=tags or None)


def _shown(parts: Parts, gallery: str, name: str) -> Subject:
    """Return one subject.

    Raises:
        UnknownSubjectError: nobody of that name.
    """
    wanted = label(name, "subject")
    with parts.galleries.use(gallery) as found:
        people = found.recognizer.gallery
        people.templates(wanted)
        known = next((one for one in people.subjects() if one.name == wanted), None)
    if known is None:
        msg = f"nobody called {wanted!r} is enrolled"
        raise UnknownSubjectError(msg)
    return known


def _changed(parts: Parts, deeds: Deeds, gallery: str, name: str, asked: a.SubjectChange) -> Subject:
    with parts.galleries.use(gallery) as found, found.writing:
        check_tags(asked.tags or {})
        if asked.name is not None:
            _reachable(asked.name)
            deeds.rename(gallery, found, name, asked.name)
        if asked.tags is not None:
            deeds.tag(gallery, found, asked.name or name, asked.tags)
    return _shown(parts, gallery, asked.name or name)


def _reachable(name: str) -> None:
    """Refuse a name that clients would change in a path.

    Raises:
        OptionError: a part of it is . or .., which addresses do not keep (RFC 3986, 5.2.4).
    """
    if {".", ".."} & set(name.split("/")):
        msg = f"a subject's name has no part . or .., got {name[:80]!r}: nobody could ask for it again"
        raise OptionError(msg)


def _tags(pairs: list[str]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition(":")
        if not separator or not key or not value:
            msg = f"a tag is key:value, got {pair[:80]!r}"
            raise OptionError(msg)
        tags[key] = value
    return tags


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _opened(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Refusal(422, "RequestError", "cursor: not one that this service gave out") from error
