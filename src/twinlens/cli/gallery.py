"""``twinlens gallery``: who is enrolled; remove, rename, tag, move, check, group."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.exits import Exit
from twinlens.cli.output import emit, note, percent

if TYPE_CHECKING:
    from twinlens.protocols import Gallery

app = typer.Typer(no_args_is_help=True, help="The gallery: list, remove, rename, tag, export, import, doctor, cluster.")
SubjectName = Annotated[str, typer.Argument(metavar="SUBJECT")]


def _open(gallery: str | None, model: str, *, new: bool = False) -> Gallery:
    """Open a gallery without loading a network: its model's name and vector length stand in the card."""
    from twinlens.gallery import open_gallery
    from twinlens.zoo import find_card

    card = find_card(model)
    return open_gallery(o.gallery_place(gallery, new=new), model=card.identity, dim=card.dim)


@app.command("list")
def list_subjects(
    gallery: o.GalleryOption = None, tag: o.Tags = None, model: o.Model = "sface", json: o.Json = False
) -> None:
    """List who is enrolled, with the number of photos and the tags."""
    with _open(gallery, model) as people:
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
    gallery: o.GalleryOption = None,
    model: o.Model = "sface",
    json: o.Json = False,
) -> None:
    """Erase subjects, then read every file of the gallery to prove that no vector is left. Exit code 1: unproven."""
    worst = Exit.YES
    with _open(gallery, model) as people:
        for name in subjects:
            people.templates(name)  # raises for a name that is not there, before anything is erased
        for name in subjects:
            receipt = people.remove(name)
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
                text = f"{name}: removed, but traces remain in {traces}: run twinlens gallery doctor"
            else:
                text = (
                    f"{name}: {receipt.templates} templates erased; none found in {len(receipt.places_checked)} files"
                )
            emit(record, text, as_json=json)
    raise typer.Exit(worst)


@app.command("rename")
def rename(
    subject: SubjectName,
    name: Annotated[str, typer.Argument(metavar="NEW-NAME")],
    gallery: o.GalleryOption = None,
    model: o.Model = "sface",
) -> None:
    """Give a subject another name."""
    with _open(gallery, model) as people:
        people.rename(subject, name)


@app.command("tag")
def tag_subject(
    subject: SubjectName,
    tags: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="KEY= removes a tag.")],
    gallery: o.GalleryOption = None,
    model: o.Model = "sface",
) -> None:
    """Set tags of a subject."""
    with _open(gallery, model) as people:
        people.tag(subject, o.tags_of(tags))


@app.command("export")
def export(
    target: Annotated[Path, typer.Argument(metavar="FILE")],
    gallery: o.GalleryOption = None,
    model: o.Model = "sface",
) -> None:
    """Write everything to one portable file."""
    with _open(gallery, model) as people:
        count = people.export_to(target)
    note(f"{count} templates written to {target}")


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE")],
    gallery: o.GalleryOption = None,
    model: o.Model = "sface",
) -> None:
    """Add everything from an exported file: all of it or nothing."""
    with _open(gallery, model, new=True) as people:
        count = people.import_from(source)
    note(f"{count} templates added")


@app.command("doctor")
def doctor(gallery: o.GalleryOption = None, model: o.Model = "sface", json: o.Json = False) -> None:
    """Check the file, the vectors and the scan index; mend the index if it disagrees."""
    from twinlens.score import Policy, identification_bar
    from twinlens.zoo import find_card

    with _open(gallery, model) as people:
        problems = people.verify_integrity()
        if problems:
            people.rebuild_index()
            left = people.verify_integrity()
        else:
            left = problems
        card = find_card(model)
        bar = identification_bar(card, Policy(), people.count()) if card.measured else None
        record = {
            "subjects": len(people),
            "templates": people.count(),
            "problems": list(problems),
            "left": list(left),
            "threshold": bar and bar.threshold,
            "fpir": bar and bar.fpir,
        }
        lines = [f"{len(people)} subjects, {people.count()} templates"]
        lines += [f"problem: {problem}" for problem in problems]
        lines += ["mended: the index was rebuilt"] if problems and not left else []
        if bar is not None:
            lines.append(f"identification threshold {bar.threshold:.3f}, expected FPIR {percent(bar.fpir)}")
        emit(record, "\n".join(lines), as_json=json)
    raise typer.Exit(Exit.MACHINERY if left else Exit.YES)


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
    with _open(gallery, model) as people:
        for number, found in enumerate(clusters_of(people, bar.threshold), 1):
            record = {"cluster": number, "members": list(found.members), "cohesion": found.cohesion}
            emit(record, f"{number:>4}  {len(found.members):>4}  {', '.join(found.members)}", as_json=json)
