"""A search and an ablation in report.json: as measured, without what belongs to a machine."""

from __future__ import annotations

from typing import Any

from popgan.evidence.experiments.results import AblationResult, TuneResult
from popgan.report.tuning_words import without_paths

_MACHINES = {"worker"}  # names of hosts
_COUNTS = {"images", "planned"}


def experiment_data(result: TuneResult | AblationResult) -> dict[str, Any]:
    """Plain values; numbers are not rounded.

    Counts of images are fractions, as they are in the training log: a study has hundreds of them,
    and one of six digits could be taken for the number of a patient. Names of hosts and paths in
    reasons are left out.
    """
    data = _shareable(result.model_dump(mode="json"))
    assert isinstance(data, dict)
    return data


def _shareable(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _shareable(item, key) for key, item in value.items() if key not in _MACHINES}
    if isinstance(value, list):
        return [_shareable(item) for item in value]
    if isinstance(value, str):
        return without_paths(value)
    return float(value) if name in _COUNTS and isinstance(value, int) else value
