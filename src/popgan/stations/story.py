"""How a training went, in sentences that travel with its weights."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

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
