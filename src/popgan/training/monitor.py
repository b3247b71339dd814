"""Is training still healthy? Judged at every tick from the rows of the log, and from nothing else.

The rows are part of what a resumed run reads back, so it judges as an undisturbed one does. Four
things can go wrong for good:

- a number that is not finite: nothing recovers from it;
- an explosion: gradients a hundred times as large as they used to be, over a whole tick;
- a discriminator that has won: it is always right, and the generator's loss is high and does not
  fall, because a saturated discriminator has no gradient to offer;
- a collapse: the generator draws one image, whatever the latent vector.

The last two are believed only if they last. Until then they are suspicions, which are told.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from torch import Tensor

from popgan.config.training import TrainPlan
from popgan.objectives.diversity import pair_correlations
from popgan.training.log import Row

EXPLOSION = 100.0
"""Times the median of the ticks before. In eleven healthy runs of the presets (phantoms, IXI) the
largest factor was 6, changes of level included."""
HISTORY, LEAST = 9, 3  # ticks that make the median
SURE = 0.98  # share of images judged rightly, real ones and synthetic ones
LOST = 8.0
"""Loss of a generator that gets next to no gradient from a saturating loss: the discriminator errs
with probability exp(-8). The same runs stayed
below 4, which is suspicious."""
SCALED = ("logistic", "rpgan")
"""Losses with such a scale. Least squares has none: there a discriminator that is always right
stays a suspicion. A critic's values have none either, and it may be right without harm."""
PATIENCE = 3  # ticks in a row before a saturated discriminator or a collapse is believed
LONG = 2 * PATIENCE
"""Ticks in a row after which a loss that is high and does not fall is believed like one that rises.
"""
ONE_IMAGE = 0.05
"""Variety (see `variety`) below which a generator draws one image. Healthy runs stayed above
0.5 in all their ticks."""
GRACE = 0.1  # share of training in which sameness is no sign: every generator begins so

NOT_FINITE, EXPLODED, SATURATED, COLLAPSED = range(4)
_TOLD = {SATURATED: PATIENCE, COLLAPSED: 1}
"""Ticks after which a suspicion is told: healthy trainings have spells of a sure discriminator, and
none of one image."""
_ADVICE = {
    NOT_FINITE: "halve train.lr_generator and train.lr_discriminator, or set train.precision=fp32",
    EXPLODED: "halve train.lr_generator and train.lr_discriminator, or double train.gamma",
    SATURATED: "halve train.lr_discriminator, raise train.gamma where the recipe has it, or give "
    "more subjects",
    COLLAPSED: "raise train.diversity or train.batch, or halve train.lr_generator",
}


@dataclass(frozen=True)
class Finding:
    """What speaks against a state of training.

    Attributes:
        kind: one of the four.
        text: the same in words, with numbers.
        certain: False: only suspicious so far.
        lasted: ticks in a row.
        open: whether this tick may yet turn out to be one of a training that was lost already.
    """

    kind: int
    text: str
    certain: bool = True
    lasted: int = 1
    open: bool = False

    @property
    def news(self) -> bool:
        """Whether a suspicion is to be told at this tick: once, however long it lasts."""
        return not self.certain and self.lasted == _TOLD[self.kind]

    @property
    def holds(self) -> bool:
        """Whether this tick's checkpoint is none to go back to.

        A suspicion that has outlived the patience is lived with, unless it is open. Else training
        would go back, if something else fails later, to where the suspicion began, however long
        ago.
        """
        return self.certain or self.open or self.lasted < PATIENCE

    @property
    def advice(self) -> str:
        """What the user can change."""
        return f"{_ADVICE[self.kind]} with --set, and train anew with --restart"


def judge(rows: Sequence[Row], plan: TrainPlan, since: int = 0) -> Finding | None:
    """Look at the latest row of a log in the light of those before.

    Args:
        rows: the log so far, the latest last.
        plan: length of the training, and its loss.
        since: images seen where training went on after it had gone back: patience begins anew.
    """
    fresh = [row for row in rows if row["images"] > since]
    findings = [_not_finite(rows), _exploded(rows), _collapsed(fresh, plan.images)]
    if plan.loss != "wgan-gp":
        findings.append(_saturated(fresh, scaled=plan.loss in SCALED))
    there = [finding for finding in findings if finding is not None]
    if not there:
        return None
    worst = max(there, key=lambda finding: (finding.certain, finding.news))
    # One is told of; what another says against this tick's checkpoint counts all the same.
    return replace(worst, open=any(finding.holds for finding in there))


