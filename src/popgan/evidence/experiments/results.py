"""All results of experiments under one roof; each kind has a file of its own."""

from __future__ import annotations

from popgan.evidence.experiments.ablation_results import (
    AblationResult as AblationResult,
)
from popgan.evidence.experiments.ablation_results import (
    AnovaRow as AnovaRow,
)
from popgan.evidence.experiments.ablation_results import (
    Contrast as Contrast,
)
from popgan.evidence.experiments.ablation_results import (
    FactorEffect as FactorEffect,
)
from popgan.evidence.experiments.ablation_results import (
    Factorial as Factorial,
)
from popgan.evidence.experiments.ablation_results import (
    Replicate as Replicate,
)
from popgan.evidence.experiments.ablation_results import (
    Variant as Variant,
)
from popgan.evidence.experiments.search_results import (
    Candidate as Candidate,
)
from popgan.evidence.experiments.search_results import (
    Finals as Finals,
)
from popgan.evidence.experiments.search_results import (
    Point as Point,
)
from popgan.evidence.experiments.search_results import (
    Purpose as Purpose,
)
from popgan.evidence.experiments.search_results import (
    Result as Result,
)
from popgan.evidence.experiments.search_results import (
    SearchSpace as SearchSpace,
)
from popgan.evidence.experiments.search_results import (
    Setting as Setting,
)
from popgan.evidence.experiments.search_results import (
    Spread as Spread,
)
from popgan.evidence.experiments.search_results import (
    State as State,
)
from popgan.evidence.experiments.search_results import (
    Trial as Trial,
)
from popgan.evidence.experiments.search_results import (
    TuneResult as TuneResult,
)
from popgan.evidence.experiments.search_results import (
    Value as Value,
)
from popgan.evidence.experiments.sensitivity_results import (
    Importance as Importance,
)
from popgan.evidence.experiments.sensitivity_results import (
    Pair as Pair,
)
from popgan.evidence.experiments.sensitivity_results import (
    Sensitivity as Sensitivity,
)
from popgan.evidence.experiments.sensitivity_results import (
    Slice as Slice,
)
