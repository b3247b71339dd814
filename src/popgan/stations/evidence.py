"""The stored evidence of a model, and which synthetic images it is about."""

from __future__ import annotations

from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.evidence.fidelity.results import FidelityResult
from popgan.files import read_json
from popgan.seeds import derive
from popgan.stations.model import Model


def evaluation_seed(plan: Plan) -> int:
    """Seed of the images that are measured: not that of the data set that is written, so that
    the evidence concerns the model and not one draw from it.
    """
    return derive(plan.seed, "evaluation") % 2**31


def load_evaluation(model: Model) -> FidelityResult:
    """Read the stored evidence of a model.

    Raises:
        UserError: it has not been evaluated.
    """
    if not model.evaluation_path.exists():
        raise UserError(
            f"model {model.name!r} is not evaluated yet",
            where=model.run,
            do=f"run `popgan evaluate {model.run}` first",
        )
    try:
        return FidelityResult.model_validate(read_json(model.evaluation_path))
    except ValueError as error:
        raise UserError(
            "is not an evaluation of this version", where=model.evaluation_path, do="remove it"
        ) from error
