"""Engines are chosen, refused, and settled before threads come."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twinlens.errors import OptionError
from twinlens.runtime import RuntimeOptions, chosen_engine, installed_engines

FIRST_ANSWERS_FROM_THREADS = """
import threading, numpy as np
from twinlens.runtime import RuntimeOptions, load_network
from twinlens.zoo import checked_paths, find_card
network = load_network(checked_paths(find_card("yunet"))[0], RuntimeOptions(engine="openvino", threads=4))
start = threading.Barrier(4)
def ask():
    start.wait()
    network.run(np.zeros((1, 3, 64, 64), np.float32))
threads = [threading.Thread(target=ask) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print("answered")
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_first_answers_may_come_from_several_threads() -> None:
    """Without `_settle_binding` one process in eight waited for ever."""
    for _ in range(25):
        command = [sys.executable, "-c", FIRST_ANSWERS_FROM_THREADS]
        result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        assert result.stdout.strip() == "answered"


def test_openvino_is_preferred() -> None:
    assert installed_engines()[0] == "openvino"
    assert chosen_engine(RuntimeOptions()) == "openvino"
    assert chosen_engine(RuntimeOptions(engine="onnxruntime")) == "onnxruntime"


def test_bfloat16_needs_openvino() -> None:
    assert chosen_engine(RuntimeOptions(precision="bfloat16")) == "openvino"
    with pytest.raises(OptionError, match="needs the engine openvino"):
        chosen_engine(RuntimeOptions(engine="onnxruntime", precision="bfloat16"))


def test_options_refuse() -> None:
    with pytest.raises(OptionError, match="threads must be 1 or more"):
        RuntimeOptions(threads=0)


@pytest.mark.slow
def test_nobody_is_told_that_an_engine_was_loaded(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    code = "from twinlens.recognizer import Recognizer; Recognizer.default().close()"
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **home, "CI": ""}, check=True, timeout=50)
    assert [path for path in tmp_path.rglob("*") if "intel" in path.parts or "_ga_" in path.name] == []
