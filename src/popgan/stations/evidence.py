"""The stored evidence of a model: which weights it is about, and what was or was not measurable."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.evidence.fidelity.results import FidelityResult
from popgan.evidence.fidelity.verdict import Verdict, verdict
from popgan.evidence.masks import MaskResult
from popgan.evidence.paired.results import PairedResult
from popgan.evidence.paired.verdict import PairedVerdict, paired_verdict
from popgan.evidence.tissue.results import TissueResult
from popgan.files import read_json, write_json
from popgan.seeds import derive
from popgan.stations.model import Model

# Raise when a measure changes, so that old results are not taken for new.
EVIDENCE_VERSION = 5
"""Of measurements of images that a model draws."""
PAIRED_VERSION = 2
"""Of measurements of translations."""
State = Literal["none", "stale", "current"]


class Evaluation(BaseModel):
    """The content of RUN/evaluation/NAME.json.

    Attributes:
        version: of the measurements (`EVIDENCE_VERSION`, or `PAIRED_VERSION` of a translator);
            None in a file of before there was one.
        weights: SHA-256 of the weights that were measured.
        not_measurable: why nothing could be measured, or None.
        fidelity: the measurements; None where there are none.
        paired: those of a model that translates; None likewise.
        masks: measurements of the masks, where the model draws any.
        tissue: those of anatomy, of a model that draws; where they cannot be made it says why.
        choice: how the weights were chosen on the tuning split, if they were; measurements are
            made on the test split, which has no part in it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: int | None = None
    weights: str
    not_measurable: str | None = None
    fidelity: FidelityResult | None = None
    paired: PairedResult | None = None
    masks: MaskResult | None = None
    tissue: TissueResult | None = None
    choice: str = ""

    @model_validator(mode="after")
    def _one_of_them(self) -> Evaluation:
        found = (self.not_measurable, self.fidelity, self.paired)
        if sum(part is not None for part in found) != 1:
            raise ValueError("either measurements of one kind or the reason why there are none")
        return self

    def verdict(self) -> Verdict | PairedVerdict:
        """What it amounts to."""
        if self.paired is not None:
            return paired_verdict(self.paired)
        if self.fidelity is not None:
            return verdict(self.fidelity)
        return Verdict(level="not measurable", sentence=f"Nothing was measured: {self.reason}")

    @property
    def reason(self) -> str:
        """Why nothing could be measured, without the advice that follows it."""
        return (self.not_measurable or "").split("; ")[0].rstrip(".") + "."


def evaluation_seed(plan: Plan) -> int:
    """Seed of the images that are measured: not that of the data set that is written, so that
    the evidence concerns the model and not one draw from it.
    """
    return derive(plan.seed, "evaluation") % 2**31


def save_evaluation(model: Model, evaluation: Evaluation) -> None:
    """Write the evidence of a model, atomically."""
    write_json(model.evaluation_path, evaluation.model_dump(mode="json"))


def load_evaluation(model: Model) -> Evaluation | None:
    """The stored evidence of a model's present weights; None if they were not measured.

    What another version measured does not count either, until `evaluate` has measured anew.

    Raises:
        UserError: the model is not trained, or the file is damaged.
    """
    weights, found = model.weights_hash(), _read(model)
    return found if found is not None and _is_current(model, found, weights) else None


def evaluation_state(model: Model) -> State:
    """Whether there is evidence, and whether it is of the present weights and measures.

    Raises:
        UserError: as in `load_evaluation`.
    """
    weights, found = model.weights_hash(), _read(model)
    if found is None:
        return "none"
    return "current" if _is_current(model, found, weights) else "stale"


def evidence_version(model: Model) -> int:
    """The version that evidence about a model must have."""
    return PAIRED_VERSION if model.plan().translates else EVIDENCE_VERSION


def _read(model: Model) -> Evaluation | None:
    if not model.evaluation_path.exists():
        return None
    try:
        return Evaluation.model_validate(read_json(model.evaluation_path))
    except (UserError, ValidationError) as error:
        raise UserError(
            "is not an evaluation of this version",
            where=model.evaluation_path,
            do="remove it and evaluate again",
        ) from error


def _is_current(model: Model, found: Evaluation, weights: str) -> bool:
    """Evidence about earlier weights, or by other measures, does not speak for these."""
    return found.weights == weights and found.version == evidence_version(model)
