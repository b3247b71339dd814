"""The images of a report: drawn again from their seed, one batch in memory, never more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.evidence.fidelity.results import FidelityResult
from popgan.evidence.privacy.results import Flag, PrivateDetails
from popgan.report.audit_content import AuditPrivate, FlaggedImage
from popgan.report.content import FilmFrame, Images
from popgan.report.worst import worst_places
from popgan.stations.audited import load_audit, load_private
from popgan.stations.draw import stream
from popgan.stations.model import Model
from popgan.training.growth import stage_at

FRAMES = 8
FACES = 6
FLAGGED = 24
GUTTER = 2  # pixels between the images of a sample grid


def drawn_at(model: Model, places: Iterable[int], seed: int) -> dict[int, NDArray[np.float32]]:
    """Images C x H x W of a seed by their place; image k is the same whatever else is drawn."""
    wanted = sorted(set(places))
    found: dict[int, NDArray[np.float32]] = {}
    if not wanted:
        return found
    done = 0
    for images, _ in stream(model, wanted[-1] + 1, seed):
        for place in wanted:
            if done <= place < done + len(images):
                found[place] = images[place - done].copy()
        done += len(images)
    return found


def flagged_places(model: Model, seed: int) -> frozenset[int]:
    """Images of a seed that the audit flagged for their likeness to a patient's."""
    audit, details = load_audit(model), load_private(model)
    if audit is None or details is None or audit.seed != seed:
        return frozenset()
    return frozenset(flag.synthetic for flag in details.flags)


def withhold(images: Images, places: Collection[int]) -> Images:
    """Images N x C x H x W with those at some places plain grey."""
    kept = images.copy()
    kept[[place for place in places if place < len(images)]] = 0.0
    return kept


def worst_images(
    model: Model, fidelity: FidelityResult | None, seed: int, flagged: Collection[int] = ()
) -> Images | None:
    """The least plausible of the measured images, the least first; None if none were measured.

    Those that the audit flagged are not among them.
    """
    if fidelity is None:
        return None
    places = worst_places(fidelity, without=flagged)
    found = drawn_at(model, places, seed)
    return np.stack([found[place] for place in places])


def audit_private(model: Model, cohort: Cohort, found: PrivateDetails, seed: int) -> AuditPrivate:
    """Flagged images beside the training images they resemble, and the most exposed patients.

    Args:
        model: whose images were audited.
        cohort: with its training slices in the order of the audit.
        found: the private part of the audit.
        seed: of the audited images.
    """
    pairs: dict[tuple[int, int], list[Flag]] = {}
    for flag in found.flags:
        pairs.setdefault((flag.synthetic, flag.train), []).append(flag)
    order = sorted(
        pairs.items(),
        key=lambda item: (
            not any(flag.clear for flag in item[1]),
            -len(item[1]),
            min(flag.distance for flag in item[1]),
            item[0],
        ),
    )[:FLAGGED]
    drawn = drawn_at(model, (place for (place, _), _ in order), seed)
    flagged = [
        FlaggedImage(
            place=place,
            synthetic=drawn[place],
            training=cohort.batch("train", np.array([at]))[0],
            subject=flags[0].subject,
            measures=[(flag.measure, flag.distance) for flag in flags],
            clear=any(flag.clear for flag in flags),
        )
        for (place, at), flags in order
    ]
    return AuditPrivate(
        flagged=flagged,
        flags=len({flag.synthetic for flag in found.flags}),
        exposed=found.worst,
    )


def filmstrip(model: Model, plan: Plan) -> list[FilmFrame]:
    """The same few latents at moments spread evenly over the sample grids."""
    grids = sorted(model.samples.glob("*.png"))
    if not grids:
        return []
    chosen = sorted({round(k * (len(grids) - 1) / (FRAMES - 1)) for k in range(FRAMES)})
    return [_frame(grids[k], plan) for k in chosen]


def _frame(grid: Path, plan: Plan) -> FilmFrame:
    images = int(grid.stem)
    # The grid shows the stage of the step before it, the last one that its images count.
    scale = 2 ** stage_at(images - plan.train.batch, plan.train).level
    size = (plan.base[0] * scale, plan.base[1] * scale)
    return FilmFrame(f"{images:,} images", _tiles(grid, plan), size)


def _tiles(grid: Path, plan: Plan) -> Images:
    """The first images of a sample grid, back from its PNG (8 bits: for looking at only)."""
    height, width = plan.data.height, plan.data.width
    channels = len(plan.data.contrasts) + (1 if plan.data.masks else 0)
    with Image.open(grid) as picture:
        pixels = np.asarray(picture.convert("L"), dtype=np.float32) / 127.5 - 1
    step = width * channels + GUTTER
    tiles = [pixels[:height, k * step : k * step + width * channels] for k in range(FACES)]
    return np.stack([np.stack(np.split(tile, channels, axis=1)) for tile in tiles])
