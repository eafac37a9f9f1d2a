"""``twinlens data``: which data sets are here, fetching them, and what is wrong with them."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.data_check import check
from twinlens.cli.data_leakage import leakage
from twinlens.cli.exits import Exit
from twinlens.cli.output import emit, meter_bytes, note

if TYPE_CHECKING:
    from twinlens.datasets.inventory import Shelf

app = typer.Typer(no_args_is_help=True, help="Data sets: list, fetch, check, and what parts of them share.")
MIB = 1 << 20


@app.command("list")
def list_sets(json: o.Json = False) -> None:
    """List every known data set: is it here, what are its terms, what is it for, where does it come from?"""
    from twinlens.datasets.inventory import take_stock
    from twinlens.datasets.place import VARIABLE, data_root

    root = data_root(os.environ)
    note(f"data sets lie in {root} (the variable {VARIABLE} names another folder)")
    for shelf in take_stock(root):
        emit({**asdict(shelf), "state": shelf.state}, shelf_text(shelf), as_json=json)


@app.command("fetch")
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="SET...", help="As twinlens data list names them.")],
    json: o.Json = False,
) -> None:
    """Download data sets from their owners or accepted mirrors, checked by sha256; a broken download is resumed.

    Exit code 1: something has still to be obtained by hand.
    """
    from twinlens.datasets.fetch import check_name, fetch as get
    from twinlens.datasets.inventory import take_stock
    from twinlens.datasets.place import data_root

    root = data_root(os.environ)
    for name in names:
        check_name(name)  # before an hour of downloads
    lacking = False
    for name in names:
        with meter_bytes() as moved:
            got = get(name, root, progress=moved)
        shelf = next(one for one in take_stock(root) if one.name == name)
        usable = any(not stock.missing for stock in shelf.protocols)
        lacking |= not usable
        lines = [f"{name}: {got.folder}"]
        lines += [f"  fetched   {', '.join(got.loaded)}"] if got.loaded else []
        lines += [f"  was here  {', '.join(got.present)}"] if got.present else []
        lines += [f"  terms     {got.terms}"]
        lines += [f"  by hand   {got.by_hand}"] if got.by_hand else []
        lines += [
            f"  next      twinlens data check {name}" if usable else "  not complete: nothing can be done with it yet"
        ]
        emit({"name": name, **asdict(got), "usable": usable}, "\n".join(lines), as_json=json)
    if lacking:
        raise typer.Exit(Exit.NO)


app.command("check")(check)
app.command("leakage")(leakage)


def shelf_text(shelf: Shelf) -> str:
    """Return what a person reads of one data set."""
    size = f", at least {shelf.download_bytes / MIB:,.0f} MiB" if shelf.download_bytes > MIB else ""
    how = f"twinlens data fetch {shelf.name}{size}" if shelf.fetchable else "by hand"
    lines = [f"{shelf.name:<12} {shelf.state}", f"  terms    {shelf.terms}"]
    lines += [f"  from     {how}"] if shelf.state != "here" else []
    lines += [f"  by hand  {shelf.by_hand}"] if shelf.by_hand and shelf.state != "here" else []
    for stock in shelf.protocols:
        lacks = f"  (lacks {', '.join(stock.missing)})" if stock.missing and shelf.state == "partly" else ""
        lines.append(f"  {'lacking' if stock.missing else 'here':<8} {stock.name:<23} {stock.about}{lacks}")
    return "\n".join(lines)
