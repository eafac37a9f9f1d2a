"""Two photos -> Twinlens's answer."""

from __future__ import annotations

from typing import Any

from serving import NoFaceFoundError, Verify, serve


def build(_: str) -> Verify:
    """Load the default recognizer."""
    from twinlens import Recognizer  # noqa: PLC0415
    from twinlens.errors import NoFaceError  # noqa: PLC0415

    recognizer = Recognizer.default()

    def verify(left: Any, right: Any) -> tuple[float, bool]:
        try:
            decision = recognizer.verify(left, right)
        except NoFaceError as error:
            raise NoFaceFoundError from error
        return decision.score, decision.accepted

    return verify


serve(build, channels="rgb")
