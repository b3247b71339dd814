"""Images of a trained model in memory: by seed, and as the user wishes them."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import psutil

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.planning.condition import column, with_words
from popgan.planning.masks import with_maps
from popgan.progress import Reporter
from popgan.stations.model import Model
from popgan.synthesis.drawn_for import DrawnFor, drawn_for
from popgan.synthesis.masks import Drawn, split_masks, to_values
from popgan.synthesis.sample import check_truncation, has_truncation, load_generator, sample
from popgan.synthesis.told import Told, tell
from popgan.training.loop import threads

MOST = 1_000_000


@dataclass(frozen=True)
class Wish:
    """What the user asks of images beside their number.

    Attributes:
        given: a class, a word or a number by the condition's name; others are drawn from the
            training slices.
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
    first: int = 0,
    wish: Wish = ANY,
    reporter: Reporter | None = None,
) -> np.ndarray:
    """Draw images into memory, without writing them.

    Args:
        model: a trained model.
        n: number of images.
        seed: images with the same seed and index are the same, whatever `n` is.
        first: index of the first one; `n=1, first=k` draws image k alone.
        wish: class, covariates, truncation.
        reporter: shows progress.

    Returns:
        n x C x H x W float32 in [-1, 1]; contrasts alone, whether the model draws masks or not.

    Raises:
        UserError: the model is not trained, or so many or such images are not possible.
    """
    warn(model, wish, reporter or Reporter())
    return draw_set(model, n, seed=seed, first=first, wish=wish, reporter=reporter)[0]


@dataclass(frozen=True)
class LabelledImages:
    """Synthetic images with the label maps that the model drew together with them.

    Attributes:
        images: n x C x H x W float32 in [-1, 1].
        label_maps: n x H x W int32, values of the cohort's label map; 0 is no label.
        names: what the values are called, background left out.
    """

    images: np.ndarray
    label_maps: np.ndarray
    names: dict[int, str]


def synthesise_with_masks(
    model: Model,
    n: int,
    *,
    seed: int = 0,
    first: int = 0,
    wish: Wish = ANY,
    reporter: Reporter | None = None,
) -> LabelledImages:
    """Draw images into memory together with their label maps.

    Args:
        model: a trained model that draws masks.
        n, seed, first, wish, reporter: as in `synthesise`, whose images these are.

    Raises:
        UserError: the model draws no masks; or see `synthesise`.
    """
    labels = model.plan().data.masks
    if not labels:
        raise UserError(
            f"model {model.name!r} draws no masks",
            where=model.run,
            do="plan and train one with --with-masks",
        )
    warn(model, wish, reporter or Reporter())
    images, codes = draw_set(model, n, seed=seed, first=first, wish=wish, reporter=reporter)
    assert codes is not None
    names = {label.value: label.name for label in labels}
    return LabelledImages(images, to_values(codes, labels), names)


def draw_set(
    model: Model,
    n: int,
    *,
    seed: int = 0,
    first: int = 0,
    wish: Wish = ANY,
    reporter: Reporter | None = None,
) -> Drawn:
    """Images first .. first + n - 1 in memory, with codes of labels where the model draws masks.

    Raises:
        UserError: see `synthesise`.
    """
    refuse_translator(model)
    plan = model.plan()
    shape = check_room(plan, n, first)
    images = np.empty(shape, dtype=np.float32)
    codes = np.empty((n, *shape[2:]), dtype=np.uint8) if plan.data.masks else None
    done = 0
    with (reporter or Reporter()).task("drawing images", n) as task:
        for batch, maps in stream(model, n, seed, wish, first):
            images[done : done + len(batch)] = batch
            if codes is not None and maps is not None:
                codes[done : done + len(batch)] = maps
            done += len(batch)
            task.advance(len(batch))
    return images, codes


def stream(model: Model, n: int, seed: int, wish: Wish = ANY, first: int = 0) -> Iterator[Drawn]:
    """What `draw_set` draws in batches, in the memory of one batch.

    Raises:
        UserError: see `synthesise`.
    """
    check_count(n, first)
    refuse_translator(model)
    model.weights_hash()
    plan = model.plan()
    check_truncation(plan, wish.truncation)
    told = told_of(model, wish)[0]
    generator = load_generator(model.weights_path, plan)
    with threads(plan.train.threads):
        for drawn in sample(
            generator, plan, seed=seed, first=first, count=n, told=told, truncation=wish.truncation
        ):
            yield split_masks(drawn, plan)


def told_of(model: Model, wish: Wish) -> tuple[Told | None, list[str]]:
    """Conditions that a model's images are drawn for, and notes; None where it takes none.

    Raises:
        UserError: the model does not know what is asked for, or the cohort is another one.
    """
    refuse_translator(model)
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
    # Those of slices that were trained on.
    cohort = with_maps(cohort, plan)
    columns = {c.name: column(cohort, "train", c.name) for c in conditions}
    people = cohort.subjects("train")
    return tell(with_words(cohort, conditions), columns, wish.given, people)


def warn(model: Model, wish: Wish, reporter: Reporter) -> None:
    """Tell the user what may spoil images that are drawn as wished.

    Raises:
        UserError: see `told_of`.
    """
    for note in told_of(model, wish)[1]:
        reporter.warning(note)


def said_of(
    model: Model, told: Told | None, seed: int, indices: Sequence[int], wish: Wish, *, spare: bool
) -> DrawnFor:
    """What images of a model were drawn for, as far as a set may say it; see `drawn_for`."""
    truncation = wish.truncation if has_truncation(model.plan()) else None
    return drawn_for(told, seed, indices, truncation=truncation, spare=spare)


def refuse_translator(model: Model) -> None:
    """Refuse to draw from a model that makes its images of scans.

    Raises:
        UserError: it is one.
    """
    if model.plan().translates:
        raise UserError(
            f"model {model.name!r} translates contrasts and draws no images of its own",
            where=model.run,
            do=f"give it scans: {translate_command(model)}",
        )


def translate_command(model: Model) -> str:
    """How scans are translated with a model, ready to be pasted but for the scans."""
    alone = len(list(model.run.glob("models/*/plan.yaml"))) == 1
    name = "" if alone else f" --name {model.name}"
    return f"popgan translate {shlex.quote(str(model.run))}{name} SCAN... -o OUT"


def check_room(plan: Plan, n: int, first: int = 0) -> tuple[int, int, int, int]:
    """Refuse numbers of images that cannot be made, or held in memory.

    Returns:
        Shape of the images: n x contrasts x height x width.

    Raises:
        UserError: see `check_count`; or memory is not enough.
    """
    check_count(n, first)
    shape = (n, len(plan.data.contrasts), plan.data.height, plan.data.width)
    needed, free = 4 * math.prod(shape), psutil.virtual_memory().available
    if needed > free // 2:
        raise UserError(
            f"{n} images take {needed / 2**30:.1f} GiB of memory, {free / 2**30:.1f} are free",
            do="ask for fewer with -n",
        )
    return shape


def check_count(n: int, first: int = 0) -> None:
    """Refuse numbers of images that cannot be made.

    Raises:
        UserError: it is not 1 to a million, or the first index is below zero.
    """
    if first < 0:
        raise UserError(f"there is no image {first}", do="images are counted from 0")
    if not 1 <= n <= MOST:
        raise UserError(f"{n} images cannot be made", do=f"ask for 1 to {MOST}")
