"""What both real and synthetic images undergo before the discriminator sees them.

Real and synthetic images are transformed alike, differentiably, so that a small training set
cannot be learnt by heart (Karras et al., NeurIPS 2020; Zhao et al., NeurIPS 2020). The transforms
are ones that another scan of another head could show: no 90-degree turns, no inversion, no colour.

Method `ada` applies every transform on its own with the same probability. A generator then has
no way to hide a transform: while the probability stays below about 0.8, the untouched images are
the most common kind of each, and the only images that look right after augmentation are right
before it. Method `affine` moves a fixed share of the images, `diffaugment` shifts and cuts all.

Random numbers are drawn on the CPU, and compared with the probability where the images lie: it may
change on the device in every step without being waited for.

On a CPU, at batch 32 with the networks of `popgan quick`, everything that `ada` has takes 3 to 4 %
of a discriminator's step at 64 pixels and 8 to 9 % at 128, half of it for noise; geometry alone 2
and 4.5 % (`benchmarks/augmentation.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from popgan.augmentation.affine import apply_affine, draw, matrices
from popgan.augmentation.cutout import cut
from popgan.augmentation.diffaugment import shift_and_cut
from popgan.augmentation.intensity import add_noise, change_contrast, change_gain, normal_field
from popgan.config.augmentation import AugmentationPlan

OUTSIDE = -1e4  # pixels; a hole there cuts nothing


@dataclass(frozen=True)
class Transforms:
    """The parameters of `ada` for one batch, on the images' device; None: not in the plan.

    Attributes:
        moved: N, whether `theta` is anything but the identity.
        theta: N x 2 x 3, inverse affine maps.
        gain: N x C factors of signal.
        bend: N x C changes of contrast.
        noise: N x C standard deviations.
        field: seed of the noise.
        centre: N x 2, row and column of the hole in pixels.
        sides: height and width of the hole in pixels.
    """

    moved: Tensor
    theta: Tensor
    gain: Tensor | None
    bend: Tensor | None
    noise: Tensor | None
    field: int
    centre: Tensor | None
    sides: tuple[float, float]


def augment(
    plan: AugmentationPlan,
    images: Tensor,
    rng: torch.Generator,
    strength: Tensor | float,
    *,
    labels: int = 0,
) -> Tensor:
    """Transform a batch by the plan's method.

    Args:
        plan: method and ranges.
        images: N x C x H x W, nominally in [-1, 1], -1 is background.
        rng: CPU source of all randomness; the same state gives the same result.
        strength: `ada`: probability of each transform, a number or a scalar on the images'
            device. The other methods have their own and ignore it.
        labels: how many of the last channels are maps of labels. They undergo geometry only,
            resampled like images: so a channel must hold the membership of one label (-1 no, 1
            yes), never numbers of several, and gets a soft rim where it was moved. Generators
            draw memberships that are soft as well, and need the gradient.

    Returns:
        N x C x H x W; with method "none" the images themselves.
    """
    if plan.method == "none":
        return images
    size = (images.shape[2], images.shape[3])
    if plan.method == "affine":
        return apply_affine(images, draw(plan, images.shape[0], size, rng))
    if plan.method == "diffaugment":
        return shift_and_cut(images, rng, labels=labels)
    shape = (images.shape[0], images.shape[1] - labels, *size)
    return apply(images, draw_transforms(plan, shape, rng, strength, images.device), labels=labels)


def draw_transforms(
    plan: AugmentationPlan,
    shape: tuple[int, int, int, int],
    rng: torch.Generator,
    strength: Tensor | float,
    device: torch.device,
) -> Transforms:
    """Draw what `ada` does to each image of a batch.

    Geometry and the hole are the same for all contrasts of an image; changes of intensity are
    drawn for each contrast, because each has its own gain and noise.

    Args:
        plan: ranges of the transforms.
        shape: N, C without label maps, H, W.
        rng: CPU source of randomness.
        strength: probability of each transform, a number or a scalar on `device`.
        device: where the images lie.
    """
    count, channels, height, width = shape
    # As many numbers whatever the plan: to switch one transform off disturbs no other.
    numbers = torch.rand(count, 11 + 6 * channels, generator=rng)
    field = int(torch.randint(2**62, (), generator=rng))
    numbers = numbers.to(device, non_blocking=True)
    shared, own = numbers[:, :11], numbers[:, 11:].view(count, channels, 6)
    turned, scaled, shifted, holed = (shared[:, :4] < strength).unbind(1)
    # Whether to mirror is a choice of two, so a chosen image is mirrored in half of all cases.
    mirrored = (shared[:, 4] < 0.5 * strength) & plan.flip
    extent = 2 * shared[:, 5:9] - 1
    moved = mirrored
    for chosen, most in ((turned, plan.rotation), (scaled, plan.scale), (shifted, plan.shift)):
        moved = moved | (chosen & (most > 0))
    theta = matrices(
        sign=1.0 - 2.0 * mirrored,
        angle=math.radians(plan.rotation) * extent[:, 0] * turned,
        scale=torch.exp(math.log1p(plan.scale) * extent[:, 1] * scaled),
        # affine_grid measures in half sides, so a shift by a fraction of the side is twice that.
        shift=2 * plan.shift * extent[:, 2:] * shifted[:, None],
        size=(height, width),
    )
    # An unchosen channel gets the middle of each range, which changes nothing.
    on = own[:, :, :3] < strength
    value = torch.where(on, 2 * own[:, :, 3:] - 1, 0.0)
    middle = torch.stack([shared[:, 9] * height, shared[:, 10] * width], 1)
    return Transforms(
        moved=moved,
        theta=theta,
        gain=torch.exp(math.log1p(plan.brightness) * value[:, :, 0]) if plan.brightness else None,
        bend=plan.contrast * value[:, :, 1] if plan.contrast else None,
        noise=plan.noise * value[:, :, 2].abs() if plan.noise else None,
        field=field,
        centre=torch.where(holed[:, None], middle, OUTSIDE) if plan.cutout else None,
        sides=(plan.cutout * height, plan.cutout * width),
    )


def apply(images: Tensor, chosen: Transforms, *, labels: int = 0) -> Tensor:
    """Apply drawn transforms; an image that none was drawn for stays as it is, to the last bit.

    Args:
        images: N x C x H x W.
        chosen: from `draw_transforms`.
        labels: trailing channels that undergo geometry only.
    """
    moved = apply_affine(images, chosen.theta)
    # Where nothing moves, resampling would still round.
    images = torch.where(chosen.moved[:, None, None, None], moved, images)
    image, label = images.split([images.shape[1] - labels, labels], 1)
    if chosen.gain is not None:
        image = change_gain(image, chosen.gain)
    if chosen.bend is not None:
        image = change_contrast(image, chosen.bend)
    if chosen.noise is not None:
        image = add_noise(image, chosen.noise, normal_field(image, chosen.field))
    if chosen.centre is not None:
        image = cut(image, chosen.centre, chosen.sides)
    return torch.cat([image, label], 1) if labels else image
