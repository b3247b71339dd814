"""Masks: labels of a map that networks draw beside the image, one further channel a label."""

from __future__ import annotations

from pydantic import Field

from popgan.config.section import Section

ALL = "all"
"""What the user says for every label that can be learnt."""
MOST = 16
"""Masks at most: each is a channel of every image, and few pixels would be left for the image."""


class MaskLabel(Section):
    """One label of the cohort's map, with what the rules and the files need to know of it.

    It is drawn as the membership of each pixel: 1 inside, -1 outside. Several labels exclude each
    other, as in the map they come from; the background is where none is drawn.
    """

    value: int = Field(description="of the source's label map; never 0, which is the background")
    name: str = Field(min_length=1, description="for people and for tables of labels")
    slices: int = Field(ge=1, description="training slices that show it")
    left: float = Field(
        ge=0, le=1, description="share of it in the left half of the image, mean over subjects"
    )

    def __str__(self) -> str:
        return f"{self.value}: {self.name}, in {self.slices} training slices"
