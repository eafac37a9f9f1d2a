"""Albums: photos -> faces without names, to be searched, grouped by person, and named."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from twinlens.errors import ImageTooLargeError, OptionError, UnknownSubjectError
from twinlens.gallery.contract import label
from twinlens.protocols import Enrolment, Gallery
from twinlens.recognizer import Cluster, EnrolmentReport, Examined
from twinlens.recognizer.choice import everyone
from twinlens.service import answers, asked as a, schemas as s
from twinlens.service.enrolling import Arrived, Enroller
from twinlens.service.galleries import OpenGallery
from twinlens.service.once import Once
from twinlens.service.parts import Parts
from twinlens.service.photos import Upload
from twinlens.service.refusals import Refusal
from twinlens.service.routes.enrolment import LINES, Repeatable, source_of
from twinlens.service.wiring import ENROL, READ, DeedsOf, GalleryName, PartsOf, admitted, body_of, refusals

router = APIRouter(prefix="/v1/galleries/{gallery}", tags=["albums"], dependencies=[Depends(admitted)])
MOST_FACES = 20_000  # compared with each other for groups: time grows with the square
LONGEST_GAP = 500  # faces of one photo, erased one by one, behind which others are still found


@router.post(
    "/photos",
    response_model=s.ReportList,
    dependencies=[ENROL],
    responses={200: LINES, **refusals(404, 409, 410, 415)},
    openapi_extra=body_of(a.Asked, "photos", many=True),
)
async def index(
    gallery: GalleryName, request: Request, parts: PartsOf, deeds: DeedsOf, _: Repeatable = None
) -> Response | s.ReportList:
    """Store every face of each photo, as PHOTO#N; a photo of the same name is taken in the other's place."""
    record = await parts.pool.store(partial(parts.galleries.record, gallery))
    if record.kind != "album":
        raise Refusal(409, "ConflictError", f"{gallery!r} is no album: enrol people by name, or make an album")
    asked, photos = await parts.intake.read_many(request, a.Asked, "photos")

    enroller = Enroller(parts, deeds, record, store_faces, everyone)
    return await Once(request, parts, deeds, gallery, asked).answer(photos, _by_name, enroller)


@router.get("/clusters", dependencies=[READ], responses=refusals(404, 409))
async def list_clusters(
    gallery: GalleryName, parts: PartsOf, target_fmr: Annotated[a.Rate | None, Query()] = None
) -> s.ClusterList:
    """Group the gallery's faces by person, the largest group first; faces of one photo stay apart."""
    found = await parts.pool.store(partial(_clusters, parts, gallery, target_fmr))
    return s.ClusterList(clusters=[answers.cluster(one) for one in found])


def _by_name(photo: Upload | ImageTooLargeError) -> Arrived:
    name = source_of(photo)
    try:
        return Arrived(label(name, "photo"), name, photo)
    except OptionError as error:
        return Arrived(name, name, error)


def store_faces(found: OpenGallery, name: str, photo: Examined) -> EnrolmentReport:
    """Store every face of a photo under its name and number; see `twinlens.recognizer.album`."""
    gallery = found.recognizer.gallery
    if photo.image is None:
        return EnrolmentReport(photo.source, name, "unreadable", (str(photo.error),))
    if not photo.portraits:
        return EnrolmentReport(photo.source, name, "no face")
    key = f"{photo.image.digest()}:{name}"
    best = max(portrait.quality.score for portrait in photo.portraits)
    faces = tuple(f"{name}#{n}" for n in range(1, len(photo.portraits) + 1))
    if gallery.photo_subjects(f"{key}#1"):
        held = tuple(who for n in range(1, len(faces) + 1) for who in gallery.photo_subjects(f"{key}#{n}"))
        return EnrolmentReport(photo.source, name, "already enrolled", quality=best, faces=held)
    _forget(gallery, name)
    gallery.add(
        Enrolment(face, portrait.embedding, f"{key}#{n}", portrait.quality.score, photo.source)
        for n, (face, portrait) in enumerate(zip(faces, photo.portraits, strict=True), 1)
    )
    return EnrolmentReport(photo.source, name, "done", quality=best, faces=faces)


def _forget(gallery: Gallery, name: str) -> None:
    """Erase the faces of another photo that had this name; some may have been erased one by one before."""
    number = gap = 0
    while gap < LONGEST_GAP:
        number, gap = number + 1, gap + 1
        with suppress(UnknownSubjectError):
            gallery.templates(f"{name}#{number}")  # by far quicker than to ask for a removal
            gallery.remove(f"{name}#{number}")
            gap = 0


def _clusters(parts: Parts, name: str, target_fmr: float | None) -> list[Cluster]:
    with parts.galleries.use(name) as found:
        recognizer = found.recognizer
        faces = recognizer.gallery.count()
        if faces > MOST_FACES:
            told = f"{faces:,} faces are too many for one request ({MOST_FACES:,}): run twinlens gallery cluster"
            raise Refusal(413, "TooManyFacesError", told)
        policy = None if target_fmr is None else replace(recognizer.policy, target_fmr=target_fmr)
        return recognizer.cluster(policy=policy)
