"""Station generate: a trained model in, a synthetic BIDS data set, PNGs and a model card out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from popgan import provenance
from popgan.cohort.cohort import Cohort
from popgan.cohort.geometry import to_volume
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.synthesis.bids import write_bids
from popgan.synthesis.image import grid_png, write_pngs
from popgan.synthesis.sample import load_generator, sample
from popgan.training.loop import threads

MOST = 1_000_000


def synthesise(model: Model, n: int, seed: int, reporter: Reporter | None = None) -> np.ndarray:
    """Draw images without writing them.

    Args:
        model: a trained model.
        n: number of images.
        seed: images with the same seed and index are the same.
        reporter: shows progress.

    Returns:
        n x C x H x W float32 in [-1, 1].

    Raises:
        UserError: the model is not trained, or n is not positive.
    """
    if not 1 <= n <= MOST:
        raise UserError(f"{n} images cannot be made", do=f"ask for 1 to {MOST}")
    model.weights_hash()
    plan = model.plan()
    generator = load_generator(model.weights_path, plan)
    shape = (n, len(plan.data.contrasts), plan.data.height, plan.data.width)
    images = np.empty(shape, dtype=np.float32)
    done = 0
    with threads(plan.train.threads), (reporter or Reporter()).task("generating", n) as task:
        for batch in sample(generator, plan, seed=seed, count=n):
            images[done : done + len(batch)] = batch
            done += len(batch)
            task.advance(len(batch))
    return images


def generate(
    model: Model,
    n: int | None = None,
    *,
    seed: int = 0,
    out: Path | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Write a synthetic data set: NIfTI as a BIDS derivative, PNGs beside it, a model card.

    Args:
        model: a trained model.
        n: number of images; the plan's by default.
        seed: image k of a seed is always the same.
        out: folder of the data set; RUN/synthetic/NAME by default.
        reporter: shows progress.

    Returns:
        The data set's folder.

    Raises:
        UserError: the model is not trained, the folder holds something else, or a full disk.
    """
    reporter = reporter or Reporter()
    plan, weights = model.plan(), model.weights_hash()
    n = plan.generate.n if n is None else n
    folder = Path(out) if out is not None else model.synthetic
    inputs = {"weights": weights, "n": n, "seed": seed}
    ledger, station = Ledger(model.run), f"generate {model.name}"
    if out is None and ledger.is_done(station, inputs):
        reporter.message(f"[{station}] unchanged, skipped")
        return folder
    if out is not None:
        _write(model, folder, n, seed, weights, reporter)
        return folder
    with ledger.station(station, inputs, [folder / "dataset_description.json"], reporter):
        _write(model, folder, n, seed, weights, reporter)
    return folder


def _write(model: Model, folder: Path, n: int, seed: int, weights: str, reporter: Reporter) -> None:
    cohort, plan = Cohort.open(model.run), model.plan()
    images = synthesise(model, n, seed, reporter)
    write_bids(
        folder,
        images,
        contrasts=plan.data.contrasts,
        to_volume=to_volume,
        affine=cohort.affine,
        spacing=cohort.spacing,
        model=model.name,
        seed=seed,
        provenance=provenance.record(),
        plan_hash=model.plan_hash(),
        weights_hash=weights,
        source_hash=cohort.hash,
        reporter=reporter,
    )
    pngs = folder.with_name(f"{folder.name}-png")
    write_pngs(
        pngs,
        images,
        contrasts=plan.data.contrasts,
        model=model.name,
        seed=seed,
        reporter=reporter,
    )
    grid_png(folder.with_name(f"{folder.name}-overview.png"), images[:64], columns=8, scale=2)
