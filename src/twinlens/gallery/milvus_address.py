"""URL -> where a Milvus collection is and how to speak to it.

    milvus://host:19530/collection?token_env=NAME&tls=1&ca=FILE&timeout=10&flush=1
    milvus+tls://host:19530/collection

A secret never stands in an address: addresses end up in shell histories, logs and messages.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

from twinlens.errors import OptionError

DEFAULT_PORT = 19530
_COLLECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")  # the server allows 255; marks of writers need the rest
_KEYS = ("tls", "token_env", "ca", "timeout", "flush")
_YES, _NO = ("1", "true", "yes"), ("0", "false", "no", "")
_LONGEST_S = 30.0  # half a writer's lease: a call never outlives it
_FORM = "milvus://HOST:19530/COLLECTION"


def _switch(settings: Mapping[str, str], key: str) -> bool:
    text = settings.get(key, "").lower()
    if text not in (*_YES, *_NO):
        msg = f"{key} in a Milvus address is 1 or 0, got {text!r}"
        raise OptionError(msg)
    return text in _YES


def _seconds(settings: Mapping[str, str]) -> float:
    text = settings.get("timeout", "10")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.1 <= value <= _LONGEST_S:
        msg = f"timeout in a Milvus address is 0.1 to {_LONGEST_S:g} seconds, got {text!r}"
        raise OptionError(msg)
    return value


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or DEFAULT_PORT
    except ValueError as error:
        msg = f"the port in a Milvus address is 1 to 65535; an address is {_FORM}"
        raise OptionError(msg) from error


@dataclass(frozen=True, slots=True)
class MilvusAddress:
    """Where a collection is.

    Attributes:
        host: name or address of the server.
        port: of its gRPC interface.
        collection: the collection, or an alias of it.
        tls: encrypt the connection.
        token_env: name of the environment variable that holds the token (``user:password`` or an API key); empty for
            a server without accounts.
        ca: file with the certificate that the server's is checked by; empty for the system's.
        timeout_s: how long one call may take, seconds.
        flush: make the server seal and store segments before a call is acknowledged.
    """

    host: str
    port: int
    collection: str
    tls: bool = False
    token_env: str = ""
    ca: str = ""
    timeout_s: float = 10.0
    flush: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"milvus{'+tls' * self.tls}://{host}:{self.port}/{self.collection}"

    @property
    def uri(self) -> str:
        """The server, as its client wants it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def token(self) -> str:
        """Return the token from the environment; empty where none is needed.

        Raises:
            OptionError: the variable is not set.
        """
        if not self.token_env:
            return ""
        token = os.environ.get(self.token_env, "")
        if not token:
            msg = f"gallery {self}: the environment variable {self.token_env} is not set; put the server's token there"
            raise OptionError(msg)
        return token

    @classmethod
    def parse(cls, place: str, *, tls: bool = False) -> MilvusAddress:
        """Return the parts of an address.

        Args:
            place: what follows ``milvus://``.
            tls: whether the scheme was ``milvus+tls``.

        Raises:
            OptionError: not such an address, an unknown setting, or a secret in it.
        """
        try:
            parts = urlsplit(f"//{place}")
            host = parts.hostname or ""
        except ValueError as error:
            msg = f"that is no Milvus address; it looks like {_FORM}"
            raise OptionError(msg) from error
        if "@" in parts.netloc:
            msg = f"no user or password in a Milvus address: put user:password into a variable, {_FORM}?token_env=NAME"
            raise OptionError(msg)
        settings = dict(parse_qsl(parts.query, keep_blank_values=True))
        unknown = sorted(set(settings) - set(_KEYS))
        if unknown:
            msg = f"unknown settings in a Milvus address: {', '.join(unknown)}; known: {', '.join(_KEYS)}"
            raise OptionError(msg)
        collection = parts.path.removeprefix("/")
        if not host or not _COLLECTION.fullmatch(collection):
            msg = (
                f"a Milvus address is {_FORM}, the collection 1 to 128 letters, digits and _, got host {host!r} and "
                f"collection {collection!r}"
            )
            raise OptionError(msg)
        return cls(
            host,
            _port(parts),
            collection,
            tls or _switch(settings, "tls"),
            settings.get("token_env", ""),
            settings.get("ca", ""),
            _seconds(settings),
            _switch(settings, "flush"),
        )
