"""Effects of a two-level design: what each part is worth on average over the others, and in pairs.

An effect is the mean KID where a factor is on minus that where it is off; of two factors, the mean
where both are alike minus that where they differ. They come from least squares with the seed as a
block, so trainings may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.experiments.designs import aliases, resolution
from popgan.evidence.experiments.results import FactorEffect, Factorial, Replicate
from popgan.evidence.readers.holm import holm
from popgan.wording import counted

Floats = NDArray[np.float64]
Name = tuple[str, ...]
Cells = Mapping[str, Mapping[str, bool]]
LEVEL = 0.95
_ROUNDING = 1e-8


@dataclass(frozen=True)
class _Fit:
    """Least squares of some effects, with the seed as a block.

    Attributes:
        found: effect, low, high and p of each that can be told.
        lost: those that are mixed with others where cells are missing.
        rest: sum of squares that is left; freedom: its degrees.
    """

    found: dict[Name, tuple[float, float, float, float]]
    lost: list[Name]
    rest: float
    freedom: int


def factorial(
    factors: Sequence[str],
    cells: Cells,
    runs: Sequence[Replicate],
    seeds: Sequence[int] = (),
) -> Factorial:
    """Effects of all factors and pairs, with Holm's correction over them.

    Of pairs that the design cannot tell apart, the first stands for all and names the others.

    Args:
        factors: in the order that the design was made with.
        cells: variant to {factor: on or off}, the settings of `designs.design(factors)`.
        runs: of them; those of other variants are left out.
        seeds: that every cell was to be trained with, besides those of the runs.
    """
    own = [run for run in runs if run.variant in cells]
    known = [run for run in own if run.kid is not None]
    found, assumed, note = _effects(chains(factors), cells, known)
    adjusted = holm([p for *_, p in found.values()])
    scored = {run.variant for run in known}
    return Factorial(
        factors=list(factors),
        resolution=resolution(factors),
        cells=len(cells),
        missing=len(cells) * len({*seeds, *(run.seed for run in own)}) - len(known),
        lost=[name for name in cells if name not in scored],
        effects=[
            FactorEffect(
                factors=list(name),
                effect=effect,
                low=low,
                high=high,
                p=p,
                p_holm=corrected,
                aliases=aliases(factors, name),
                assumed=name in assumed,
            )
            for (name, (effect, low, high, p)), corrected in zip(
                found.items(), adjusted, strict=True
            )
        ],
        note=note,
    )


def chains(factors: Sequence[str]) -> list[Name]:
    """Main effects and one pair of each set of aliases."""
    mains: list[Name] = [(name,) for name in factors]
    chains, taken = mains, {frozenset(name) for name in mains}
    for pair in combinations(factors, 2):
        alike = {frozenset(pair), *map(frozenset, aliases(factors, pair))}
        if not alike & taken:
            chains.append(pair)
            taken.add(frozenset(pair))
    return chains


def untold(names: Sequence[Name], cells: Cells) -> list[Name]:
    """Effects that cannot be told from each other or the mean by these cells, all others none."""
    if not cells:
        return list(names)
    model = np.array([[1.0, *(_sign(cell, name) for name in names)] for cell in cells.values()])
    mixed = _mixed(model, np.linalg.pinv(model, rcond=_ROUNDING))
    return [name for name, much in zip(names, mixed[1:], strict=True) if much]


def _effects(
    names: Sequence[Name], cells: Cells, runs: Sequence[Replicate]
) -> tuple[dict[Name, tuple[float, float, float, float]], list[Name], str]:
    """Effects by name, which of them rest on an assumption, and why others have none."""
    if not runs:
        return {}, [], "no training has a score"
    whole = _fit(names, cells, runs)
    # Also of a design that has lost cells: what pairs leave of a single seed is no measure of
    # chance, which a whole design with one seed would not be granted either.
    if whole.freedom < 1:
        return {}, [], "so few trainings leave nothing to tell effects from chance"
    if not whole.lost:
        return whole.found, [], ""
    # Without the pairs that cannot be told, and with those that can: no less is assumed by any
    # model that can tell the main effects. What is left of it has those pairs in it, so if the
    # assumption is wrong, intervals are wider.
    fewer = _fit([n for n in names if len(n) == 1 or n in whole.found], cells, runs)
    assumed = [name for name in whole.lost if name in fewer.found]
    # What can be told without the assumption stays as it is.
    known = {**fewer.found, **whole.found}
    found = {name: known[name] for name in names if name in known}
    return found, assumed, _note([n for n in whole.lost if n not in found], assumed, whole, fewer)


def _note(lost: Sequence[Name], assumed: Sequence[Name], whole: _Fit, fewer: _Fit) -> str:
    """Which effects are untold, which rest on an assumption, and whether trainings refute it."""
    many = counted(len(lost), "effect", "effects")
    parts = [f"missing trainings leave {many} untold: {_listed(lost)}"] if lost else []
    if assumed:
        parts.append(
            f"{counted(len(assumed), 'main effect is', 'main effects are')} told on the assumption "
            "that the interactions untold are none"
        )
        parts.append(_refuted(whole, fewer))
    return "; ".join(parts)


def _refuted(whole: _Fit, fewer: _Fit) -> str:
    """Lack of fit: whether cells differ by more than chance from what the assumption leaves."""
    from scipy.special import fdtrc

    terms = fewer.freedom - whole.freedom
    chance = whole.rest / whole.freedom
    if terms < 1 or chance <= 0:
        return "whether that is so, these trainings cannot say"
    p = float(fdtrc(terms, whole.freedom, max(0.0, fewer.rest - whole.rest) / terms / chance))
    test = f"lack of fit, p = {p:.2g}"
    if p <= 1 - LEVEL:
        return f"the trainings speak against it ({test}), so these effects are rough"
    return f"the trainings do not speak against it ({test}), which does not prove it"


def _fit(names: Sequence[Name], cells: Cells, runs: Sequence[Replicate]) -> _Fit:
    """Effects of these names, all others taken as none."""
    from scipy.special import stdtr, stdtrit

    seeds = sorted({run.seed for run in runs})
    blocks = np.array([[float(run.seed == seed) for seed in seeds] for run in runs])
    signs = np.array([[_sign(cells[run.variant], name) for name in names] for run in runs])
    model = np.concatenate([blocks, signs], axis=1)
    values = np.array([run.kid for run in runs], np.float64)
    inverse = np.linalg.pinv(model, rcond=_ROUNDING)
    freedom = len(runs) - int(np.linalg.matrix_rank(model))
    weights = inverse @ values
    rest = float(((values - model @ weights) ** 2).sum())
    if freedom < 1:
        return _Fit({}, list(names), rest, freedom)
    mixed = _mixed(model, inverse)[len(seeds) :]
    errors = np.sqrt((inverse**2).sum(axis=1) * rest / freedom)
    wide = float(stdtrit(freedom, (1 + LEVEL) / 2))
    found = {}
    for i, name in enumerate(names, start=len(seeds)):
        if mixed[i - len(seeds)]:
            continue
        # The levels are 2 apart: -1 and +1.
        effect, error = 2 * float(weights[i]), 2 * float(errors[i])
        size = abs(effect) / error if error > 0 else np.inf if effect else 0.0
        p = min(1.0, 2 * float(stdtr(freedom, -size)))
        found[name] = (effect, effect - wide * error, effect + wide * error, p)
    return _Fit(found, [name for name in names if name not in found], rest, freedom)


def _mixed(model: Floats, inverse: Floats) -> list[bool]:
    """Of each coefficient, whether it is mixed with others."""
    gap = np.abs(inverse @ model - np.eye(model.shape[1])).max(axis=1)
    return [bool(much > _ROUNDING**0.5) for much in gap]


def _listed(names: Sequence[Name]) -> str:
    return ", ".join(" x ".join(name) for name in names)


def _sign(cell: Mapping[str, bool], name: Sequence[str]) -> float:
    return float(np.prod([1.0 if cell[factor] else -1.0 for factor in name]))
