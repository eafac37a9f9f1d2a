"""Photos as they arrive -> reports, in order: a few are examined ahead, one after the other is stored.

What is reported ``done`` is on the disk. Photos of one gallery are stored under its lock, so that two requests do not
enrol one person under two names at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from twinlens.errors import ModelError, TwinlensError
from twinlens.gallery.contract import label
from twinlens.recognizer import EnrolmentReport, EnrolOptions, Examined
from twinlens.recognizer.choice import Choice, prominent
from twinlens.recognizer.enrolment import enrol_photo
from twinlens.score import UNLIKE_FMR, verification_bar
from twinlens.service.deeds import Deeds
from twinlens.service.galleries import OpenGallery
from twinlens.service.parts import Parts
from twinlens.service.photos import Upload
from twinlens.service.records import Record

AHEAD = 2  # photos examined ahead for each worker: keeps them busy, and memory bounded


@dataclass(frozen=True, slots=True)
class Arrived:
    """A photo on its way into a gallery.

    Attributes:
        subject: the name to store it under.
        source: what its sender calls it.
        photo: the photo, or why it is refused.
    """

    subject: str
    source: str
    photo: Upload | TwinlensError


Storing = Callable[[OpenGallery, str, Examined], EnrolmentReport]


@dataclass(frozen=True, slots=True)
class Enroller:
    """One request that stores photos.

    Attributes:
        parts: what the service works with.
        deeds: in whose name.
        gallery: as it was when the request began; photos never go into a later one of its name.
        store: what to do with an examined photo, on a thread that may wait for the disk.
        choose: which faces of a photo count.
    """

    parts: Parts
    deeds: Deeds
    gallery: Record
    store: Storing
    choose: Choice = prominent

    async def reports(self, photos: AsyncIterator[Arrived]) -> AsyncIterator[EnrolmentReport]:
        """Yield one report a photo, in order.

        Raises:
            Refusal: 404 or 410, the gallery was erased meanwhile.
            GalleryError: the gallery cannot be written to; what was reported before stays.
            ModelError: the networks do not work.
        """
        ahead: deque[tuple[Arrived, asyncio.Future[Examined]]] = deque()
        try:
            async for arrived in photos:
                ahead.append((arrived, asyncio.ensure_future(self._examined(arrived))))
                if len(ahead) > AHEAD * self.parts.settings.workers:
                    yield await self._stored(*ahead.popleft())
            while ahead:
                yield await self._stored(*ahead.popleft())
        finally:
            for _, examined in ahead:
                examined.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await examined

    async def _examined(self, arrived: Arrived) -> Examined:
        if isinstance(arrived.photo, TwinlensError):
            return Examined(arrived.source, None, error=arrived.photo)
        try:
            (found,) = await self.parts.pool.examine([arrived.photo], self.choose)
        except ModelError:
            raise
        except TwinlensError as error:
            return Examined(arrived.source, None, error=error)
        return replace(found, source=arrived.source)

    async def _stored(self, arrived: Arrived, examined: asyncio.Future[Examined]) -> EnrolmentReport:
        photo = await examined
        storing = asyncio.ensure_future(self.parts.pool.store(partial(self._store, arrived.subject, photo)))
        return await asyncio.shield(storing)  # a client that leaves does not undo what a thread is writing

    def _store(self, subject: str, photo: Examined) -> EnrolmentReport:
        name, deeds = self.gallery.name, self.deeds
        with self.parts.galleries.use(name, self.gallery.id) as found, deeds.offered(name, subject) as reports:
            with found.writing:
                deeds.settle(name, found)
                made = self.store(found, subject, photo)
            reports.append(made)
        self.parts.guards.metrics.enrolments.labels(made.outcome).inc()
        return made


def check_tags(tags: Mapping[str, str]) -> None:
    """Say what cannot be stored before anything is.

    Raises:
        OptionError: a tag or a value that is too long, or has control characters.
    """
    for key, text in tags.items():
        label(key, "tag"), label(text or "-", "tag's value")  # an empty value removes the tag


def people(options: EnrolOptions, tags: dict[str, str]) -> Storing:
    """Return how a photo of a person is stored.

    Args:
        options: what enrolment lets pass.
        tags: set on a subject whose photo was stored.

    Raises:
        OptionError: tags that cannot be stored; to be said before a photo is.
    """
    check_tags(tags)

    def store(found: OpenGallery, subject: str, photo: Examined) -> EnrolmentReport:
        recognizer = found.recognizer
        least = verification_bar(recognizer.card, replace(recognizer.policy, target_fmr=UNLIKE_FMR)).threshold
        bar = recognizer.identification_bar()
        made = enrol_photo(subject, photo, recognizer.gallery, bar=bar, least=least, options=options)
        if tags and made.outcome in {"done", "already enrolled"}:
            recognizer.gallery.tag(subject, tags)
        return made

    return store
