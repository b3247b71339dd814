"""Is training still healthy? Judged at every tick from the rows of the log, and from nothing else.

The rows are part of what a resumed run reads back, so it judges as an undisturbed one does. Four
things can go wrong for good:

- a number that is not finite: nothing recovers from it;
- an explosion: gradients a hundred times as large as they used to be, over a whole tick;
- a discriminator that has won: it is always right, and the generator's loss only rises, because a
  saturated discriminator has no gradient to offer;
- a collapse: the generator draws one image, whatever the latent vector.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
SATURATING = ("logistic", "rpgan")
PATIENCE = 3  # ticks in a row before a saturated discriminator or a collapse is believed
ONE_IMAGE = 0.05
"""Variety (see `variety`) below which a generator draws one image. Healthy runs stayed above
0.5 in all their ticks."""
GRACE = 0.1  # share of training in which sameness is no sign: every generator begins so

NOT_FINITE, EXPLODED, SATURATED, COLLAPSED = range(4)
_ADVICE = {
    NOT_FINITE: "halve train.lr_generator and train.lr_discriminator, or set train.precision=fp32",
    EXPLODED: "halve train.lr_generator and train.lr_discriminator, or double train.gamma",
    SATURATED: "double train.gamma, halve train.lr_discriminator, or give more subjects",
    COLLAPSED: "raise train.diversity or train.batch, or halve train.lr_generator",
}


@dataclass(frozen=True)
class Finding:
    """What speaks against a state of training.

    Attributes:
        kind: one of the four.
        text: the same in words, with numbers.
        certain: False: only suspicious so far.
    """

    kind: int
    text: str
    certain: bool = True

    @property
    def advice(self) -> str:
        """What the user can change."""
        return f"{_ADVICE[self.kind]} with --set, and train anew with --restart"


def judge(rows: Sequence[Row], plan: TrainPlan) -> Finding | None:
    """Look at the latest row of a log in the light of those before.

    Args:
        rows: the log so far, the latest last.
        plan: length of the training, and its loss.
    """
    findings = [_not_finite(rows), _exploded(rows), _collapsed(rows, plan.images)]
    if plan.loss in SATURATING:
        findings.append(_saturated(rows))
    there = [finding for finding in findings if finding is not None]
    return max(there, key=lambda finding: finding.certain, default=None)


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
    before = rows[:-1][-HISTORY:]
    if len(before) < LEAST:
        return None
    for name, whose in (("grad_generator", "generator"), ("grad_discriminator", "discriminator")):
        usual, now = median(row[name] for row in before), rows[-1][name]
        if now > EXPLOSION * usual > 0:
            text = f"gradients of the {whose} exploded: {now:.3g}, {now / usual:.0f} times as usual"
            return Finding(EXPLODED, text)
    return None


def _saturated(rows: Sequence[Row]) -> Finding | None:
    sure = _streak(rows, lambda r: min(r["accuracy_real"], r["accuracy_fake"]) >= SURE)
    if sure == 0 or rows[-1]["loss_generator"] < LOST / 2:
        return None
    last = [row["loss_generator"] for row in rows[-PATIENCE - 1 :]]
    rising = len(last) > PATIENCE and all(a < b for a, b in itertools.pairwise(last))
    certain = sure >= PATIENCE and rising and last[-1] > LOST
    return Finding(
        SATURATED,
        f"the discriminator was right about {SURE:.0%} and more of all images for {sure} ticks, "
        f"and the generator's loss is {last[-1]:.3g}",
        certain,
    )


def _collapsed(rows: Sequence[Row], images: int) -> Finding | None:
    late = [row for row in rows if row["images"] >= GRACE * images]
    alike = _streak(late, lambda row: row["variety"] < ONE_IMAGE)
    if alike == 0:
        return None
    text = (
        f"the generator draws nearly one image for {alike} ticks: its samples differ from each "
        f"other {late[-1]['variety']:.3f} times as much as real slices do"
    )
    return Finding(COLLAPSED, text, alike >= PATIENCE)


def _streak(rows: Sequence[Row], holds: Callable[[Row], bool]) -> int:
    """How many of the latest rows in a row fulfil a condition."""
    count = 0
    for row in reversed(rows):
        if not holds(row):
            break
        count += 1
    return count
