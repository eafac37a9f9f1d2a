"""What a decision rests on -> sentences, plain values, and a sheet with the two faces and their maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinlens.cli.answers import match_record
from twinlens.cli.output import percent

if TYPE_CHECKING:
    from pathlib import Path

    from twinlens.recognizer import ExplainedPhoto, Explanation

WORTH = 0.005  # similarity: a part of the face whose mean is less says little
NUMBERS = (
    "numbers: by how much the similarity falls, on average, where a place of that part is blotted out; "
    "left and right as seen in the picture"
)


def why_record(explanation: Explanation, target: Path) -> dict[str, object]:
    """Return everything but the maps as plain values."""
    return {
        "sheet": str(target),
        "fmr_at_score": explanation.fmr,
        "fmr_bound": None if explanation.fmr is None else explanation.bound,
        "photos": [
            {
                "photo": photo.source,
                "quality": photo.portrait.quality.score,
                "reasons": list(photo.portrait.quality.reasons),
                "regions": photo.regions,
                "known": None if photo.known is None else match_record(photo.known),
                "impostors": [match_record(match) for match in photo.impostors],
            }
            for photo in explanation.photos
        ],
    }


def why_text(explanation: Explanation, *, searched: bool) -> str:
    """Return it in sentences: how rare the score is, then each photo."""
    lines = [rarity_said(explanation)]
    for photo in explanation.photos:
        first, *others = photo_said(photo, explanation, searched=searched)
        lines += [f"{photo.source}: {first}", *(f"  {line}" for line in others)]
    return "\n".join([*lines, NUMBERS])


def rarity_said(explanation: Explanation) -> str:
    """Say how many strangers are as alike as these two."""
    if explanation.fmr is None:
        return "nobody measured how many strangers are as alike"
    before = {"at": "", "at most": "fewer than ", "at least": "more than "}[explanation.bound]
    rate = percent(explanation.fmr)
    return f"{before}{rate}{' of' if rate.endswith('%') else ''} pairs of strangers are as alike or more"


def photo_said(photo: ExplainedPhoto, explanation: Explanation, *, searched: bool) -> list[str]:
    """Say what is known of one photo: quality, parts of the face, who of the enrolled is near."""
    quality = photo.portrait.quality
    lines = [f"quality {quality.score:.2f}" + "".join(f"; {reason}" for reason in quality.reasons)]
    regions = photo.regions
    for words, kept in (
        ("speaks for one person", [f"{name} {value:+.3f}" for name, value in regions.items() if value >= WORTH]),
        ("speaks against", [f"{name} {value:+.3f}" for name, value in regions.items() if value <= -WORTH]),
        ("says little", [name for name, value in regions.items() if abs(value) < WORTH]),
    ):
        if kept:
            lines.append(f"{words}: {', '.join(kept)}")
    return lines + (_enrolled_said(photo, explanation) if searched else [])


def _enrolled_said(photo: ExplainedPhoto, explanation: Explanation) -> list[str]:
    named = "nobody" if photo.known is None else f"{photo.known.subject} ({photo.known.score:.3f})"
    lines = [f"a search of the gallery names {named}"]
    if not photo.impostors:
        return [*lines, "nobody else is enrolled"]
    lines.append("nearest others: " + ", ".join(f"{match.subject} ({match.score:.3f})" for match in photo.impostors))
    if photo.impostors[0].score >= explanation.decision.score:
        lines.append("somebody else who is enrolled is as near as the other photo, or nearer")
    return lines


def draw_why(explanation: Explanation, headline: str, target: Path, *, searched: bool) -> None:
    """Write the sheet.

    Args:
        explanation: what it shows.
        headline: the answer in a sentence: the verdict up to its first comma, its meaning in brackets at the end.
        target: the file.
        searched: there was a gallery to find impostors in.

    Raises:
        ImageError: the file cannot be written.
    """
    from twinlens.draw import MapTile, map_sheet, save

    left, right = (
        MapTile(
            photo.source,
            photo.portrait.crop,
            photo.importance,
            tuple(photo_said(photo, explanation, searched=searched)),
        )
        for photo in explanation.photos
    )
    first, _, rest = headline.partition(", ")
    figures, _, means = rest.removesuffix(")").rpartition(" (")
    lines = [figures, means, rarity_said(explanation)]
    save(map_sheet(left, right, headline=first.capitalize(), lines=lines), target)
