"""The version, read by the build and by ``twinlens --version``."""

__version__ = "0.1.0"
