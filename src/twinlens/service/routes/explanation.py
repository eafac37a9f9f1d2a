"""Two photos -> what the answer rests on; embeds hundreds of altered copies, so one request does it at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import Any

import numpy as np
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from twinlens.draw.maps import LEAST_SCALE, coloured
from twinlens.recognizer import ExplainedPhoto, Explanation
from twinlens.service import answers, asked as a, schemas as s
from twinlens.service.lines import NDJSON, LineResponse
from twinlens.service.parts import Parts
from twinlens.service.photos import Upload
from twinlens.service.routes.faces import bar_of, main_faces
from twinlens.service.wiring import READ, DeedsOf, PartsOf, admitted, body_of, noted, refusals, unless_gone

router = APIRouter(prefix="/v1", tags=["faces"], dependencies=[Depends(admitted)])
WORTH = 0.01  # a part of the face that moves the similarity by less says little
LINES: dict[str, Any] = {
    "description": "The answer. Where application/x-ndjson is accepted: lines that say how far it is, then the answer.",
    "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/ExplainAnswer"}}},
}
Tell = Callable[[int, int], None]


class _LeftError(Exception):
    """Nobody waits for the explanation any more."""


@router.post(
    "/explain",
    response_model=s.ExplainAnswer,
    dependencies=[READ],
    responses={200: LINES, **refusals(415)},
    openapi_extra=body_of(a.ExplainAsked, "left", "right"),
)
async def explain(request: Request, parts: PartsOf, deeds: DeedsOf) -> Response | s.ExplainAnswer:
    """Decide like verify, and show which places of the two faces the answer depends on; takes seconds."""
    asked, photos = await parts.intake.read(request, a.ExplainAsked, ["left", "right"])

    async def work(tell: Tell) -> s.ExplainAnswer:
        made = _explained(parts, asked, photos, tell)
        return await unless_gone(request, noted(parts, deeds, "explained", made))

    if NDJSON in request.headers.get("accept", ""):
        return LineResponse(_by_lines(work))
    return await work(lambda done, total: None)


async def _by_lines(work: Callable[[Tell], Coroutine[Any, Any, s.ExplainAnswer]]) -> AsyncIterator[BaseModel]:
    """Yield how far the work is whenever it says so, and at last what came of it."""
    told: asyncio.Queue[s.ExplainProgress] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def tell(done: int, total: int) -> None:
        loop.call_soon_threadsafe(told.put_nowait, s.ExplainProgress(done=done, total=total))

    doing = asyncio.ensure_future(work(tell))
    try:
        while not doing.done():
            waiting = asyncio.ensure_future(told.get())
            await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                yield waiting.result()
            waiting.cancel()
        yield doing.result()
    finally:
        doing.cancel()


async def _explained(parts: Parts, asked: a.ExplainAsked, photos: list[Upload], tell: Tell) -> s.ExplainAnswer:
    bar = bar_of(parts, asked.target_fmr)
    left, right = await main_faces(parts, photos)
    gone = threading.Event()

    def watch(done: int, total: int) -> None:
        if gone.is_set():
            raise _LeftError
        tell(done, total)

    async with parts.explaining:
        try:
            work = partial(parts.recognizer.explain, left, right, bar=bar, progress=watch)
            made: Explanation = await parts.pool.store(work)
        finally:
            gone.set()
    scale = max(LEAST_SCALE, *(float(np.abs(photo.importance).max()) for photo in made.photos))
    left_map, right_map = await parts.pool.store(lambda: [_map(photo, scale) for photo in made.photos])
    decision = answers.decision(made.decision, parts.card, left.portraits[0].embedding.model)
    return s.ExplainAnswer(decision=decision, left_map=left_map, right_map=right_map, text=_text(decision, made))


def _map(photo: ExplainedPhoto, scale: float) -> str:
    return answers.data_uri(coloured(photo.portrait.crop, photo.importance, scale))


def _text(decision: s.DecisionAnswer, made: Explanation) -> str:
    verdict = "taken for the same person" if decision.accepted else "taken for different people"
    lines = [f"{verdict}: similarity {decision.score:.3f}, threshold {decision.threshold:.3f}; {decision.meaning}"]
    for name, photo in zip(("first", "second"), made.photos, strict=True):
        speaks = [part for part, value in photo.regions.items() if value >= WORTH]
        against = [part for part, value in photo.regions.items() if value <= -WORTH]
        told = f"speaks for one person: {', '.join(speaks) or 'no part more than another'}"
        told += f"; speaks against: {', '.join(against)}" if against else ""
        lines.append(f"{name} photo: {told}")
        lines += [f"{name} photo: {reason}" for reason in photo.portrait.quality.reasons]
    lines.append("left and right are as seen in the picture; a map shows what the network depends on, not what is true")
    return "\n".join(lines)
