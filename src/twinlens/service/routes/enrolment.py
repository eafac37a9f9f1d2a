"""Photos -> subjects: of one person, or of many at once; one report a photo, safe on the disk when it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from twinlens.errors import ImageTooLargeError, OptionError
from twinlens.gallery.contract import label
from twinlens.recognizer import EnrolmentReport, EnrolOptions
from twinlens.service import answers, schemas as s
from twinlens.service.enrolling import Arrived, Enroller, people
from twinlens.service.lines import NDJSON, LineResponse
from twinlens.service.photos import Upload
from twinlens.service.wiring import PartsOf, admitted, body_of, refusals

router = APIRouter(prefix="/galleries/{gallery}", tags=["enrolment"], dependencies=[Depends(admitted)])
LINES: dict[str, Any] = {
    "description": "One report a photo; with Accept: application/x-ndjson one a line, as each is safe.",
    "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/ReportAnswer"}}},
}


@router.post(
    "/subjects/{name:path}/photos",
    response_model=s.ReportList,
    responses={200: LINES, **refusals(404, 409, 415)},
    openapi_extra=body_of(s.EnrolAsked, "photos", many=True),
)
async def enrol(gallery: str, name: str, request: Request, parts: PartsOf) -> Response | s.ReportList:
    """Enrol a person from one photo or several; a refused photo is a report that names the reason, not an error."""
    subject = label(name, "subject")
    await parts.pool.store(partial(parts.galleries.record, gallery))
    asked, photos = await parts.intake.read_many(request, s.EnrolAsked, "photos")

    async def arriving() -> AsyncIterator[Arrived]:
        async for photo in photos:
            yield Arrived(subject, source_of(photo), photo)

    enroller = Enroller(parts, gallery, people(_options(asked), asked.tags))
    return await answered(request, enroller.reports(arriving()))


@router.post(
    "/enrolments",
    response_model=s.ReportList,
    responses={200: LINES, **refusals(404, 409, 415)},
    openapi_extra=body_of(s.EnrolAsked, "photos", many=True),
)
async def enrol_many(gallery: str, request: Request, parts: PartsOf) -> Response | s.ReportList:
    """Enrol many people: photos whose file names are SUBJECT/FILE, as a folder of people is dropped."""
    await parts.pool.store(partial(parts.galleries.record, gallery))
    asked, photos = await parts.intake.read_many(request, s.EnrolAsked, "photos")

    async def arriving() -> AsyncIterator[Arrived]:
        async for photo in photos:
            source = source_of(photo)
            folder, _, _ = source.rpartition("/")
            subject = folder.rpartition("/")[2]
            try:
                yield Arrived(label(subject, "subject"), source, photo)
            except OptionError as error:
                told = OptionError(f"a file is called SUBJECT/FILE, got {source[:80]!r}: {error}")
                yield Arrived(subject, source, told)

    enroller = Enroller(parts, gallery, people(_options(asked), asked.tags))
    return await answered(request, enroller.reports(arriving()))


async def answered(request: Request, reports: AsyncIterator[EnrolmentReport]) -> Response | s.ReportList:
    """Return reports as lines or as a list, as the client wants them."""
    if NDJSON in request.headers.get("accept", ""):
        return LineResponse(answers.report(made) async for made in reports)
    return s.ReportList(reports=[answers.report(made) async for made in reports])


def source_of(photo: Upload | ImageTooLargeError) -> str:
    """Return what its sender calls a photo."""
    return photo.name if isinstance(photo, Upload) else str(photo).partition(": ")[0]


def _options(asked: s.EnrolAsked) -> EnrolOptions:
    return EnrolOptions(asked.accept_poor, asked.accept_conflict, asked.main_face)
