"""The stored comparison of a run's models, and whether it still speaks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.evidence.compare.results import Comparison
from popgan.files import read_json, write_json
from popgan.stations.evidence import PAIRED_VERSION
from popgan.stations.model import Model

COMPARE_VERSION = 2  # raise when a measure changes, so that old results are not taken for new
HOW_TO = "popgan compare RUN"
"""The command that makes one, as a page may show it that must not name the folder."""
State = Literal["none", "stale", "current"]


def comparison_path(run: Path) -> Path:
    """RUN/comparison.json; shareable."""
    return run / "comparison.json"


def save_comparison(run: Path, found: Comparison) -> None:
    """Write it, atomically."""
    write_json(comparison_path(run), found.model_dump(mode="json"))


def load_comparison(run: Path) -> Comparison | None:
    """The comparison of the present weights on the present cohort; None if there is none.

    One that another version made does not count, nor does one whose numbers of translators are of
    evaluations that another version made. Models that were trained since have no part in it, which
    makes it no less true.

    Raises:
        UserError: the file is damaged, or the run holds no cohort.
    """
    found = _read(run)
    return found if found is not None and _current(run, found) else None


def comparison_state(run: Path) -> State:
    """Whether there is a comparison, and whether it is of the present weights, cohort, measures."""
    found = _read(run)
    if found is None:
        return "none"
    return "current" if _current(run, found) else "stale"


def comparable(run: Path) -> list[str]:
    """Names of the trained models of a run: two or more can be compared."""
    return sorted(path.parent.name for path in run.glob("models/*/weights.safetensors"))


def _current(run: Path, found: Comparison) -> bool:
    """Evidence about other weights or patients, or by other measures, does not speak for these."""
    if found.version != COMPARE_VERSION or found.cohort != Cohort.open(run).hash:
        return False
    if found.translators and found.paired_version != PAIRED_VERSION:
        return False
    known = {row.name: row.weights for row in found.models}
    known |= {row.name: row.weights for row in found.translators}
    models = {name: Model(run, name) for name in known}
    return all(
        model.weights_path.exists() and model.weights_hash() == known[name]
        for name, model in models.items()
    )


def _read(run: Path) -> Comparison | None:
    path = comparison_path(run)
    if not path.exists():
        return None
    try:
        return Comparison.model_validate(read_json(path))
    except (UserError, ValidationError) as error:
        raise UserError(
            "is not a comparison of this version", where=path, do="remove it and compare again"
        ) from error
