"""A trained translator: the slices of a volume in, the same slices in the target contrast out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from popgan.config.network import TranslatorShape
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.recipes.translation import dropped_at, translate
from popgan.seeds import torch_rng
from popgan.synthesis.sample import load_generator
from popgan.training.loop import threads

BATCH = 8
"""Slices translated at once; always so many, because kernels round differently for other sizes."""


@dataclass(frozen=True)
class Translated:
    """Slices in the target contrast.

    Attributes:
        images: n x H x W float32 in [-1, 1].
        spread: n x H x W float32, standard deviation over passes with dropout in unit intensities
            (a range of 1); None where no passes were asked for.
    """

    images: NDArray[np.float32]
    spread: NDArray[np.float32] | None


class Translator:
    """A generator with what it needs to be used on volumes.

    Args:
        generator: the network, in evaluation mode or in training.
        plan: its plan.

    Attributes:
        sources: contrasts, in the order in which they are given.
        target: the contrast that is made.
        neighbours: slices below, and above, that the network sees.
        may_miss: whether a source may be left out.
    """

    def __init__(self, generator: nn.Module, plan: Plan) -> None:
        shape = plan.network
        if not isinstance(shape, TranslatorShape):
            raise UserError(f"recipe {plan.recipe!r} does not translate contrasts")
        self._generator, self._shape, self._plan = generator, shape, plan
        self._device = next(generator.parameters()).device
        self.sources, self.target = list(shape.sources), shape.target
        self.neighbours = shape.neighbours
        self.may_miss = bool(plan.train.source_dropout) and len(shape.sources) > 1

    @classmethod
    def load(cls, weights: Path, plan: Plan) -> Translator:
        """Read trained weights.

        Raises:
            UserError: the file is missing or damaged, or the plan does not translate.
        """
        return cls(load_generator(weights, plan), plan)

    @torch.no_grad()
    def __call__(
        self,
        stack: NDArray[np.float32],
        *,
        gap: int = 1,
        missing: Sequence[str] = (),
        passes: int = 0,
        seed: int = 0,
        place: int | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> Translated:
        """Translate the slices of one volume.

        The image is that of the network without dropout; the spread is that of passes with it
        (Gal and Ghahramani, ICML 2016), drawn for each slice by (seed, slice, pass).

        Args:
            stack: n x K x H x W in [-1, 1], from the bottom up, sources in the order of `sources`.
            gap: slices of the stack that make up the model's distance between slices.
            missing: sources to do without; their planes are ignored.
            passes: with dropout, for the spread; 0 = none, else 2 or more.
            seed: of dropout.
            place: of fusion, where several compete; the chosen one by default.
            advance: called with the number of slices done.

        Raises:
            UserError: another number of sources or size than the model's, a source missing that
                it cannot do without, or a spread asked of a model without dropout.
        """
        self._check(stack, missing, passes)
        around = self._around(len(stack), gap)
        images = np.empty((len(stack), *stack.shape[2:]), np.float32)
        spread = np.empty_like(images) if passes else None
        present = torch.tensor([[float(name not in missing) for name in self.sources]])
        with threads(self._plan.train.threads):
            for start in range(0, len(stack), BATCH):
                rows = np.arange(start, min(start + BATCH, len(stack)))
                # The last batch is filled up, see BATCH.
                filled = np.concatenate([rows, np.full(BATCH - len(rows), rows[-1])])
                x = torch.from_numpy(self._planes(stack, around[filled])).to(self._device)
                shown = present.expand(BATCH, -1).to(self._device) if missing else None
                images[rows] = self._run(x, None, shown, place)[: len(rows)]
                if spread is not None:
                    spread[rows] = self._spread(x, shown, place, filled, passes, seed)[: len(rows)]
                if advance is not None:
                    advance(len(rows))
        return Translated(images, spread)

    def _around(self, count: int, gap: int) -> NDArray[np.intp]:
        """Places of every slice's planes, n x (2 * neighbours + 1); at the ends repeated."""
        offsets = gap * np.arange(-self.neighbours, self.neighbours + 1)
        return np.clip(np.arange(count)[:, None] + offsets, 0, count - 1)

    def _planes(self, stack: NDArray[np.float32], around: NDArray[np.intp]) -> NDArray[np.float32]:
        """N x (K * planes) x H x W, source after source."""
        found = stack[around].swapaxes(1, 2)
        return np.ascontiguousarray(found.reshape(len(around), -1, *stack.shape[2:]))

    def _run(
        self, x: Tensor, keep: Tensor | None, present: Tensor | None, place: int | None
    ) -> NDArray[np.float32]:
        """The network on a batch, in the arithmetic it was trained in."""
        bf16 = self._plan.train.precision == "bf16"
        x = x.to(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=bf16):
            made = translate(self._generator, self._shape, x, keep, present, place)
        found: NDArray[np.float32] = made.clamp(-1, 1)[:, 0].float().cpu().numpy()
        return found

    def _spread(
        self,
        x: Tensor,
        present: Tensor | None,
        place: int | None,
        rows: NDArray[np.intp],
        passes: int,
        seed: int,
    ) -> NDArray[np.float32]:
        """Standard deviation over passes with dropout, unit intensities."""
        total = np.zeros((len(x), *x.shape[2:]), np.float64)
        square = np.zeros_like(total)
        for number in range(passes):
            rngs = [torch_rng(seed, f"pass {number}", int(row)) for row in rows]
            keep = dropped_at(self._generator, self._shape, rngs)
            made = self._run(x, keep.to(self._device), present, place) / 2
            total += made
            square += made.astype(np.float64) ** 2
        variance = (square - total**2 / passes) / (passes - 1)
        return np.sqrt(np.maximum(variance, 0)).astype(np.float32)

    def _check(self, stack: NDArray[np.float32], missing: Sequence[str], passes: int) -> None:
        shape = (len(self.sources), self._plan.data.height, self._plan.data.width)
        if stack.ndim != 4 or stack.shape[1:] != shape:
            raise UserError(
                f"slices of shape {stack.shape[1:]} where {shape} is needed (sources, rows, "
                f"columns; sources are {', '.join(self.sources)})"
            )
        if unknown := [name for name in missing if name not in self.sources]:
            raise UserError(f"{unknown[0]} is no source of the model")
        if missing and not self.may_miss:
            raise UserError(
                f"the model cannot do without {missing[0]}",
                do="give it, or train with --set train.source_dropout=0.3",
            )
        if len(set(missing)) == len(self.sources):
            raise UserError("no source is left to translate from")
        if passes == 1 or passes < 0 or (passes and self._shape.dropout == 0):
            why = "the model has no dropout" if self._shape.dropout == 0 else "2 passes are needed"
            raise UserError(f"no spread can be measured: {why}")
