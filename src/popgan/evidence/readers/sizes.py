"""How many trials and images a reader study needs, by closed formulas."""

from __future__ import annotations

import math

from popgan.errors import UserError


def tost_trials(margin: float, power: float = 0.8, level: float = 0.05) -> int:
    """Trials of one reader that show equivalence to chance within a margin.

    Two one-sided tests of a proportion that is truly 0.5, in normal approximation (Chow, Shao &
    Wang 2008, section 4.1): n = 0.25 (z(1 - level) + z((1 + power) / 2))^2 / margin^2.

    Args:
        margin: of equivalence, as a share: 0.1 is 50 +- 10 %. Between 0 and 0.5.
        power: probability of showing it where it is so.
        level: of each one-sided test.

    Raises:
        UserError: a number out of its range.
    """
    _within("margin", margin, 0.5)
    _within("power", power)
    _within("level", level)
    spread = _quantile(1 - level) + _quantile((1 + power) / 2)
    return _up(0.25 * spread**2 / margin**2)


def icc_images(icc: float, half_width: float, readers: int) -> int:
    """Images that give the 95 % interval of an intraclass correlation a half-width.

    Bonett 2002, Statistics in Medicine 21: 1331-1335, with w = 2 half_width and k readers:
    n = 8 z^2 (1 - icc)^2 (1 + (k - 1) icc)^2 / (k (k - 1) w^2) + 1.

    Args:
        icc: that is expected, between 0 and 1.
        half_width: that is wanted, such as 0.1.
        readers: two or more.

    Raises:
        UserError: a number out of its range.
    """
    _within("icc", icc)
    _within("half_width", half_width)
    if readers < 2:
        raise UserError(f"{readers} readers, but an intraclass correlation needs two or more")
    product = (1 - icc) * (1 + (readers - 1) * icc)
    width = 2 * half_width
    share = 8 * (_quantile(0.975) * product / width) ** 2 / (readers * (readers - 1))
    return _up(share + 1)


def design_effect(per_cluster: float, icc: float) -> float:
    """Factor by which several images a patient inflate the variance of a mean.

    Kish 1965: 1 + (m - 1) icc. The effective number of images is their number divided by it.

    Args:
        per_cluster: images a patient, mean, at least 1. With patients of unequal size, the mean
            weighted by size (sum of squares over sum) is the safe choice.
        icc: correlation of two images of one patient, 0 to 1.

    Raises:
        UserError: a number out of its range.
    """
    if not 1 <= per_cluster < math.inf:
        raise UserError(f"{per_cluster} images a patient; at least 1 is needed")
    if not 0 <= icc <= 1:
        raise UserError(f"icc is {icc}, but must lie between 0 and 1")
    return 1 + (per_cluster - 1) * icc


def _within(name: str, value: float, top: float = 1.0) -> None:
    if not 0 < value < top:
        raise UserError(f"{name} is {value}, but must lie between 0 and {top:g}")


def _up(value: float) -> int:
    # A whole number that rounding has lifted by 1e-13 stays what it is.
    return math.ceil(value - 1e-9)


def _quantile(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))
