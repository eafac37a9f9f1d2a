"""What is asked -> pydantic models, from which OpenAPI is made: the options of requests, to which photos come beside.

A field that is not known is refused, so that a misspelt option is never silently left out.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import from_json

MOST_TOP = 1000
NAME = "Ada Lovelace"
Rate = Annotated[
    float,
    Field(
        gt=0,
        lt=1,
        allow_inf_nan=False,
        examples=[0.001],
        description="Share of comparisons of strangers that may be accepted, within what the model was measured for "
        "(sface: 0.000001 to 0.1); the service's own where it is left out.",
    ),
]
Days = Annotated[int, Field(ge=1, le=36500, examples=[30], description="Days after which a subject is erased.")]
Tags = Annotated[dict[str, str], Field(examples=[{"team": "north"}], max_length=100)]


class Asked(BaseModel):
    """Options of a request; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DetectAsked(Asked):
    """What detect is told."""

    crops: Annotated[bool, Field(description="Send the aligned faces as PNG.")] = False


class VerifyAsked(Asked):
    """What verify is told."""

    target_fmr: Rate | None = None
    crops: Annotated[bool, Field(description="Send the aligned faces as PNG.")] = False


class ExplainAsked(Asked):
    """What explain is told."""

    target_fmr: Rate | None = None


class SearchAsked(Asked):
    """What search is told."""

    gallery: Annotated[str, Field(examples=["staff"])]
    top: Annotated[int, Field(ge=1, le=MOST_TOP, examples=[10])] = 10
    tags: Tags = Field(default_factory=dict)

    @field_validator("tags", mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        """Take tags of a multipart field as the JSON that they are written in."""
        return from_json(value) if isinstance(value, str) else value


class IdentifyAsked(SearchAsked):
    """What identify is told."""

    top: Annotated[int, Field(ge=1, le=MOST_TOP, examples=[3])] = 3
    target_fmr: Rate | None = None
    crops: Annotated[bool, Field(description="Send the aligned faces as PNG.")] = False


class EnrolAsked(Asked):
    """What enrolment lets pass."""

    accept_poor: Annotated[bool, Field(description="Store faces of poor quality too.")] = False
    accept_conflict: Annotated[
        bool, Field(description="Store a face although it looks like another subject, or unlike this one.")
    ] = False
    main_face: Annotated[bool, Field(description="Of several people of similar size take the main one.")] = False
    tags: Tags = Field(default_factory=dict)

    @field_validator("tags", mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        """Take tags of a multipart field as the JSON that they are written in."""
        return from_json(value) if isinstance(value, str) else value


class GalleryAsked(Asked):
    """A gallery to be made."""

    name: Annotated[
        str,
        Field(
            examples=["staff"],
            description="1 to 64 of a-z, 0-9, - and _, not beginning with - or _.",
            json_schema_extra={"pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"},  # held by `Galleries.create`, in words
        ),
    ]
    kind: Annotated[Literal["people", "album"], Field(description="People by name, or faces of photos.")] = "people"
    retention_days: Days | None = None


class GalleryChange(Asked):
    """What may be changed in a gallery."""

    retention_days: Annotated[Days | None, Field(description="null: for ever.")]


class SubjectChange(Asked):
    """What may be changed in a subject; an empty value removes a tag."""

    name: Annotated[str | None, Field(min_length=1, examples=[NAME], description="Its new name.")] = None
    tags: Tags | None = None


class MergeAsked(Asked):
    """Under whose name the photos are to be."""

    into: Annotated[str, Field(min_length=1, examples=[NAME])]
