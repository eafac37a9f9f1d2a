"""TwinlensError -> HTTP status: the one table; every refusal as problem details (RFC 9457).

A problem carries the name of the typed error (``error``), so that a program need not read sentences, and the detail
that the command line would print. It never carries a traceback, a path of the server's disk, a photo or a template.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from twinlens import errors

PROBLEM = "application/problem+json"
RETRY_S = 2  # where nothing better is known than "soon"

STATUSES: dict[type[errors.TwinlensError], HTTPStatus] = {
    errors.TwinlensError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.OptionError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ImageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ImageTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.NoFaceError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.QualityError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ModelError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ModelNotFoundError: HTTPStatus.SERVICE_UNAVAILABLE,  # a file that whoever runs the service must fetch
    errors.ModelMismatchError: HTTPStatus.CONFLICT,  # the gallery holds another model's vectors
    errors.ChecksumError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.GalleryError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.UnknownSubjectError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.GalleryUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatasetError: HTTPStatus.INTERNAL_SERVER_ERROR,  # no request reaches a data set
    errors.RecipeError: HTTPStatus.INTERNAL_SERVER_ERROR,  # nor a recipe
    errors.CalibrationError: HTTPStatus.UNPROCESSABLE_ENTITY,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal, as it is sent.

    Attributes:
        status: of HTTP.
        error: the typed name: of a `TwinlensError`, or of a refusal of the service's own.
        detail: what was wanted, what came, what to do.
        headers: sent with it.
        more: further members, such as ``fields`` of a request that does not validate.
    """

    status: int
    error: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)

    def body(self, request_id: str = "") -> bytes:
        """Return the JSON document."""
        document: dict[str, object] = {
            "type": f"urn:twinlens:error:{self.error}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "error": self.error,
            **self.more,
        }
        if request_id:
            document["request_id"] = request_id
        return json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


class Refusal(Exception):  # noqa: N818 - it is the service's "no", not a fault
    """What the service refuses before the recognizer is asked: a key, a size, a full line."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def refuse(status: int, error: str, detail: str, *, retry_s: int | None = None) -> Refusal:
    """Return a refusal, to be raised.

    Args:
        status: of HTTP.
        error: its typed name, in camel case and ending in ``Error``.
        detail: what was wanted, what came, what to do.
        retry_s: seconds after which to ask again; None for no such header.
    """
    return Refusal(Problem(status, error, detail, {} if retry_s is None else {"Retry-After": str(retry_s)}))


def status_of(error: errors.TwinlensError) -> HTTPStatus:
    """Return the status of an error, by the nearest class in the table."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def problem_of(error: errors.TwinlensError) -> Problem:
    """Return an error of the library as it is sent; 503 says when to ask again, 5xx keep places of the disk back."""
    status = status_of(error)
    detail = str(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        detail = "the service cannot answer because of a fault on its own side; its log says which, by request_id"
    headers = {"Retry-After": str(RETRY_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Problem(status, type(error).__name__, detail, headers)
