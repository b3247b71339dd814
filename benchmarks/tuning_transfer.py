"""What matters on each cohort, and whether what is good on one of them is good on another.

The same 40 settings with the same images are trained on three cohorts (`tuning_efficiency.py`). A
rule for a value can claim to hold beyond the cohort it was found on only where these agree: so the
order of the settings is compared between cohorts, the settings that are best on two cohorts are
held against the default on the third, and for every value it is told how much of the variance it
explains on each cohort and where the forest's mean is lowest.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from popgan.evidence.experiments.results import SearchSpace, Sensitivity, Spread, Value
from popgan.evidence.experiments.sensitivity import sensitivity
from popgan.evidence.experiments.spread import spread_of
from popgan.planning.length import LEAST_HALF_LIFE
from popgan.seeds import numpy_rng
from tuning_efficiency import COHORTS, GROUP, recorded

Floats = NDArray[np.float64]
RESAMPLES = 2000
TOP = 3
"""Settings that are taken from other cohorts: one alone may have been lucky."""


def transfer(cells: Mapping[str, Any]) -> dict[str, Any] | None:
    """All of it; None while trainings of two cohorts or more are missing."""
    known = {name: both for name in COHORTS if (both := recorded(cells, name)) is not None}
    if len(known) < 2:
        return None
    kids = {name: _kids(settings) for name, (settings, _) in known.items()}
    default = {name: _kids(own) for name, (_, own) in known.items()}
    spreads = {name: spread_of(own[np.isfinite(own)].tolist()) for name, own in default.items()}
    return {
        "pairs": [_pair(a, b, kids, spreads) for a, b in combinations(known, 2)],
        "everywhere": _everywhere(kids, {name: float(np.nanmean(default[name])) for name in known}),
        "held_out": [_held_out(name, kids, default[name], spreads[name]) for name in known],
        "values": _values(
            cells, {name: settings for name, (settings, _) in known.items()}, spreads
        ),
    }


def _kids(records: list[dict[str, Any]]) -> Floats:
    """NaN where a training has no score."""
    return np.array([np.nan if one["kid"] is None else one["kid"] for one in records], np.float64)


def _pair(
    a: str, b: str, kids: Mapping[str, Floats], spreads: Mapping[str, Spread | None]
) -> dict[str, Any]:
    """Rank correlation of the settings' KIDs on two cohorts; the interval resamples settings."""
    both = np.isfinite(kids[a]) & np.isfinite(kids[b])
    x, y = kids[a][both], kids[b][both]
    rng = numpy_rng(0, f"rank correlation of {a} and {b}")
    drawn = rng.integers(0, len(x), (RESAMPLES, len(x)))
    low, high = np.percentile([_spearman(x[i], y[i]) for i in drawn], (2.5, 97.5))
    # What seeds alone would leave of a perfect agreement.
    ceiling = np.sqrt(_reliable(x, spreads[a]) * _reliable(y, spreads[b]))
    return {
        "cohorts": [a, b],
        "n": len(x),
        "correlation": _spearman(x, y),
        "low": float(low),
        "high": float(high),
        "ceiling": float(ceiling),
    }


def _everywhere(kids: Mapping[str, Floats], default: Mapping[str, float]) -> list[int]:
    """Settings that are below the default on every cohort."""
    below = np.all([own < default[name] for name, own in kids.items()], axis=0)
    return [int(i) for i in np.flatnonzero(below)]


def _spearman(x: Floats, y: Floats) -> float:
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def _reliable(kids: Floats, spread: Spread | None) -> float:
    """Share of the variance between settings that seeds do not explain."""
    return 1.0 if spread is None else max(0.0, 1 - spread.sd**2 / float(kids.var(ddof=1)))


def _held_out(
    name: str, kids: Mapping[str, Floats], default: Floats, spread: Spread | None
) -> dict[str, Any]:
    """On one cohort, the settings whose mean rank is best on the others, and its own default."""
    others = [np.where(np.isfinite(k), k, np.inf) for other, k in kids.items() if other != name]
    order = np.argsort(np.mean([rankdata(one) for one in others], axis=0), kind="stable")
    own = kids[name]
    chosen = [int(i) for i in order if np.isfinite(own[i])][:TOP]
    return {
        "cohort": name,
        "chosen": chosen,
        "kids": [float(own[i]) for i in chosen],
        "ranks": [int((own < own[i]).sum()) + 1 for i in chosen],
        "default": float(np.nanmean(default)),
        "sd": spread.sd if spread else None,
        "best": float(np.nanmin(own)),
        "median": float(np.nanmedian(own)),
        "better_than_default": int((own < np.nanmean(default)).sum()),
        "n": int(np.isfinite(own).sum()),
    }


def _values(
    cells: Mapping[str, Any],
    settings: Mapping[str, list[dict[str, Any]]],
    spreads: Mapping[str, Spread | None],
) -> dict[str, Any]:
    """For every value and cohort: its share of the variance, and where the mean is lowest."""
    space = [SearchSpace.model_validate(one) for one in cells[f"{GROUP}/space"]["value"]]
    space, settings = as_trained(space, settings)
    found: dict[str, Sensitivity] = {
        name: sensitivity(
            [one["setting"] for one in records],
            [one["kid"] for one in records],
            space,
            spreads[name],
        )
        for name, records in settings.items()
    }
    return {
        "r2": {name: [one.r2, one.r2_low, one.r2_high] for name, one in found.items()},
        "default": {one.name: one.default for one in space},
        "rows": {
            one.name: {name: _value(one, sens) for name, sens in found.items()} for one in space
        },
    }


