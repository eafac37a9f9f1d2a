"""Whether what pages and plots are made with is installed."""

from __future__ import annotations

from importlib.util import find_spec

from twinlens.errors import OptionError

NEEDED = ("jinja2", "matplotlib")


def check_extra() -> None:
    """Refuse to make pages without the extra they need.

    Raises:
        OptionError: a package of it is missing.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        msg = f"pages and plots of reports need {' and '.join(missing)}: pip install 'twinlens[evaluate]'"
        raise OptionError(msg)
