"""Searches and ablations as tables for other programs: one CSV a kind of row, whole or absent."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from popgan.evidence.experiments.results import (
    AblationResult,
    Contrast,
    Point,
    Sensitivity,
    Setting,
    Trial,
    TuneResult,
)
from popgan.files import write_text

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TICK = 0.05  # of a trial's images: a rung is measured with the step that passes it
_TRIAL = (
    *("number", "purpose", "state", "reason", "seed", "kid", "error", "coverage"),
    *("coverage_floor", "diversity", "images", "planned", "seconds", "overhead", "worker"),
)
_RUN = ("variant", "kind", "seed", "kid", "reason", "coverage", "diversity", "images", "seconds")
_POINT = ("images", "share", "seconds", "kid", "error")
_SENSITIVITY = ("what", "name", "value", "second", "second_value", "kid", "share", "low", "high",
                "rank_low", "rank_high", "ped")  # fmt: skip
Row = Mapping[str, object]


def write_trials(result: TuneResult, path: Path) -> None:
    """Write trials.csv: every trial with its end, its KID at each rung, and its setting.

    A column `kid_at_0.45` holds the KID at that share of a trial's images, and one such as
    `train.batch` a value; empty: not measured there, or as the starting preset has it.

    Args:
        result: a search; may still be running.
        path: the file, written atomically.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    names = _settings(trial.setting for trial in result.trials)
    names = list(dict.fromkeys([*(one.name for one in result.space), *names]))
    rungs = {f"kid_at_{rung:g}": rung for rung in result.rungs}
    rows = [
        {
            **{name: getattr(trial, name) for name in _TRIAL},
            **{column: _at(trial, rung) for column, rung in rungs.items()},
            **trial.setting,
        }
        for trial in result.trials
    ]
    _write(path, [*_TRIAL, *rungs, *names], rows)


def write_runs(result: AblationResult, path: Path) -> None:
    """Write runs.csv: every training of an ablation with the setting of its variant.

    Args:
        result: an ablation; may still be running.
        path: the file, written atomically.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    variants = {variant.name: variant for variant in result.variants}
    names = _settings(variant.setting for variant in result.variants)
    rows = []
    for run in result.runs:
        variant = variants.get(run.variant)
        own = {"kind": variant.kind, **variant.setting} if variant is not None else {}
        rows.append({**own, **{name: getattr(run, name) for name in _RUN if name != "kind"}})
    _write(path, [*_RUN, *names], rows)


def write_contrasts(result: AblationResult, path: Path) -> None:
    """Write contrasts.csv: every variant against its base, all figures unrounded.

    Args:
        result: an ablation.
        path: the file, written atomically.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    _write(path, list(Contrast.model_fields), [one.model_dump() for one in result.contrasts])


def write_points(result: TuneResult | AblationResult, path: Path) -> None:
    """Write points.csv: KID while training, one row a measurement; the learning curves.

    Args:
        result: either kind.
        path: the file, written atomically.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    if isinstance(result, TuneResult):
        rows = [row for one in result.trials for row in _points({"trial": one.number}, one.points)]
        _write(path, ["trial", *_POINT], rows)
        return
    rows = [
        row
        for one in result.runs
        for row in _points({"variant": one.variant, "seed": one.seed}, one.points)
    ]
    _write(path, ["variant", "seed", *_POINT], rows)


def write_sensitivity(found: Sensitivity, path: Path) -> None:
    """Write sensitivity.csv: importances, trials, predictions and pairs, told apart by `what`.

    Args:
        found: of an ablation.
        path: the file, written atomically.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    rows: list[Row] = [{"what": "importance", **one.model_dump()} for one in found.importances]
    for one in found.slices:
        for what, values, kids in (
            ("trial", one.values, one.kids),
            ("prediction", one.at, one.marginal),
        ):
            pairs = zip(values, kids, strict=True)
            rows += [{"what": what, "name": one.name, "value": v, "kid": kid} for v, kid in pairs]
    for pair in found.pairs:
        names = {"name": pair.first, "second": pair.second}
        rows.append({"what": "pair", **names, "share": pair.share})
        for first, kids in zip(pair.first_at, pair.grid, strict=True):
            for second, kid in zip(pair.second_at, kids, strict=True):
                at = {"value": first, "second_value": second, "kid": kid}
                rows.append({"what": "pair prediction", **names, **at})
    _write(path, _SENSITIVITY, rows)


def _settings(settings: Iterable[Setting]) -> list[str]:
    """Names that any of them holds, in the order in which they come."""
    return list(dict.fromkeys(name for setting in settings for name in setting))


def _at(trial: Trial, rung: float) -> float | None:
    behind = ((one.share - rung, one.kid) for one in trial.points)
    return next((kid for gap, kid in behind if -1e-9 <= gap < _TICK), None)


def _points(whose: Row, points: Sequence[Point]) -> list[Row]:
    return [{**whose, **{name: getattr(point, name) for name in _POINT}} for point in points]


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    write_text(path, out.getvalue())


def _cell(value: object) -> str:
    """A value as any program reads it; no text is a formula when a spreadsheet opens the file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    harmful = isinstance(value, str) and text.lstrip(" ").startswith(_FORMULA)
    return f"'{text}" if harmful else text
