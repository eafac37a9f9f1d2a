"""TwinlensError -> HTTP status: the one table; every answer of it is problem details (RFC 9457).

A problem carries the name of the typed error (``error``), so that a program need not read sentences, and the detail
that the command line would print, in words of a request. It never carries a traceback, a place of the server's disk, a
photo or a template.
"""

from __future__ import annotations

import re
from http import HTTPStatus

from twinlens import errors
from twinlens.service.refusals import Refusal
from twinlens.service.wording import in_requests

RETRY_S = 2  # where nothing better is known than "soon"

STATUSES: dict[type[errors.TwinlensError], HTTPStatus] = {
    errors.TwinlensError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.OptionError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ImageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ImageTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.MissingPhotosError: HTTPStatus.UNPROCESSABLE_ENTITY,  # no request reaches a folder
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
    errors.ServiceError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ServiceUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}

OUR_FAULT = "the service cannot answer because of a fault on its own side; its log says which, under the request_id"
_PLACE = re.compile(r"(?<![\w.])(?:/[^\s:;,'\"]+){2,}")  # a path of two parts or more; a name with one slash is none


def status_of(error: errors.TwinlensError) -> HTTPStatus:
    """Return the status of an error, by the nearest class in the table."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def refusal_of(error: errors.TwinlensError) -> Refusal:
    """Return an error of the library as it is sent.

    503 says when to ask again; what is the service's own affair keeps places of its disk back.
    """
    status = status_of(error)
    detail = in_requests(str(error))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        detail = OUR_FAULT
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        detail = _PLACE.sub("(a file of the service)", detail)
    retry_s = RETRY_S if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return Refusal(status, type(error).__name__, detail, retry_after_s=retry_s)
