"""Requests -> requests of bounded size and time; what is larger or slower is refused with the right status.

| what | status |
|---|---|
| more headers, or longer ones | 431 |
| a longer path and query | 414 |
| a body over the limit, by its Content-Length (before any of it is read) or by what came | 413 |
| JSON of more values than any request here needs (memory, not length, is what it costs) | 413 |
| a body that trickles in | 408 |
| an answer that is not begun in time | 503 with Retry-After |

How deep JSON may be nested is the parser's limit. A response that has begun cannot take its status back: it is cut off
where it makes no progress for as long as an answer may take.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, fields

from twinlens.errors import OptionError
from twinlens.service.refusals import App, Message, Receive, Refusal, Scope, Send, header, path_of

MIB = 1024 * 1024
SLOW = 408
_DRAIN_S = 1.0  # how long a refused upload is read on, so that its sender sees the answer instead of a reset
_RETRY_S = 5
_DIGITS = 18  # of a Content-Length; more are too large as well, and costly to read


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost.

    Attributes:
        body_bytes: of a request for one answer: two photos and their base64.
        bulk_body_bytes: of a request that enrols or indexes many photos.
        body_grace_s: how long a body may take, seconds, before its pace counts.
        body_pace: bytes a second a body must come with after that.
        work_s: how long after the body the answer may take to begin, and between its pieces, seconds.
        bulk_work_s: the same for bulk requests.
        header_count: number of request headers.
        header_bytes: of all headers together.
        target_bytes: of path and query.
        json_values: commas and opening brackets in a JSON body: a bound for the values in it.
        bulk: ends of paths whose requests are bulk ones.
    """

    body_bytes: int = 96 * MIB
    bulk_body_bytes: int = 1024 * MIB
    body_grace_s: float = 10.0
    body_pace: float = 32 * 1024
    work_s: float = 60.0
    bulk_work_s: float = 3600.0
    header_count: int = 64
    header_bytes: int = 32 * 1024
    target_bytes: int = 16 * 1024
    json_values: int = 20_000
    bulk: tuple[str, ...] = ("/enrolments", "/photos", "/clusters", "/doctor")

    def __post_init__(self) -> None:
        bounds = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "bulk"}
        wrong = [f"{name}={bound}" for name, bound in bounds.items() if not bound > 0]
        if wrong:
            msg = f"limits of requests must be above 0, got {', '.join(wrong)}"
            raise OptionError(msg)


class RequestLimits:
    """ASGI middleware that holds requests to `Limits`.

    Args:
        app: what answers.
        limits: the bounds.
    """

    def __init__(self, app: App, limits: Limits | None = None) -> None:
        self._app = app
        self._limits = limits or Limits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bulk = path_of(scope).endswith(self._limits.bulk)
        refusal = self._at_once(scope, bulk=bulk)
        if refusal is None:
            await _Watch(scope, receive, send, self._limits, bulk=bulk).run(self._app)
            return
        await _close(refusal, scope, receive, send)

    def _at_once(self, scope: Scope, *, bulk: bool) -> Refusal | None:
        """Return why a request is refused by its head alone."""
        limits, heads = self._limits, scope["headers"]
        size = sum(len(name) + len(text) for name, text in heads)
        if len(heads) > limits.header_count or size > limits.header_bytes:
            told = f"{len(heads)} headers of {size:,} bytes came"
            told += f", {limits.header_count} of {limits.header_bytes:,} bytes are taken: send fewer"
            return _cut(431, "HeadersTooLargeError", told)
        target = len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
        if target > limits.target_bytes:
            told = f"the address has {target:,} bytes, the limit is {limits.target_bytes:,}: shorten it"
            return _cut(414, "AddressTooLongError", told)
        length = header(scope, b"content-length")
        limit = limits.bulk_body_bytes if bulk else limits.body_bytes
        if length is not None and length.isdecimal() and int(length.lstrip("0")[:_DIGITS] or "0") > limit:
            return _too_large(int(length.lstrip("0")[:_DIGITS]), limit)
        return None


