"""Reports -> an answer: as a list or as lines, kept where the request may be repeated under an Idempotency-Key.

The photos are stored while others still come, so the claim is made on method, path and options, and the photos'
digest is kept with the answer: a repeated request is read to its end, and gets the answer only if its photos are the
same ones.
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial

from fastapi import Request, Response
from pydantic import BaseModel

from twinlens.errors import ImageTooLargeError
from twinlens.recognizer import EnrolmentReport
from twinlens.service import answers, schemas as s
from twinlens.service.deeds import Deeds
from twinlens.service.enrolling import Arrived, Enroller
from twinlens.service.idempotency import GONE, Claim, Digest, Stored, digest_of, erased
from twinlens.service.lines import NDJSON, LineResponse
from twinlens.service.parts import Parts
from twinlens.service.photos import Upload

HEADER = "idempotency-key"
OCTETS = "application/json"
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")


@dataclass(slots=True)
class Once:
    """One request that stores photos.

    Attributes:
        request: asks for it.
        parts: what the service works with.
        deeds: in whose name.
        gallery: where to.
        asked: its options.
    """

    request: Request
    parts: Parts
    deeds: Deeds
    gallery: str
    asked: BaseModel
    _photos: Digest = field(default_factory=Digest)

    async def answer(
        self,
        photos: AsyncIterator[Upload | ImageTooLargeError],
        arrive: Callable[[Upload | ImageTooLargeError], Arrived],
        enroller: Enroller,
    ) -> Response | s.ReportList:
        """Store the photos and answer, or give the answer that was given before.

        Raises:
            Refusal: 409 or 422, see `Answers.claim`; 410, somebody whom the answer named was erased.
            TwinlensError: the gallery cannot be written to.
        """
        claim = await self._claim()
        if isinstance(claim, Stored):
            async for photo in photos:
                self._digest(photo)
            claim.check(self._photos.value())
            if claim.status == GONE:
                raise erased()  # with the id of this request
            return Response(claim.body, claim.status, media_type=claim.content_type)
        lines = NDJSON in self.request.headers.get("accept", "")
        reports = self._kept(enroller.reports(self._arriving(photos, arrive, claim)), claim, lines=lines)
        if lines:
            return LineResponse(reports)
        return s.ReportList(reports=[made async for made in reports])

    async def _claim(self) -> Stored | Claim | None:
        key = self.request.headers.get(HEADER)
        if key is None:
            return None
        options = ("options", self.asked.model_dump_json().encode())
        digest = digest_of(self.request.method, self.request.url.path, [options])
        claiming = partial(self.parts.guards.answers.claim, self.deeds.who, key, digest, self.gallery)
        return await self.parts.pool.store(claiming)

    async def _arriving(
        self,
        photos: AsyncIterator[Upload | ImageTooLargeError],
        arrive: Callable[[Upload | ImageTooLargeError], Arrived],
        claim: Claim | None,
    ) -> AsyncIterator[Arrived]:
        async for photo in photos:
            self._digest(photo)
            arrived = arrive(photo)
            if claim is not None:
                claim.work(self.gallery, arrived.subject)
            yield arrived

    def _digest(self, photo: Upload | ImageTooLargeError) -> None:
        if isinstance(photo, Upload):
            self._photos.add(photo.name, photo.getvalue())
        else:
            self._photos.add("too large", str(photo).encode())

    async def _kept(
        self, reports: AsyncIterator[EnrolmentReport], claim: Claim | None, *, lines: bool
    ) -> AsyncIterator[s.ReportAnswer]:
        made: list[s.ReportAnswer] = []
        with claim or nullcontext():
            async for report in reports:
                made.append(answers.report(report))
                yield made[-1]
            if claim is not None:
                await self.parts.pool.store(partial(self._finish, claim, made, lines=lines))

    def _finish(self, claim: Claim, made: list[s.ReportAnswer], *, lines: bool) -> None:
        if lines:
            body = "".join(f"{one.model_dump_json()}\n" for one in made)
        else:
            body = s.ReportList(reports=made).model_dump_json()
        stored = Stored(200, NDJSON if lines else OCTETS, body.encode(), self._photos.value())
        named = {n for one in made for n in (one.subject, one.conflict, *one.faces, *_quoted(one.reasons)) if n}
        claim.finish(stored, gallery=self.gallery, subjects=named)


def _quoted(reasons: Sequence[str]) -> Iterator[str]:
    """Yield what stands in quotes, as Python writes them: so reasons name people."""
    for reason in reasons:
        for found in _QUOTED.finditer(reason):
            with suppress(ValueError, SyntaxError):
                yield str(literal_eval(found[0]))
