"""Whether what the lab is made with is installed."""

from __future__ import annotations

from importlib.util import find_spec

from twinlens.errors import OptionError

NEEDED = ("torch", "onnx")


def check_lab() -> None:
    """Refuse to train without the extra that trains.

    Raises:
        OptionError: a package of it is missing.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        msg = f"training and exporting need {' and '.join(missing)}: pip install 'twinlens[lab]'"
        raise OptionError(msg)
