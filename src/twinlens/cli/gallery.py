"""``twinlens gallery``: who is enrolled; remove, rename, tag, move, check, group."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import gallery_copy, gallery_doctor, options as o
from twinlens.cli.exits import Exit
from twinlens.cli.output import counted, emit, note
from twinlens.errors import OptionError, UnknownSubjectError

if TYPE_CHECKING:
    from twinlens.protocols import Erasure, Gallery

app = typer.Typer(
    no_args_is_help=True, help="The gallery: list, remove, rename, tag, copy, export, import, doctor, cluster."
)
SubjectName = Annotated[str, typer.Argument(metavar="SUBJECT")]


@app.command("list")
def list_subjects(
    gallery: o.GalleryOption = None, tag: o.Tags = None, model: o.Model = "sface", json: o.Json = False
) -> None:
    """List who is enrolled, with the number of photos and the tags."""
    with o.open_people(gallery, model) as people:
        for subject in people.subjects(tags=o.tags_of(tag)):
            tags = "".join(f"  {key}={value}" for key, value in subject.tags.items())
            record = {
                "subject": subject.name,
                "templates": subject.templates,
                "tags": dict(subject.tags),
                "created_at": subject.created_at,
                "sources": list(subject.sources),
            }
            emit(
                record, f"{subject.name}  {subject.templates} photo{'s' * (subject.templates != 1)}{tags}", as_json=json
            )


@app.command("remove")
def remove(
    subjects: Annotated[list[str], typer.Argument(metavar="SUBJECT...")],
    photo: Annotated[
        str | None, typer.Option("--photo", metavar="FILE", help="Only this photo of the subject, as it was enrolled.")
    ] = None,
    gallery: o.GalleryOption = None,
    model: o.Model = "sface",
    json: o.Json = False,
) -> None:
    """Erase subjects, then read every file of the gallery to prove that no vector is left. Exit code 1: unproven."""
    worst = Exit.YES
    if photo is not None and len(subjects) != 1:
        msg = f"--photo erases a photo of one subject, got {len(subjects)} subjects"
        raise OptionError(msg)
    with o.open_people(gallery, model) as people:
        for name in subjects:
            people.templates(name)  # raises for a name that is not there, before anything is erased
        digests = None if photo is None else _digests(people, subjects[0], photo)
        for receipt in _erase(people, subjects, digests):
            record = {
                "subject": receipt.subject,
                "templates": receipt.templates,
                "proven": not receipt.remains,
                "places_checked": list(receipt.places_checked),
                "remains": list(receipt.remains),
            }
            if receipt.remains:
                worst = Exit.NO
                traces = ", ".join(receipt.remains)
                text = f"{receipt.subject}: removed, but traces remain in {traces}: run twinlens gallery doctor"
            else:
                erased = counted(receipt.templates, "template")
                files = counted(len(receipt.places_checked), "file")
                text = f"{receipt.subject}: {erased} erased; none found in {files}"
            emit(record, text, as_json=json)
    raise typer.Exit(worst)


def _erase(people: Gallery, subjects: list[str], digests: list[str] | None) -> Iterator[Erasure]:
    """Erase subjects, or what some photos gave to the only one."""
    for name in subjects:
        if digests is None:
            yield people.remove(name)
        else:
            yield from (people.remove_photo(name, digest) for digest in digests)


def _digests(people: Gallery, subject: str, photo: str) -> list[str]:
    """Return the digests of a subject's photo, given by its source or its digest.

    Raises:
        UnknownSubjectError: no such photo of theirs.
    """
    held = [(entry.source, entry.photo) for entry in people.entries() if entry.subject == subject]
    digests = [digest for source, digest in held if photo in (source, digest)]
    if not digests:
        known = ", ".join(source or digest for source, digest in held)
        msg = f"{subject!r} has no photo {photo!r}; enrolled were: {known}"
        raise UnknownSubjectError(msg)
    return digests


@app.command("rename")
def rename(
    subject: SubjectName,
    name: Annotated[str, typer.Argument(metavar="NEW-NAME")],
    gallery: o.GalleryOption = None,
    model: o.Model = "sface",
) -> None:
    """Give a subject another name."""
    with o.open_people(gallery, model) as people:
        people.rename(subject, name)


@app.command("tag")
def tag_subject(
    subject: SubjectName,
    tags: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="KEY= removes a tag.")],
    gallery: o.GalleryOption = None,
    model: o.Model = "sface",
) -> None:
    """Set tags of a subject."""
    with o.open_people(gallery, model) as people:
        people.tag(subject, o.tags_of(tags))


@app.command("export")
def export(
    target: Annotated[Path, typer.Argument(metavar="FILE")],
    gallery: o.GalleryOption = None,
    model: o.Model = "sface",
) -> None:
    """Write everything to one portable file."""
    with o.open_people(gallery, model) as people:
        count = people.export_to(target)
    note(f"{counted(count, 'template')} written to {target}")


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE")],
    gallery: o.GalleryOption = None,
    model: o.Model = "sface",
) -> None:
    """Add everything from an exported file: all of it or nothing."""
    with o.open_people(gallery, model, new=True) as people:
        count = people.import_from(source)
    note(f"{counted(count, 'template')} added")


app.command("copy")(gallery_copy.copy)
app.command("doctor")(gallery_doctor.doctor)


@app.command("cluster")
def cluster(
    gallery: o.GalleryOption = None,
    target_fmr: o.TargetFmr = None,
    threshold: o.Threshold = None,
    model: o.Model = "sface",
    json: o.Json = False,
) -> None:
    """Group the faces of a gallery by person, the largest group first; faces of one photo stay apart."""
    from twinlens.recognizer import clusters_of
    from twinlens.score import CLUSTER_FMR, Policy, verification_bar
    from twinlens.zoo import find_card

    policy = Policy(target_fmr=CLUSTER_FMR if target_fmr is None else target_fmr, threshold=threshold)
    bar = verification_bar(find_card(model), policy)
    with o.open_people(gallery, model) as people:
        for number, found in enumerate(clusters_of(people, bar.threshold), 1):
            record = {"cluster": number, "members": list(found.members), "cohesion": found.cohesion}
            emit(record, f"{number:>4}  {len(found.members):>4}  {', '.join(found.members)}", as_json=json)
