"""Requests on stdin -> answers on stdout, a JSON object a line: the half of the conversation that a peer runs.

Standard library only, and little of it: this runs in the peer's environment, and its import counts as cold start.

    adapter.py VARIANT                      says {"ready": true}, then answers until stdin ends
    adapter.py VARIANT --once LEFT RIGHT    answers for two files and ends

A request: {"left": path, "right": path, "pixels": bool}; with ``pixels`` the paths are of ``.npy`` files of RGB
bytes, read before the clock starts. An answer: {"score", "accepted", "missing", "wall_s", "cpu_s"}.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

Verify = Callable[[Any, Any], tuple[float, bool]]  # (similarity: higher is more alike, the peer's own yes or no)


class NoFaceFoundError(Exception):
    """The peer finds no face in a photo, or refuses the one that it finds."""


def serve(build: Callable[[str], Verify], *, channels: str) -> None:
    """Answer requests.

    Args:
        build: variant -> the peer, loaded; imports it.
        channels: the order in which the peer wants decoded pixels: ``rgb`` or ``bgr``.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the peer prints must not be taken for an answer
    variant, *rest = sys.argv[1:]
    verify = build(variant)
    if rest[:1] == ["--once"]:
        _say(answers, _answer(verify, rest[1], rest[2]))
        return
    _say(answers, {"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        left, right = request["left"], request["right"]
        if request["pixels"]:
            left, right = (_pixels(path, channels) for path in (left, right))
        _say(answers, _answer(verify, left, right))


def _answer(verify: Verify, left: Any, right: Any) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        score, accepted = verify(left, right)
        answer: dict[str, Any] = {"score": float(score), "accepted": bool(accepted), "missing": []}
    except NoFaceFoundError:
        answer = {"score": None, "accepted": False}
    answer |= {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    if answer["score"] is None:  # which of the two it was: each is compared with itself
        answer["missing"] = [side for side, photo in (("left", left), ("right", right)) if _is_missing(verify, photo)]
    return answer


def _is_missing(verify: Verify, photo: Any) -> bool:
    try:
        verify(photo, photo)
    except NoFaceFoundError:
        return True
    return False


def _pixels(path: str, channels: str) -> Any:
    import numpy as np  # noqa: PLC0415 - not before it is needed: it would count as cold start

    pixels = np.load(path)
    return np.ascontiguousarray(pixels[:, :, ::-1]) if channels == "bgr" else pixels


def _say(answers: TextIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()
