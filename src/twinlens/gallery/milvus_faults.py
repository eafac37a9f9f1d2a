"""Errors of pymilvus and gRPC -> GalleryError: what went wrong, in words, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from pymilvus.exceptions import DataNotMatchException, ParamError

from twinlens.errors import GalleryError, GalleryUnavailableError
from twinlens.gallery.milvus_address import MilvusAddress

# https://github.com/milvus-io/milvus/blob/master/pkg/util/merr/errors.go
_GONE = (100,)
_WRONG = (1100, 1101)
_FORBIDDEN = (1400, 1401, 1800)
_FULL = (3, 7, 9)
_RPC_FORBIDDEN = ("UNAUTHENTICATED", "PERMISSION_DENIED")
_RPC_WRONG = ("INVALID_ARGUMENT", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED")
_SHOWN = 300  # characters of the server's own words


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from: while connecting pymilvus keeps gRPC's own reason there only."""
    for _ in range(5):
        if error is None:
            return
        yield error
        error = error.__cause__ if error.__cause__ is not error else None


def _rpc_code(error: BaseException) -> str:
    """Return the name of gRPC's code; empty for Milvus' own, which are numbers."""
    code = getattr(error, "code", None)
    return str(getattr(code() if callable(code) else code, "name", ""))


def fault_of(error: Exception, address: MilvusAddress, token: str) -> GalleryError:
    """Return what to raise; `GalleryUnavailableError` where trying again may help.

    Args:
        error: what the client raised.
        address: the gallery, for the message.
        token: never to be shown.
    """
    code = getattr(error, "code", None)
    name = next(filter(None, (_rpc_code(link) for link in _chain(error))), "")
    words = str(getattr(error, "message", "") or error).partition("\n")[0][:_SHOWN]
    if token:
        words = words.replace(token, "***")
    if name in _RPC_FORBIDDEN or code in _FORBIDDEN or "auth check failure" in words:
        return GalleryError(f"gallery {address}: the server refuses the token; check token_env and the user's rights")
    if code in _GONE:
        return GalleryError(f"gallery {address}: the collection is not there (any more); check its name")
    if code in _FULL:
        return GalleryUnavailableError(f"gallery {address}: the server is out of memory, disk or quota: {words}")
    if name in _RPC_WRONG or code in _WRONG or isinstance(error, ParamError | DataNotMatchException):
        return GalleryError(f"gallery {address}: the server refuses the request: {words}")
    return GalleryUnavailableError(
        f"gallery {address}: the server does not answer ({words}); is it running and reachable? Try again later"
    )
