"""Where one scan lies in another: rigid within a visit, affine to the MNI template.

Both maximise mutual information (Mattes et al., IEEE TMI 22, 120-128, 2003; SimpleITK) on blocks of
a few millimetres, from coarse to fine. The result is a matrix between worlds: it corrects the
affine of a scan, and the voxels are resampled once, at the end, with all matrices multiplied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.preparation.coarse import in_blocks
from popgan.preparation.orientation import spacing_of

_EDGE = 3.0  # mm; blocks of a rigid registration
_AFFINE_EDGE = 4.0  # mm; blocks of an affine one
_BINS = 32
_SHRINK, _SMOOTH = (4, 2, 1), (2.0, 1.0, 0.0)  # of the blocks, at each level
_ITERATIONS = 150  # at each level
_FIRST_STEP, _LAST_STEP = 2.0, 0.02  # mm
_COARSE, _FINE = slice(0, 2), slice(2, 3)  # of the levels
# Degrees about the left-right axis: heads nod in the scanner, and a brain that starts too far from
# its pitch ends in a wrong one that looks stable (12 degrees are found again, 23 are not).
_PITCHES = (0.0, -15.0, 15.0, 30.0, -30.0)
_FEWEST = 200  # blocks that must overlap
# Share by which mutual information must rise: interpolation alone gives up to 0.032 in phantoms of
# 2 mm that lie in place (benchmarks/preparation.py).
_GAIN = 0.04
_LEAST, _MOST_SHIFT, _MOST_TURN = 0.5, 60.0, 30.0  # mm, mm, degrees
_RADIUS = 60.0  # mm from the middle of the head at which a rotation is counted as a movement

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Placed:
    """A volume with its place.

    Attributes:
        data: X x Y x Z, RAS.
        affine: voxel indices to world mm, 4 x 4.
        mask: what counts; None counts everything.
    """

    data: NDArray[np.float32]
    affine: Matrix
    mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Alignment:
    """A rigid registration and whether it is worth applying.

    Attributes:
        world: world of the moving scan to world of the fixed one, 4 x 4; the identity where the
            headers are as good.
        applied: whether it is other than the identity.
        reason: why, in words.
        figures: rotation_deg, translation_mm, information before and after.
        sound: whether the scans were seen to lie where the result says.
    """

    world: Matrix
    applied: bool
    reason: str
    figures: dict[str, float]
    sound: bool = True


def align(fixed: Placed, moving: Placed) -> Alignment:
    """Rigid position of `moving` in `fixed`, from the headers' own position.

    It is applied if it raises mutual information by 4 % and moves the head by half a millimetre
    at least: less is what the estimate itself wavers by.
    """
    one, other = _blocks(fixed, _EDGE), _blocks(moving, _EDGE)
    start = inverse(other.frame) @ one.frame
    before = information(one, other, start)
    if before is None:
        return Alignment(
            np.eye(4), False, "the scans hardly overlap; headers are trusted", {}, False
        )
    found = _optimise("rigid", one, other, start)
    after = information(one, other, found) if found is not None else None
    if found is None or after is None:
        return Alignment(np.eye(4), False, "registration failed; headers are trusted", {}, False)
    # found: frame of fixed -> frame of moving; the way back, in worlds.
    world = one.frame @ inverse(found) @ inverse(other.frame)
    middle = one.frame @ np.array([*(0.5 * np.array(one.values.shape) * one.spacing), 1.0])
    shift = float(np.linalg.norm((world @ middle - middle)[:3]))
    turn = _angle(world[:3, :3])
    movement = shift + _RADIUS * np.deg2rad(turn)
    figures = {
        "rotation_deg": round(turn, 3),
        "translation_mm": round(shift, 3),
        "information_before": round(before, 4),
        "information_after": round(after, 4),
    }
    told = f"rotation {turn:.1f} degrees, translation {shift:.1f} mm"
    rise = 100 * (after / max(before, 1e-9) - 1)
    if shift > _MOST_SHIFT or turn > _MOST_TURN:
        return Alignment(
            np.eye(4), False, f"found an implausible {told}: not applied", figures, False
        )
    if movement < _LEAST or rise < 100 * _GAIN:
        told = f"the headers' position is as good (found {told}, information {rise:+.1f} %)"
        return Alignment(np.eye(4), False, told, figures)
    return Alignment(world, True, f"{told}; information {rise:+.1f} %", figures)


def to_template(
    scan: Placed, template: Placed, start: Matrix, *, fixed_mask: NDArray[np.bool_]
) -> Matrix | None:
    """World of a scan to the template's, 12 parameters; None where registration fails.

    Coarse levels are tried from several pitches, and the one with the most information goes on.

    Args:
        scan: the scan, with its brain's mask if there is one.
        template: the template.
        start: a first guess, template's world to the scan's.
        fixed_mask: region of the template that is compared.
    """
    one = _blocks(Placed(template.data, template.affine, fixed_mask), _AFFINE_EDGE)
    other = _blocks(scan, _AFFINE_EDGE)
    first = inverse(other.frame) @ start @ one.frame
    tried: list[tuple[float, Matrix]] = []
    for pitch in _PITCHES:
        turned = first @ _nodded(one, pitch)
        if information(one, other, turned) is None:
            continue
        coarse = _optimise("affine", one, other, turned, _COARSE)
        worth = information(one, other, coarse) if coarse is not None else None
        if coarse is not None and worth is not None:
            tried.append((worth, coarse))
    if not tried:
        return None
    best = max(tried, key=lambda pair: pair[0])[1]
    found = _optimise("affine", one, other, best, _FINE)
    if found is None or information(one, other, found) is None:
        return None
    return one.frame @ inverse(found) @ inverse(other.frame)


def likeness(
    scan: Placed, template: Placed, world: Matrix, *, fixed_mask: NDArray[np.bool_]
) -> float | None:
    """Mutual information (nats) of a scan with the template; None if they hardly overlap.

    Args:
        scan, template, fixed_mask: as for `to_template`.
        world: world of the scan to the template's.
    """
    one = _blocks(Placed(template.data, template.affine, fixed_mask), _AFFINE_EDGE)
    other = _blocks(scan, _AFFINE_EDGE)
    return information(one, other, inverse(other.frame) @ inverse(world) @ one.frame)


def _nodded(fixed: _Frame, degrees: float) -> Matrix:
    """A turn about the left-right axis through the middle of what is compared, in its frame."""
    seen = np.ones(fixed.values.shape, bool) if fixed.mask is None else fixed.mask
    centre = np.array(ndimage.center_of_mass(seen)) * fixed.spacing
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = np.eye(4)
    turn[1:3, 1:3] = [[cos, -sin], [sin, cos]]
    turn[:3, 3] = centre - turn[:3, :3] @ centre
    return turn


@dataclass(frozen=True)
class _Frame:
    """Blocks in millimetres of their own, which `frame` leads from to the world."""

    values: NDArray[np.float32]
    mask: NDArray[np.bool_] | None
    spacing: NDArray[np.float64]
    frame: Matrix


def _blocks(volume: Placed, edge: float) -> _Frame:
    spacing = spacing_of(volume.affine)
    blocks = in_blocks(volume.data, spacing, edge)
    mask = None
    if volume.mask is not None:
        mask = in_blocks(volume.mask, spacing, edge).values > 0.5
    own = np.array(blocks.spacing)
    frame = blocks.affine(volume.affine) @ np.diag([*(1 / own), 1.0])
    return _Frame(blocks.values, mask, own, frame)


def information(fixed: _Frame, moving: _Frame, matrix: Matrix) -> float | None:
    """Mutual information (nats) of two volumes where they overlap; None if they hardly do.

    Args:
        fixed, moving: the volumes.
        matrix: frame of fixed to frame of moving, 4 x 4.
    """
    index = np.diag([*(1 / moving.spacing), 1.0]) @ matrix @ np.diag([*fixed.spacing, 1.0])
    seen = ndimage.affine_transform(
        moving.values, index[:3, :3], index[:3, 3], fixed.values.shape, order=1, cval=np.nan
    )
    inside = np.isfinite(seen)
    if fixed.mask is not None:
        inside &= fixed.mask
    a, b = fixed.values[inside], seen[inside]
    if a.size < _FEWEST or a.min() == a.max() or b.min() == b.max():
        return None
    ranges = [np.percentile(values, [0.5, 99.5]) for values in (a, b)]
    one, two = (np.clip(v, *ends) for v, ends in zip((a, b), ranges, strict=True))
    joint = np.histogram2d(one, two, bins=_BINS)[0] / a.size
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    filled = joint > 0
    return float((joint[filled] * np.log(joint[filled] / apart[filled])).sum())


def _optimise(
    kind: Literal["rigid", "affine"],
    fixed: _Frame,
    moving: _Frame,
    start: Matrix,
    levels: slice = slice(None),
) -> Matrix | None:
    """Frame of fixed to frame of moving, from a first guess; None where it fails."""
    import SimpleITK as sitk  # noqa: N813

    transform = sitk.Euler3DTransform() if kind == "rigid" else sitk.AffineTransform(3)
    transform.SetCenter([float(v) for v in 0.5 * np.array(fixed.values.shape) * fixed.spacing])
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)  # sums over more threads add up in another order
    method.SetNumberOfWorkUnits(1)
    method.SetMetricAsMattesMutualInformation(_BINS)
    # Every sample is taken: what is drawn at random would not come out the same twice.
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        _FIRST_STEP, _LAST_STEP, _ITERATIONS, relaxationFactor=0.6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(_SHRINK[levels])
    method.SetSmoothingSigmasPerLevel(_SMOOTH[levels])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    guess = sitk.AffineTransform(3)
    guess.SetMatrix(start[:3, :3].ravel().tolist())
    guess.SetTranslation(start[:3, 3].tolist())
    method.SetMovingInitialTransform(guess)
    if fixed.mask is not None:
        method.SetMetricFixedMask(_image(fixed.mask.astype(np.uint8), fixed.spacing))
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(_image(fixed.values, fixed.spacing), _image(moving.values, moving.spacing))
    except RuntimeError:
        return None
    found = start @ _matrix(transform)
    return found if np.isfinite(found).all() and abs(np.linalg.det(found)) > 1e-3 else None


def _matrix(transform: Any) -> Matrix:
    """A transform of ITK as a 4 x 4 matrix."""
    result = np.eye(4)
    result[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    centre = np.array(transform.GetCenter())
    result[:3, 3] = np.array(transform.GetTranslation()) + centre - result[:3, :3] @ centre
    return result


def _image(values: NDArray[Any], spacing: NDArray[np.float64]) -> Any:
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    image.SetSpacing([float(step) for step in spacing])
    return image


def _angle(rotation: Matrix) -> float:
    """Angle of a rotation, degrees."""
    return float(np.rad2deg(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))))


def inverse(matrix: Matrix) -> Matrix:
    """The way back."""
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)
