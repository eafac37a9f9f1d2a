"""``twinlens serve``: REST and the web page."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli.output import note
from twinlens.errors import OptionError

if TYPE_CHECKING:
    from twinlens.service.settings import Settings

Host = Annotated[
    str | None,
    typer.Option("--host", metavar="ADDRESS", help="Listen here (127.0.0.1); beyond loopback only with a key."),
]
Port = Annotated[int | None, typer.Option("--port", metavar="N", min=0, max=65535, help="Listen here (8000).")]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="Galleries, keys, audit log (the user's data folder).")
]
GalleryUrl = Annotated[
    str | None,
    typer.Option("--gallery-url", metavar="URL", help="Another engine: a URL with {gallery} in it, milvus://..."),
]
ReportsDir = Annotated[
    Path | None, typer.Option("--reports-dir", metavar="DIR", help="Reports of twinlens evaluate, to be shown.")
]
Workers = Annotated[int | None, typer.Option("--workers", metavar="N", min=1, help="Photos in work at once (cores).")]
AllowUrl = Annotated[
    bool | None, typer.Option("--allow-url/--no-allow-url", help="Fetch photos given as http(s) addresses.")
]


def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    gallery_url: GalleryUrl = None,
    reports_dir: ReportsDir = None,
    workers: Workers = None,
    allow_url: AllowUrl = None,
) -> None:
    """Serve REST under /v1 and the web page, on this machine only unless told otherwise.

    Every setting is also an environment variable, TWINLENS_PORT and so on: docs/service.md holds the table. An option
    given here wins.

    SIGTERM or Ctrl-C: no new request is taken, those in work are answered, then it ends.
    """
    from twinlens.service.extra import check_extra

    check_extra()
    settings = settings_of(
        host=host,
        port=port,
        data_dir=data_dir,
        gallery_url=gallery_url,
        reports_dir=reports_dir,
        workers=workers,
        allow_url=allow_url,
    )
    run(settings)


def settings_of(**given: object) -> Settings:
    """Return the settings of the environment, and in their place what was given.

    Raises:
        OptionError: a value outside its range.
    """
    from pydantic import ValidationError

    from twinlens.service.settings import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        msg = f"the setting {name} (TWINLENS_{name.upper()}): {first['msg']}"
        raise OptionError(msg) from error


def run(settings: Settings) -> None:
    """Serve until told to stop.

    Raises:
        OptionError: it would listen beyond loopback without a key, or the address is taken.
    """
    import uvicorn

    from twinlens.service.app import create_app
    from twinlens.service.logs import configure_logs

    _check_keys(settings)
    configure_logs(settings.log_level)
    with _listening(settings) as listener:
        app = create_app(settings)
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        note(f"twinlens: http://{shown}:{port}/ answers as soon as the networks are loaded; Ctrl-C ends it")
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",  # an upgrade is then a request like any other, and answered as such
            lifespan="on",
            root_path=settings.root_path,
            timeout_graceful_shutdown=settings.shutdown_s,
        )
        uvicorn.Server(config).run([listener])


def _check_keys(settings: Settings) -> None:
    """Refuse to listen where others can ask, while anybody may do everything.

    Raises:
        OptionError: beyond loopback without a key.
    """
    from twinlens.service.guards import keyring_of

    keyring = keyring_of(settings)
    try:
        guarded = keyring.in_use()
    finally:
        keyring.close()
    if not guarded and not is_loopback(settings.host):
        msg = (
            f"{settings.host} can be reached from other machines, and there is no key yet, so that anybody could do "
            f"everything: twinlens keys create NAME --scope admin --data-dir {settings.data_dir}, or use 127.0.0.1"
        )
        raise OptionError(msg)


def _listening(settings: Settings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host.strip("[]"), settings.port), family=family, backlog=512)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"cannot listen on {settings.host} port {settings.port}: {reason}: choose others (--host, --port)"
        raise OptionError(msg) from error


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
