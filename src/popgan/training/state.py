"""Everything that changes while a GAN trains, in one object with one flat dictionary of tensors.

Random numbers need no state of their own: every draw comes from a generator derived from
(seed, purpose, step), and the sampler's position is the number of images seen.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from popgan.config.training import TrainPlan
from popgan.networks.layers import rate_scales
from popgan.training.growth import annealed
from popgan.training.guard import Guard

SUMS = (
    "loss_generator",
    "loss_discriminator",
    "likeness_gap",
    "reconstruction",
    "penalty",
    "accuracy_real",
    "accuracy_fake",
    "grad_generator",
    "grad_discriminator",
    "broken",
    "steps",
    "penalty_steps",
)
"""What a tick accumulates; "broken" counts updates whose loss or gradient was not finite."""


@dataclass
class TrainState:
    """Networks, their averages and optimisers, and the clock.

    Attributes:
        generator: the generator being trained.
        discriminator: the discriminator being trained.
        average: exponential moving average of the generator; what is exported.
        optimisers: "G" and "D".
        images: real images shown so far; the clock.
        step: steps done so far.
        sums: what the current tick has accumulated for the log.
        extras: further quantities that a recipe keeps from step to step, by name; changed in
            place, or replaced by a tensor of the same shape and kind.
        guard: what training has learnt about itself.
    """

    generator: nn.Module
    discriminator: nn.Module
    average: nn.Module
    optimisers: dict[str, torch.optim.Adam]
    images: int = 0
    step: int = 0
    sums: dict[str, Tensor] = field(default_factory=dict)
    extras: dict[str, Tensor] = field(default_factory=dict)
    guard: Guard = field(default_factory=Guard)

    @classmethod
    def start(
        cls,
        generator: nn.Module,
        discriminator: nn.Module,
        plan: TrainPlan,
        device: torch.device,
        *,
        lazy: Mapping[str, int] | None = None,
        extras: Mapping[str, Tensor] | None = None,
    ) -> TrainState:
        """A state before the first step; the networks are moved to `device`.

        Args:
            generator: the generator with its first weights.
            discriminator: the discriminator with its first weights.
            plan: learning rates and betas.
            device: where training happens.
            lazy: steps between the lazy penalties of "G" and "D", where they have any.
            extras: first values of what the recipe keeps from step to step.
        """
        generator.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        discriminator.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        average = copy.deepcopy(generator).requires_grad_(False).eval()
        lazy = lazy or {}
        optimisers = {
            "G": _adam(generator, plan.lr_generator, plan, lazy.get("G"), device),
            "D": _adam(discriminator, plan.lr_discriminator, plan, lazy.get("D"), device),
        }
        state = cls(generator, discriminator, average, optimisers)
        state.reset_sums(device)
        state.extras = {name: value.clone().to(device) for name, value in (extras or {}).items()}
        state.guard = Guard(micro_batch=plan.micro_batch)
        return state

    def reset_sums(self, device: torch.device) -> None:
        """Forget the current tick's sums."""
        self.sums = {name: torch.zeros((), device=device) for name in SUMS}

    def network(self, name: str) -> nn.Module:
        """The trained network behind "G" or "D"."""
        return self.generator if name == "G" else self.discriminator

    @torch.no_grad()
    def update_average(self, plan: TrainPlan, batch: int) -> None:
        """Move the average towards the generator.

        The half-life is in images and at most `ema_ramp` times the images seen, so that the
        average forgets the random beginning.
        """
        longest = annealed(plan.ema_start, plan.ema_half_life, self.images, plan)
        half_life = min(longest, plan.ema_ramp * self.images)
        keep = 0.5 ** (batch / half_life) if half_life > 0 else 0.0
        averages: list[Tensor] = list(self.average.parameters())
        current: list[Tensor] = list(self.generator.parameters())
        torch._foreach_lerp_(averages, current, 1 - keep)
        # Buffers (a running mean, a filter) are no weights: the average has the latest.
        for mine, latest in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            mine.copy_(latest)

    def tensors(self) -> dict[str, Tensor]:
        """The whole state as a flat dictionary of tensors (no clones)."""
        found: dict[str, Tensor] = {}
        for name in ("generator", "discriminator", "average"):
            for key, value in getattr(self, name).state_dict().items():
                found[f"{name}.{key}"] = value
        for name, optimiser in self.optimisers.items():
            for key, parameter in self.network(name).named_parameters():
                for item, value in optimiser.state.get(parameter, {}).items():
                    found[f"optimiser.{name}.{item}.{key}"] = value
        found |= {f"sum.{name}": value for name, value in self.sums.items()}
        found |= {f"extra.{name}": value for name, value in self.extras.items()}
        return found

    def load(
        self, tensors: dict[str, Tensor], images: int, step: int, guard: Guard | None = None
    ) -> None:
        """Replace the whole state by a stored one.

        Raises:
            KeyError: a tensor is missing.
            RuntimeError: a tensor has another shape.
        """
        for name in ("generator", "discriminator", "average"):
            prefix = f"{name}."
            part = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            getattr(self, name).load_state_dict(part)
        for name, optimiser in self.optimisers.items():
            for key, parameter in self.network(name).named_parameters():
                items = _stored(optimiser, parameter, tensors, f"optimiser.{name}.{{}}.{key}")
                # A parameter that was not trained yet has no entry, even if it has one now.
                optimiser.state.pop(parameter, None)
                if items:
                    optimiser.state[parameter] = items
        for name in self.sums:
            self.sums[name] = tensors[f"sum.{name}"].clone().to(self.sums[name].device)
        for name, value in self.extras.items():
            self.extras[name] = tensors[f"extra.{name}"].clone().to(value.device)
        self.images, self.step = images, step
        self.guard = guard or self.guard


@torch.no_grad()
def _stored(
    optimiser: torch.optim.Adam, parameter: nn.Parameter, tensors: dict[str, Tensor], name: str
) -> dict[str, Tensor]:
    """What an optimiser knew of a parameter, where it wants it; empty where it knew nothing."""
    found: dict[str, Tensor] = {}
    for item in ("step", "exp_avg", "exp_avg_sq"):
        stored = tensors.get(name.format(item))
        if stored is None:
            continue
        if item == "step":
            # A fused optimiser counts steps where it computes, any other one on the CPU.
            device = parameter.device if optimiser.defaults["fused"] else "cpu"
            found[item] = stored.to(device, copy=True)
        else:
            # Memory layout is part of the state: arithmetic follows it.
            found[item] = torch.empty_like(parameter).copy_(stored)
    return found


def _adam(
    network: nn.Module, rate: float, plan: TrainPlan, lazy: int | None, device: torch.device
) -> torch.optim.Adam:
    # A lazily regularised network takes k + 1 steps for k batches, so its learning rate and betas
    # are scaled by k / (k + 1) (Karras et al., 2020).
    ratio = lazy / (lazy + 1) if lazy else 1.0
    # One group of parameters for each scale of the equalised learning rate.
    scales = rate_scales(network)
    optimiser = torch.optim.Adam(
        [{"params": found, "lr": rate * ratio * scale} for scale, found in scales.items()],
        lr=rate * ratio,
        betas=(float(plan.beta1**ratio), float(plan.beta2**ratio)),
        eps=1e-8,
        fused=device.type in ("cpu", "cuda"),
    )
    for group in optimiser.param_groups:
        group["initial_lr"], group["lazy_ratio"] = group["lr"], ratio
    return optimiser
