"""Reference implementation -> tests/golden/opencv_astronaut.json: what OpenCV's own classes answer.

Run in an environment of its own, for OpenCV 5 refuses the recogniser's file:
    pip install "opencv-python-headless<5"
    python scripts/make_golden.py UPSTREAM_DIR ASTRONAUT_PNG
UPSTREAM_DIR holds the two upstream files named in scripts/pack_weights.py; ASTRONAUT_PNG ships with scikit-image
(NASA, public domain).
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np


def unit(feature: np.ndarray) -> list[float]:
    """Scale to length one."""
    return [float(v) for v in feature / np.linalg.norm(feature)]


def main(upstream: Path, photo: Path) -> None:
    """Detect, align and embed the photo, and its mirror image, with FaceDetectorYN and FaceRecognizerSF."""
    detector = cv2.FaceDetectorYN.create(
        str(upstream / "face_detection_yunet_2023mar_int8bq.onnx"), "", (512, 512), 0.6, 0.3, 5000
    )
    recogniser = cv2.FaceRecognizerSF.create(str(upstream / "face_recognition_sface_2021dec_int8bq.onnx"), "")
    picture = cv2.imread(str(photo))
    golden = {"opencv": cv2.__version__, "photo": "scikit-image astronaut.png, 512x512"}
    for name, pixels in (("plain", picture), ("mirrored", np.ascontiguousarray(picture[:, ::-1]))):
        face = detector.detect(pixels)[1][0]
        crop = recogniser.alignCrop(pixels, face)
        feature = recogniser.feature(crop)[0]
        golden[name] = {
            # x y w h, then right eye, left eye, nose, right and left mouth corner of the person, then the score
            "face": [float(v) for v in face],
            "crop_mean_bgr": [float(v) for v in crop.reshape(-1, 3).mean(0)],
            "crop_row_56_bgr": crop[56].tolist(),
            "embedding": unit(feature),
        }
    window = np.ascontiguousarray(picture[60:172, 165:277])  # the face as it stands: no alignment, no interpolation
    golden["window"] = {"top": 60, "left": 165, "embedding": unit(recogniser.feature(window)[0])}
    y, x = np.mgrid[:112, :112].astype(np.int64)  # embed.golden_crop, in BGR
    stripes = np.stack([(x * y // 16 + 160) % 256, (x + 2 * y + 80) % 256, (3 * x + y) % 256], axis=-1)
    stripes_embedding = unit(recogniser.feature(stripes.astype(np.uint8))[0])
    golden["stripes"] = {"embedding": stripes_embedding}
    print("golden =", [round(v, 7) for v in stripes_embedding[:16]])
    target = Path(__file__).parent.parent / "tests" / "golden" / "opencv_astronaut.json"
    target.write_text(json.dumps(golden) + "\n", encoding="utf-8")
    print(f"wrote {target.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
