"""What scans a translator knows: traits of its training visits, in models/NAME/domain.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from popgan.cohort.cohort import Cohort
from popgan.cohort.manifest import Manifest
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.evidence.paired.domain import Domain
from popgan.evidence.paired.traits import Traits, traits_of
from popgan.files import read_json
from popgan.progress import Reporter
from popgan.stations.model import Model
from popgan.stations.pairs import translator_of, visit_places
from popgan.stations.translated import unit

Spacing = tuple[float, float, float]


def learn_domain(cohort: Cohort, plan: Plan, reporter: Reporter) -> Domain:
    """Measure the training visits.

    Args:
        cohort: the cohort; all its contrasts are measured, because they tell what each is not.
        plan: of a translator.
        reporter: shows progress.
    """
    manifest = Manifest.read(cohort.run / "dataset" / "manifest.json")
    first = translator_of(plan).sources[0]
    known = {(s.subject, s.visit): s.spacing for s in manifest.scans if s.contrast == first}
    rows, found = cohort.indices("train"), []
    places = visit_places(cohort, "train")
    with reporter.task("measuring training visits", len(places)) as task:
        for own in places:
            images = unit(cohort.batch("train", own))
            info = cohort.slices[rows[own[0]]]
            spacing = known.get((info.subject, info.visit)) if manifest.spacing_known else None
            stacks = {name: images[:, k] for k, name in enumerate(cohort.contrasts)}
            found.append(visit_traits(stacks, spacing))
            task.advance()
    heights = [cohort.slices[row].height for row in rows]
    return Domain.learn(found, heights=(min(heights), max(heights)))


def visit_traits(
    images: Mapping[str, NDArray[np.floating[Any]]], spacing: Spacing | None
) -> Traits:
    """Measure a visit as the training visits are measured.

    Args:
        images: n x H x W of each contrast, unit intensities, on the cohort's grid, of slices at
            the heights of `Domain.heights`.
        spacing: mm a voxel of the first source as it was scanned, x, y, z; None if not known.
    """
    return traits_of(
        images,
        slice_distance=spacing[2] if spacing else None,
        pixel=math.sqrt(spacing[0] * spacing[1]) if spacing else None,
    )


def load_domain(model: Model) -> Domain | None:
    """The stored domain; None where there is none.

    Raises:
        UserError: the file is damaged.
    """
    if not model.domain_path.exists():
        return None
    try:
        return Domain.model_validate(read_json(model.domain_path))
    except ValidationError as error:
        raise UserError(
            "does not say what scans the model knows, in a form that this version reads",
            where=model.domain_path,
            do="remove it and evaluate again",
        ) from error
