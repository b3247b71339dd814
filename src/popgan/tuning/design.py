"""The factorial part of an ablation: several parts in and out together, so that pairs can be told.

Every cell of the design is a setting of the default. One that is trained anyway, such as the
default itself, is not trained twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from popgan.errors import UserError
from popgan.evidence.experiments.designs import FEWEST, MOST, design
from popgan.evidence.experiments.factorial import chains, untold
from popgan.evidence.experiments.results import Setting, Variant
from popgan.tuning.parts import GROWING
from popgan.tuning.variants import Default, Standing, key_of
from popgan.wording import counted

USUAL = 5

Levels = dict[str, dict[str, bool]]
"""Name of a variant -> which factors it has."""


def factors_of(default: Default, names: Sequence[str]) -> list[Standing]:
    """The parts that the design varies.

    Args:
        default: it is about.
        names: of parts; none takes those that matter most a priori.

    Raises:
        UserError: a part cannot be varied beside the others, or there are too few or too many.
    """
    free = {one.name: one for one in default.varied()}
    if not names:
        # What the default has counts for more than what could be put into it.
        chosen = sorted(free.values(), key=lambda one: not one.present)[:USUAL]
    else:
        for name in names:
            if name not in free:
                raise UserError(f"--factors {name}: {_why(default, name)}", do=_advice(free))
        chosen = [free[name] for name in names]
    if not FEWEST <= len(chosen) <= MOST:
        count = counted(len(chosen), "factor", "factors")
        raise UserError(
            f"a design has {FEWEST} to {MOST} factors, and there are {count}", do=_advice(free)
        )
    return chosen


def design_cells(
    default: Default, factors: Sequence[Standing], others: Sequence[Variant]
) -> tuple[list[Variant], Levels]:
    """Settings to train beside other variants, and which factors each cell has.

    Args:
        default: it is about.
        factors: in the order of the design.
        others: variants that are trained anyway.
    """
    known = {key_of(one.setting): one.name for one in others if not one.impossible}
    cells, levels = [], Levels()
    for cell in design([one.name for one in factors]):
        setting: Setting = {}
        for one in factors:
            on = cell[one.name]
            if on != one.present:
                setting |= one.part.put if on else one.part.out
        name = known.get(key_of(setting))
        if name is None:
            has = [factor for factor, on in cell.items() if on]
            name = f"design: {', '.join(has) or 'none of them'}"
            variant = Variant(name=name, kind="factorial", setting=setting, about="a design's cell")
            cells.append(default.checked(variant))
        levels[name] = cell
    return cells, levels


def doubts(variants: Sequence[Variant], levels: Levels) -> list[str]:
    """What cells that cannot be trained cost the design, in words; none where that is nothing.

    Args:
        variants: all of the study.
        levels: of the design; empty without one.
    """
    stuck = {one.name for one in variants if one.impossible} & levels.keys()
    if not stuck:
        return []
    names = chains(list(next(iter(levels.values()))))
    left = {name: cell for name, cell in levels.items() if name not in stuck}
    lost = untold(names, left)
    if not lost:
        return []
    which = ", ".join(repr(name) for name in levels if name in stuck)
    fewer = [name for name in names if len(name) == 1 or name not in lost]
    gone = untold(fewer, left)
    rough = [name for name in lost if len(name) == 1 and name not in gone]
    text = (
        f"{counted(len(stuck), 'cell', 'cells')} of the design cannot be trained ({which}), so "
        f"{counted(len(lost) - len(rough), 'effect', 'effects')} of {len(names)} cannot be told"
    )
    if rough:
        text += (
            f", and {counted(len(rough), 'main effect', 'main effects')} only on the assumption "
            "that the interactions untold are none"
        )
    return [f"{text}; other --factors may be told all"]


def _why(default: Default, name: str) -> str:
    part = next(one for one in default.parts if one.name == name)
    if part.apart:
        return (
            "cannot be varied beside the physics prior that the default starts from"
            + (", which takes the place of growing" if name == GROWING else "")
            + " (--init scratch)"
        )
    return "cannot be varied here: nothing would change"


def _advice(free: dict[str, Standing]) -> str:
    return f"choose of {', '.join(free)}"