def as_trained(
    space: list[SearchSpace], settings: Mapping[str, list[dict[str, Any]]]
) -> tuple[list[SearchSpace], dict[str, list[dict[str, Any]]]]:
    """Space and settings with one name for what is one plan.

    They were drawn when bounds and default of the half-life were those of a training of 30 days,
    and all shares of it below `LEAST_HALF_LIFE` images are that many images. So is the default's.
    And a buffer that no cohort has the slices for shuffles all of them, as the default's does.
    """
    share, buffer = "preset.ema_share", "train.shuffle_buffer"
    images = [one["images"] for records in settings.values() for one in records]
    shortest = float(f"{LEAST_HALF_LIFE / float(np.median(images)):.3g}")

    def value(name: str, known: Any, default: Any) -> Any:
        if name == share:
            return max(known, shortest)
        return default if name == buffer and known > default else known

    defaults = {one.name: value(one.name, one.default, one.default) for one in space}
    found = []
    for one in space:
        update: dict[str, Any] = {"default": defaults[one.name]}
        if one.low is not None:
            update["low"] = value(one.name, one.low, None)
        else:
            choices = (value(one.name, choice, one.default) for choice in one.choices)
            update["choices"] = list(dict.fromkeys(choices))
        found.append(one.model_copy(update=update))
    return found, {
        cohort: [
            {**one, "setting": {k: value(k, v, defaults[k]) for k, v in one["setting"].items()}}
            for one in records
        ]
        for cohort, records in settings.items()
    }


def _value(one: SearchSpace, found: Sensitivity) -> dict[str, Any]:
    importance = next(i for i in found.importances if i.name == one.name)
    curve = next(s for s in found.slices if s.name == one.name)
    best = int(np.argmin(curve.marginal))
    return {
        "share": importance.share,
        "low": importance.low,
        "high": importance.high,
        "best": curve.at[best],
        "gain": _at(curve.at, curve.marginal, one.default) - curve.marginal[best],
    }


def _at(places: list[Value], marginal: list[float], value: Value | None) -> float:
    """The forest's mean at the place that is nearest to the default."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        numbers = np.array([float(place) for place in places])
        return marginal[int(np.argmin(abs(numbers - float(value))))]
    return marginal[places.index(value)] if value in places else float("nan")


def transfer_lines(cells: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    """The section of the page."""
    found = transfer(cells)
    if found is None:
        return []
    lines = ["## The same settings on several cohorts", ""]
    lines += [
        "Rank correlation of the settings' KIDs (interval: resampled settings; ceiling: what seeds "
        "would leave of a perfect agreement):",
        "",
    ]
    for pair in found["pairs"]:
        a, b = (titles[name] for name in pair["cohorts"])
        lines.append(
            f"- {a} and {b}: {pair['correlation']:.2f} ({pair['low']:.2f} to {pair['high']:.2f}; "
            f"ceiling {pair['ceiling']:.2f}; {pair['n']} settings)"
        )
    lines += ["", f"Settings below the default on each of them: {len(found['everywhere'])}."]
    lines += ["", *_held_out_table(found["held_out"], titles), "", *_values_table(found, titles)]
    return lines


def _held_out_table(rows: list[dict[str, Any]], titles: Mapping[str, str]) -> list[str]:
    lines = [
        f"The {TOP} settings whose mean rank is best on the other cohorts, on the one that had no "
        "say; five trainings of the default beside them:",
        "",
        "| cohort | their KID | their ranks | default, mean (SD) | best | median | settings below "
        "the default |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        sd = "-" if row["sd"] is None else f"{row['sd']:.3f}"
        lines.append(
            f"| {titles[row['cohort']]} | {', '.join(f'{kid:.3f}' for kid in row['kids'])} | "
            f"{', '.join(map(str, row['ranks']))} of {row['n']} | {row['default']:.3f} ({sd}) | "
            f"{row['best']:.3f} | {row['median']:.3f} | {row['better_than_default']} |"
        )
    return lines


def _values_table(found: dict[str, Any], titles: Mapping[str, str]) -> list[str]:
    values = found["values"]
    names = list(values["r2"])
    known = "; ".join(
        f"{titles[name]} {r2:.2f} ({low:.2f} to {high:.2f})"
        for name, (r2, low, high) in values["r2"].items()
    )
    lines = [
        "Share of the variance of a forest's prediction of KID that a value explains (weaker "
        "values come out too small; in brackets scatter, the middle 95 % over resampled settings), "
        "and where the mean over all other values is lowest: how far below the mean at the "
        f"default's place. R2 of the forests on settings they have not seen: {known}.",
        "",
        f"| value | default | {' | '.join(titles[name] for name in names)} |",
        f"| --- | --- | {' | '.join('---' for _ in names)} |",
    ]
    mean = {
        value: np.mean([row[name]["share"] for name in names])
        for value, row in values["rows"].items()
    }
    for value in sorted(mean, key=lambda one: -mean[one]):
        cells = [_value_cell(values["rows"][value][name]) for name in names]
        lines.append(f"| `{value}` | {_shown(values['default'][value])} | {' | '.join(cells)} |")
    return lines


def _value_cell(one: dict[str, Any]) -> str:
    share = f"{one['share']:.0%} ({one['low']:.0%} to {one['high']:.0%})"
    return f"{share}; {_shown(one['best'])}: -{one['gain']:.3f}"


def _shown(value: Value | None) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