def _cut(status: int, error: str, detail: str) -> Refusal:
    """Return a refusal after which the connection is closed: what else comes on it is not wanted."""
    return Refusal(status, error, detail, headers={"connection": "close"})


def _too_large(came: int, limit: int) -> Refusal:
    told = f"the body has {came:,} bytes or more, the limit is {limit:,}: send smaller photos, or fewer at once"
    return _cut(413, "BodyTooLargeError", told)


async def _close(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, then read and forget what is still coming, for a moment, and end."""
    await refusal.answer(scope, send, more=True)
    if header(scope, b"expect") is None:  # reading would invite a client that waits for the invitation
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                while (await receive()).get("more_body", False):
                    pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Watch:
    """One request under watch."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: Limits, *, bulk: bool) -> None:
        self._scope, self._receive, self._send, self._limits = scope, receive, send, limits
        self._body_limit = limits.bulk_body_bytes if bulk else limits.body_bytes
        self._work_s = limits.bulk_work_s if bulk else limits.work_s
        self._json = (header(scope, b"content-type") or "").lower().split(";")[0].strip().endswith("json")
        self._clock = asyncio.get_running_loop()
        self._begun = self._clock.time()
        self._came = self._values = 0
        self._complete = self._started = False
        self._refusal: Refusal | None = None
        self._deadline = asyncio.timeout(self._work_s)

    async def run(self, app: App) -> None:
        """Let the app answer in time, or answer instead of it.

        Raises:
            TimeoutError: the response had begun and made no progress: the server cuts the connection.
        """
        try:
            async with self._deadline:
                await app(self._scope, self._receiving, self._sending)
        except TimeoutError:
            if not self._deadline.expired():
                raise
            if self._started:
                raise
            told = f"no answer within {self._work_s:g} s: try again later, or send less at once"
            self._refusal = Refusal(503, "RequestTimeoutError", told, retry_after_s=_RETRY_S)
        except Refusal as refusal:
            if refusal is not self._refusal:
                raise
        if self._refusal is not None and not self._started:
            self._started = True
            if self._complete or self._refusal.status == SLOW:
                await self._refusal.answer(self._scope, self._send)
            else:
                await _close(self._refusal, self._scope, self._receive, self._send)

    async def _receiving(self) -> Message:
        if self._refusal is not None:
            raise self._refusal
        if self._complete:
            return await self._receive()  # waiting for the client to leave: as long as it takes
        message = await self._next()
        self._complete = not message.get("more_body", False)
        self._count(message.get("body", b""))
        self._progress()
        return message

    async def _next(self) -> Message:
        """Return the next piece of the body, if it comes in time."""
        limits = self._limits
        due = self._begun + limits.body_grace_s + self._came / limits.body_pace
        self._expect(due + self._work_s)
        try:
            async with asyncio.timeout_at(due):
                return await self._receive()
        except TimeoutError:
            told = f"the body came too slowly: {self._came:,} bytes in {self._clock.time() - self._begun:.0f} s; "
            told += f"{limits.body_pace:,.0f} bytes a second are expected"
            self._refusal = _cut(SLOW, "SlowUploadError", told)
            raise self._refusal from None

    def _count(self, body: bytes) -> None:
        self._came += len(body)
        if self._came > self._body_limit:
            self._refusal = _too_large(self._came, self._body_limit)
            raise self._refusal
        if self._json:
            self._values += body.count(b",") + body.count(b"[") + body.count(b"{")
            if self._values > self._limits.json_values:
                told = f"the JSON holds more than {self._limits.json_values:,} values: send photos as multipart parts"
                self._refusal = _cut(413, "BodyTooLargeError", told)
                raise self._refusal

    async def _sending(self, message: Message) -> None:
        if self._refusal is not None and not self._started:
            return  # whatever the app makes of the refusal, ours is sent when it has ended
        self._started = True
        await self._send(message)
        self._progress()

    def _progress(self) -> None:
        self._expect(self._clock.time() + self._work_s)

    def _expect(self, due: float) -> None:
        """Give the app until then, unless its time is over already."""
        if not self._deadline.expired():
            self._deadline.reschedule(due)
