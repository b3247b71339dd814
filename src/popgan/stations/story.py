"""What weights say of their training: how it went, in sentences, and of which plan they are."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.stations.model import Model
from popgan.training.tensors import TensorFileError, read_metadata


class Story(BaseModel):
    """The entry "training" of the metadata of exported weights.

    Attributes:
        events: what its reader should know: going back, memory that was not enough.
        choice: which snapshot was exported and why; "" where none was measured.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    events: list[str] = []
    choice: str = ""

    def sentences(self) -> list[str]:
        """All of it, for the model card."""
        chosen = f"The weights are {self.choice}." if self.choice else ""
        last = chosen or "The weights are those at the end of training."
        return [*self.events, last]


def story_of(model: Model) -> Story:
    """How the training of a model's present weights went; empty where the file does not say."""
    try:
        return Story.model_validate_json(read_metadata(model.weights_path).get("training", "{}"))
    except (TensorFileError, ValidationError):
        return Story()


def warn_of_other_plan(model: Model, reporter: Reporter) -> None:
    """Say so where a plan is not the one of the weights beside it, for all that follows names it.

    Weights that say nothing, and plans that cannot be read, are left to those who need them.
    """
    try:
        trained = read_metadata(model.weights_path).get("plan")
        other = trained is not None and trained != model.plan_hash()
    except (TensorFileError, UserError):
        return
    if other:
        reporter.warning(
            f"{model.plan_path} is not the plan that model {model.name!r} was trained by. Where it "
            "was edited, put it back: what is said of the training would be untrue. Where popgan "
            "has become newer since, values may have been added, and the images are the same"
        )
