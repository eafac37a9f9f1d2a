"""``twinlens gallery copy``: from one engine to another, proven by a count and a checksum."""

from __future__ import annotations

from typing import Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.output import counted, emit, meter


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A gallery's file or URL.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Another one; made where there is none.")],
    model: o.Model = "sface",
    json: o.Json = False,
) -> None:
    """Copy a gallery, for instance people.db to milvus://host:19530/people; an interrupted copy goes on.

    The target must be empty, or hold a part of the source. In the end both are read and compared. The source stays.
    """
    from twinlens.gallery import copy_gallery

    with (
        o.open_people(source, model) as old,
        o.open_people(target, model, new=True) as new,
        meter("templates") as move,
    ):
        copied = copy_gallery(old, new, lambda stage, done, total: move(done, total, stage))
    record = {
        "subjects": copied.subjects,
        "templates": copied.templates,
        "added": copied.added,
        "checksum": copied.checksum,
    }
    text = (
        f"{counted(copied.subjects, 'subject')}, {counted(copied.templates, 'template')} in both "
        f"({copied.added} added), checksum {copied.checksum[:16]} equal; the source is as it was"
    )
    emit(record, text, as_json=json)
