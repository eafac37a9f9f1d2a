"""Answers as they come -> one JSON object a line (``application/x-ndjson``).

The response begins while the request is still being uploaded. A client may read only when it has sent everything, so
writing never holds reading up: lines wait in memory, as many as there may be photos.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from twinlens.errors import TwinlensError
from twinlens.service.errors import refusal_of
from twinlens.service.refusals import Refusal

NDJSON = "application/x-ndjson"


class LineResponse(Response):
    """A response of lines; what goes wrong after the first is the last line, a problem.

    Args:
        answers: what to send.
    """

    media_type = NDJSON

    def __init__(self, answers: AsyncIterator[BaseModel]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines."""
        ready: asyncio.Queue[str | None] = asyncio.Queue()
        gathering = asyncio.ensure_future(self._gather(ready))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while (line := await ready.get()) is not None:
                await send({"type": "http.response.body", "body": f"{line}\n".encode(), "more_body": True})
            await gathering
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gathering.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await gathering

    async def _gather(self, ready: asyncio.Queue[str | None]) -> None:
        try:
            async for answer in self._answers:
                ready.put_nowait(answer.model_dump_json())
        except Refusal as refusal:
            ready.put_nowait(json.dumps(refusal.problem(), ensure_ascii=False))
        except TwinlensError as error:
            ready.put_nowait(json.dumps(refusal_of(error).problem(), ensure_ascii=False))
        except ClientDisconnect:
            pass
        finally:
            ready.put_nowait(None)
