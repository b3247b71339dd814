"""What the phases of all recipes do alike: draw, augment, judge, penalise, and keep the books."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

from popgan.augmentation import adaptive
from popgan.augmentation.pipeline import augment
from popgan.config.network import NetworkShape
from popgan.config.schema import Plan
from popgan.device import sent
from popgan.errors import UserError
from popgan.networks.convolution import twice_differentiable
from popgan.networks.layers import dropout_factors
from popgan.objectives.adversarial import accuracy, boundary
from popgan.objectives.penalties import Critic, gradient_penalty
from popgan.training.growth import annealed
from popgan.training.phase import Phase, Step

Shape = TypeVar("Shape", bound=NetworkShape)


def network_of(plan: Plan, kind: type[Shape]) -> Shape:
    """The plan's networks as those of a recipe.

    Raises:
        UserError: the plan has networks of another kind.
    """
    if not isinstance(plan.network, kind):
        raise UserError(
            f"recipe {plan.recipe!r} does not fit network.kind {plan.network.kind!r}",
            do="plan it again with --restart",
        )
    return plan.network


def extras(plan: Plan) -> dict[str, Tensor]:
    """What the state keeps beside the networks: the probability of augmentation."""
    return adaptive.extras(plan.augmentation)


def draw(step: Step, purpose: str) -> Tensor:
    """Synthetic images for the conditions of the real ones."""
    network, stage = step.state.generator, step.stage
    return step.by_rows(
        lambda z, told: network(z, *stage, told), step.latents(purpose), step.condition
    )


def augmented(step: Step, images: Tensor, purpose: str) -> Tensor:
    """Images as the plan augments them, at the state's present strength."""
    strength = step.state.extras[adaptive.PROBABILITY]
    masks = len(step.plan.data.masks)
    return augment(step.plan.augmentation, images, step.rng(purpose), strength, labels=masks)


def judge(step: Step, images: Tensor, purpose: str) -> Tensor:
    """Logits of N images, or of several batches of N in a row, under the step's conditions."""
    told, keep = conditions(step, len(images)), dropout(step, len(images), purpose)
    return step.by_rows(lambda x, c, k: critic(step, c, k)(x), images, told, keep)


def critic(step: Step, told: Tensor | None, keep: Tensor | None) -> Critic:
    """The discriminator at the step's stage, told so and with such features left."""
    return lambda x: step.state.discriminator(x, *step.stage, told, keep)


def conditions(step: Step, count: int) -> Tensor | None:
    """The step's conditions for several batches in a row; None where nothing is told."""
    told = step.condition
    return None if told is None else told.repeat(count // len(told), 1)


def dropout(step: Step, count: int, purpose: str) -> Tensor | None:
    """What dropout multiplies the features of N images with; None where there is none."""
    share = getattr(step.plan.network, "dropout", 0.0)
    if share == 0:
        return None
    width = step.state.discriminator.features
    assert isinstance(width, int)
    return sent(dropout_factors(count, width, share, step.rng(purpose)), step.reals.device)


def account(step: Step, real: Tensor, fake: Tensor, loss: Tensor) -> None:
    """Add a discriminator's step to the log's sums; let the probability of augmentation follow,
    unless it is on a schedule.

    Args:
        step: the step.
        real: N logits of real images, detached.
        fake: N logits of synthetic images, detached.
        loss: adversarial loss, detached.
    """
    kind, sums = step.plan.train.loss, step.state.sums
    right = accuracy(kind, real, fake)
    sums["accuracy_real"] += right[0]
    sums["accuracy_fake"] += right[1]
    sums["loss_discriminator"] += loss
    sums["steps"] += 1
    if step.plan.train.augment_start is not None:
        return
    adaptive.adapt(
        step.plan.augmentation,
        step.state.extras,
        real - boundary(kind, real, fake),
        batch=step.plan.train.batch,
        step=step.index,
    )


def account_penalty(step: Step, penalty: Tensor) -> None:
    """Add a penalty of the discriminator to the log's sums."""
    step.state.sums["penalty"] += penalty.detach()
    step.state.sums["penalty_steps"] += 1


def gamma(step: Step) -> float:
    """Weight of the gradient penalties now, at the level of the step."""
    plan = step.plan.train
    top = step.plan.network.levels - 1
    # A gradient by pixels shrinks with their number: gamma follows the level's area.
    now = annealed(plan.gamma_start, plan.gamma, step.state.images, plan)
    return now * 0.25 ** (top - step.stage.level)


def lazy_penalty(plan: Plan) -> list[Phase]:
    """R1 (and R2) every `penalty_interval` steps at the images that Dmain has seen.

    Dmain leaves them, augmented, in `shared["pair"]`: N real ones, then N synthetic ones.
    """
    if plan.train.gamma == 0:
        return []
    return [Phase("Dreg", "D", plan.train.penalty_interval, _penalise)]


def centred_penalty(step: Step, images: Tensor) -> Tensor:
    """Mean of |d logit / d image|^2 over images that lie in batches in a row."""

    def of_part(part: Tensor, told: Tensor | None, keep: Tensor | None) -> Tensor:
        # The mean of a part, as one value a row: their mean is that of all rows.
        with twice_differentiable():
            return gradient_penalty(critic(step, told, keep), part).expand(len(part))

    count = len(images)
    keep = dropout(step, count, "dropout-reg")
    return step.by_rows(of_part, images, conditions(step, count), keep).mean()


def _penalise(step: Step) -> Tensor:
    plan, pair = step.plan.train, step.shared["pair"]
    images = pair if plan.r2 else pair[: pair.shape[0] // 2]
    # The mean runs over both halves with R2; the published terms are summed.
    penalty = centred_penalty(step, images) * (2 if plan.r2 else 1)
    account_penalty(step, penalty)
    return 0.5 * gamma(step) * plan.penalty_interval * penalty
