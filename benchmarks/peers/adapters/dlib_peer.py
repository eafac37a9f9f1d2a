"""Two photos -> dlib's answer, with the settings that the face_recognition package has by default.

Those are: HOG detector on the photo enlarged once, the first face found, five-point predictor, one crop, Euclidean
distance, the same person up to 0.6. (The 68-point predictor beside these models has a non-commercial licence.)
The variant is the folder of the two model files.
"""

from __future__ import annotations

from typing import Any

from serving import NoFaceFoundError, Verify, serve

TOLERANCE = 0.6


def build(folder: str) -> Verify:
    """Load detector, predictor and network."""
    import dlib  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(f"{folder}/shape_predictor_5_face_landmarks.dat")
    network = dlib.face_recognition_model_v1(f"{folder}/dlib_face_recognition_resnet_model_v1.dat")

    def embed(photo: Any) -> Any:
        pixels = np.array(Image.open(photo).convert("RGB")) if isinstance(photo, str) else photo
        faces = detector(pixels, 1)
        if not faces:
            raise NoFaceFoundError
        return np.array(network.compute_face_descriptor(pixels, predictor(pixels, faces[0]), 1))

    def verify(left: Any, right: Any) -> tuple[float, bool]:
        distance = float(np.linalg.norm(embed(left) - embed(right)))
        return -distance, distance <= TOLERANCE

    return verify


serve(build, channels="rgb")
