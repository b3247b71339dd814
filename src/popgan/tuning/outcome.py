"""From the journal to results: states, seed spread, finalists, and the preset that was found."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from popgan import provenance
from popgan.cohort.cohort import Cohort
from popgan.evidence.experiments.choice import Finalist, choose_final
from popgan.evidence.experiments.finalists import DEFAULT, default_kids, finalists
from popgan.evidence.experiments.results import (
    Finals,
    Setting,
    Spread,
    Trial,
    TuneResult,
)
from popgan.evidence.experiments.spread import spread_of
from popgan.stations.experiments import save_result
from popgan.stations.experiments_csv import write_points, write_trials
from popgan.tuning.definition import TICKS, Definition
from popgan.tuning.records import DONE as DONE
from popgan.tuning.scale import limits
from popgan.tuning.storage import FINALS, SEARCH, Storage


def violations(trial: Trial, others: Sequence[Trial]) -> dict[str, float]:
    """By how much a trial breaks what the default keeps; at most 0 where it does not.

    Args:
        trial: complete.
        others: of the study, as far as they are known.
    """
    return _gaps([trial], _default(others))


def _default(trials: Sequence[Trial]) -> list[Trial]:
    """The default's trainings in a search that have a score."""
    return [one for one in trials if one.purpose in DEFAULT and one.kid is not None]


def _gaps(trials: Sequence[Trial], default: Sequence[Trial]) -> dict[str, float]:
    """By how much the means of some trainings lie outside of what the default's set."""
    found = {"coverage": 0.0, "variety": 0.0}
    coverages, varieties = _kept(trials)
    least, (narrow, wide) = _limits(trials, default)
    if coverages:
        found["coverage"] = least - float(np.mean(coverages))
    if varieties:
        mean = float(np.mean(varieties))
        found["variety"] = max(narrow - mean, mean - wide)
    return found


def _limits(trials: Sequence[Trial], default: Sequence[Trial]) -> tuple[float, tuple[float, float]]:
    floors = [one.coverage_floor for one in trials if one.coverage_floor is not None]
    coverages, varieties = _kept(default)
    return limits(coverages, floors[0] if floors else None, varieties)


def _kept(trials: Sequence[Trial]) -> tuple[list[float], list[float]]:
    """Coverage and variety of some trainings, where they are known."""
    coverages = [one.coverage for one in trials if one.coverage is not None]
    return coverages, [one.diversity for one in trials if one.diversity is not None]


def lost(trials: Sequence[Trial], default: Sequence[Trial]) -> str:
    """What trainings of a setting lose against the default's, in words; empty: nothing."""
    gaps, (_, (narrow, _)) = _gaps(trials, default), _limits(trials, default)
    coverage, variety = (float(np.mean(values)) if values else 0.0 for values in _kept(trials))
    words = []
    if gaps["coverage"] > 0:
        words.append(f"loses coverage {coverage:.2f}, at least {coverage + gaps['coverage']:.2f}")
    if gaps["variety"] > 0 and variety < narrow:
        words.append(f"loses variety {variety:.2f}, at least {variety + gaps['variety']:.2f}")
    elif gaps["variety"] > 0:
        words.append(f"is too varied: {variety:.2f}, at most {variety - gaps['variety']:.2f}")
    return "; ".join(words)


def judged(trials: Sequence[Trial]) -> list[Trial]:
    """The same trials, those that break a constraint marked as infeasible."""
    return [_judged(one, trials) if one.state == "complete" else one for one in trials]


def _judged(trial: Trial, others: Sequence[Trial]) -> Trial:
    if trial.purpose in DEFAULT:
        return trial
    words = lost([trial], _default(others))
    return trial.model_copy(update={"state": "infeasible", "reason": words}) if words else trial


def spread(trials: Sequence[Trial]) -> Spread | None:
    """How much a setting varies with its seed; None where none has two values.

    The finals count as well, for what they say of seeds; the search knows the default alone.
    """
    finals: dict[tuple[tuple[str, str], ...], list[float]] = {}
    for one in trials:
        if one.purpose == "final" and one.kid is not None:
            finals.setdefault(_key(one.setting), []).append(one.kid)
    return spread_of(default_kids(trials), list(finals.values()))


