"""Galleries: list, make, show, change, delete with a receipt."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Depends

from twinlens.service import answers, asked as a, schemas as s
from twinlens.service.parts import Parts
from twinlens.service.wiring import ADMIN, READ, DeedsOf, GalleryName, PartsOf, admitted, refusals

router = APIRouter(prefix="/v1/galleries", tags=["galleries"], dependencies=[Depends(admitted)])


@router.get("", dependencies=[READ], responses=refusals())
async def list_galleries(parts: PartsOf) -> s.GalleryList:
    """List the galleries by name."""
    records = await parts.pool.store(parts.galleries.records)
    return s.GalleryList(items=[answers.gallery(record) for record in records])


@router.post("", status_code=201, dependencies=[ADMIN], responses=refusals(409))
async def create_gallery(asked: a.GalleryAsked, parts: PartsOf, deeds: DeedsOf) -> s.GalleryAnswer:
    """Make a gallery: of people, enrolled by name, or an album, whose photos are indexed face by face."""
    making = partial(deeds.make_gallery, parts.galleries, asked.name, asked.kind, asked.retention_days)
    made = await parts.pool.store(making)
    return answers.gallery(made)


@router.get("/{gallery}", dependencies=[READ], responses=refusals(404, 409))
async def show_gallery(gallery: GalleryName, parts: PartsOf) -> s.GalleryAnswer:
    """Show a gallery and how much is in it."""
    return await parts.pool.store(partial(_shown, parts, gallery))


@router.patch("/{gallery}", dependencies=[ADMIN], responses=refusals(404, 409))
async def change_gallery(
    gallery: GalleryName, asked: a.GalleryChange, parts: PartsOf, deeds: DeedsOf
) -> s.GalleryAnswer:
    """Change how long subjects are kept."""
    await parts.pool.store(partial(deeds.keep, parts.galleries, gallery, asked.retention_days))
    return await parts.pool.store(partial(_shown, parts, gallery))


@router.delete("/{gallery}", dependencies=[ADMIN], responses=refusals(404, 409))
async def delete_gallery(gallery: GalleryName, parts: PartsOf, deeds: DeedsOf) -> s.GalleryErasure:
    """Erase a gallery with everybody in it, and look whether anything is left."""
    receipt = await parts.pool.store(partial(deeds.erase_gallery, parts.galleries, gallery))
    return s.GalleryErasure(
        gallery=receipt.gallery,
        subjects=receipt.subjects,
        templates=receipt.templates,
        places_checked=list(receipt.places_checked),
        remains=list(receipt.remains),
        proven=not receipt.remains,
    )


def _shown(parts: Parts, name: str) -> s.GalleryAnswer:
    record = parts.galleries.record(name)
    with parts.galleries.use(name) as found:
        return answers.gallery(record, found)
