"""How wide an interval around a translation must be, learnt from the spread of dropout passes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Calibration(BaseModel):
    """Half width from spread."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
