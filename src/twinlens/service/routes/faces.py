"""Photos -> who can be seen, whether two are one person and why, and who of a gallery they are."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from fastapi import APIRouter, Depends, Request

from twinlens.recognizer import Examined, Recognizer, Sighting
from twinlens.recognizer.choice import everyone, main_face
from twinlens.recognizer.pipeline import no_face
from twinlens.score import Bar, Policy, verification_bar
from twinlens.service import answers, asked as a, schemas as s
from twinlens.service.parts import Parts
from twinlens.service.photos import Upload
from twinlens.service.wiring import READ, DeedsOf, PartsOf, admitted, body_of, noted, refusals, unless_gone
from twinlens.types import Image, Match

router = APIRouter(prefix="/v1", tags=["faces"], dependencies=[Depends(admitted)])


@router.post("/detect", dependencies=[READ], responses=refusals(415), openapi_extra=body_of(a.DetectAsked, "photo"))
async def detect(request: Request, parts: PartsOf, deeds: DeedsOf) -> s.DetectAnswer:
    """Find every face of a photo."""
    asked, (photo,) = await parts.intake.read(request, a.DetectAsked, ["photo"])
    work = parts.pool.compute(partial(_seen, parts, photo))
    image, seen = await unless_gone(request, noted(parts, deeds, "detected", work))
    faces = [answers.face(one, crop=asked.crops) for one in seen]
    return s.DetectAnswer(width=image.width, height=image.height, faces=faces)


@router.post(
    "/verify", dependencies=[READ], responses=refusals(415), openapi_extra=body_of(a.VerifyAsked, "left", "right")
)
async def verify(request: Request, parts: PartsOf, deeds: DeedsOf) -> s.VerifyAnswer:
    """Decide whether the main faces (large and central) of two photos are the same person."""
    asked, photos = await parts.intake.read(request, a.VerifyAsked, ["left", "right"])
    bar = bar_of(parts, asked.target_fmr)
    left, right = await unless_gone(request, noted(parts, deeds, "compared", main_faces(parts, photos)))
    made = parts.recognizer.compare(left, right, bar=bar)
    said = answers.decision(made, parts.card, left.portraits[0].embedding.model)
    return s.VerifyAnswer(
        **said.model_dump(),
        left=answers.compared(left, crop=asked.crops),
        right=answers.compared(right, crop=asked.crops),
    )


@router.post(
    "/identify", dependencies=[READ], responses=refusals(404, 409, 415), openapi_extra=body_of(a.IdentifyAsked, "photo")
)
async def identify(request: Request, parts: PartsOf, deeds: DeedsOf) -> s.IdentifyAnswer:
    """Name every face of a photo; *unknown* (a subject of null) is an answer, and nobody appears twice."""
    asked, (photo,) = await parts.intake.read(request, a.IdentifyAsked, ["photo"])
    policy = parts.recognizer.policy
    if asked.target_fmr is not None:  # a rate of one comparison, whatever the size of the gallery
        policy = replace(policy, threshold=bar_of(parts, asked.target_fmr).threshold)
    await parts.pool.store(partial(parts.galleries.record, asked.gallery))

    async def work() -> s.IdentifyAnswer:
        (examined,) = await parts.pool.examine([photo], everyone)
        return await parts.pool.store(partial(_identified, parts, asked, examined, policy))

    return await unless_gone(request, noted(parts, deeds, "identified", work(), asked.gallery))


@router.post(
    "/search", dependencies=[READ], responses=refusals(404, 409, 415), openapi_extra=body_of(a.SearchAsked, "photo")
)
async def search(request: Request, parts: PartsOf, deeds: DeedsOf) -> s.SearchAnswer:
    """Return the subjects most alike to a photo's main face, best first, whatever their score."""
    asked, (photo,) = await parts.intake.read(request, a.SearchAsked, ["photo"])
    await parts.pool.store(partial(parts.galleries.record, asked.gallery))

    async def work() -> s.SearchAnswer:
        (examined,) = await main_faces(parts, [photo])
        matches = await parts.pool.store(partial(_found, parts, asked, examined))
        found = [answers.candidate(match) for match in matches]
        return s.SearchAnswer(face=answers.face(examined.portraits[0]), matches=found)

    return await unless_gone(request, noted(parts, deeds, "searched", work(), asked.gallery))


def _seen(parts: Parts, photo: Upload) -> tuple[Image, list[Sighting]]:
    image = parts.pool.pipeline.load(photo)
    return image, parts.pool.pipeline.sight(image)


async def main_faces(parts: Parts, photos: list[Upload]) -> list[Examined]:
    """Examine the main face of each photo.

    Raises:
        NoFaceError: a photo shows nobody.
    """
    examined = await parts.pool.examine(photos, main_face)
    for photo in examined:
        if not photo.portraits:
            raise no_face(photo.source)
    return examined


def bar_of(parts: Parts, target_fmr: float | None) -> Bar:
    """Return the threshold of a comparison: for the rate that was asked for, or the service's own.

    Raises:
        CalibrationError: the model's measurement does not reach so far.
    """
    policy = parts.recognizer.policy if target_fmr is None else Policy(target_fmr=target_fmr)
    return verification_bar(parts.card, policy)


def _identified(parts: Parts, asked: a.IdentifyAsked, photo: Examined, policy: Policy) -> s.IdentifyAnswer:
    with parts.galleries.use(asked.gallery) as gallery:
        recognizer: Recognizer = gallery.recognizer
        found = recognizer.identify(photo, top=asked.top, tags=asked.tags or None, policy=policy)
        bar = recognizer.identification_bar(policy)
    return s.IdentifyAnswer(
        width=photo.image.width if photo.image else 0,
        height=photo.image.height if photo.image else 0,
        faces=[answers.named(one, crop=asked.crops) for one in found],
        threshold=bar.threshold,
        fmr=bar.fmr,
        fpir=bar.fpir,
    )


def _found(parts: Parts, asked: a.SearchAsked, photo: Examined) -> list[Match]:
    with parts.galleries.use(asked.gallery) as gallery:
        recognizer: Recognizer = gallery.recognizer
        tags = asked.tags or None
        (matches,) = recognizer.gallery.search([photo.portraits[0].embedding], asked.top, tags=tags)
        return recognizer.reading(tags=tags).read(matches)
