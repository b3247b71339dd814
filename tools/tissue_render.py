"""Images of phantom tissues, another one every time: random sequence, head, coil, scanner.

Domain randomisation as in SynthSeg (Billot et al., Med Image Anal 86, 2023): a network that has
seen every contrast, resolution and fault that could be learns to look at shapes and at what is
brighter than what. Half of the signals come from the closed forms of `popgan.phantom.signal` with
settings drawn around those in use, most of them T1-weighted; the rest is any grey for any tissue.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from popgan.evidence.tissue.network import SIDE
from popgan.phantom.protocol import Sequence
from popgan.phantom.tissue import tissue

TISSUES = ("wm", "gm", "csf", "bone", "marrow", "fat", "muscle")
WM, GM, CSF, VENTRICLES = 0, 1, 2, 7  # channels of `tissue_slices.py`
SPACING = 1.5  # mm, of its slices
MIX = {"T1w": 0.42, "T2w": 0.12, "PDw": 0.12, "FLAIR": 0.12, "any": 0.22}


def sequence(kind: str, rng: np.random.Generator) -> Sequence:
    """A sequence of a kind of contrast with settings as scanners have them."""
    u = rng.uniform
    if kind == "T2w":
        return Sequence("spin_echo", u(2500, 7000), u(70, 130))
    if kind == "PDw":
        return Sequence("spin_echo", u(2000, 5000), u(8, 35))
    if kind == "FLAIR":
        tr = u(7000, 11000)
        return Sequence("flair", tr, u(80, 140), ti=tr * u(0.25, 0.29))
    if rng.random() < 0.65:
        tr, ti = u(1800, 2500), u(750, 1100)
        return Sequence("mprage", tr, 3, ti=ti, angle=u(7, 12), echo_spacing=7, pulses=160)
    if rng.random() < 0.6:
        return Sequence("spgr", u(8, 25), u(2, 6), angle=u(15, 30))
    return Sequence("spin_echo", u(400, 800), u(8, 18))


def signals(rng: np.random.Generator) -> NDArray[np.float64]:
    """Grey value of each tissue, 0 to 1 for the brain's brightest one."""
    kind = str(rng.choice(list(MIX), p=list(MIX.values())))
    if kind == "any":
        return rng.uniform(0.02, 1.0, len(TISSUES))
    played, field = sequence(kind, rng), float(rng.choice([1.5, 3.0]))
    values = []
    for name in TISSUES:
        factors = np.exp(rng.normal(0, 0.08, 2))
        values.append(abs(played.signal(tissue(name, field=field).scaled(*factors))))
    found = np.array(values)
    found /= found[:3].max()
    found[:3] *= np.exp(rng.normal(0, 0.05, 3))
    found[3:] *= np.exp(rng.normal(0, 0.3, len(found) - 3))
    if rng.random() < 0.2:
        found[TISSUES.index("fat")] *= 0.2  # fat suppression
    return found


def _field(rng: torch.Generator, count: int, nodes: int) -> Tensor:
    """Smooth random fields of unit deviation at their nodes; N x 1 x SIDE x SIDE."""
    coarse = torch.randn((count, 1, nodes, nodes), generator=rng)
    return F.interpolate(coarse, size=(SIDE, SIDE), mode="bicubic", align_corners=True)


def _uniform(rng: torch.Generator, low: float, high: float, count: int) -> Tensor:
    """N x 1 x 1 x 1."""
    return low + (high - low) * torch.rand((count, 1, 1, 1), generator=rng)


def _grid(rng: torch.Generator, shape: tuple[int, int], skull: Tensor) -> Tensor:
    """Where pixels of the new images lie in the slices: turned, scaled, shifted, bent, mirrored."""
    count = len(skull)
    field = torch.where(skull, _uniform(rng, 185, 270, count), _uniform(rng, 145, 250, count))
    scale = field[:, 0, 0, 0] / 2
    angle = torch.randn(count, generator=rng) * 0.12
    mirror = torch.where(torch.rand(count, generator=rng) < 0.5, -1.0, 1.0)
    stretch = torch.exp(0.06 * torch.randn(count, generator=rng))
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    half = torch.tensor([shape[1], shape[0]]) * SPACING / 2  # mm, x and y
    move = torch.randn((count, 2), generator=rng) * 5.0
    rows = [
        torch.stack([mirror * stretch * cos, -sin, move[:, 0]], -1) / half[0],
        torch.stack([mirror * sin, cos / stretch, move[:, 1]], -1) / half[1],
    ]
    grid = F.affine_grid(torch.stack(rows, 1), [count, 1, SIDE, SIDE], align_corners=False)
    bend = torch.cat([_field(rng, count, 7), _field(rng, count, 7)], 1).movedim(1, -1)
    return grid + bend * _uniform(rng, 0, 3.0, count) / half


