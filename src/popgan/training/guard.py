"""What training has learnt about itself: part of the state, so that a resumed run knows it, too.

Everything here is written into checkpoints as JSON and checked when it is read back.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Part = Annotated[int, Field(ge=0)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Event(_Record):
    """Something that happened to a training and that its reader should know.

    Attributes:
        images: when, in images seen.
        text: what, in words.
        planned: whether it was to be expected, and is no trouble.
    """

    images: int = Field(ge=0)
    text: str = Field(max_length=1000)
    planned: bool = False


class Score(_Record):
    """How near the averaged generator was to the tuning split.

    Attributes:
        images: when, in images seen.
        value: kernel distance (KID); of a translator, the mean absolute error.
        without_subjects: the same without each group of tuning subjects.
        without_images: the same without each group of synthetic images; empty where none are drawn.
    """

    images: int = Field(ge=0)
    value: float
    without_subjects: list[float] = Field(max_length=100)
    without_images: list[float] = Field(max_length=100)


class Guard(_Record):
    """The part of the state that is no tensor.

    Attributes:
        micro_batch: images that a network sees at once, at all levels or at each; 0 = the whole
            batch.
        rate: what the plan's learning rates are multiplied with since training was rolled back.
        rollbacks: how often it was.
        back: images seen where training went on after it was.
        good: images seen at the last checkpoint that nothing spoke against, or nothing but a
            suspicion that has lasted (`monitor.Finding.holds`).
        events: what happened.
        scores: snapshots measured so far.
    """

    micro_batch: Part | Annotated[list[Part], Field(max_length=100)] = 0
    rate: float = Field(default=1.0, gt=0, le=1)
    rollbacks: int = Field(default=0, ge=0, le=10)
    back: int = Field(default=0, ge=0)
    good: int = Field(default=0, ge=0)
    events: list[Event] = Field(default=[], max_length=1000)
    scores: list[Score] = Field(default=[], max_length=1000)

    def at_once(self, level: int) -> int:
        """Images that a network sees at once at a level; 0 = the whole batch."""
        known = self.micro_batch
        return known if isinstance(known, int) else known[level]

    def divided(self, level: int, levels: int, images: int) -> Guard:
        """With no more than so many images at once at a level and above, where more is needed.

        Below it, smaller networks and images leave room for as many as before.
        """
        now = [self.at_once(one) for one in range(levels)]
        above = [min(one or images, images) for one in now[level:]]
        return self.model_copy(update={"micro_batch": [*now[:level], *above]})

    def noting(self, images: int, text: str, *, planned: bool = False) -> Guard:
        """With one more event."""
        event = Event(images=images, text=text, planned=planned)
        return self.model_copy(update={"events": [*self.events, event]})
