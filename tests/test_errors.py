"""One tree, drawn as it is, and complete tables."""

from __future__ import annotations

import inspect

from twinlens import errors
from twinlens.cli.exits import EXIT_CODES


def tree() -> list[type[errors.TwinlensError]]:
    return [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.TwinlensError)]


def test_the_drawing_shows_every_class_under_its_parent() -> None:
    drawn = [
        line for line in (errors.__doc__ or "").splitlines() if "Error" in line and ("--" in line or "Twinlens" in line)
    ]
    depth = {line.split("--")[-1].split()[0].strip(): line.index(line.split("--")[-1].split()[0]) for line in drawn}
    assert set(depth) == {c.__name__ for c in tree()}
    for kind in tree():
        parent = next(b for b in kind.__bases__ if issubclass(b, Exception))
        if parent.__name__ in depth:
            assert depth[parent.__name__] < depth[kind.__name__]


def test_every_error_has_an_exit_code() -> None:
    assert set(EXIT_CODES) == set(tree())
