"""Whether what the service is made with is installed."""

from __future__ import annotations

from importlib.util import find_spec

from twinlens.errors import OptionError

NEEDED = ("fastapi", "uvicorn", "pydantic_settings", "python_multipart", "prometheus_client")


def check_extra() -> None:
    """Refuse to start without the extra that the service needs.

    Raises:
        OptionError: a package of it is missing.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        msg = f"the service needs {', '.join(missing)}: pip install 'twinlens[service]'"
        raise OptionError(msg)
