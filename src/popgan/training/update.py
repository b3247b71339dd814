"""One update of one network: loss, gradients, optimiser; once more in smaller parts if the memory
is not enough.

Nothing has changed before the optimiser's step but what the loss has added up for the log, and what
the recipe and the generator keep; that is put back. So the update that is done again is the one
that failed.
"""

from __future__ import annotations

import torch

from popgan.config.schema import Plan
from popgan.errors import UserError, is_out_of_memory
from popgan.training.clipping import shorten
from popgan.training.growth import annealed, rate_factor
from popgan.training.phase import Phase, Step
from popgan.training.processes import Processes
from popgan.training.spread import Spread
from popgan.training.state import TrainState

ROOM = "close other programs, or take a smaller --resolution or --set network.channels"
"""What is left to do where no batch is small enough."""


def update(phase: Phase, step: Step) -> None:
    """Run a phase: its gradients from the whole batch, then one step of its optimiser.

    Raises:
        UserError: the memory is not enough, however small the micro-batch, or the batch cannot be
            divided.
    """
    state = step.state
    state.generator.requires_grad_(phase.network == "G")
    state.discriminator.requires_grad_(phase.network == "D")
    while not _backward(phase, step):
        _divide(step)
    network = state.network(phase.network)
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    step.spread.processes.add_up(gradients)
    norm = torch.stack(list(torch._foreach_norm(gradients))).norm().detach()
    state.sums["broken"] += ~torch.isfinite(norm)
    if phase.name.endswith("main"):
        state.sums["grad_generator" if phase.network == "G" else "grad_discriminator"] += norm
    if step.plan.train.clip is not None:
        shorten(gradients, norm, phase.name, state.extras, step.plan.train.clip)
    optimiser = state.optimisers[phase.network]
    _set_rates(optimiser, state, step.plan)
    try:
        optimiser.step()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        # Some weights may have moved already, so this cannot be done again.
        raise UserError("the memory is not enough for the optimiser", do=ROOM) from error
    optimiser.zero_grad(set_to_none=True)


def _set_rates(optimiser: torch.optim.Adam, state: TrainState, plan: Plan) -> None:
    """Learning rates, and beta2 where it has a start of its own, as they are now."""
    train = plan.train
    for group in optimiser.param_groups:
        group["lr"] = group["initial_lr"] * rate_of(state, plan)
        if train.beta2_start is not None:
            beta2 = annealed(train.beta2_start, train.beta2, state.images, train)
            group["betas"] = (group["betas"][0], beta2 ** group["lazy_ratio"])


def rate_of(state: TrainState, plan: Plan) -> float:
    """What the plan's learning rates are multiplied with now."""
    return rate_factor(state.images, plan.train) * state.guard.rate


def spread_of(plan: Plan, state: TrainState, level: int, processes: Processes) -> Spread:
    """How calls of networks are divided at a level, as far as is known."""
    group = plan.network.minibatch_stddev
    return Spread.of(plan.train.batch, state.guard.at_once(level), group, processes)


def device_of(state: TrainState) -> torch.device:
    """Where the networks are."""
    return next(state.generator.parameters()).device


def _backward(phase: Phase, step: Step) -> bool:
    """Compute the gradients of this process; False if the memory was not enough."""
    state = step.state
    names, values = list(state.sums), list(state.sums.values())
    sums = dict(zip(names, torch._foreach_add(values, 0.0), strict=True))
    extras = {name: value.clone() for name, value in state.extras.items()}
    buffers = [value.clone() for value in state.generator.buffers()]
    bf16 = step.plan.train.precision == "bf16"
    try:
        with torch.autocast(step.reals.device.type, torch.bfloat16, enabled=bf16):
            loss = phase.loss(step)
        # Every process has the whole loss; their gradients are added up.
        (loss / step.spread.processes.count).backward()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        state.sums, state.extras = sums, extras
        for value, before in zip(state.generator.buffers(), buffers, strict=True):
            value.copy_(before)
        for network in (state.generator, state.discriminator):
            network.zero_grad(set_to_none=True)
        return False
    return True


def _divide(step: Step) -> None:
    """Halve what networks see at once, or give up."""
    state, processes = step.state, step.spread.processes
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    batch, group = step.plan.train.batch, step.plan.network.minibatch_stddev
    if step.plan.network.whole:
        smaller = batch // 2 // group * group
        raise UserError(
            f"the memory is not enough for the batch of {batch} images, and recipe "
            f"{step.plan.recipe} cannot divide it: {step.plan.network.whole}",
            do=f"plan with --set train.batch={smaller} and --restart" if smaller > 1 else ROOM,
        )
    share = batch // processes.count
    level = step.stage.level
    before = min(state.guard.at_once(level) or share, share)
    half = before // 2 // group * group
    if processes.count > 1:
        # The others have this update behind them or wait for it: it cannot be done again alone.
        raise UserError(
            f"the memory is not enough for {before} images at once",
            where=f"process {processes.rank}",
            do=f"plan with --set train.micro_batch={max(group, half)} and --restart",
        )
    if half < 1 or before <= group:
        raise UserError(
            f"the memory is not enough even for {before} images at once",
            do=ROOM,
        )
    text = f"the memory was not enough for {before} images of a batch at once; now it is {half}"
    guard = state.guard.divided(level, step.plan.network.levels, half)
    state.guard = guard.noting(state.images, text)
    step.spread = spread_of(step.plan, state, level, processes)
