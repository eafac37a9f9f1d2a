"""``twinlens data``: data sets and what is wrong with them."""

from __future__ import annotations

import typer

from twinlens.cli.data_leakage import leakage

app = typer.Typer(no_args_is_help=True, help="Data sets: what parts of them share.")
app.command("leakage")(leakage)


@app.callback()
def _data() -> None:
    """Data sets: what parts of them share."""
