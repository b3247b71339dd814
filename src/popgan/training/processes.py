"""Several processes on one training: what they must tell each other, and nothing else.

Every process holds the whole state and makes the same random draws; the first one ("rank 0")
alone writes files and speaks. Plain `torch.distributed`: nccl between GPUs, gloo between CPUs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import PrefixStore, Store, TCPStore  # type: ignore[attr-defined]

from popgan.errors import UserError

TIMEOUT = timedelta(minutes=10)
"""How long one process waits for another. The first one draws sample grids, measures snapshots and
writes checkpoints meanwhile, which takes seconds."""


class PeerError(UserError):
    """Another process of the same training has ended or answers no more."""


@dataclass(frozen=True)
class Processes:
    """The processes that share a training; by default this one alone.

    Attributes:
        rank: number of this process, from 0.
        count: how many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def rows(self, count: int, group: int) -> slice | None:
        """This process's share of `count` rows in whole groups; None if they cannot be shared."""
        if self.count == 1 or count % (self.count * group):
            return None
        share = count // self.count
        return slice(self.rank * share, (self.rank + 1) * share)

    def gather(self, share: Tensor) -> Tensor:
        """The shares of all processes in order, differentiably.

        All processes go on to compute the same loss from the result, each a `count`-th of it;
        the gradients of all are added on the way back.
        """
        return share if self.count == 1 else _gathered(share, self)

    def add_up(self, tensors: list[Tensor]) -> None:
        """Replace tensors by their sum over the processes, in one message."""
        if self.count == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with _peers():
            dist.all_reduce(flat)
        sizes = [tensor.numel() for tensor in tensors]
        for tensor, part in zip(tensors, flat.split(sizes), strict=True):
            tensor.copy_(part.view_as(tensor))

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Whether each flag is set in any process; waits for all of them."""
        if self.count == 1:
            return flags
        found = torch.tensor([int(flag) for flag in flags], device=_device())
        with _peers():
            dist.all_reduce(found, dist.ReduceOp.MAX)
        return tuple(bool(value) for value in found.tolist())

    def told(self, value: int) -> int:
        """The first process's value."""
        if self.count == 1:
            return value
        found = torch.tensor([value], device=_device())
        with _peers():
            dist.broadcast(found, 0)
        return int(found)

    def wait(self) -> None:
        """Go on when all are here."""
        self.any(False)


ALONE = Processes()
"""One process, which asks nobody."""


class _Gather(torch.autograd.Function):
    """All-gather whose backward adds the gradients of all processes up."""

    @staticmethod
    def forward(ctx: Any, share: Tensor, processes: Processes) -> Tensor:
        """The rows of all processes, one process after the other."""
        ctx.processes, ctx.rows = processes, len(share)
        parts = [torch.empty_like(share) for _ in range(processes.count)]
        with _peers():
            dist.all_gather(parts, share)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """This process's rows of the sum of all gradients."""
        total = gradients[0].contiguous().clone()
        ctx.processes.add_up([total])
        start = ctx.processes.rank * ctx.rows
        return total[start : start + ctx.rows], None


def _gathered(share: Tensor, processes: Processes) -> Tensor:
    found: Tensor = _Gather.apply(share.contiguous(), processes)
    return found


def processes_of_environment() -> Processes | None:
    """Who this process is, if `torchrun` or `popgan train --processes` started it; else None.

    Raises:
        UserError: the environment makes no sense.
    """
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys():
        return None
    try:
        rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except ValueError as error:
        raise UserError("RANK and WORLD_SIZE in the environment are no numbers") from error
    if not 0 <= rank < count:
        raise UserError(f"RANK {rank} of WORLD_SIZE {count} in the environment is impossible")
    return Processes(rank, count)


@contextmanager
def joined(processes: Processes, check: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Meet the other processes, and part when the block ends.

    Where there are GPUs every process takes one of its own.

    Args:
        processes: who this process is.
        check: called while the first process waits for the others; raises if they cannot come.

    Raises:
        UserError: fewer GPUs than processes, or the others do not come.
    """
    if processes.count == 1:
        yield
        return
    if torch.cuda.is_available():
        place = int(os.environ.get("LOCAL_RANK", processes.rank))
        if place >= torch.cuda.device_count():
            raise UserError(
                f"{processes.count} processes need as many GPUs; there are "
                f"{torch.cuda.device_count()}",
                do="start fewer, or set CUDA_VISIBLE_DEVICES= to train on the processor",
            )
        torch.cuda.set_device(place)
    with _peers():
        dist.init_process_group(
            "nccl" if torch.cuda.is_available() else "gloo",
            store=_meet(processes, check),
            rank=processes.rank,
            world_size=processes.count,
            timeout=TIMEOUT,
        )
    try:
        yield
    finally:
        dist.destroy_process_group()


def _meet(processes: Processes, check: Callable[[], None]) -> Store:
    """A board on which every process says that it is there, held by the first one.

    `torchrun` holds one itself.
    """
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    holds = processes.leads and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    held = TCPStore(address, port, processes.count, holds, timeout=TIMEOUT, wait_for_workers=False)
    board: Store = PrefixStore("popgan", held)
    board.set(f"here/{processes.rank}", "yes")
    others = [f"here/{rank}" for rank in range(processes.count)]
    while processes.leads and not board.check(others):
        check()
        time.sleep(0.02)
    return board


@contextmanager
def _peers() -> Iterator[None]:
    """Say plainly what torch says about connections in many lines."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise PeerError(
            "another process of this training has ended or answers no more",
            do="the same command goes on from the last checkpoint",
        ) from error


def _device() -> torch.device:
    # nccl carries tensors on GPUs only.
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
