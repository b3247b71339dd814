"""The figures of an ablation: contrasts and effects as forest plots."""

from __future__ import annotations

from collections.abc import Sequence

from popgan.evidence.experiments.results import AblationResult, Contrast, Factorial
from popgan.report.ablation_tables import (
    effect_name,
    effect_places,
    grouped,
    places,
)
from popgan.report.audit_words import p_text
from popgan.report.reader_intervals import IntervalRow, Scale, intervals
from popgan.report.svg import Drawing
from popgan.report.tuning_words import between, cut, listed, shown
from popgan.report.words import PERCENT, number

LEVEL = 0.05
_FAR = 4.0  # a group this many times wider than another gets a figure of its own
Group = tuple[str, Sequence[Contrast]]


def contrast_drawings(result: AblationResult) -> list[Drawing]:
    """Forest plots of the contrasts: one for all groups, or several where one dwarfs others."""
    digits = places(result)
    scales = _on_one_scale(_measured(result))
    return [
        _forest(groups, digits, place, several=len(scales) > 1)
        for place, groups in enumerate(scales)
    ]


def _measured(result: AblationResult) -> list[Group]:
    """Groups without contrasts that came to nothing."""
    found = [
        (title, [c for c in contrasts if c.difference is not None])
        for title, contrasts in grouped(result)
    ]
    return [(title, contrasts) for title, contrasts in found if contrasts]


def size(c: Contrast) -> float:
    """How far it is from its base."""
    return abs(c.difference or 0.0)


def _on_one_scale(groups: Sequence[Group]) -> list[list[Group]]:
    """Groups that can share an axis, the order of the page kept within each."""
    found: list[tuple[float, list[Group]]] = []
    for group in groups:
        reach = max(map(size, group[1]))
        for place, (far, members) in enumerate(found):
            if max(reach, far) <= _FAR * min(reach, far):
                found[place] = (max(reach, far), [*members, group])
                break
        else:
            found.append((reach, [group]))
    return [members for _, members in found]


def _title(titles: Sequence[str]) -> str:
    if len(titles) > 2:
        return "What each part is worth"
    return ", ".join([titles[0], *(f"{title[0].lower()}{title[1:]}" for title in titles[1:])])


def _forest(groups: Sequence[Group], digits: int, place: int, *, several: bool) -> Drawing:
    rows: list[IntervalRow] = []
    for title, contrasts in groups:
        rows.append(IntervalRow(title, heading=True))
        rows += [_row(c, digits) for c in contrasts]
    found = [c for _, contrasts in groups for c in contrasts]
    low, high = _ends(found)
    beyond = any(
        c.low is not None and c.high is not None and (c.low < low or c.high > high) for c in found
    )
    scale = Scale("KID less that of the base", low=low, high=high, reference=0.0, ticks=4)
    alt = "Difference of KID to the base: " + "; ".join(_told(c, digits) for c in found) + "."
    bars = _bars(found)
    arrow = " An arrow: the interval goes on beyond the axis." if beyond else ""
    apart = " Each of these figures has an axis of its own." if several else ""
    return Drawing(
        intervals(rows, scale, f"ablation-forest-{place}", alt),
        _title([title for title, _ in groups]),
        "Right of the dotted line the variant is worse than its base. "
        f"{_bases(groups)} {bars}{arrow}{apart}",
    )


def _bases(groups: Sequence[Group]) -> str:
    """What the variants of each group are held against."""
    bases = {title: sorted({c.base for c in contrasts}) for title, contrasts in groups}
    if len({name for names in bases.values() for name in names}) == 1:
        return f"The base is {next(iter(bases.values()))[0]}."
    told = "; ".join(f"{title.lower()}: {listed(names)}" for title, names in bases.items())
    return f"Bases: {told}."


def _bars(contrasts: Sequence[Contrast]) -> str:
    counts = sorted({c.n for c in contrasts})
    if counts[-1] == 1:
        return "n = 1 seed: single trainings, no interval, and nothing was tested."
    seeds = number(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return (
        f"Bars: 95{PERCENT} intervals, n = {seeds} seeds; p after Holm. Grey dots: no difference "
        "was shown after correction."
    )


def _row(c: Contrast, digits: int) -> IntervalRow:
    note = shown(c.difference, digits, sign=True)
    if c.p_holm is not None:
        note += f" {p_text(c.p_holm)}"
    tone = "synthetic" if is_clear(c) else "muted"
    return IntervalRow(cut(c.variant), c.difference, c.low, c.high, note, tone, named=False)  # type: ignore[arg-type]


def is_clear(c: Contrast) -> bool:
    """Whether a difference was shown, after the correction for their number."""
    return c.p_holm is not None and c.p_holm <= LEVEL


def _told(c: Contrast, digits: int) -> str:
    span = between(c.low, c.high, digits, sign=True)
    words = f"{c.variant} minus {c.base} {shown(c.difference, digits, sign=True)}"
    return f"{words} ({span})" if span else f"{words} (no interval)"


def _ends(contrasts: Sequence[Contrast]) -> tuple[float, float]:
    """Ends of the axis: all differences, and intervals as far as they leave those apart.

    With two or three seeds an interval may be fifty times as wide as all differences together;
    it then ends in an arrow.
    """
    values = [0.0, *(c.difference for c in contrasts if c.difference is not None)]
    reach = 1.5 * max(map(abs, values)) or 0.1
    low = min([*values, *(max(c.low, -reach) for c in contrasts if c.low is not None)])
    high = max([*values, *(min(c.high, reach) for c in contrasts if c.high is not None)])
    margin = 0.06 * (high - low) or 0.1
    return low - margin, high + margin


def effect_drawing(found: Factorial) -> Drawing | None:
    """Main effects and interactions as a forest plot; None without any."""
    if not found.effects:
        return None
    digits = effect_places(found)
    rows: list[IntervalRow] = []
    for size, title in ((1, "One part"), (2, "Two parts together")):
        own = [effect for effect in found.effects if len(effect.factors) == size]
        if own:
            rows.append(IntervalRow(title, heading=True))
        for effect in own:
            clear = effect.p_holm <= LEVEL
            note = f"{shown(effect.effect, digits, sign=True)} {p_text(effect.p_holm)}"
            rows.append(
                IntervalRow(
                    cut(effect_name(effect.factors)),
                    effect.effect,
                    effect.low,
                    effect.high,
                    note,
                    "synthetic" if clear else "muted",
                    named=False,
                )
            )
    told = "; ".join(
        f"{effect_name(e.factors)} {shown(e.effect, digits, sign=True)} "
        f"({between(e.low, e.high, digits, sign=True)})"
        for e in found.effects
    )
    rests = " Some effects rest on the assumption that is named above the figure." \
            if any(e.assumed for e in found.effects) else ""  # fmt: skip
    return Drawing(
        intervals(
            rows,
            Scale("KID with the part less that without", reference=0.0, ticks=4),
            "ablation-effects",
            f"Effects of the design: {told}.",
        ),
        "Effects of the design",
        "Left of the dotted line the part helps. Two together: how much more, or less, both do "
        f"than each by itself. Bars: 95{PERCENT} intervals; p after Holm. Grey dots: no effect was "
        f"shown after correction.{rests}",
    )
