"""Request -> request of somebody who may be here: the key is looked at before anything else of it is read."""

from __future__ import annotations

from twinlens.errors import ServiceError
from twinlens.service.keys import EVERYBODY, Key, Keyring, Scope as KeyScope
from twinlens.service.refusals import App, Receive, Refusal, Scope, Send, header, path_of, state_of

_SCHEME = "bearer"
_CHALLENGE = {"www-authenticate": 'Bearer realm="twinlens"'}


class KeyGate:
    """ASGI middleware: ``Authorization: Bearer KEY`` -> ``state["key"]``, or 401.

    What a key may do is the route's question: see `need`. While there is no key in the ring, whoever asks is
    `EVERYBODY` and may do everything: the service must then listen on loopback only, which is the affair of whoever
    starts it. Revoking the last key does not open the service again.

    Args:
        app: what answers.
        keyring: the keys; None for a service without.
        guarded: starts of paths that need a key; on others ``state["key"]`` may be None.
    """

    def __init__(self, app: App, keyring: Keyring | None, *, guarded: tuple[str, ...] = ("/v1",)) -> None:
        self._app = app
        self._keyring = keyring
        self._guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "http":
            try:
                key = self._key(header(scope, b"authorization"))
                if key is None and path_of(scope).startswith(self._guarded):
                    raise _key_needed(header(scope, b"authorization"))
            except Refusal as refusal:
                await refusal.answer(scope, send)
                return
            state_of(scope)["key"] = key
        await self._app(scope, receive, send)

    def _key(self, shown: str | None) -> Key | None:
        """Return who shows this header; None for nobody we know."""
        if self._keyring is None:
            return EVERYBODY
        try:
            if not self._keyring.in_use():
                return EVERYBODY
            scheme, _, text = (shown or "").partition(" ")
            return self._keyring.check(text.strip()) if scheme.lower() == _SCHEME else None
        except ServiceError as error:
            told = "the keys cannot be read now: try again later"
            raise Refusal(503, type(error).__name__, told, retry_after_s=5) from error


def _key_needed(shown: str | None) -> Refusal:
    came = "none came" if shown is None else "the one that came is unknown or revoked"
    told = f"a key is needed and {came}: send the header Authorization: Bearer twl_..."
    return Refusal(401, "KeyNeededError", told, headers=_CHALLENGE)


def need(key: Key | None, scope: KeyScope) -> Key:
    """Return the key if it may do this.

    Args:
        key: what the gate found: ``request.state.key``.
        scope: what the route does.

    Raises:
        Refusal: 401 without a key, 403 with one that does not reach so far.
    """
    if key is None:
        raise _key_needed(None)
    if not key.allows(scope):
        told = f"this needs the scope {scope}, the key {key.id} has {', '.join(sorted(key.scopes))}: use another key"
        raise Refusal(403, "ScopeError", told)
    return key
