"""Environment -> the folder that holds the data sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import platformdirs

VARIABLE = "TWINLENS_DATA"


def data_root(environment: Mapping[str, str]) -> Path:
    """Return ``$TWINLENS_DATA``, else ``data`` in ``$TWINLENS_HOME`` or in the user's data folder of the platform.

    Args:
        environment: usually ``os.environ``. An empty value counts as unset.
    """
    if given := environment.get(VARIABLE):
        return Path(given).expanduser()
    if home := environment.get("TWINLENS_HOME"):
        return Path(home).expanduser() / "data"
    return Path(platformdirs.user_data_dir("twinlens", appauthor=False)) / "data"
