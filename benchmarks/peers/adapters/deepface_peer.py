"""Two photos -> deepface's answer: `DeepFace.verify` with its default metric and threshold.

The variant is ``MODEL:DETECTOR``, such as ``SFace:opencv``.
"""

from __future__ import annotations

from typing import Any

from serving import NoFaceFoundError, Verify, serve


def build(variant: str) -> Verify:
    """Import deepface; it loads models at the first call."""
    from deepface import DeepFace  # noqa: PLC0415
    from deepface.modules.exceptions import FaceNotDetected  # noqa: PLC0415

    model, detector = variant.split(":")

    def verify(left: Any, right: Any) -> tuple[float, bool]:
        try:
            result = DeepFace.verify(left, right, model_name=model, detector_backend=detector, silent=True)
        except ValueError as error:
            if isinstance(error.__cause__, FaceNotDetected):
                raise NoFaceFoundError from error
            raise
        return -result["distance"], result["verified"]

    return verify


serve(build, channels="bgr")
