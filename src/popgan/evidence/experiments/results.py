"""All results of experiments under one roof; each kind has a file of its own."""

from __future__ import annotations

from popgan.evidence.experiments.ablation_results import (
    AblationResult,
    AnovaRow,
    Contrast,
    FactorEffect,
    Factorial,
    Replicate,
    Variant,
)
from popgan.evidence.experiments.search_results import (
    Candidate,
    Finals,
    Outcome,
    Point,
    Purpose,
    Result,
    SearchSpace,
    Setting,
    Spread,
    State,
    Trial,
    TuneResult,
    Value,
)
from popgan.evidence.experiments.sensitivity_results import (
    Importance,
    Pair,
    Sensitivity,
    Slice,
)

__all__ = [
    "AblationResult",
    "AnovaRow",
    "Candidate",
    "Contrast",
    "FactorEffect",
    "Factorial",
    "Finals",
    "Importance",
    "Outcome",
    "Pair",
    "Point",
    "Purpose",
    "Replicate",
    "Result",
    "SearchSpace",
    "Sensitivity",
    "Setting",
    "Slice",
    "Spread",
    "State",
    "Trial",
    "TuneResult",
    "Value",
    "Variant",
]
