"""A torch network, its ONNX file -> do both engines answer as torch does?"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from twinlens.embed.golden import golden_crop
from twinlens.errors import ModelError
from twinlens.lab.export.graph import CropNetwork
from twinlens.lab.export.weights import unpacked
from twinlens.runtime import Engine, RuntimeOptions, installed_engines, load_network
from twinlens.types import CROP_SIZE

TOLERANCE = 1e-4  # of unit vectors, float32
LEAST_COSINE = 0.9999
LEAST_PACKED = 0.9  # int8 weights that turn vectors further have lost the network
CROPS = 7  # besides the golden one: soft random pictures


@dataclass(frozen=True, slots=True)
class Agreement:
    """One engine against torch.

    Attributes:
        engine: which.
        weights: ``float32`` or ``int8``.
        difference: the largest between numbers of unit vectors.
        cosine: the least between vectors.
    """

    engine: Engine
    weights: str
    difference: float
    cosine: float


def agreements(network: CropNetwork, model: bytes, *, packed: bool = False) -> list[Agreement]:
    """Compare every engine that is installed with torch on the golden crop and random ones, alone and in a batch.

    Args:
        network: the torch network.
        model: the ONNX file's bytes.
        packed: whether it has int8 weights, which are allowed to differ.

    Raises:
        ModelError: an engine cannot read the file, or differs by more than `TOLERANCE`: from torch, or, where weights
            are packed, from ONNX's own reference on the same file.
    """
    crops = sample_crops()
    same_file = reference_answer(model) if packed else None
    with torch.no_grad():
        wanted = _unit(network(torch.from_numpy(crops)).numpy())
    found = []
    with tempfile.TemporaryDirectory(prefix="twinlens-export-") as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model)
        for engine in installed_engines():
            loaded = load_network(path, RuntimeOptions(engine=engine, threads=1))
            answers = [next(iter(loaded.run(part).values())) for part in (crops[:1], crops[1:])]
            got = _unit(np.concatenate(answers))
            found.append(_agreement(engine, "int8" if packed else "float32", got, wanted))
            if same_file is not None:
                _check(_agreement(engine, "int8", got[:1], same_file[None]), "the reference", LEAST_COSINE, TOLERANCE)
    for one in found:
        least, most = (LEAST_PACKED, np.inf) if packed else (LEAST_COSINE, TOLERANCE)
        _check(one, "torch", least, most)
    return found


def reference_answer(model: bytes) -> np.ndarray:
    """Return the unit vector (dim,) float64 that ONNX's own reference implementation makes of the golden crop."""
    import onnx  # noqa: PLC0415 - of the lab alone
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415

    evaluator = ReferenceEvaluator(onnx.load_from_string(unpacked(model)))
    (answer,) = evaluator.run(None, {evaluator.input_names[0]: sample_crops()[:1]})
    return np.asarray(_unit(np.asarray(answer))[0])


def _check(one: Agreement, what: str, least: float, most: float) -> None:
    if not (one.difference <= most and one.cosine >= least):  # NaN too
        msg = (
            f"the exported network on {one.engine} differs from {what} by {one.difference:.2g} (cosine "
            f"{one.cosine:.6f}); wanted at most {most:g} (cosine {least:g}): it is not saved"
        )
        raise ModelError(msg)


def sample_crops() -> np.ndarray:
    """Return the golden crop and soft random ones, (8, 3, 112, 112) float32, 0 to 255."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (CROPS, 3, CROP_SIZE // 8, CROP_SIZE // 8))
    soft = coarse.repeat(8, axis=2).repeat(8, axis=3)
    golden = golden_crop().pixels.transpose(2, 0, 1)[None]
    return np.concatenate((golden, soft)).astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = vectors.reshape(len(vectors), -1).astype(np.float64)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def _agreement(engine: Engine, weights: str, got: np.ndarray, wanted: np.ndarray) -> Agreement:
    cosine = float(np.einsum("ij,ij->i", got, wanted).min())
    return Agreement(engine, weights, float(np.abs(got - wanted).max()), cosine)