def final_settings(search: Sequence[Trial], definition: Definition) -> list[Setting]:
    """What a final trains: the default and the finalists; nothing where there are none.

    Args:
        search: trials of the search, judged; all have ended.
        definition: of the study.
    """
    best = finalists(search, definition.finalists)
    return [{}, *(one.setting for one in best)] if best else []


def finals_expected(search: Sequence[Trial], definition: Definition) -> int:
    """Trainings of the final; as long as the search is not complete, how many there may be.

    Args:
        search: trials of the search as far as it is known, judged.
        definition: of the study.
    """
    if sum(one.state in DONE for one in search) < definition.trials:
        return definition.most_finals
    return len(final_settings(search, definition)) * definition.final_seeds


def finals(
    search: Sequence[Trial], final: Sequence[Trial], definition: Definition
) -> Finals | None:
    """What the final decided; None while it is not complete.

    A search looks at one training of a setting; here the mean coverage and variety of the fresh
    ones are held against those of the default's fresh ones, seed by seed the same.

    Args:
        search: trials of the search, judged.
        final: trials of the final.
        definition: of the study.
    """
    final = [one for one in final if one.purpose == "final"]
    chosen = finalists(search, definition.finalists)
    seeds = sorted({one.seed for one in final})
    known = {(one.seed, _key(one.setting)): one.kid for one in final}
    expected = product(seeds, map(_key, final_settings(search, definition)))
    if not chosen or len(seeds) < definition.final_seeds or not known.keys() >= set(expected):
        return None
    if any(one.state not in DONE for one in final):
        return None

    def values(setting: Setting) -> list[float | None]:
        return [known.get((seed, _key(setting))) for seed in seeds]

    def fresh(setting: Setting) -> list[Trial]:
        alike = [one for one in final if _key(one.setting) == _key(setting)]
        return [one for one in alike if one.kid is not None]

    default = default_kids(search)
    first = Finalist(None, {}, float(np.mean(default)) if default else None, values({}))
    rest = [
        Finalist(
            one.number,
            one.setting,
            one.kid,
            values(one.setting),
            lost(fresh(one.setting), fresh({})),
        )
        for one in chosen
    ]
    return choose_final(seeds, first, rest, spread(search))


def result(storage: Storage, cohort: Cohort) -> TuneResult:
    """Everything that is known of a study now."""
    definition = storage.definition
    search = judged(storage.records(SEARCH))
    final = storage.records(FINALS)
    numbered = [
        one.model_copy(update={"number": len(search) + place}) for place, one in enumerate(final)
    ]
    return TuneResult(
        name=definition.name,
        recipe=definition.recipe,
        preset=definition.preset,
        shape=(cohort.height, cohort.width),
        subjects=len(set(cohort.subjects("train"))),
        slices=len(cohort.indices("train")),
        tuning_subjects=len(set(cohort.subjects("tuning"))),
        tuning_slices=len(cohort.indices("tuning")),
        seconds=definition.seconds,
        rungs=[tick / TICKS for tick in definition.rungs],
        space=[
            one.model_copy(update={"default": definition.default.get(one.name)})
            for one in definition.space
        ],
        cohort=definition.cohort,
        asked=definition.trials,
        trials=[*search, *numbered],
        spread=spread([*search, *final]),
        finals=finals(search, final, definition),
        machine=machine(),
    )


def write_result(found: TuneResult, path: Path) -> None:
    """Write results.json, and beside it trials and learning curves as tables; each is whole."""
    save_result(found, path)
    write_trials(found, path.with_name("trials.csv"))
    write_points(found, path.with_name("points.csv"))


def machine() -> str:
    """Where trials were trained, in words."""
    facts = provenance.machine()
    return f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']:g} GiB"


def _key(setting: Setting) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(value)) for name, value in setting.items()))
