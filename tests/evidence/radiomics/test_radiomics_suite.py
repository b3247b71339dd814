"""The matrix of all radiomics: complete, finite, the same every time; bad input is refused."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from popgan.errors import UserError
from popgan.evidence.radiomics import glcm, shape, suite
from popgan.evidence.radiomics.discretise import fixed_bin_width
from popgan.evidence.radiomics.suite import radiomics


def heads(count: int = 5, contrasts: int = 2, side: int = 24) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    masks = np.stack([np.hypot(x, y * (1 + 0.1 * i)) < side / 3 for i in range(count)])
    noise = rng.normal(0, 0.3, (count, contrasts, side, side))
    return np.clip(np.where(masks[:, None], noise, -1), -1, 1).astype(np.float32), masks


def test_columns_carry_the_features_that_their_names_say() -> None:
    images, masks = heads()
    found = radiomics(images, {"brain": masks}, contrasts=["T1w", "T2w"])
    assert found.values.shape == (5, len(found.names)) and len(set(found.names)) == len(found.names)
    value = dict(zip(found.names, found.values.T, strict=True))
    np.testing.assert_array_equal(value["brain: shape area"], masks.sum((1, 2)))
    units = (images[:, 1] + 1) / 2
    np.testing.assert_allclose(
        value["brain, T2w: first order mean"],
        [u[m].mean() for u, m in zip(units, masks, strict=True)],
        rtol=1e-6,
    )
    levels = fixed_bin_width(units, 1 / 32, low=0, high=1, masks=masks)
    wanted = glcm.features(levels, 32)[:, glcm.NAMES.index("contrast")]
    np.testing.assert_allclose(value["brain, T2w: GLCM contrast"], wanted)


def test_without_masks_the_whole_image_is_measured_and_has_no_shape() -> None:
    images, _ = heads()
    whole = radiomics(images)
    assert not any("shape" in name for name in whole.names)
    everything = radiomics(images, {"all": np.ones((5, 24, 24), bool)})
    np.testing.assert_array_equal(everything.values[:, len(shape.NAMES) :], whole.values)


def test_no_column_is_a_linear_function_of_the_others() -> None:
    rng = np.random.default_rng(0)
    sharp = rng.normal(0, 1, (200, 1, 20, 20))
    blurred = gaussian_filter(sharp, (0, 0, 2, 2)) * rng.gamma(4, 1, (200, 1, 1, 1))
    images = np.tanh(0.2 * sharp + blurred + rng.normal(0, 0.2, (200, 1, 1, 1)))
    values = radiomics(images).values
    centred = (values - values.mean(0)) / values.std(0)
    assert np.linalg.matrix_rank(centred, tol=1e-8) == values.shape[1]
    assert all(set(names) <= set(suite._FAMILIES[f]) for f, names in suite.LEFT_OUT.items())


def test_blocks_batches_and_repetition_do_not_change_a_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images, masks = heads(7)
    regions, done = {"brain": masks, "left": masks & (np.arange(24) < 12)}, []
    found = radiomics(images, regions, advance=done.append)
    np.testing.assert_array_equal(radiomics(images, regions).values, found.values)
    monkeypatch.setattr(suite, "_BLOCK", 3)
    np.testing.assert_allclose(radiomics(images, regions).values, found.values, rtol=1e-9)
    assert done == [7]


def test_turned_and_mirrored_heads_have_the_same_radiomics() -> None:
    images, masks = heads()
    found = radiomics(images, {"brain": masks}).values
    turned = radiomics(np.rot90(images, axes=(2, 3)), {"brain": np.rot90(masks, axes=(1, 2))})
    np.testing.assert_allclose(turned.values, found, rtol=1e-6, atol=1e-6)


def test_empty_and_constant_regions_are_finite() -> None:
    images, masks = heads(3)
    images[1] = 0.2
    masks[2] = False
    found = radiomics(images, {"brain": masks}).values
    assert np.isfinite(found).all()
    assert np.all(found[2] == 0)


def test_values_outside_of_the_range_count_as_its_ends() -> None:
    images, _ = heads()
    np.testing.assert_array_equal(
        radiomics(3 * images).values, radiomics(np.clip(3 * images, -1, 1)).values
    )


def test_what_cannot_be_measured_is_refused_in_one_line() -> None:
    images, masks = heads()
    images[3, 0, 5, 5] = np.nan
    with pytest.raises(UserError, match="image 3 contains NaN"):
        radiomics(images)
    for arguments, word in (
        ({"images": images[0]}, "N x C x H x W"),
        ({"masks": {"brain": masks[:, 1:]}}, "mask 'brain'"),
        ({"masks": {}}, "no region"),
        ({"contrasts": ["T1w"]}, "1 names for 2 contrasts"),
        ({"bins": 1}, "1 grey levels"),
    ):
        with pytest.raises(UserError, match=word):
            radiomics(**{"images": heads()[0], **arguments})
