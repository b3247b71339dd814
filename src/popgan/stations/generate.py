"""Station generate: a trained model in, a synthetic BIDS data set, PNGs and an overview out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from popgan import provenance
from popgan.cohort.cohort import Cohort
from popgan.cohort.faces import has_margins
from popgan.cohort.geometry import to_volume
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.stations.draw import (
    ANY,
    Wish,
    check_count,
    refuse_translator,
    said_of,
    stream,
    told_of,
)
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.synthesis.bids import bids_writer
from popgan.synthesis.bids_metadata import former_set
from popgan.synthesis.image import grid_png, png_writer
from popgan.synthesis.masks import Drawn
from popgan.synthesis.overlay import overlay_png

OVERVIEW = 64  # images on the contact sheet
SET_VERSION = 2  # raise when a set would say something else of the same images


def generate(
    model: Model,
    n: int | None = None,
    *,
    seed: int = 0,
    first: int | None = None,
    wish: Wish = ANY,
    out: str | Path | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Write a synthetic data set: NIfTI as a BIDS derivative, PNGs and an overview beside it.

    A model with masks writes a label map with each image, and a coloured overview as well.

    Args:
        model: a trained model.
        n: number of images; the plan's by default. Memory does not grow with it.
        seed: image k of a seed is always the same.
        first: index of the first image, so that `n=1, first=k` draws image k alone. Images have the
            names that they have in the whole set, which stays as it is.
        wish: class, covariates, truncation.
        out: folder of the data set; RUN/synthetic/NAME by default, and NAME-from-K with `first`.
        reporter: shows progress.

    Returns:
        The data set's folder.

    Raises:
        UserError: the model is not trained, the folder holds something else, or a full disk.
    """
    reporter = reporter or Reporter()
    refuse_translator(model)
    plan, weights = model.plan(), model.weights_hash()
    n = plan.generate.n if n is None else n
    check_count(n, first or 0)
    folder = model.synthetic if first is None else _part(model, first)
    wanted = _Wanted(n, seed, first or 0, wish)
    if out is not None or first is not None:
        folder = Path(out) if out is not None else folder
        _write_overviews(folder, _write(model, folder, wanted, weights, reporter))
        return folder
    asked = {"given": dict(wish.given), "truncation": wish.truncation}
    inputs = {"set": SET_VERSION, "weights": weights, "n": n, "seed": seed, **asked}
    outputs = [folder / "dataset_description.json", _pngs(folder)]
    ledger, station = Ledger(model.run), f"generate {model.name}"
    if not ledger.is_done(station, inputs):
        with ledger.station(station, inputs, outputs, reporter):
            shown = _write(model, folder, wanted, weights, reporter)
    elif any(not sheet.exists() for sheet in _sheets(folder, masks=bool(plan.data.masks))):
        shown = list(stream(model, min(n, OVERVIEW), seed, wish))
    else:
        reporter.message(f"[{station}] unchanged, skipped")
        return folder
    _write_overviews(folder, shown)
    return folder


@dataclass(frozen=True)
class _Wanted:
    """Which images of a model, and what for."""

    n: int
    seed: int
    first: int
    wish: Wish


def _part(model: Model, first: int) -> Path:
    """Where images of a set are put by themselves."""
    return model.synthetic.with_name(f"{model.name}-from-{first}")


def skull_stripped(fingerprint: Mapping[str, Any], *, margins: bool) -> bool:
    """Whether every volume of a cohort shows a brain without its skull.

    BIDS wants a yes or a no; a mixed cohort and one of bare stacks or pictures are a no, and so is
    one with masks that left skull in the margin.
    """
    return set(fingerprint.get("kinds", {})) == {"brain"} and not margins


def _pngs(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-png")


def _overview(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-overview.png")


def _overlay(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-masks.png")


def _write(
    model: Model, folder: Path, wanted: _Wanted, weights: str, reporter: Reporter
) -> list[Drawn]:
    """Both data sets in one pass over the images; each appears when it is complete.

    Returns:
        The first images, for the overview; an older overview, of other images, is removed.
    """
    folder, n = folder.resolve(), wanted.n
    shown: list[Drawn] = []
    if (former := former_set(folder)) is not None:
        reporter.message(f"replaces the set in {folder} ({former}); -o FOLDER keeps both")
    with (
        _writers(model, folder, wanted, weights, reporter) as add,
        reporter.task("writing images", n) as task,
    ):
        for images, codes in stream(model, n, wanted.seed, wanted.wish, wanted.first):
            add(images, codes)
            if sum(len(part) for part, _ in shown) < OVERVIEW:
                # Copies, so that no batch is kept alive for the sake of a part of it.
                shown.append((images.copy(), None if codes is None else codes.copy()))
            task.advance(len(images))
    for sheet in _sheets(folder, masks=True):
        sheet.unlink(missing_ok=True)
    return shown


@contextmanager
def _writers(
    model: Model, folder: Path, wanted: _Wanted, weights: str, reporter: Reporter
) -> Iterator[Callable[..., None]]:
    """A function that writes the next batch to every data set, with what is said of it."""
    cohort, plan = Cohort.open(model.run), model.plan()
    model.require_cohort(cohort.hash)
    told, notes = told_of(model, wanted.wish)
    for note in notes:
        reporter.warning(note)
    indices = range(wanted.first, wanted.first + wanted.n)
    shared: dict[str, Any] = {
        "count": wanted.n,
        "contrasts": plan.data.contrasts,
        "model": model.name,
        "seed": wanted.seed,
        "first_index": wanted.first,
        "whole": plan.generate.n,
        "labels": None if told is None else told.labels_at(wanted.seed, indices),
        "drawn": said_of(model, told, wanted.seed, indices, wanted.wish, spare=False),
        "masks": plan.data.masks,
    }
    margins = has_margins(cohort.preparation())
    with (
        bids_writer(
            folder,
            to_volume=to_volume,
            affine=cohort.affine,
            spacing=cohort.spacing,
            provenance=provenance.record(),
            plan_hash=model.plan_hash(),
            weights_hash=weights,
            skull_stripped=skull_stripped(cohort.fingerprint, margins=margins),
            margins=margins,
            source_hash=cohort.hash,
            **shared,
        ) as add_bids,
        png_writer(_pngs(folder), **shared) as add_pngs,
    ):

        def add(*drawn: Any) -> None:
            add_bids(*drawn)
            add_pngs(*drawn)

        yield add


def _sheets(folder: Path, *, masks: bool) -> list[Path]:
    """The contact sheets that there should be."""
    return [_overview(folder), _overlay(folder)] if masks else [_overview(folder)]


def _write_overviews(folder: Path, first: list[Drawn]) -> None:
    """Contact sheets of the first images, and of their masks where there are any.

    Raises:
        UserError: the disk is full; the data sets stay, and the same command adds the sheets.
    """
    folder = folder.resolve()
    images = np.concatenate([images for images, _ in first])[:OVERVIEW]
    maps = [codes for _, codes in first if codes is not None]
    try:
        grid_png(_overview(folder), images, columns=8, scale=2)
        if maps:
            overlay_png(_overlay(folder), images, np.concatenate(maps)[:OVERVIEW], columns=8)
    except UserError as error:
        whole = f"the images themselves are whole in {folder}"
        raise UserError(str(error), do=whole) from error
