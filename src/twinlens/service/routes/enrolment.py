"""Photos -> subjects: of one person, or of many at once; one report a photo, safe on the disk when it is given."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response

from twinlens.errors import ImageTooLargeError, OptionError
from twinlens.gallery.contract import label
from twinlens.recognizer import EnrolOptions
from twinlens.service import asked as a, schemas as s
from twinlens.service.enrolling import Arrived, Enroller, people
from twinlens.service.lines import NDJSON
from twinlens.service.once import Once
from twinlens.service.photos import Upload
from twinlens.service.wiring import ENROL, DeedsOf, GalleryName, PartsOf, SubjectName, admitted, body_of, refusals

router = APIRouter(prefix="/v1/galleries/{gallery}", tags=["enrolment"], dependencies=[Depends(admitted)])
LINES: dict[str, Any] = {
    "description": "One report a photo; with Accept: application/x-ndjson one a line, as each is safe.",
    "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/ReportAnswer"}}},
}
Repeatable = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="A random text: the same request under the same key is done once, and answered alike.",
        examples=["9b1c3f0e-6d0c-4c5e-8f4b-2a7f1f0f2f5d"],
    ),
]


@router.post(
    "/subjects/{name:path}/photos",
    dependencies=[ENROL],
    response_model=s.ReportList,
    responses={200: LINES, **refusals(404, 409, 410, 415)},
    openapi_extra=body_of(a.EnrolAsked, "photos", many=True),
)
async def enrol(
    gallery: GalleryName, name: SubjectName, request: Request, parts: PartsOf, deeds: DeedsOf, _: Repeatable = None
) -> Response | s.ReportList:
    """Enrol a person from one photo or several; a refused photo is a report that names the reason, not an error."""
    subject = label(name, "subject")
    record = await parts.pool.store(partial(parts.galleries.record, gallery))
    asked, photos = await parts.intake.read_many(request, a.EnrolAsked, "photos")

    def arrive(photo: Upload | ImageTooLargeError) -> Arrived:
        return Arrived(subject, source_of(photo), photo)

    enroller = Enroller(parts, deeds, record, people(_options(asked), asked.tags))
    return await Once(request, parts, deeds, gallery, asked).answer(photos, arrive, enroller)


@router.post(
    "/enrolments",
    dependencies=[ENROL],
    response_model=s.ReportList,
    responses={200: LINES, **refusals(404, 409, 410, 415)},
    openapi_extra=body_of(a.EnrolAsked, "photos", many=True),
)
async def enrol_many(
    gallery: GalleryName, request: Request, parts: PartsOf, deeds: DeedsOf, _: Repeatable = None
) -> Response | s.ReportList:
    """Enrol many people: photos whose file names are SUBJECT/FILE, as a folder of people is dropped."""
    record = await parts.pool.store(partial(parts.galleries.record, gallery))
    asked, photos = await parts.intake.read_many(request, a.EnrolAsked, "photos")
    enroller = Enroller(parts, deeds, record, people(_options(asked), asked.tags))
    return await Once(request, parts, deeds, gallery, asked).answer(photos, _by_folder, enroller)


def source_of(photo: Upload | ImageTooLargeError) -> str:
    """Return what its sender calls a photo."""
    return photo.name if isinstance(photo, Upload) else str(photo).partition(": ")[0]


def _by_folder(photo: Upload | ImageTooLargeError) -> Arrived:
    source = source_of(photo)
    subject = source.rpartition("/")[0].rpartition("/")[2]
    if subject in {".", ".."}:  # clients leave such parts out of a path: nobody could be asked for again
        subject = ""
    try:
        return Arrived(label(subject, "subject"), source, photo)
    except OptionError as error:
        return Arrived(subject, source, OptionError(f"a file is called SUBJECT/FILE, got {source[:80]!r}: {error}"))


def _options(asked: a.EnrolAsked) -> EnrolOptions:
    return EnrolOptions(asked.accept_poor, asked.accept_conflict, asked.main_face)
