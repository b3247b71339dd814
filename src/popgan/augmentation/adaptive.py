"""The probability of augmentation follows the discriminator's overfitting (ADA).

Karras et al. (NeurIPS 2020) watch r = E[sign D(real)], the share of real images that the
discriminator is sure of minus the share that it is not: near 0 it cannot tell, at 1 it knows every
training image. Every few steps the probability p moves up by a fixed small amount if r is above
the target, and down otherwise.

D's sign means something where D decides at zero. A relativistic discriminator is defined up to a
constant, so here r counts on which side of the loss's own `boundary` a real logit lies: for `rpgan`
the middle between the mean logits of real and synthetic images. Two other choices are close at
hand, and both would shift the meaning of the target: for Gaussian logits of unit spread whose
means are d apart, the middle gives r = 2 Phi(d / 2) - 1, just as a logistic discriminator with a
symmetric boundary does; counting above the *mean of the fakes* gives 2 Phi(d) - 1, and counting
*pairs* in the right order 2 Phi(d / sqrt 2) - 1. At the published target 0.6 the first means d =
1.7; the others would call d = 0.8 and 1.2 overfitting already.

p and the running sum are scalars on the device, in `TrainState.extras`: nothing waits for them, and
they are stored and restored with the state.
"""

from __future__ import annotations

import torch
from torch import Tensor

from popgan.config.augmentation import AugmentationPlan

PROBABILITY, SIGNS = "augment_p", "augment_signs"
LIMIT = 0.8
"""Highest p. Above about 0.85 some transforms leak into samples (Karras et al., 2020)."""


def extras(plan: AugmentationPlan) -> dict[str, Tensor]:
    """What a training state carries for augmentation: p, and for `ada` the sum of signs.

    Methods with a fixed share have it as their p, so that the log can show it.
    """
    if plan.method == "ada":
        return {PROBABILITY: torch.tensor(min(plan.probability, LIMIT)), SIGNS: torch.zeros(())}
    fixed = {"none": 0.0, "affine": plan.probability, "diffaugment": 1.0}
    return {PROBABILITY: torch.tensor(fixed[plan.method])}


def overfitting(margin: Tensor) -> Tensor:
    """r: the mean sign of real logits, measured from the loss's boundary.

    Args:
        margin: N real logits minus `objectives.adversarial.boundary`.

    Returns:
        A scalar in [-1, 1]; a logit that is no number counts as neither.
    """
    # One broken step must not make p NaN for good.
    return margin.detach().float().sign().nan_to_num(0.0).mean()


@torch.no_grad()
def adapt(
    plan: AugmentationPlan, extras: dict[str, Tensor], margin: Tensor, *, batch: int, step: int
) -> None:
    """Count a step's real logits, and move p at the end of each interval; in place.

    Does nothing unless the plan's method is `ada`. p moves by batch * interval / speed thousand
    images and stays within 0 and `LIMIT`.

    Args:
        plan: target, interval and speed.
        extras: of the training state; `augment_p` and `augment_signs` are changed.
        margin: N real logits minus their boundary.
        batch: real images of a whole step.
        step: number of the step, from 0.
    """
    if plan.method != "ada":
        return
    signs = extras[SIGNS].add_(overfitting(margin))
    if (step + 1) % plan.interval:
        return
    amount = batch * plan.interval / (1000 * plan.speed)
    extras[PROBABILITY].add_(amount * (signs / plan.interval - plan.target).sign())
    extras[PROBABILITY].clamp_(0.0, LIMIT)
    signs.zero_()
