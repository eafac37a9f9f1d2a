"""API key -> who asks and what they may do: keys of 256 random bits, stored as their sha256.

A slow hash (scrypt, argon2) protects what people choose, because guesses can be listed. Nobody can list guesses at 256
random bits: sha256 is as safe, and costs a microsecond a request instead of a tenth of a second, which would itself
be a way to overload the service (NIST SP 800-63B, 5.1.1.2, asks for slow hashes of memorised secrets only).

A key reads ``twl_ID_SECRET``. The id is public (logs and the audit log name it), finds the row, and the secret's hash
is compared in constant time; an unknown id costs the same comparison. Every check reads the file, so a key that
another process revokes is refused from its next request on; so is one that is not in the file that was put in its
place. Without a file nobody is let in, and a service that had keys is never opened by a file without any.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast, get_args

from twinlens.errors import OptionError, ServiceError
from twinlens.service.ledger import Kind, Ledger

Scope = Literal["read", "enrol", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_SECRET_BYTES = 32
_ID_BYTES = 6
_SHAPE = re.compile(r"twl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_LONGEST_LABEL = 100
_NOBODY = b"\0" * hashlib.sha256().digest_size
_KIND = Kind(
    "API keys",
    0x54574C4B,  # "TWLK"
    """
CREATE TABLE keys (
  id TEXT PRIMARY KEY, label TEXT NOT NULL, scopes TEXT NOT NULL, digest BLOB NOT NULL,
  created_at TEXT NOT NULL, revoked_at TEXT) WITHOUT ROWID
""",
    afresh="move it away and make keys anew (twinlens keys create)",
    replaceable=True,
)
_LOG = logging.getLogger("twinlens.service.keys")


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; never the key itself.

    Attributes:
        id: public name of the key, twelve hexadecimal digits.
        label: whose it is or what for, for people.
        scopes: what it may do: ``read`` asks (detect, verify, identify, search, list), ``enrol`` changes galleries,
            ``admin`` makes and removes galleries, reads the audit log, and may do everything else.
        created_at: UTC, ISO 8601.
        revoked_at: the same; None while it is good.
    """

    id: str
    label: str
    scopes: frozenset[Scope]
    created_at: str
    revoked_at: str | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether the key may do this; ``admin`` may do everything, ``enrol`` includes ``read``."""
        return scope in self.scopes or "admin" in self.scopes or (scope == "read" and "enrol" in self.scopes)


EVERYBODY = Key("everybody", "a service without keys", frozenset({"admin"}), "")


class Keyring:
    """The keys of a service, in one file that several processes may use at once.

    Args:
        path: the file, made with mode 0600.

    Raises:
        ServiceError: it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._ledger = Ledger(path, _KIND)
        self._guarded = False

    def create(self, label: str, scopes: Collection[str]) -> tuple[Key, str]:
        """Make a key; return what is known of it, and the key itself, which cannot be shown again.

        Raises:
            OptionError: an unknown scope, none at all, or a label that is empty, long or not printable.
        """
        unknown = set(scopes) - set(SCOPES)
        if unknown or not scopes:
            msg = f"a key needs scopes of {', '.join(SCOPES)}, got {', '.join(sorted(scopes)) or 'none'}"
            raise OptionError(msg)
        if not label.strip() or not label.isprintable() or len(label) > _LONGEST_LABEL:
            msg = f"a key needs a label of 1 to {_LONGEST_LABEL} printable characters, got {label[:40]!r}"
            raise OptionError(msg)
        key = Key(secrets.token_hex(_ID_BYTES), label.strip(), frozenset(cast("Collection[Scope]", scopes)), _now())
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        row = (key.id, key.label, " ".join(sorted(key.scopes)), _digest(secret), key.created_at)
        with self._ledger.writing() as connection:
            connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, NULL)", row)
        return key, f"twl_{key.id}_{secret}"

    def check(self, shown: str) -> Key | None:
        """Return whose key this is; None where it is no key, not of this service, or revoked.

        Raises:
            ServiceError: the file cannot be read: nobody is let in.
        """
        shape = _SHAPE.fullmatch(shown)
        if shape is None:
            return None
        wanted = "SELECT id, label, scopes, created_at, revoked_at, digest FROM keys WHERE id = ?"
        with self._ledger.reading() as connection:
            row = connection.execute(wanted, (shape[1],)).fetchone()
        digest = _NOBODY if row is None else row[5]
        same = hmac.compare_digest(digest, _digest(shape[2]))
        return _key(row) if same and row is not None and row[4] is None else None

    def keys(self) -> list[Key]:
        """Return every key there is or was, the oldest first."""
        with self._ledger.reading() as connection:
            rows = connection.execute(
                "SELECT id, label, scopes, created_at, revoked_at FROM keys ORDER BY created_at, id"
            ).fetchall()
        return [_key(row) for row in rows]

    def revoke(self, key_id: str) -> Key:
        """Refuse a key from now on, in every process; it stays in the list, and revoking twice changes nothing.

        Raises:
            OptionError: no key has this id.
        """
        with self._ledger.writing() as connection:
            connection.execute("UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (_now(), key_id))
        found = next((key for key in self.keys() if key.id == key_id), None)
        if found is None:
            msg = f"no key has the id {key_id[:40]!r}: see the list of keys"
            raise OptionError(msg)
        return found

    def in_use(self) -> bool:
        """Whether there is any key, revoked or not, or was while this process runs: then every request needs one."""
        with self._ledger.reading() as connection:
            found = bool(connection.execute("SELECT EXISTS (SELECT 1 FROM keys)").fetchone()[0])
        if self._guarded and not found:
            _LOG.error("the file of keys was replaced by one without keys: nobody is let in until it holds some")
        self._guarded = self._guarded or found
        return self._guarded

    def close(self) -> None:
        """Release the file."""
        self._ledger.close()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _key(row: tuple[Any, ...]) -> Key:
    scopes = frozenset(cast("list[Scope]", row[2].split()))
    if not scopes <= set(SCOPES):
        msg = f"API keys: key {row[0]} has scopes of a later Twinlens ({row[2]}): upgrade Twinlens"
        raise ServiceError(msg)
    return Key(row[0], row[1], scopes, row[3], row[4])
