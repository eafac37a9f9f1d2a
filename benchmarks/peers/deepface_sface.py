"""Pairs of photos -> why deepface's SFace gives other distances than the reference implementation.

    FOLDER/houses/deepface/environment/bin/python benchmarks/peers/deepface_sface.py FOLDER LFW

runs in deepface's environment: FOLDER is the working folder of ``peers.py``, LFW the data set. Fed with the same
aligned crop, does its network answer as OpenCV's FaceRecognizerSF? And what does its own crop cost?
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

DETECTOR = "yunet"
PAIRS = 100  # of each kind
WEIGHTS = "houses/deepface/home/.deepface/weights"


def network_agrees(photos: list[Path], weights: Path) -> float:
    """Return the least cosine between deepface's vector and the reference's, both from the reference's crop."""
    import cv2  # noqa: PLC0415
    from deepface import DeepFace  # noqa: PLC0415

    detector = cv2.FaceDetectorYN.create(str(weights / "face_detection_yunet_2023mar.onnx"), "", (0, 0), 0.6)
    reference = cv2.FaceRecognizerSF.create(str(weights / "face_recognition_sface_2021dec.onnx"), "")
    cosines = []
    for photo in photos:
        pixels = cv2.imread(str(photo))
        detector.setInputSize(pixels.shape[1::-1])
        crop = reference.alignCrop(pixels, detector.detect(pixels)[1][0])
        wanted = reference.feature(crop)[0]
        found = np.array(DeepFace.represent(crop, model_name="SFace", detector_backend="skip")[0]["embedding"])
        cosines.append(wanted @ found / np.linalg.norm(wanted) / np.linalg.norm(found))
    return float(min(cosines))


def best_accuracy(pairs: list[tuple[Path, Path, bool]], **options: Any) -> tuple[float, int]:
    """Return the accuracy with the threshold that is best on these same pairs, and how many pairs had a score."""
    from deepface import DeepFace  # noqa: PLC0415

    scored = []
    for left, right, same in pairs:
        try:
            answer = DeepFace.verify(
                str(left), str(right), model_name="SFace", detector_backend=DETECTOR, silent=True, **options
            )
        except ValueError:  # no face
            continue
        scored.append((answer["distance"], same))
    distances, same_person = (np.array(column) for column in zip(*scored, strict=True))
    return max(float(((distances <= d) == same_person).mean()) for d in distances), len(scored)


def read_pairs(lfw: Path) -> list[tuple[Path, Path, bool]]:
    """Return test pairs of both kinds, evenly spread."""

    def photo(person: str, number: str) -> Path:
        return lfw / "lfw2" / person / f"{person}_{int(number):04d}.jpg"

    rows = [line.split() for line in (lfw / "pairsDevTest.txt").read_text().splitlines()[1:] if line]
    same = [(photo(row[0], row[1]), photo(row[0], row[2]), True) for row in rows if len(row) == 3]
    different = [(photo(row[0], row[1]), photo(row[2], row[3]), False) for row in rows if len(row) == 4]
    return [pair for kind in (same, different) for pair in kind[:: len(kind) // PAIRS]]


def main() -> None:
    """Print both."""
    work, lfw = map(Path, sys.argv[1:])
    os.environ |= {"DEEPFACE_HOME": str(work / "houses/deepface/home"), "DEEPFACE_LOG_LEVEL": "50"}
    pairs = read_pairs(lfw)
    photos = [left for left, _, _ in pairs[::10]]
    print(f"same crop: least cosine to the reference {network_agrees(photos, work / WEIGHTS):.6f}")
    for options in ({}, {"expand_percentage": 30}):
        accuracy, count = best_accuracy(pairs, **options)
        print(f"its own crop, {options or 'as it is'}: best accuracy {accuracy:.3f} on {count} pairs")


if __name__ == "__main__":
    main()
