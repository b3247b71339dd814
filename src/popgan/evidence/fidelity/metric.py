"""From numbers to a `Metric`: title, basis, how to read it, interval or the reason for none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from popgan.evidence.backbone import basis_of, defines_fid
from popgan.evidence.fidelity.inputs import ImageSet, Material
from popgan.evidence.fidelity.results import Metric
from popgan.evidence.fidelity.texts import FID_HOW_TO_READ, FID_TITLES, HOW_TO_READ, TITLES
from popgan.evidence.statistics import Estimate, Replicates, interval

UNBOUNDED = (-np.inf, np.inf)


def estimate(
    material: Material,
    value: float,
    left: Sequence[Replicates],
    *,
    bounds: tuple[float, float] = UNBOUNDED,
    matched: bool = False,
    who: str = "real subjects and synthetic images",
    real: ImageSet | None = None,
    remark: str = "",
) -> Estimate:
    """A value with its jackknife interval.

    Args:
        material: what it was computed from.
        value: of the whole samples.
        left: for each sample the value without each of its groups.
        bounds: the range that the value cannot leave.
        matched: whether the matched synthetic images were used, or all.
        who: what the groups are of.
        real: the real images of the comparison, by default the held-out ones.
        remark: what the interval does not contain.
    """
    low, high = interval(value, *left, bounds=bounds)
    if low == high:
        # Every group left out gives the same number, as shares at 0 or 1 do: the jackknife sees
        # no uncertainty where there is some, so no interval is claimed.
        method = "no interval: the value is the same without any one group"
        return without_interval(material, value, method, matched=matched, real=real)
    groups = " + ".join(str(len(part.values)) for part in left)
    method = f"delete-a-group jackknife, {groups} groups ({who}), Student t, 95 %{remark}"
    return without_interval(material, value, method, matched=matched, real=real).model_copy(
        update={"low": low, "high": high}
    )


def without_interval(
    material: Material,
    value: float,
    method: str,
    *,
    matched: bool = True,
    real: ImageSet | None = None,
) -> Estimate:
    """A value that has no valid interval; `method` says why."""
    reference = real or material.reference
    synthetic = material.matched_synthetic if matched else material.synthetic
    return Estimate(
        value=value,
        low=None,
        high=None,
        n_real=len(reference.images),
        n_synthetic=len(synthetic.images),
        n_subjects=len(set(reference.subjects or [])),
        method=method,
    )


def metric(
    material: Material,
    name: str,
    better: Literal["lower", "higher", "reference"],
    value: Estimate,
    floor: float,
    ceilings: dict[str, float],
    **more: Any,
) -> Metric:
    """A metric with the words that belong to it and to what it was computed on.

    Args:
        material: whose feature network is named, unless `more` gives another `basis`.
        more: further fields of `Metric`.
    """
    titles, texts = TITLES, HOW_TO_READ
    if defines_fid(material.identity, material.train.images.shape[1]):
        titles, texts = TITLES | FID_TITLES, HOW_TO_READ | FID_HOW_TO_READ
    return Metric(
        name=name,
        title=titles[name],
        better=better,
        value=value,
        floor=floor,
        ceilings=ceilings,
        how_to_read=texts[name],
        **{"unit": "", "basis": basis_of(material.identity), **more},
    )


def means_without(values: np.ndarray, groups: np.ndarray) -> Replicates:
    """The mean of N values without each group; groups are 0 .. G-1."""
    sizes = np.bincount(groups)
    sums = np.bincount(groups, values)
    rest = np.maximum(sizes.sum() - sizes, 1)
    return Replicates((sums.sum() - sums) / rest, sizes)
