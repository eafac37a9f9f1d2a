"""``twinlens keys``: who may ask the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.output import emit, note

if TYPE_CHECKING:
    from twinlens.service.keys import Key, Keyring

app = typer.Typer(no_args_is_help=True, help="API keys of the service: create, list, revoke.")
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="The service's folder, as TWINLENS_DATA_DIR says (the user's)."),
]


@app.command("create")
def create(
    label: Annotated[str, typer.Argument(metavar="LABEL", help="Whose it is, or what for.")],
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope",
            help="read: ask; enrol: change who is enrolled, and read; admin: everything. May be repeated.",
        ),
    ],
    data_dir: DataDir = None,
    json: o.Json = False,
) -> None:
    """Make a key and print it, once: only its sha256 is kept."""
    ring = _ring(data_dir)
    try:
        key, text = ring.create(label, scope)
    finally:
        ring.close()
    note("note: this is the only time the key is shown; it is good from now on, also for a service that runs")
    emit({**_record(key), "key": text}, text, as_json=json)


@app.command("list")
def list_keys(data_dir: DataDir = None, json: o.Json = False) -> None:
    """List the keys there are and were; never the keys themselves."""
    ring = _ring(data_dir)
    try:
        keys = ring.keys()
    finally:
        ring.close()
    for key in keys:
        state = f"revoked {key.revoked_at}" if key.revoked_at else "good"
        emit(_record(key), f"{key.id}  {','.join(sorted(key.scopes)):18}  {state:8}  {key.label}", as_json=json)
    if not keys:
        note("no key yet: the service listens on this machine only, and everybody on it may do everything")


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As twinlens keys list shows it.")],
    data_dir: DataDir = None,
    json: o.Json = False,
) -> None:
    """Refuse a key from now on, also in a service that runs."""
    ring = _ring(data_dir)
    try:
        key = ring.revoke(key_id)
    finally:
        ring.close()
    emit(_record(key), f"{key.id} is revoked ({key.label})", as_json=json)


def _ring(data_dir: Path | None) -> Keyring:
    from twinlens.cli.serve import settings_of
    from twinlens.service.extra import check_extra

    check_extra()
    from twinlens.service.guards import keyring_of

    return keyring_of(settings_of(data_dir=data_dir))


def _record(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "label": key.label,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
