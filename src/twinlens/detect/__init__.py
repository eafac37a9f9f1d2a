"""Image -> [Face]: one detector a file, a visible dict of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from twinlens.detect.options import DetectOptions
from twinlens.errors import OptionError
from twinlens.protocols import Detector
from twinlens.runtime import RuntimeOptions, load_network

__all__ = ["DETECTORS", "DetectOptions", "build_detector"]

Factory = Callable[[Sequence[Path], RuntimeOptions, DetectOptions], Detector]


def _yunet(paths: Sequence[Path], runtime: RuntimeOptions, options: DetectOptions) -> Detector:
    from twinlens.detect.yunet import YuNet  # noqa: PLC0415 - each detector is loaded where it is asked for

    return YuNet(load_network(_one(paths, "yunet"), runtime), options)


def _mtcnn(paths: Sequence[Path], runtime: RuntimeOptions, options: DetectOptions) -> Detector:
    from twinlens.detect.mtcnn import Cascade, Mtcnn  # noqa: PLC0415

    if len(paths) != 3:
        msg = f"the detector 'mtcnn' needs three model files, P-Net, R-Net and O-Net in this order; got {len(paths)}"
        raise OptionError(msg)
    return Mtcnn(Cascade(*(load_network(path, runtime) for path in paths)), options)


def _yolo(family: str, paths: Sequence[Path], runtime: RuntimeOptions, options: DetectOptions) -> Detector:
    from twinlens.detect.yolo import Yolo  # noqa: PLC0415

    if len(paths) not in (1, 2):
        msg = (
            f"the detector {family!r} needs its ONNX file, and YuNet's as a second one to find the points where the "
            f"first gives boxes only; got {len(paths)} files"
        )
        raise OptionError(msg)
    network, *yunet = (load_network(path, runtime) for path in paths)
    return Yolo(family, network, options, yunet=yunet[0] if yunet else None)


DETECTORS: dict[str, Factory] = {
    "yunet": _yunet,
    "mtcnn": _mtcnn,
    "yolov3-face": partial(_yolo, "yolov3-face"),
    "yolov5-face": partial(_yolo, "yolov5-face"),
    "yolov8-face": partial(_yolo, "yolov8-face"),
}


def build_detector(
    name: str,
    paths: Sequence[Path],
    *,
    runtime: RuntimeOptions | None = None,
    options: DetectOptions | None = None,
) -> Detector:
    """Return a detector that is ready to run.

    Args:
        name: one of `DETECTORS`.
        paths: its model files, in the order its module names them.
        runtime: how networks are run.
        options: what to look for.

    Raises:
        OptionError: a name that is not known, or a wrong number of files.
        ModelNotFoundError: a file is not there.
        ModelError: a file is not a model of this kind.
    """
    if name not in DETECTORS:
        msg = f"unknown detector {name!r}; known: {', '.join(DETECTORS)}"
        raise OptionError(msg)
    return DETECTORS[name](paths, runtime or RuntimeOptions(), options or DetectOptions())


def _one(paths: Sequence[Path], name: str) -> Path:
    if len(paths) != 1:
        msg = f"the detector {name!r} needs one model file, got {len(paths)}"
        raise OptionError(msg)
    return paths[0]
