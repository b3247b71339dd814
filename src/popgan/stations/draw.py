"""Images of a trained model in memory: by seed, and as the user wishes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import psutil

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.planning.condition import column
from popgan.progress import Reporter
from popgan.stations.model import Model
from popgan.synthesis.sample import check_truncation, load_generator, sample
from popgan.synthesis.told import Told, tell
from popgan.training.loop import threads

MOST = 1_000_000


@dataclass(frozen=True)
class Wish:
    """What the user asks of images beside their number.

    Attributes:
        given: a class or a number by the condition's name; others are drawn from the training
            slices.
        truncation: 1 = as trained, towards 0 more usual and less varied; `stylegan2` only.
    """

    given: Mapping[str, str | float] = field(default_factory=dict)
    truncation: float = 1.0


ANY = Wish()


def synthesise(
    model: Model,
    n: int,
    *,
    seed: int = 0,
    wish: Wish = ANY,
    reporter: Reporter | None = None,
) -> np.ndarray:
    """Draw images into memory, without writing them.

    Args:
        model: a trained model.
        n: number of images.
        seed: images with the same seed and index are the same, whatever `n` is.
        wish: class, covariates, truncation.
        reporter: shows progress.

    Returns:
        n x C x H x W float32 in [-1, 1].

    Raises:
        UserError: the model is not trained, or so many or such images are not possible.
    """
    plan = model.plan()
    check_count(n)
    shape = (n, len(plan.data.contrasts), plan.data.height, plan.data.width)
    needed, free = 4 * int(np.prod(shape)), psutil.virtual_memory().available
    if needed > free // 2:
        raise UserError(
            f"{n} images take {needed / 2**30:.1f} GiB of memory, {free / 2**30:.1f} are free",
            do="ask for fewer with -n",
        )
    images = np.empty(shape, dtype=np.float32)
    done = 0
    with (reporter or Reporter()).task("drawing images", n) as task:
        for batch in stream(model, n, seed, wish):
            images[done : done + len(batch)] = batch
            done += len(batch)
            task.advance(len(batch))
    return images


def stream(model: Model, n: int, seed: int, wish: Wish = ANY) -> Iterator[np.ndarray]:
    """The images of `synthesise` in batches, in the memory of one batch.

    Raises:
        UserError: see `synthesise`.
    """
    check_count(n)
    model.weights_hash()
    plan = model.plan()
    check_truncation(plan, wish.truncation)
    told = told_of(model, wish)[0]
    generator = load_generator(model.weights_path, plan)
    with threads(plan.train.threads):
        yield from sample(
            generator, plan, seed=seed, count=n, told=told, truncation=wish.truncation
        )


def told_of(model: Model, wish: Wish) -> tuple[Told | None, list[str]]:
    """Conditions that a model's images are drawn for, and notes; None where it takes none.

    Raises:
        UserError: the model does not know what is asked for, or the cohort is another one.
    """
    plan = model.plan()
    if not plan.data.conditions:
        if wish.given:
            tell([], {"": []}, wish.given)
        return None, []
    cohort = Cohort.open(model.run)
    model.require_cohort(cohort.hash)
    return told_by(plan, cohort, wish)


def told_by(plan: Plan, cohort: Cohort, wish: Wish = ANY) -> tuple[Told | None, list[str]]:
    """The same for a plan and its cohort.

    Raises:
        UserError: the plan does not have what is asked for.
    """
    conditions = plan.data.conditions
    if not conditions:
        return None, []
    columns = {c.name: column(cohort, "train", c.name) for c in conditions}
    return tell(conditions, columns, wish.given)


def check_count(n: int) -> None:
    """Refuse numbers of images that cannot be made.

    Raises:
        UserError: it is not 1 to a million.
    """
    if not 1 <= n <= MOST:
        raise UserError(f"{n} images cannot be made", do=f"ask for 1 to {MOST}")
