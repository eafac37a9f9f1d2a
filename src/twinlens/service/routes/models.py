"""Models and calibrations at hand, and which of them this service answers with."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from twinlens.service import schemas as s
from twinlens.service.parts import Parts
from twinlens.service.wiring import READ, PartsOf, admitted, refusals
from twinlens.zoo import Calibration, ModelCard, list_calibrations, list_cards, own_calibration

router = APIRouter(prefix="/v1", tags=["models"], dependencies=[Depends(admitted)])


@router.get("/models", dependencies=[READ], responses=refusals())
async def list_models(parts: PartsOf) -> s.ModelList:
    """List the models at hand: licence, training data, how far their error rates were measured."""
    cards = await parts.pool.store(list_cards)
    return s.ModelList(items=[_model(card, parts) for card in cards])


@router.get("/calibrations", dependencies=[READ], responses=refusals())
async def list_all_calibrations(parts: PartsOf) -> s.CalibrationList:
    """List how similarities become probabilities: the model's own card, and what twinlens calibrate saved."""
    return await parts.pool.store(lambda: _calibrations(parts))


def _model(card: ModelCard, parts: Parts) -> s.ModelAnswer:
    in_use = card.name in {parts.recognizer.card.name, parts.recognizer.detector.name}
    measured = parts.card.measured if card.name == parts.card.name else card.measured
    return s.ModelAnswer(
        name=card.name,
        kind=card.kind,
        identity=card.identity,
        summary=card.summary,
        dim=card.dim,
        licence_weights=card.licence_weights,
        training_data=card.training_data,
        in_use=in_use,
        lowest_fmr=measured.points[-1].fmr if measured else None,
    )


def _calibrations(parts: Parts) -> s.CalibrationList:
    force = own_calibration(parts.card, parts.settings.calibration)
    found = [
        _calibration(
            own.calibration,
            own.name,
            own.model,
            own.detector,
            own.made,
            in_use=force is not None and own.name == force.name,
        )
        for own in list_calibrations()[0]
    ]
    for card in list_cards():
        if card.calibration is not None:
            used = force is None and card.name == parts.card.name
            found.insert(0, _calibration(card.calibration, "card", card.identity, None, None, in_use=used))
    return s.CalibrationList(items=found)


def _calibration(
    made: Calibration, name: str, model: str, detector: str | None, at: str | None, *, in_use: bool
) -> s.CalibrationAnswer:
    return s.CalibrationAnswer(
        name=name,
        model=model,
        detector=detector,
        made=at,
        protocol=made.protocol,
        people=made.people,
        genuine=made.genuine,
        impostors=made.impostors,
        cllr=made.cllr,
        ece=made.ece,
        in_use=in_use,
    )
