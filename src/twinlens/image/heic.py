"""The bytes of a HEIC picture -> upright RGB pixels, in a process of its own.

The reader, pi-heif with libheif, ends the whole process on about one in a thousand damaged files (docs/images.md). So
it gets a process for each photo, which costs a tenth of a second and can be watched.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from twinlens.errors import ImageError
from twinlens.image.limits import ImageLimits
from twinlens.image.pillow import Pixels

TIMEOUT_S = 30.0  # 89 million pixels take about five seconds
_SIZE_BYTES = 8  # width and height before the pixels
_READER = Path(__file__).with_name("heic_reader.py")


def decode_heic(data: bytes, name: str, limits: ImageLimits) -> Pixels:
    """Decode a HEIC picture that is in memory.

    Raises:
        ImageError: the reader is not installed, or the file is damaged.
        ImageTooLargeError: more pixels than the limit.
    """
    if find_spec("pi_heif") is None:
        msg = f"{name}: a HEIC picture: pip install 'twinlens[heic]' to read it, or convert it to JPEG"
        raise ImageError(msg)
    # -P: the reader's own folder is not searched for modules
    command = [sys.executable, "-P", str(_READER), str(limits.max_pixels)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=TIMEOUT_S, check=False)
    except (subprocess.TimeoutExpired, OSError) as error:
        reason = f"no picture within {TIMEOUT_S:g} s" if isinstance(error, subprocess.TimeoutExpired) else str(error)
        msg = f"{name}: a HEIC picture that cannot be read ({reason}); convert it to JPEG"
        raise ImageError(msg) from error
    answer = done.stdout
    width, height = (int.from_bytes(answer[at : at + 4], "big") for at in (0, 4))
    if len(answer) >= _SIZE_BYTES:
        limits.check_size(name, width, height)
    if done.returncode != 0 or len(answer) != _SIZE_BYTES + 3 * width * height:
        msg = f"{name}: a damaged HEIC; copy or download it again, or convert it to JPEG"
        raise ImageError(msg)
    return np.frombuffer(answer, np.uint8, offset=_SIZE_BYTES).reshape(height, width, 3)
