"""Enrolments <-> rows of a Milvus collection: one row a template, keys that are digests.

Milvus does not keep primary keys unique and limits strings by bytes. The key of a template is a digest of subject and
photo: whoever stores one again finds it there. Subjects, photos and tags are looked up by digests, 32 hexadecimal
digits each, so that no name has to be quoted in a condition and none is too long for one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32
from pymilvus import DataType, MilvusClient

from twinlens.errors import GalleryError, ModelMismatchError, OptionError
from twinlens.gallery.contract import MAX_NAME, Contract
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

VERSION = 1
KEY_DIGITS = 32  # 128 bits of a sha256
_NAME_BYTES = 4 * MAX_NAME  # UTF-8 needs up to four a character
_SOURCE_BYTES = 65_535  # the longest VARCHAR
_TAGS_BYTES = 60_000  # of the 65,536 that a JSON field may have
_MOST_TAGS = 1_024
SLIM = ("pk", "subject", "created_at", "subject_created_at", "tags", "source", "seq", "batch", "lead", "subject_key")
FULL = (*SLIM, "photo", "quality", "vector")


def digest_of(*texts: str) -> str:
    """Return a key of one or several texts."""
    whole = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (text.encode() for text in texts))
    return hashlib.sha256(whole).hexdigest()[:KEY_DIGITS]


def quoted(keys: Iterable[str]) -> str:
    """Return keys as a list in a condition."""
    return "[" + ", ".join(f'"{key}"' for key in keys) + "]"


def tagged(tags: Mapping[str, str]) -> str:
    """Return the condition that a row carries all of these tags; empty for none."""
    if not tags:
        return ""
    return f"array_contains_all(tag_keys, {quoted(digest_of(*pair) for pair in tags.items())})"


def both(*conditions: str) -> str:
    """Return the condition that all of these hold; empty ones do not count."""
    return " and ".join(f"({condition})" for condition in conditions if condition)


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One template as it is stored.

    Attributes:
        enrolment: the face.
        created_at: when it was enrolled, UTC, ISO 8601.
        subject_created_at: when its subject's first one was.
        tags: of its subject; every row of one carries all of them.
        lead: true for one row of each subject: counting these counts subjects.
        seq: orders rows by enrolment.
        batch: which call wrote the row.
        replaces: key of the subject whose older rows this one stands for; empty for a new template.
    """

    enrolment: Enrolment
    created_at: str
    subject_created_at: str
    tags: Mapping[str, str]
    lead: bool
    seq: int
    batch: int
    replaces: str = ""

    @property
    def key(self) -> str:
        """The primary key: of a rewritten row another one, for Milvus deletes by key."""
        parts = (self.enrolment.subject, self.enrolment.photo)
        return digest_of(*parts, f"{self.batch:x}") if self.replaces else digest_of(*parts)

    def record(self) -> dict[str, Any]:
        """Return what is sent to the server.

        Raises:
            OptionError: a source or tags that do not fit.
        """
        entry = self.enrolment
        tags = json.dumps(dict(self.tags), ensure_ascii=False).encode()
        if len(entry.source.encode()) > _SOURCE_BYTES or len(tags) > _TAGS_BYTES or len(self.tags) > _MOST_TAGS:
            msg = (
                f"{entry.subject[:80]!r} does not fit Milvus: a source may have {_SOURCE_BYTES} bytes, a subject "
                f"{_MOST_TAGS} tags of {_TAGS_BYTES} bytes in all"
            )
            raise OptionError(msg)
        return {
            "pk": self.key,
            "vector": entry.embedding.vector,
            "subject_key": digest_of(entry.subject),
            "photo_key": digest_of(entry.photo),
            "tag_keys": [digest_of(*pair) for pair in self.tags.items()],
            "subject": entry.subject,
            "photo": entry.photo,
            "quality": entry.quality,
            "source": entry.source,
            "created_at": self.created_at,
            "subject_created_at": self.subject_created_at,
            "tags": dict(self.tags),
            "lead": self.lead,
            "seq": self.seq,
            "batch": self.batch,
            "replaces": self.replaces,
        }


def vector_of(record: Mapping[str, Any]) -> Float32[np.ndarray, " dim"]:
    """Return a record's vector."""
    return np.asarray(record["vector"], np.float32)


def tags_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return a record's tags."""
    tags = record["tags"]
    return {
        str(key): str(value) for key, value in (json.loads(tags) if isinstance(tags, str | bytes) else tags).items()
    }


def enrolment_of(record: Mapping[str, Any], model: str) -> Enrolment:
    """Return the face that a record with all fields holds."""
    embedding = Embedding(vector_of(record), model)
    return Enrolment(record["subject"], embedding, record["photo"], float(record["quality"]), record["source"])


def row_of(record: Mapping[str, Any], model: str) -> Row:
    """Return a record with all fields as a row."""
    return Row(
        enrolment_of(record, model),
        record["created_at"],
        record["subject_created_at"],
        tags_of(record),
        bool(record["lead"]),
        int(record["seq"]),
        int(record["batch"]),
    )


def schema_of(contract: Contract) -> object:
    """Return the collection's schema; whose vectors it holds stands in its description."""
    facts = {"twinlens": VERSION, "model": contract.model, "dim": contract.dim}
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False, description=json.dumps(facts))
    schema.add_field("pk", DataType.VARCHAR, is_primary=True, max_length=KEY_DIGITS)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=contract.dim)
    for name in ("subject_key", "photo_key", "replaces"):
        schema.add_field(name, DataType.VARCHAR, max_length=KEY_DIGITS)
    schema.add_field(
        "tag_keys",
        DataType.ARRAY,
        element_type=DataType.VARCHAR,
        max_capacity=_MOST_TAGS,
        max_length=KEY_DIGITS,
    )
    for name in ("subject", "photo"):
        schema.add_field(name, DataType.VARCHAR, max_length=_NAME_BYTES)
    schema.add_field("source", DataType.VARCHAR, max_length=_SOURCE_BYTES)
    for name in ("created_at", "subject_created_at"):
        schema.add_field(name, DataType.VARCHAR, max_length=64)
    schema.add_field("tags", DataType.JSON)
    schema.add_field("quality", DataType.DOUBLE)
    schema.add_field("lead", DataType.BOOL)
    schema.add_field("seq", DataType.INT64)
    schema.add_field("batch", DataType.INT64)
    return schema


def check_description(text: str, contract: Contract, place: str) -> None:
    """Compare what a collection says of itself with what is wanted.

    Raises:
        GalleryError: not a gallery of ours, or of a later version.
        ModelMismatchError: another model's.
    """
    try:
        facts = json.loads(text)
        version, model, dim = int(facts["twinlens"]), str(facts["model"]), int(facts["dim"])
    except (ValueError, KeyError, TypeError) as error:
        msg = f"gallery {place}: the collection was not made by Twinlens; choose another name"
        raise GalleryError(msg) from error
    if version > VERSION:
        msg = f"gallery {place}: made by a later Twinlens (format {version}): upgrade Twinlens"
        raise GalleryError(msg)
    if (model, dim) != (contract.model, contract.dim):
        msg = (
            f"gallery {place} holds embeddings of {model!r} ({dim}-d), wanted {contract.model!r} "
            f"({contract.dim}-d): use {model!r}, or another collection"
        )
        raise ModelMismatchError(msg)
