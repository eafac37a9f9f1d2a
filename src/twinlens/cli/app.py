"""``twinlens``: wires the commands, and turns every error into a sentence and an exit code."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Annotated, NoReturn

import typer

from twinlens.cli import (
    benchmark,
    calibrate,
    data,
    demo,
    detect,
    doctor,
    enrol,
    evaluate,
    export,
    fit,
    gallery,
    identify,
    index,
    keys,
    lab,
    lab_reproduce,
    lab_sweep,
    models,
    report,
    serve,
    verify,
)
from twinlens.cli.exits import Exit, exit_code
from twinlens.cli.output import note
from twinlens.errors import OptionError, TwinlensError
from twinlens.version import __version__

app = typer.Typer(
    name="twinlens",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From two photos to a decision you can act on: offline, on a CPU, with known error rates.",
    epilog="Exit codes: 0 yes or done, 1 no match, or not all was done, 2 usage, 3 input, 4 model or gallery.",
)


def _version(wanted: bool | None) -> None:
    if wanted:
        print(f"twinlens {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool | None, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = None,
) -> None:
    """From two photos to a decision you can act on: offline, on a CPU, with known error rates."""


app.command("verify")(verify.verify)
app.command("detect")(detect.detect)
app.command("enrol")(enrol.enrol)
app.command("identify")(identify.identify)
app.command("search")(identify.search)
app.command("index")(index.index)
app.command("evaluate")(evaluate.evaluate)
app.command("calibrate")(calibrate.calibrate)
app.command("train")(lab.train)
app.command("fit")(fit.fit)
app.command("export")(export.export)
app.command("reproduce")(lab_reproduce.reproduce)
app.command("sweep")(lab_sweep.sweep)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("serve")(serve.serve)
app.add_typer(benchmark.app, name="benchmark")
app.add_typer(data.app, name="data")
app.add_typer(gallery.app, name="gallery")
app.add_typer(keys.app, name="keys")
app.add_typer(models.app, name="models")
app.add_typer(report.app, name="report")


def main() -> NoReturn:
    """Run the command line; no traceback reaches a person (``TWINLENS_DEBUG=1`` shows it to a developer)."""
    try:
        _check_order(sys.argv[1:])
        app()
        code = int(Exit.YES)
    except TwinlensError as error:
        _say(error)
        code = int(exit_code(error))
    except OSError as error:  # a name too long, a folder that cannot be made, a full disk behind stdout
        what = f"{error.filename}: " if error.filename else "standard output cannot be written: "
        note(f"twinlens: {str(what)[:200]}{error.strerror or error}")
        code = int(Exit.INPUT)
    except Exception as error:
        if os.environ.get("TWINLENS_DEBUG"):
            raise
        note(
            f"twinlens: a fault of ours: {type(error).__name__}: {error}. Please report it with the output of "
            "TWINLENS_DEBUG=1 and the same command"
        )
        code = int(Exit.MACHINERY)
    _leave(code)


def _check_order(words: list[str]) -> None:
    """Say where an option belongs that every command has.

    Raises:
        OptionError: it stands before the command.
    """
    if words[:1] == ["--json"]:
        msg = "--json belongs behind the command: twinlens verify A.jpg B.jpg --json"
        raise OptionError(msg)


def _leave(code: int) -> NoReturn:
    """Exit without a complaint about streams that nobody reads any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _say(error: TwinlensError) -> None:
    """Print an error for people, or, with ``--json``, as one object."""
    if "--json" in sys.argv:
        note(json.dumps({"error": type(error).__name__, "message": str(error)}, ensure_ascii=False))
    else:
        note(f"twinlens: {error}")


if __name__ == "__main__":
    main()
