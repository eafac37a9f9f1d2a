"""Leakage, and where thresholds come from -> what a report says of it."""

from __future__ import annotations

from collections.abc import Sequence

from twinlens.evaluate.leakage.findings import SHOWN, Finding, Kind, Leakage
from twinlens.evaluate.records import Caution
from twinlens.zoo import Calibration, Measurement

SHARED: dict[Kind, str] = {
    "person": "no name",
    "file": "no photo",
    "bytes": "no file of the same bytes",
    "pixels": "no picture of the same pixels",
    "copy": "no nearly identical picture",
    "face": "no face that is alike under two names",
    "pair": "no pair",
}
PICTURES: tuple[Kind, ...] = ("file", "bytes", "pixels", "copy")  # from certain to probable


def cautions_of(leakage: Leakage) -> tuple[Caution, ...]:
    """Return what was found, leaks first, then doubts, then what is clean, then what could not be looked at."""
    found = [
        Caution(finding.level, finding.text, tuple(map(str, finding.examples[:SHOWN])))
        for level in ("leak", "note")
        for finding in leakage.findings
        if finding.level == level
    ]
    clean = shared_nothing(leakage.findings)
    return (
        *found,
        *([Caution("clean", clean)] if clean else []),
        *(Caution("note", f"Not looked at: {reason}.") for reason in leakage.unchecked),
    )


def shared_nothing(findings: Sequence[Finding]) -> str:
    """Say in one sentence what two parts do not share; empty where nothing was compared."""
    dirty = leaking_kinds(findings)
    kinds = [finding.kind for finding in findings if not finding.inside and finding.level == "clean"]
    said = [SHARED[kind] for kind in dict.fromkeys(kinds) if kind in SHARED and kind not in dirty]
    return f"The parts share {', '.join(said)}." if said else ""


def leaking_kinds(findings: Sequence[Finding]) -> frozenset[Kind]:
    """Return the kinds of which nothing clean may be said.

    A kind tells only what those before it have not told: files of the same bytes are the same picture as well.
    """
    leaking: set[Kind] = {finding.kind for finding in findings if finding.level == "leak"}
    leaking.update(*(PICTURES[at:] for at, kind in enumerate(PICTURES) if kind in leaking))
    return frozenset(leaking)


def card_cautions(
    measured: Measurement | None, calibration: Calibration | None, people: frozenset[str]
) -> tuple[Caution, ...]:
    """Say on whom the model's card was measured: a card names its data, not its people."""
    said = []
    for what, source in (("thresholds were measured", measured), ("calibration was fitted", calibration)):
        if source is not None:
            said.append(
                Caution(
                    "note",
                    f"The card's {what} on {source.protocol} ({source.people:,} people). A card names no people: "
                    f"whether some of the {len(people):,} people here are among them cannot be checked by name.",
                )
            )
    return tuple(said)
