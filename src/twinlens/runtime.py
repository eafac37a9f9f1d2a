"""ONNX file -> Network: the only module that imports an inference engine.

OpenVINO where it is installed, ONNX Runtime otherwise (measured in docs/benchmarks.md). Either way a network
answers one request on one thread, and as many requests at once as it has threads: callers run photos side by side.
"""

from __future__ import annotations

import importlib.util
import os
import queue
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float32

from twinlens.errors import ModelError, ModelNotFoundError, OptionError
from twinlens.protocols import Network

if TYPE_CHECKING:
    import onnxruntime
    import openvino

Engine = Literal["openvino", "onnxruntime"]
Precision = Literal["float32", "bfloat16"]
ENGINES: tuple[Engine, ...] = ("openvino", "onnxruntime")  # in order of preference
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """How networks are run.

    Attributes:
        engine: ``openvino``, ``onnxruntime``, or None for the first of them that is installed.
        precision: ``float32``, or ``bfloat16``: faster where the processor has it; similarities move by
            about 0.001.
        threads: requests answered at once; None for one a processor core that this process may use.
    """

    engine: Engine | None = None
    precision: Precision = "float32"
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.engine is not None and self.engine not in ENGINES:
            msg = f"unknown engine {self.engine!r}; known: {', '.join(ENGINES)}"
            raise OptionError(msg)
        if self.precision not in PRECISIONS:
            msg = f"unknown precision {self.precision!r}; known: {', '.join(PRECISIONS)}"
            raise OptionError(msg)
        if self.threads is not None and self.threads < 1:
            msg = f"threads must be 1 or more, got {self.threads}"
            raise OptionError(msg)


def usable_cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def installed_engines() -> tuple[Engine, ...]:
    """Return the engines that can be imported, the preferred one first."""
    return tuple(engine for engine in ENGINES if importlib.util.find_spec(engine) is not None)


def chosen_engine(options: RuntimeOptions) -> Engine:
    """Return the engine that `load_network` will use.

    Raises:
        ModelError: none is installed, or not the one asked for.
    """
    installed = installed_engines()
    if options.engine is None:
        candidates = installed
        if options.precision == "bfloat16":
            candidates = tuple(engine for engine in installed if engine == "openvino")
    else:
        candidates = tuple(engine for engine in installed if engine == options.engine)
    if not candidates:
        wanted = options.engine or " or ".join(ENGINES)
        have = ", ".join(installed) or "none"
        msg = f"wanted the inference engine {wanted}, installed: {have}; run: pip install {wanted.split()[0]}"
        raise ModelError(msg)
    if options.precision == "bfloat16" and candidates[0] == "onnxruntime":
        msg = "precision bfloat16 needs the engine openvino; use float32 with onnxruntime"
        raise OptionError(msg)
    return candidates[0]


def load_network(path: Path, options: RuntimeOptions | None = None) -> Network:
    """Load an ONNX graph with one input.

    Args:
        path: the file.
        options: engine, precision and threads.

    Raises:
        ModelNotFoundError: no such file.
        ModelError: the engine cannot read it, or it has more than one input.
    """
    if not path.is_file():
        msg = f"no model file at {path}: check the path, or run: twinlens models check"
        raise ModelNotFoundError(msg)
    options = options or RuntimeOptions()
    engine = chosen_engine(options)
    threads = options.threads or usable_cores()
    try:
        if engine == "openvino":
            return OpenVinoNetwork(path, options.precision, threads)
        return OnnxRuntimeNetwork(path)
    except ModelError:
        raise
    except Exception as error:  # engines raise bare RuntimeError and pybind types of their own
        msg = f"{engine} cannot load {path.name}: {_first_line(error)}. Is it an ONNX file? Run: twinlens models check"
        raise ModelError(msg) from error


def _refused(batch: np.ndarray, error: Exception) -> ModelError:
    shape = " x ".join(map(str, batch.shape))
    return ModelError(f"the network refuses pictures of {shape} float32: {_first_line(error)}. Does it fit its card?")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _one_input(names: list[str], path: Path) -> str:
    if len(names) != 1:
        msg = f"{path.name} has {len(names)} inputs ({', '.join(names[:4])}); wanted one: the pictures"
        raise ModelError(msg)
    return names[0]


