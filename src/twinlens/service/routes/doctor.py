"""A gallery -> what a person should put right: conflicts, duplicates, wrong names, poor photos."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Depends

from twinlens.recognizer import Audit, Finding
from twinlens.service import schemas as s
from twinlens.service.parts import Parts
from twinlens.service.refusals import Refusal
from twinlens.service.wiring import READ, GalleryName, PartsOf, admitted, refusals

router = APIRouter(prefix="/v1/galleries/{gallery}", tags=["galleries"], dependencies=[Depends(admitted)])
MOST_TEMPLATES = 20_000  # compared with each other: time grows with the square


@router.get("/doctor", dependencies=[READ], responses=refusals(404, 409))
async def examine_gallery(gallery: GalleryName, parts: PartsOf) -> s.DoctorAnswer:
    """Look through a gallery for wrong labels, people under two names, look-alikes and poor photos; nothing changes."""
    return await parts.pool.store(partial(_examined, parts, gallery))


def _examined(parts: Parts, name: str) -> s.DoctorAnswer:
    with parts.galleries.use(name) as found:
        people = found.recognizer.gallery
        templates = people.count()
        if templates > MOST_TEMPLATES:
            told = (
                f"{templates:,} photos are too many for one request ({MOST_TEMPLATES:,}): run twinlens gallery doctor"
            )
            raise Refusal(413, "TooManyFacesError", told)
        return _answer(found.recognizer.audit(), people.verify_integrity())


def _answer(audit: Audit, problems: tuple[str, ...]) -> s.DoctorAnswer:
    bar = audit.searches.bar if audit.searches else None
    return s.DoctorAnswer(
        subjects=audit.subjects,
        templates=audit.templates,
        problems=[problem.partition(": ")[2] or problem for problem in problems],
        findings=[_finding(one) for one in audit.findings],
        omitted={str(kind): count for kind, count in audit.omitted.items()},
        threshold=bar.threshold if bar else None,
        fpir=bar.fpir if bar else None,
    )


def _finding(found: Finding) -> s.FindingAnswer:
    photos = [
        s.StoredPhotoAnswer(subject=one.subject, source=one.source, photo=one.photo, quality=one.quality)
        for one in found.photos
    ]
    return s.FindingAnswer(
        kind=found.kind,
        grave=found.grave,
        text=found.text,
        subjects=list(found.subjects),
        photos=photos,
        likeness=[s.LikenessAnswer(of=one.of, score=one.score, fmr=one.fmr, bound=one.bound) for one in found.likeness],
        remedies=[one.text for one in found.remedies],
    )
