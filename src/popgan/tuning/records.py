"""A trial as Optuna's journal keeps it, and as a result: how an end is written, and read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState
from pydantic import ValidationError

from popgan.errors import UserError
from popgan.evidence.experiments.results import Trial

FAILED = ("failed", "out of memory")
DONE = ("complete", "infeasible", "pruned", *FAILED)
_STATES = {
    "complete": TrialState.COMPLETE,
    "infeasible": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    # The model of the objective learns nothing from trials that Optuna calls failed.
    "failed": TrialState.PRUNED,
    "out of memory": TrialState.PRUNED,
}
_WORST = 10.0  # of a constraint: more than any loss of coverage and variety together


class EndedError(Exception):
    """Another worker has ended the trial; what this one has come to does not count.

    So it is where a machine was cut off and its lock freed, while it went on.
    """


@contextmanager
def of_its_own() -> Iterator[None]:
    """Write of a trial that this process holds within the block.

    Raises:
        EndedError: another worker has ended it.
    """
    try:
        yield
    except UpdateFinishedTrialError as error:
        raise EndedError(str(error)) from error


def write_end(
    study: optuna.Study, trial: optuna.trial.Trial, record: Trial, violations: Mapping[str, float]
) -> None:
    """Tell Optuna how a trial ended.

    One that could not be trained is ranked behind all others, whatever it came to before.

    Args:
        study: of the trial.
        trial: Optuna's.
        record: how it ended.
        violations: of each constraint, at most 0 where it is kept.

    Raises:
        EndedError: another worker has ended it.
    """
    state = _STATES[record.state]
    kid = record.kid if state == TrialState.COMPLETE else None
    broken = {"trained": _WORST} if record.state in FAILED else {}
    with of_its_own():
        trial.set_user_attr("record", record.model_dump_json())
        # A worker that died just here has written some, and Optuna warns of them.
        known = trial.storage.get_trial(trial._trial_id).constraints
        for name, value in {**violations, **broken}.items():
            if name not in known:
                trial.set_constraint(name, value)
        study.tell(trial, kid, state=state, skip_if_finished=True)


def record_of(frozen: FrozenTrial) -> Trial:
    """A trial as a result; one that runs has only what is known yet.

    So has one whose worker died between its record and its end: whoever takes it over ends it.
    """
    known: dict[str, Any] = frozen.user_attrs
    if "record" in known and frozen.state.is_finished():
        try:
            return Trial.model_validate_json(known["record"])
        except ValidationError as error:
            raise UserError(f"trial {frozen.number} of the journal is damaged") from error
    return Trial(
        number=frozen.number,
        purpose=known.get("purpose", "sampled"),
        setting=known.get("setting", {}),
        seed=int(known.get("seed", 0)),
        state="running" if frozen.state == TrialState.RUNNING else "failed",
    )


def broken_default(reason: str, folder: Path) -> UserError:
    """That a default cannot be trained; nothing of it is written, so that it is tried again.

    A search around it would fail trial by trial.

    Args:
        reason: why, in words.
        folder: of the study.
    """
    return UserError(
        f"the default cannot be trained ({reason.rstrip('.')})",
        where=folder,
        do="see to that and run the same command again, or choose another --preset, or values with "
        "--set, and another --name",
    )
