"""A network call spread over processes and micro-batches, while the recipe sees the whole batch.

Losses look at whole batches: pairs of real and synthetic images, likenesses of all pairs, an
accuracy around a common mean. Images and logits of a batch are small; what fills a memory and
takes time is inside the networks. So only calls of networks are divided: by rows over processes,
whose results are gathered, and within a process into parts whose inner values are thrown away and
computed a second time on the way back (Chen et al., 2016, arXiv 1604.06174). Draws, augmentation
and losses are done on whole batches in every process, so they are those of one process.

A recipe that calls a network directly is still right, but neither faster nor smaller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from popgan.training.processes import ALONE, Processes

RowFunction = Callable[..., Tensor]
"""Tensors of n rows to a tensor of n rows; no row may depend on rows outside its group."""


@dataclass(frozen=True)
class Spread:
    """How the rows of a batch are divided.

    Attributes:
        processes: who shares the work.
        parts: into how many parts a process divides its rows.
        group: rows that must stay together (minibatch statistics).
    """

    processes: Processes = ALONE
    parts: int = 1
    group: int = 1

    @classmethod
    def of(cls, batch: int, micro: int, group: int, processes: Processes) -> Spread:
        """For steps whose batch is divided into parts of at most `micro` images (0: no limit).

        A discriminator's step has a synthetic image for each real one, so a part is twice as many
        rows there.
        """
        share = batch // processes.count
        return cls(processes, max(1, -(-share // micro)) if micro else 1, group)

    def by_rows(self, function: RowFunction, *inputs: Tensor | None) -> Tensor:
        """`function(*inputs)`, row by row the same, computed in parts.

        Args:
            function: usually a network with its stage. It may be called twice on the same rows,
                so it must draw nothing and change nothing.
            inputs: tensors of equally many rows; None is handed on.

        Returns:
            As many rows as the inputs have.
        """
        count = next(len(x) for x in inputs if x is not None)
        rows = self.processes.rows(count, self.group)
        if rows is None:
            # Rows that cannot be shared are computed by every process.
            return self._local(function, count, inputs)
        share = [None if x is None else x[rows] for x in inputs]
        return self.processes.gather(self._local(function, rows.stop - rows.start, share))

    def _local(self, function: RowFunction, count: int, inputs: Any) -> Tensor:
        size = -(-count // (self.parts * self.group)) * self.group
        bounds = [(start, min(start + size, count)) for start in range(0, count, size)]
        if len(bounds) == 1:
            return function(*inputs)
        if not torch.is_grad_enabled():
            return torch.cat([function(*_cut(inputs, a, b)) for a, b in bounds])
        # Gradients of weights must flow even where no input has one.
        hook = torch.empty(0, requires_grad=True)
        found: Tensor = _Parts.apply(function, bounds, hook, *inputs)
        return found


class _Parts(torch.autograd.Function):
    """Compute in parts without keeping anything; compute again, part by part, for gradients."""

    @staticmethod
    def forward(
        ctx: Any,
        function: RowFunction,
        bounds: list[tuple[int, int]],
        hook: Tensor,
        *inputs: Tensor | None,
    ) -> Tensor:
        """The parts' results, one after the other."""
        kind = next(x.device.type for x in inputs if x is not None)
        ctx.function, ctx.bounds, ctx.given = function, bounds, [x is not None for x in inputs]
        ctx.autocast = (kind, torch.get_autocast_dtype(kind), torch.is_autocast_enabled(kind))
        ctx.save_for_backward(*[x for x in inputs if x is not None])
        return torch.cat([function(*_cut(inputs, a, b)) for a, b in bounds])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """Gradients of weights are added where they belong, those of inputs returned."""
        saved = iter(ctx.saved_tensors)
        inputs = [next(saved) if given else None for given in ctx.given]
        wanted = ctx.needs_input_grad[3:]
        collected: list[list[Tensor]] = [[] for _ in inputs]
        kind, dtype, enabled = ctx.autocast
        for a, b in ctx.bounds:
            part = [
                None if x is None else x.detach()[a:b].requires_grad_(need)
                for x, need in zip(inputs, wanted, strict=True)
            ]
            with torch.enable_grad(), torch.autocast(kind, dtype, enabled=enabled):
                result = ctx.function(*part)
            if result.requires_grad:
                torch.autograd.backward(result, gradients[0][a:b])
            for x, need, found in zip(part, wanted, collected, strict=True):
                if need:
                    assert x is not None
                    found.append(torch.zeros_like(x) if x.grad is None else x.grad)
        given = zip(collected, wanted, strict=True)
        return (None, None, None, *[torch.cat(found) if need else None for found, need in given])


def _cut(inputs: Any, start: int, stop: int) -> list[Tensor | None]:
    return [None if x is None else x[start:stop] for x in inputs]
