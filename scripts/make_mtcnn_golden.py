"""facenet-pytorch's own MTCNN -> tests/golden/mtcnn_astronaut.json: what the reference implementation answers.

Usage: python scripts/make_mtcnn_golden.py FACENET_PYTORCH_PARENT ASTRONAUT_PNG
In an environment of its own with ``torch``, ``opencv-python-headless`` and ``pillow``. The package's import of
torchvision serves one function here, non-maximum suppression, which stands below in its place.
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import cv2
import numpy as np
import torch


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, overlap: float) -> torch.Tensor:
    """Do what ``torchvision.ops.batched_nms`` does."""
    order = torch.argsort(scores, descending=True, stable=True)
    keep: list[int] = []
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for i in order.tolist():
        rivals = [k for k in keep if groups[k] == groups[i]]
        if rivals:
            others = boxes[rivals]
            sides = torch.minimum(boxes[i, 2:], others[:, 2:]) - torch.maximum(boxes[i, :2], others[:, :2])
            shared = sides.clamp(min=0).prod(dim=1)
            if bool((shared / (areas[i] + areas[rivals] - shared) > overlap).any()):
                continue
        keep.append(i)
    return torch.tensor(keep, dtype=torch.long)


def main(parent: Path, photo: Path) -> None:
    """Detect on the photo, its mirror image and a group of three made of it."""
    vision, transforms, ops, boxes = (
        types.ModuleType(name)
        for name in ("torchvision", "torchvision.transforms", "torchvision.ops", "torchvision.ops.boxes")
    )
    transforms.functional = types.ModuleType("functional")
    boxes.batched_nms = batched_nms
    for module in (vision, transforms, ops, boxes):
        sys.modules[module.__name__] = module
    package = types.ModuleType("facenet_pytorch")  # without its __init__, which imports what is not needed here
    package.__path__ = [str(parent / "facenet_pytorch")]
    sys.modules["facenet_pytorch"] = package
    from facenet_pytorch.models.mtcnn import MTCNN  # noqa: PLC0415 - from the folder just named

    detector = MTCNN(keep_all=True, min_face_size=20, thresholds=[0.6, 0.7, 0.7], factor=0.709)
    picture = cv2.cvtColor(cv2.imread(str(photo)), cv2.COLOR_BGR2RGB)
    golden: dict[str, object] = {"facenet-pytorch": "2.6.0", "photo": "scikit-image astronaut.png, 512x512"}
    half, third = (np.ascontiguousarray(picture[::n, ::n]) for n in (2, 3))
    group = np.zeros((300, 720, 3), np.uint8)
    group[:256, :256], group[100:271, 300:471], group[20:276, 460:716] = half, third, half[:, ::-1]
    for name, pixels in (("plain", picture), ("mirrored", np.ascontiguousarray(picture[:, ::-1])), ("group", group)):
        boxes_found, scores, points = detector.detect(pixels, landmarks=True)
        golden[name] = {
            "boxes": np.asarray(boxes_found, np.float64).tolist(),  # left, top, right, bottom
            "scores": np.asarray(scores, np.float64).tolist(),
            # left eye, right eye, nose, left and right mouth corner, as seen in the picture
            "points": np.asarray(points, np.float64).tolist(),
        }
    target = Path(__file__).parent.parent / "tests" / "golden" / "mtcnn_astronaut.json"
    target.write_text(json.dumps(golden) + "\n", encoding="utf-8")
    print(f"wrote {target.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
