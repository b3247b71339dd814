"""Each variant of an ablation against its base: difference, effect, chance, tests, words.

The seed is the replicate: a variant and its base share their seeds, so their trainings are pairs.
With five pairs an exact test cannot give less than p = 0.0625, so difference and interval lead, and
Student's test is the one that Holm's correction is applied to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.evidence.compare.effects import paired_effect, superiority
from popgan.evidence.experiments.pairing import Difference, Floats, common, difference
from popgan.evidence.experiments.results import Contrast, Replicate, Variant
from popgan.evidence.experiments.words import ends, joined, kid, probability
from popgan.evidence.paired.patients import sign_flip, smallest_p
from popgan.evidence.readers.holm import holm

ALPHA = 0.05
_HOW = {
    "out": "without it",
    "added": "with it",
    "in": "with it alone",
    "bare": "with every part out",
    "paper": "as published",
}
_TRAININGS = "trainings"


@dataclass(frozen=True)
class _Side:
    """A variant's trainings by seed."""

    variant: Variant
    runs: dict[int, Replicate]

    @property
    def failed(self) -> list[Replicate]:
        return [run for run in self.runs.values() if run.kid is None]


@dataclass(frozen=True)
class _Found:
    """A variant and its base on the seeds that both have."""

    variant: _Side
    base: _Side | None
    base_name: str
    own: Floats
    theirs: Floats
    gap: Difference | None


def contrasts(variants: Sequence[Variant], runs: Sequence[Replicate]) -> list[Contrast]:
    """One contrast a variant, in their order, with Holm's correction over all of them.

    The base of a variant is the one that it names; else the bare model for kind "in", and the
    default for all others. The default itself and cells of a factorial design have none: a design
    is analysed as a whole.

    Args:
        variants: with the default, and the bare model where there are variants of kind "in".
        runs: trainings of them in any order; of several with one variant and seed the last counts.
    """
    sides = {
        one.name: _Side(one, {run.seed: run for run in runs if run.variant == one.name})
        for one in variants
    }
    by_kind: dict[str, _Side] = {one.kind: sides[one.name] for one in reversed(variants)}
    found = []
    for one in variants:
        if one.kind not in ("default", "factorial"):
            kind = "bare" if one.kind == "in" else "default"
            base = sides.get(one.base) if one.base else by_kind.get(kind)
            found.append(_found(sides[one.name], base, one.base or kind))
    tested = [one.gap.p for one in found if one.gap and one.gap.p is not None]
    adjusted = iter(holm(tested))
    return [
        _contrast(one, next(adjusted) if one.gap and one.gap.p is not None else None, len(tested))
        for one in found
    ]


def _found(variant: _Side, base: _Side | None, base_kind: str) -> _Found:
    runs = base.runs if base else {}
    seeds = sorted(variant.runs.keys() & runs.keys())
    own, theirs = common([variant.runs[s].kid for s in seeds], [runs[s].kid for s in seeds])
    name = base.variant.name if base else base_kind
    return _Found(variant, base, name, own, theirs, difference(own, theirs))


def _contrast(found: _Found, p_holm: float | None, family: int) -> Contrast:
    gap = found.gap
    common_part = {
        "variant": found.variant.variant.name,
        "base": found.base_name,
        "failed": len(found.variant.failed),
        "words": _words(found, p_holm, family),
    }
    if gap is None:
        names = ("mean", "base_mean", "difference", "low", "high", "g", "worse", "p", "p_exact")
        nothing = dict.fromkeys((*names, "p_exact_least", "p_holm"))
        return Contrast.model_validate({"n": 0, **common_part, **nothing})
    exact = sign_flip(gap.pairs.tolist())
    chance = superiority(found.theirs, found.own, lower_is_better=True, of=_TRAININGS).value
    return Contrast.model_validate(
        {
            **common_part,
            "n": gap.n,
            "mean": float(found.own.mean()),
            "base_mean": float(found.theirs.mean()),
            "difference": gap.mean,
            "low": gap.low,
            "high": gap.high,
            "g": None if gap.alike else paired_effect(gap.pairs, _TRAININGS).value,
            "worse": chance,
            "p": gap.p,
            "p_exact": exact,
            "p_exact_least": None if exact is None else smallest_p(gap.n),
            "p_holm": p_holm,
        }
    )


def _words(found: _Found, p_holm: float | None, family: int) -> str:
    if found.gap is None:
        return _why_nothing(found)
    text = _finding(found.gap, _HOW[found.variant.variant.kind], p_holm, family)
    failed = found.variant.failed
    if failed:
        text += f"; {len(failed)} of {len(found.variant.runs)} trainings failed"
        why = joined(run.reason for run in failed)
        text += f": {why}" if why else ""
    return text


def _finding(gap: Difference, how: str, p_holm: float | None, family: int) -> str:
    size = f"{'worse' if gap.mean > 0 else 'better'} by {kid(abs(gap.mean))}"
    interval = (gap.low, gap.high)
    if gap.mean < 0 and gap.low is not None and gap.high is not None:
        interval = (-gap.high, -gap.low)
    if gap.n == 1:
        return f"one seed shows nothing: {size} {how}"
    if p_holm is None:
        return f"{size} {how} with all {gap.n} seeds alike: no spread to test against"
    if p_holm <= ALPHA:
        return f"{size}{ends(*interval)} {how}"
    if gap.excludes_zero:
        corrected = f"after Holm's correction over {family} contrasts (p {probability(p_holm)})"
        return f"no difference shown {corrected}: {size}{ends(*interval)} {how}"
    return f"no difference shown: {kid(gap.mean)}{ends(gap.low, gap.high)}"


def _why_nothing(found: _Found) -> str:
    variant, count = found.variant.variant, len(found.variant.runs)
    if not count:
        return (
            f"cannot be trained here: {variant.impossible}"
            if variant.impossible
            else ("not trained")
        )
    if len(found.variant.failed) == count:
        why = joined(run.reason for run in found.variant.failed)
        said = "the only training failed" if count == 1 else f"all {count} trainings failed"
        return f"{said}: {why}" if why else said
    return f"nothing to compare with: {found.base_name} has no score with the same seeds"