def _brain_mask(tissues: Tensor, rng: torch.Generator) -> Tensor:
    """The brain as an extraction would outline it, a bit too wide or too narrow; 0 or 1."""
    held = tissues[:, [WM, GM, CSF, VENTRICLES]].sum(1, keepdim=True)
    solid = tissues[:, [WM, GM, VENTRICLES]].sum(1, keepdim=True)
    share = _uniform(rng, 0, 1, len(tissues))
    soft = share * held + (1 - share) * solid
    soft = F.avg_pool2d(soft, 7, 1, 3) if torch.rand(1, generator=rng) < 0.5 else soft
    level = 0.5 + 0.12 * _field(rng, len(tissues), 9) + _uniform(rng, -0.2, 0.35, len(tissues))
    return (soft > level.clamp(0.15, 0.9)).float()


def _inside(tissues: Tensor) -> Tensor:
    """How deep in the brain a pixel lies: 0 at its rim, 1 about 3 cm below it."""
    brain = tissues[:, [WM, GM, CSF, VENTRICLES]].sum(1, keepdim=True)
    small = F.avg_pool2d(brain, 4)
    for _ in range(3):
        small = F.avg_pool2d(small, 9, 1, 4)
    wide = F.interpolate(small, size=(SIDE, SIDE), mode="bilinear")
    return ((wide - 0.6) / 0.4).clamp(0, 1)


def _degrade(images: Tensor, rng: torch.Generator) -> Tensor:
    """Coil, resolution, blur, noise: one strength an image, one size of blur a batch."""
    count = len(images)
    images = images * torch.exp(_uniform(rng, 0, 0.3, count) * _field(rng, count, 4))
    noise = _uniform(rng, 0, 1, count) ** 2 * 0.09
    side = int(torch.tensor([128, 128, 96, 64, 64]).float()[torch.randint(5, (1,), generator=rng)])
    if side < SIDE:
        images = F.interpolate(images, size=(side, side), mode="area")
    sigma = float(torch.rand(1, generator=rng)) ** 1.5 * 1.1 * side / SIDE
    if sigma > 0.2:
        reach = torch.arange(-3, 4) / sigma
        kernel = torch.exp(-(reach**2) / 2)
        kernel = kernel / kernel.sum()
        images = F.conv2d(images, kernel[None, None, None], padding=(0, 3))
        images = F.conv2d(images, kernel[None, None, :, None], padding=(3, 0))
    if torch.rand(1, generator=rng) < 0.7:
        first = images + noise * torch.randn(images.shape, generator=rng)
        images = torch.hypot(first, noise * torch.randn(images.shape, generator=rng))
    if side < SIDE:
        images = F.interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return images


def render(slices: NDArray[np.uint8], seed: int) -> tuple[Tensor, Tensor]:
    """Images and truth of some slices.

    Args:
        slices: N x 9 x H x W of `tissue_slices.py`.
        seed: decides everything random.

    Returns:
        N x 1 x SIDE x SIDE images with background 0; N x SIDE x SIDE classes in the order of
        `popgan.evidence.tissue.network.CLASSES`.
    """
    rng, numbers = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    count = len(slices)
    skull = torch.rand((count, 1, 1, 1), generator=rng) < 0.5
    tissues = torch.from_numpy(slices).float() / 255
    grid = _grid(rng, (slices.shape[2], slices.shape[3]), skull)
    tissues = F.grid_sample(tissues, grid, mode="bilinear", align_corners=False)
    # The atlas is a mean of many people; a power brings the borders of one.
    brain = [WM, GM, CSF, VENTRICLES]
    held = tissues[:, brain].sum(1, keepdim=True)
    sharp = tissues[:, brain] ** _uniform(rng, 1.0, 2.5, count)
    tissues[:, brain] = sharp / sharp.sum(1, keepdim=True).clamp(min=1e-6) * held
    mask = torch.where(skull, torch.ones(1), _brain_mask(tissues, rng))
    truth = torch.zeros((count, SIDE, SIDE), dtype=torch.long)
    order = tissues[:, [CSF, GM, WM, VENTRICLES]]
    shown = (held[:, 0] > 0.5) & (mask[:, 0] > 0.5)
    truth[shown] = (order.argmax(1) + 1)[shown]
    grey = torch.from_numpy(np.stack([signals(numbers) for _ in range(count)])).float()
    grey = torch.cat([grey, grey[:, 2:3], grey[:, 2:3]], 1)[:, :, None, None]  # all fluid alike
    texture = 1 + _uniform(rng, 0, 0.06, count) * F.interpolate(
        torch.randn((count, 9, 43, 43), generator=rng), size=(SIDE, SIDE), mode="bilinear"
    )
    parts = tissues * grey * texture
    # Deep nuclei hold more myelin and iron than cortex: their grey is nearer to white matter's.
    nearer = _uniform(rng, 0, 0.6, count) * _inside(tissues)
    parts[:, GM : GM + 1] += (
        tissues[:, GM : GM + 1] * nearer * (grey[:, WM : WM + 1] - grey[:, GM : GM + 1])
    )
    images = _degrade(parts.sum(1, keepdim=True), rng)
    images = images * torch.where(skull, torch.ones(1), mask)
    power = torch.exp(0.2 * torch.randn((count, 1, 1, 1), generator=rng))
    top = images.amax((2, 3), keepdim=True).clamp(min=1e-6)
    return (images / top) ** power, truth
