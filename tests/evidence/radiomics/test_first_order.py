"""First-order features against the IBSI phantom, scipy and numpy."""

import numpy as np
import pytest
from scipy import stats

from evidence.radiomics import ibsi_phantom as phantom
from popgan.evidence.radiomics import first_order
from popgan.evidence.radiomics.first_order import HISTOGRAM_NAMES, NAMES, features, histogram


def test_the_ibsi_phantom() -> None:
    whole = phantom.SLICES.reshape(1, 16, 5)
    values = features(whole.astype(float), whole > 0)
    phantom.agrees(values[0], NAMES, phantom.FIRST_ORDER)
    phantom.agrees(histogram(whole)[0], HISTOGRAM_NAMES, phantom.HISTOGRAM)


def test_scipy_and_numpy_say_the_same_of_every_masked_image() -> None:
    rng = np.random.default_rng(0)
    images, masks = rng.gamma(2, 1, (5, 9, 7)), rng.random((5, 9, 7)) < 0.6
    got = features(images, masks)
    for row, image, mask in zip(got, images, masks, strict=True):
        x, value = image[mask], dict(zip(NAMES, row, strict=True))
        low, first, median, third, high = np.percentile(x, [10, 25, 50, 75, 90])
        robust = x[(x >= low) & (x <= high)]
        wanted = {
            "mean": x.mean(),
            "variance": x.var(),
            "skewness": stats.skew(x),
            "excess kurtosis": stats.kurtosis(x),
            "median": median,
            "minimum": x.min(),
            "10th percentile": low,
            "90th percentile": high,
            "maximum": x.max(),
            "interquartile range": stats.iqr(x),
            "range": np.ptp(x),
            "mean absolute deviation": np.abs(x - x.mean()).mean(),
            "robust mean absolute deviation": np.abs(robust - robust.mean()).mean(),
            "median absolute deviation": np.abs(x - median).mean(),
            "coefficient of variation": stats.variation(x),
            "quartile coefficient of dispersion": (third - first) / (third + first),
            "energy": (x**2).sum(),
            "root mean square": np.sqrt((x**2).mean()),
        }
        assert value == pytest.approx(wanted)


def test_entropy_is_that_of_scipy() -> None:
    levels = np.random.default_rng(1).integers(0, 9, (4, 8, 8)).astype(np.uint8)
    for row, image in zip(histogram(levels), levels, strict=True):
        count = np.bincount(image[image > 0])
        assert row[0] == pytest.approx(stats.entropy(count, base=2))
        assert row[1] == pytest.approx(((count / count.sum()) ** 2).sum())


def test_scaling_scales_what_has_the_unit_of_intensity_and_leaves_the_rest() -> None:
    image = np.random.default_rng(2).random((1, 12, 12))
    one, three = features(image)[0], features(3 * image)[0]
    factor = dict.fromkeys(NAMES, 3)
    factor |= {"variance": 9, "energy": 9}
    free = ("skewness", "excess kurtosis", *(n for n in NAMES if "coefficient" in n))
    factor |= dict.fromkeys(free, 1)
    for name, a, b in zip(NAMES, one, three, strict=True):
        assert b == pytest.approx(factor[name] * a), name


def test_a_constant_region_has_no_spread_and_an_empty_one_only_zeros() -> None:
    images = np.full((2, 5, 5), 0.1)
    masks = np.stack([np.ones((5, 5), bool), np.zeros((5, 5), bool)])
    constant, empty = features(images, masks)
    value = dict(zip(NAMES, constant, strict=True))
    assert value["mean"] == pytest.approx(0.1) == value["root mean square"]
    for name in ("variance", "skewness", "excess kurtosis", "coefficient of variation"):
        assert value[name] == 0
    assert np.all(empty == 0) and np.all(histogram(np.zeros((1, 3, 3), np.uint8)) == 0)
    assert np.isfinite(constant).all()


def test_a_black_image_has_no_coefficients_rather_than_nan() -> None:
    assert np.all(features(np.zeros((1, 4, 4))) == 0)
    assert len(first_order.NAMES) == 18
