"""Effects of a two-level design: what each part is worth on average over the others, and in pairs.

An effect is the mean KID where a factor is on minus that where it is off; of two factors, the mean
where both are alike minus that where they differ. They come from least squares with the seed as a
block, so trainings may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.experiments.designs import aliases, resolution
from popgan.evidence.experiments.results import FactorEffect, Factorial, Replicate
from popgan.evidence.readers.holm import holm
from popgan.wording import counted

Floats = NDArray[np.float64]
LEVEL = 0.95
_ROUNDING = 1e-8


def factorial(
    factors: Sequence[str], cells: Mapping[str, Mapping[str, bool]], runs: Sequence[Replicate]
) -> Factorial:
    """Effects of all factors and pairs, with Holm's correction over them.

    Of pairs that the design cannot tell apart, the first stands for all and names the others.

    Args:
        factors: in the order that the design was made with.
        cells: variant to {factor: on or off}, the settings of `designs.design(factors)`.
        runs: of them; those of other variants are left out.
    """
    own = [run for run in runs if run.variant in cells]
    known = [run for run in own if run.kid is not None]
    names = _chains(factors)
    found, note = _effects(names, cells, known)
    adjusted = holm([p for *_, p in found.values()])
    return Factorial(
        factors=list(factors),
        resolution=resolution(factors),
        cells=len(cells),
        missing=len(own) - len(known),
        effects=[
            FactorEffect(
                factors=list(name),
                effect=effect,
                low=low,
                high=high,
                p=p,
                p_holm=corrected,
                aliases=aliases(factors, name),
            )
            for (name, (effect, low, high, p)), corrected in zip(
                found.items(), adjusted, strict=True
            )
        ],
        note=note,
    )


def _chains(factors: Sequence[str]) -> list[tuple[str, ...]]:
    """Main effects and one pair of each set of aliases."""
    mains: list[tuple[str, ...]] = [(name,) for name in factors]
    chains, taken = mains, {frozenset(name) for name in mains}
    for pair in combinations(factors, 2):
        alike = {frozenset(pair), *map(frozenset, aliases(factors, pair))}
        if not alike & taken:
            chains.append(pair)
            taken.add(frozenset(pair))
    return chains


def _effects(
    names: Sequence[tuple[str, ...]],
    cells: Mapping[str, Mapping[str, bool]],
    runs: Sequence[Replicate],
) -> tuple[dict[tuple[str, ...], tuple[float, float, float, float]], str]:
    """Effect, low, high and p of each name, and why others have none."""
    from scipy.special import stdtr, stdtrit

    if not runs:
        return {}, "no training has a score"
    seeds = sorted({run.seed for run in runs})
    blocks = np.array([[float(run.seed == seed) for seed in seeds] for run in runs])
    signs = np.array([[_sign(cells[run.variant], name) for name in names] for run in runs])
    model = np.concatenate([blocks, signs], axis=1)
    values = np.array([run.kid for run in runs], np.float64)
    inverse = np.linalg.pinv(model, rcond=_ROUNDING)
    freedom = len(runs) - int(np.linalg.matrix_rank(model))
    if freedom < 1:
        return {}, "so few trainings leave nothing to tell effects from chance"
    weights = inverse @ values
    rest = values - model @ weights
    # What a coefficient mixes with others where cells are missing; 0 where it is its own.
    mixed = np.abs(inverse @ model - np.eye(model.shape[1])).max(axis=1)
    errors = np.sqrt((inverse**2).sum(axis=1) * float(rest @ rest) / freedom)
    wide = float(stdtrit(freedom, (1 + LEVEL) / 2))
    found, lost = {}, []
    for i, name in enumerate(names, start=len(seeds)):
        if mixed[i] > _ROUNDING**0.5:
            lost.append(" x ".join(name))
            continue
        # The levels are 2 apart: -1 and +1.
        effect, error = 2 * float(weights[i]), 2 * float(errors[i])
        size = abs(effect) / error if error > 0 else np.inf if effect else 0.0
        p = min(1.0, 2 * float(stdtr(freedom, -size)))
        found[name] = (effect, effect - wide * error, effect + wide * error, p)
    many = counted(len(lost), "effect", "effects")
    note = f"missing trainings leave {many} untold: {', '.join(lost)}" if lost else ""
    return found, note


def _sign(cell: Mapping[str, bool], name: Sequence[str]) -> float:
    return float(np.prod([1.0 if cell[factor] else -1.0 for factor in name]))
