"""Requests -> requests of bounded size and time; what is larger or slower is refused with the right status.

| what | status |
|---|---|
| more headers, or longer ones | 431 |
| a longer path and query | 414 |
| a body over the limit, by its Content-Length (before any of it is read) or by what came | 413 |
| JSON of more values than any request here needs (memory, not length, is what it costs) | 413 |
| a body that trickles in, or takes too long altogether; the time that the service itself takes does not count | 408 |
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
        json_bytes: of a JSON body with photos, whose whole is in memory at once.
        plain_bytes: of a request without photos.
        body_grace_s: how long a body may be waited for, seconds, before its pace counts.
        body_pace: bytes a second a body must come with after that.
        body_s: how long a body may be waited for altogether, seconds, however it comes.
        bulk_body_s: the same for bulk requests.
        work_s: how long after the body the answer may take to begin, and between its pieces, seconds.
        bulk_work_s: the same for bulk requests.
        header_count: number of request headers.
        header_bytes: of all headers together.
        target_bytes: of path and query.
        json_values: commas and opening brackets in a JSON body: a bound for the values in it.
        bulk: ends of paths whose requests are bulk ones.
        single: paths that take a photo or two.
    """

    body_bytes: int = 96 * MIB
    bulk_body_bytes: int = 1024 * MIB
    json_bytes: int = 48 * MIB
    plain_bytes: int = MIB
    body_grace_s: float = 10.0
    body_pace: float = 32 * 1024
    body_s: float = 300.0
    bulk_body_s: float = 1800.0
    work_s: float = 60.0
    bulk_work_s: float = 3600.0
    header_count: int = 64
    header_bytes: int = 32 * 1024
    target_bytes: int = 16 * 1024
    json_values: int = 20_000
    bulk: tuple[str, ...] = ("/enrolments", "/photos", "/clusters", "/doctor")
    single: tuple[str, ...] = ("/v1/detect", "/v1/verify", "/v1/explain", "/v1/identify", "/v1/search")

    def __post_init__(self) -> None:
        paths = {"bulk", "single"}
        bounds = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in paths}
        wrong = [f"{name}={bound}" for name, bound in bounds.items() if not bound > 0]
        if wrong:
            msg = f"limits of requests must be above 0, got {', '.join(wrong)}"
            raise OptionError(msg)

    def of(self, scope: Scope) -> Cost:
        """Return what this request may cost."""
        path = path_of(scope)
        json = (header(scope, b"content-type") or "").lower().split(";")[0].strip().endswith("json")
        bulk = path.endswith(self.bulk)
        most = self.bulk_body_bytes if bulk else self.body_bytes if path in self.single else self.plain_bytes
        if json:
            most = min(most, self.json_bytes)
        return Cost(
            body_bytes=most,
            body_s=self.bulk_body_s if bulk else self.body_s,
            work_s=self.bulk_work_s if bulk else self.work_s,
            json=json,
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request of its kind may cost.

    Attributes:
        body_bytes: of its body.
        body_s: how long it may be waited for, seconds.
        work_s: how long the answer may take, seconds.
        json: it says that it is JSON.
    """

    body_bytes: int
    body_s: float
    work_s: float
    json: bool


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
        cost = self._limits.of(scope)
        refusal = self._at_once(scope, cost)
        if refusal is None:
            await _Watch(scope, receive, send, self._limits, cost).run(self._app)
            return
        await _close(refusal, scope, receive, send)

    def _at_once(self, scope: Scope, cost: Cost) -> Refusal | None:
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
        if length is not None and length.isdecimal() and int(length.lstrip("0")[:_DIGITS] or "0") > cost.body_bytes:
            return _too_large(int(length.lstrip("0")[:_DIGITS]), cost)
        return None


def _cut(status: int, error: str, detail: str) -> Refusal:
    """Return a refusal after which the connection is closed: what else comes on it is not wanted."""
    return Refusal(status, error, detail, headers={"connection": "close"})


def _too_large(came: int, cost: Cost) -> Refusal:
    way = "send photos as multipart parts" if cost.json else "send smaller photos, or fewer at once"
    told = f"the body has {came:,} bytes or more, the limit is {cost.body_bytes:,}: {way}"
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

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: Limits, cost: Cost) -> None:
        self._scope, self._receive, self._send, self._limits, self._cost = scope, receive, send, limits, cost
        self._clock = asyncio.get_running_loop()
        self._came = self._values = 0
        self._waited_s = 0.0
        self._complete = self._started = False
        self._refusal: Refusal | None = None
        self._deadline = asyncio.timeout(self._cost.work_s)

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
            told = f"no answer within {self._cost.work_s:g} s: try again later, or send less at once"
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
        """Return the next piece of the body, if it comes in time; what the app does between pieces takes none."""
        limits, begun = self._limits, self._clock.time()
        paced_s = limits.body_grace_s + self._came / limits.body_pace
        due = begun + min(paced_s, self._cost.body_s) - self._waited_s
        self._expect(due + self._cost.work_s)
        try:
            async with asyncio.timeout_at(due):
                return await self._receive()
        except TimeoutError:
            took_s = self._waited_s + self._clock.time() - begun
            told = f"the body came too slowly: {self._came:,} bytes in {took_s:.0f} s; {limits.body_pace:,.0f} bytes "
            told += (
                f"a second are expected, and all of it within {self._cost.body_s:g} s: send smaller photos, or fewer"
            )
            self._refusal = _cut(SLOW, "SlowUploadError", told)
            raise self._refusal from None
        finally:
            self._waited_s += self._clock.time() - begun

    def _count(self, body: bytes) -> None:
        self._came += len(body)
        if self._came > self._cost.body_bytes:
            self._refusal = _too_large(self._came, self._cost)
            raise self._refusal
        if self._cost.json:
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
        self._expect(self._clock.time() + self._cost.work_s)

    def _expect(self, due: float) -> None:
        """Give the app until then, unless its time is over already."""
        if not self._deadline.expired():
            self._deadline.reschedule(due)
