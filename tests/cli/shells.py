"""A command line, run in this process: what the tests of the commands share."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from twinlens.cli.app import main


class Shell:
    """Runs a command line and returns exit code, stdout and stderr; no traceback may reach a person."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *words: object) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["twinlens", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = self._capfd.readouterr()
        assert "Traceback" not in err
        assert "a fault of ours" not in err, err
        return int(stopped.value.code or 0), out, err

    def records(self, *words: object) -> tuple[int, list[dict[str, Any]]]:
        """Run with ``--json``; return exit code and one object a line."""
        code, out, _ = self(*words, "--json")
        return code, [json.loads(line) for line in out.splitlines()]

    def record(self, *words: object) -> dict[str, Any]:
        """Run with ``--json``; return the one object of a command that answers yes or no."""
        code, (found,) = self.records(*words)
        assert code in {0, 1}
        return found