def variety(fakes: Tensor, reals: Tensor) -> float:
    """How much synthetic images differ from each other, as a share of how much real ones do.

    1 - r of the mean pair, r being the correlation of all pixels: 0 for one image repeated.

    Args:
        fakes: N x C x H x W.
        reals: M x C x H x W of the same size.
    """
    apart = [float((1 - pair_correlations(images).double()).mean()) for images in (fakes, reals)]
    return max(0.0, apart[0]) / max(apart[1], 1e-6)


def _not_finite(rows: Sequence[Row]) -> Finding | None:
    broken = rows[-1]["broken"]
    bad = [name for name, value in rows[-1].items() if math.isinf(value)]
    if not broken and not bad:
        return None
    what = f"{broken:.0f} updates" if broken else ", ".join(bad)
    return Finding(NOT_FINITE, f"{what} were not finite (NaN or infinity)")


def _exploded(rows: Sequence[Row]) -> Finding | None:
    # A discriminator that is always right has next to no gradient: no measure for when it errs.
    erring = [row for row in rows[:-1] if not _sure(row)]
    for name, whose, before in (
        ("grad_generator", "generator", rows[:-1][-HISTORY:]),
        ("grad_discriminator", "discriminator", erring[-HISTORY:]),
    ):
        if len(before) < LEAST:
            continue
        usual, now = median(row[name] for row in before), rows[-1][name]
        if now > EXPLOSION * usual > 0:
            text = f"gradients of the {whose} exploded: {now:.3g}, {now / usual:.0f} times as usual"
            return Finding(EXPLODED, text)
    return None


def _saturated(rows: Sequence[Row], *, scaled: bool) -> Finding | None:
    def wins(row: Row) -> bool:
        return _sure(row) and (not scaled or row["loss_generator"] >= LOST / 2)

    lasted = _streak(rows, wins)
    if lasted == 0:
        return None
    text = f"the discriminator was right about {SURE:.0%} and more of all images for {lasted} ticks"
    if scaled:
        text += f", and the generator's loss is {rows[-1]['loss_generator']:.3g}"
    if not scaled:
        return Finding(SATURATED, text, certain=False, lasted=lasted)
    streak = rows[-lasted:]
    certain = _rises(rows, lasted) or _stays(streak)
    lost = rows[-1]["loss_generator"] > LOST and (lasted < LONG or not _falls(streak))
    return Finding(SATURATED, text, certain, lasted, open=lost)


def _sure(row: Row) -> bool:
    """Whether the discriminator was right about nearly all images."""
    return min(row["accuracy_real"], row["accuracy_fake"]) >= SURE


def _rises(rows: Sequence[Row], lasted: int) -> bool:
    """Whether a generator's loss has climbed beyond `LOST`, tick by tick."""
    last = [row["loss_generator"] for row in rows[-PATIENCE - 1 :]]
    rising = len(last) > PATIENCE and all(a < b for a, b in itertools.pairwise(last))
    return lasted >= PATIENCE and rising and last[-1] > LOST


def _stays(streak: Sequence[Row]) -> bool:
    """Whether a loss lies beyond `LOST` and does not fall: by medians, as it may jump."""
    return len(streak) >= LONG and _halves(streak)[1] > LOST and not _falls(streak)


def _falls(streak: Sequence[Row]) -> bool:
    before, late = _halves(streak)
    return late < before


def _halves(streak: Sequence[Row]) -> tuple[float, float]:
    """Median loss of the generator in both halves of a streak of two ticks or more.

    Of a long one those of its end: the longer it is, the less a jump can hide that the loss falls.
    """
    losses = [row["loss_generator"] for row in streak[-2 * HISTORY :]]
    half = len(losses) // 2
    return median(losses[:half]), median(losses[half:])


def _collapsed(rows: Sequence[Row], images: int) -> Finding | None:
    late = [row for row in rows if row["images"] >= GRACE * images]
    alike = _streak(late, lambda row: row["variety"] < ONE_IMAGE)
    if alike == 0:
        return None
    text = (
        f"the generator draws nearly one image for {alike} ticks: its samples differ from each "
        f"other {late[-1]['variety']:.3f} times as much as real slices do"
    )
    return Finding(COLLAPSED, text, alike >= PATIENCE, alike)


def _streak(rows: Sequence[Row], holds: Callable[[Row], bool]) -> int:
    """How many of the latest rows in a row fulfil a condition."""
    count = 0
    for row in reversed(rows):
        if not holds(row):
            break
        count += 1
    return count
