"""One table of errors and statuses, complete; what is sent names the error and keeps the service's own affairs back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from twinlens import errors
from twinlens.service.errors import STATUSES, refusal_of, status_of


def tree(kind: type[errors.TwinlensError] = errors.TwinlensError) -> Iterator[type[errors.TwinlensError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from tree(below)


def test_every_error_has_a_status_and_every_status_an_error() -> None:
    assert set(STATUSES) == set(tree())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.OptionError("x"), 422),
        (errors.ImageTooLargeError("x"), 413),
        (errors.UnknownSubjectError("x"), 404),
        (errors.ConflictError("x"), 409),
        (errors.GalleryUnavailableError("x"), 503),
        (errors.GalleryError("x"), 500),
    ],
)
def test_statuses_are_those_of_the_agreement(error: errors.TwinlensError, status: int) -> None:
    assert status_of(error) == status
    assert refusal_of(error).problem()["error"] == type(error).__name__


def test_an_error_of_somebody_elses_kind_has_the_status_of_its_parent() -> None:
    class LostError(errors.GalleryUnavailableError):
        pass

    assert status_of(LostError("x")) == 503


def test_places_of_the_disk_stay_here() -> None:
    busy = refusal_of(
        errors.GalleryUnavailableError("gallery /srv/faces/staff.db: locked by another process; try again")
    )
    assert "/srv" not in str(busy.problem())
    assert "locked by another process" in str(busy.problem())
    assert busy.headers["retry-after"] == "2"
    ours = refusal_of(errors.GalleryError("gallery /srv/faces/staff.db is damaged"))
    assert "staff" not in str(ours.problem())


def test_a_subject_with_a_slash_is_still_named() -> None:
    told = refusal_of(errors.UnknownSubjectError("nobody called 'team/Ada' is enrolled")).problem()
    assert "'team/Ada'" in str(told["detail"])


@pytest.mark.parametrize(
    ("method", "path", "error", "detail"),
    [
        ("GET", "/v1/nosuch", "NoSuchPathError", "nothing answers at this path: /openapi.json lists those that do"),
        ("PUT", "/v1/galleries", "MethodError", "this path does not take PUT: it takes GET, POST"),
    ],
)
def test_a_wrong_path_or_method_is_told_what_there_is(
    service: TestClient, method: str, path: str, error: str, detail: str
) -> None:
    refused = service.request(method, path).json()
    assert (refused["error"], refused["detail"]) == (error, detail)