class OnnxRuntimeNetwork:
    """A graph in ONNX Runtime, on the CPU."""

    def __init__(self, path: Path) -> None:
        import onnxruntime  # noqa: PLC0415 - 0.3 s, only where it runs

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        self._session: onnxruntime.InferenceSession = onnxruntime.InferenceSession(
            str(path), settings, providers=["CPUExecutionProvider"]
        )
        self._input = _one_input([i.name for i in self._session.get_inputs()], path)
        self._outputs = [o.name for o in self._session.get_outputs()]

    def run(self, batch: Float32[np.ndarray, "batch ..."]) -> dict[str, np.ndarray]:
        """Return every output by its name."""
        try:
            return dict(zip(self._outputs, self._session.run(None, {self._input: batch}), strict=True))
        except Exception as error:  # as in load_network
            raise _refused(batch, error) from error


_FIRST_ANSWER = threading.Lock()
_SETTLED = threading.Event()  # a fact about this process, not a setting


def _import_quietly() -> None:
    """Keep OpenVINO from telling its makers that it was imported.

    Its package looks for ``openvino_telemetry`` and has a stub where that is missing; otherwise an import reports
    itself to an address of Google Analytics and leaves an id in the user's home (seen with 2026.4).
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type] # None: not to be imported


def _settle_binding() -> None:
    """Have OpenVINO's binding prepare itself on one thread.

    At its first answer it fills a static while it waits for Python's lock; two threads there at once wait for each
    other for ever (seen with 2026.4 in one of eight processes). So the first answer, of a network of one number, is
    given here, before any other thread can ask.
    """
    _import_quietly()
    import openvino  # noqa: PLC0415 - 0.6 s, only where it runs
    from openvino import opset13  # noqa: PLC0415

    with _FIRST_ANSWER:
        if _SETTLED.is_set():
            return
        number = opset13.parameter([1], np.float32)
        model = openvino.Model([opset13.relu(number)], [number], "settle")
        request = openvino.Core().compile_model(model, "CPU").create_infer_request()
        request.infer([np.zeros(1, np.float32)], share_inputs=True)
        request.get_output_tensor(0).data.copy()
        _SETTLED.set()


class OpenVinoNetwork:
    """A graph in OpenVINO, on the CPU: one stream a thread, one request a stream."""

    def __init__(self, path: Path, precision: Precision, threads: int) -> None:
        _import_quietly()
        import openvino  # noqa: PLC0415 - 0.6 s, only where it runs
        from openvino import passes  # noqa: PLC0415

        _settle_binding()
        model = openvino.Core().read_model(str(path))
        # int8 weights must be unpacked before compiling: with several streams OpenVINO 2026.4 unpacks them in
        # parallel and 24 of 25 loads of SFace answered wrongly (docs/decisions/0002-weights.md)
        folding = passes.Manager()
        folding.register_pass(passes.ConstantFolding())
        folding.run_passes(model)
        _one_input([i.get_any_name() for i in model.inputs], path)
        self._outputs = [o.get_any_name() for o in model.outputs]
        compiled = openvino.Core().compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
                "NUM_STREAMS": str(threads),
                "INFERENCE_NUM_THREADS": threads,
            },
        )
        self._requests: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
        for _ in range(threads):
            self._requests.put(compiled.create_infer_request())

    def run(self, batch: Float32[np.ndarray, "batch ..."]) -> dict[str, np.ndarray]:
        """Return every output by its name; waits where all requests are busy."""
        request: Any = self._requests.get()
        try:
            request.infer([np.ascontiguousarray(batch)], share_inputs=True)
            return {name: request.get_output_tensor(index).data.copy() for index, name in enumerate(self._outputs)}
        except Exception as error:  # as in load_network
            raise _refused(batch, error) from error
        finally:
            self._requests.put(request)
