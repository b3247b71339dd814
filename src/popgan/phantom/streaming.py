"""Many subjects one after the other: made on several threads, handed over in order, then dropped.

A subject depends on (seed, index) alone, so neither the number of workers nor where a stream
begins changes anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import psutil
import torch
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.phantom.subject import Study, Subject, draw, one_core, simulate
from popgan.phantom.template import load_template
from popgan.provenance import usable_cores

_MOST_WORKERS = 8
_BYTES_A_VOXEL = 120  # of a worker at its peak, roughly: seen at 1 mm, writing included
_Made = TypeVar("_Made")


def stream(
    n: int,
    make: Callable[[Subject], _Made],
    *,
    seed: int = 0,
    study: Study | None = None,
    first: int = 0,
    workers: int | None = None,
) -> Iterator[_Made]:
    """What `make` makes of each subject, in order; the subjects themselves are not kept.

    Args:
        n: subjects, at least 1.
        make: called on worker threads, once a subject.
        seed: of the population.
        study: what is scanned.
        first: index of the first subject.
        workers: threads; None for the cores there are, as far as the memory goes.

    Raises:
        UserError: a number out of range, or nilearn is missing.
    """
    check_count(n, first)
    study = study or Study()
    load_template(procedural=study.procedural)

    def one(index: int) -> _Made:
        return make(simulate(draw(seed, index, study), study))

    count = min(n, workers_for(study) if workers is None else max(1, workers))
    indices = range(first, first + n)
    waiting: deque[Future[_Made]] = deque()
    with one_core(), ThreadPoolExecutor(count, initializer=_use_one_core) as pool:
        try:
            for index in indices:
                waiting.append(pool.submit(one, index))
                if len(waiting) > count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def axial_slices(subject: Subject, count: int = 24) -> NDArray[np.int16]:
    """Axial slices between the 30th and the 90th percentile of the brain's height.

    Returns:
        int16, count x contrasts x X x Y.
    """
    brain = (subject.fraction("wm") + subject.fraction("gm") > 0.5).any(axis=(0, 1))
    present = np.flatnonzero(brain)
    low, high = present[0], present[-1]
    chosen = np.rint(low + (high - low) * np.linspace(0.3, 0.9, count)).astype(int)
    return np.stack(
        [np.moveaxis(data[:, :, chosen], 2, 0) for data in subject.scans.values()], axis=1
    )


def workers_for(study: Study) -> int:
    """Threads that cores and free memory allow."""
    need = int(np.prod(study.shape)) * _BYTES_A_VOXEL
    fit = int(psutil.virtual_memory().available * 0.8) // need
    return max(1, min(usable_cores(), _MOST_WORKERS, fit))


def check_count(n: int, first: int = 0) -> None:
    """Refuse cohorts that cannot be.

    Raises:
        UserError: fewer than one subject, or a negative first one.
    """
    if n < 1:
        raise UserError(f"a phantom cohort of {n} subjects is not possible", do="give at least 1")
    if first < 0:
        raise UserError(f"subject {first} cannot be the first", do="give 0 or more")


def _use_one_core() -> None:
    """Threads of torch are set for each thread of Python; see `one_core`."""
    torch.set_num_threads(1)
