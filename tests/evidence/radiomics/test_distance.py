"""The radiomics distance against closed forms, its floor, and what it must say of itself."""

import numpy as np
import pytest
from scipy import linalg

from popgan.errors import UserError
from popgan.evidence.radiomics import distance as module
from popgan.evidence.radiomics.distance import learn, radiomics_distance


def real_set(
    subjects: int = 40, slices: int = 8, features: int = 6, seed: int = 0, own: float = 0.5
) -> tuple[np.ndarray, list[str]]:
    """Slices that share something with the others of their subject; features of many scales."""
    rng = np.random.default_rng(seed)
    people = np.repeat(rng.normal(0, own, (subjects, features)), slices, axis=0)
    values = (people + rng.normal(size=people.shape)) @ rng.normal(size=(features, features))
    return values * 10.0 ** np.arange(features) + 5, [f"s{i // slices}" for i in range(len(values))]


def names(values: np.ndarray) -> list[str]:
    return [f"feature {i}" for i in range(values.shape[1])]


def test_the_textbook_formula_on_standardised_features() -> None:
    real, subjects = real_set()
    synthetic = real_set(30, seed=1)[0] * 1.2
    x, y = ((v - real.mean(0)) / real.std(0, ddof=1) for v in (real, synthetic))
    cx, cy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    shift = x.mean(0) - y.mean(0)
    wanted = shift @ shift + np.trace(cx + cy - 2 * linalg.sqrtm(cx @ cy).real)
    found = radiomics_distance(real, subjects, synthetic, names(real))
    assert found.value.value == pytest.approx(wanted)
    assert found.components == found.features == 6 and found.explained == 1
    assert found.reduction == "All 6 features, standardised by the real set."


def test_units_and_offsets_of_features_do_not_matter() -> None:
    real, subjects = real_set()
    synthetic = real_set(30, seed=1)[0]
    unit = np.array([1e-3, 1, 50, 2, 7, 1e4])
    one = radiomics_distance(real, subjects, synthetic, names(real))
    two = radiomics_distance(real * unit - 3, subjects, synthetic * unit - 3, names(real))
    assert two.value.value == pytest.approx(one.value.value)
    assert two.floor == pytest.approx(one.floor)


def test_fresh_subjects_are_at_the_floor_and_another_distribution_is_not() -> None:
    everybody, subjects = real_set(80)
    rest = everybody[40 * 8 :]
    real, subjects = everybody[: 40 * 8], subjects[: 40 * 8]
    same = radiomics_distance(real, subjects, rest, names(real))
    assert same.matched < 1.5 * same.floor
    shifted = radiomics_distance(real, subjects, rest + real.std(0), names(real))
    assert shifted.matched > 4 * shifted.floor > 0
    assert shifted.floor == same.floor
    assert shifted.value.low is not None and shifted.value.low > same.floor_high


def test_the_floor_splits_subjects_and_not_their_slices() -> None:
    real, subjects = real_set(own=2.0)
    halves = module._halves(subjects, 0)
    for one, other in halves:
        assert not {subjects[i] for i in one} & {subjects[i] for i in other}
        assert len(one) == len(other) == 160
    by_slices = radiomics_distance(real, [str(i) for i in range(len(real))], real, names(real))
    by_subjects = radiomics_distance(real, subjects, real, names(real))
    assert by_subjects.floor > 3 * by_slices.floor


def test_floor_and_matched_value_have_the_same_bias_when_synthetic_images_are_few() -> None:
    everybody, subjects = real_set(80, own=0.0, features=12)
    real, rest = everybody[:320], everybody[320 : 320 + 40]
    found = radiomics_distance(real, subjects[:320], rest, names(real))
    assert 0.7 < found.matched / found.floor < 1.4


def test_the_interval_is_wider_for_slices_of_few_subjects() -> None:
    real, subjects = real_set(own=2.0)
    synthetic = real_set(60, seed=5)[0]
    few = radiomics_distance(real, subjects, synthetic, names(real)).value
    many = radiomics_distance(
        real, [str(i) for i in range(len(real))], synthetic, names(real)
    ).value
    assert few.high - few.low > 1.3 * (many.high - many.low)
    assert few.n_subjects == 40 and few.n_real == 320 and few.n_synthetic == 480
    assert "20 + 20 groups" in few.method


def test_too_few_images_for_the_features_are_reduced_to_axes_of_the_real_set() -> None:
    real, subjects = real_set(12, 5, features=30)
    synthetic = real_set(20, seed=3, features=30)[0]
    found = radiomics_distance(real, subjects, synthetic, names(real))
    assert found.components == 30 // module.ROWS_A_FEATURE  # half of 60 real images is 30
    assert 0 < found.explained < 1
    assert "30 images, too few for 30 features: 10 principal axes" in found.reduction


def test_axes_are_those_of_the_real_set_and_only_turned() -> None:
    real = real_set()[0]
    full, some = learn(real, 6), learn(real, 3)
    assert some.axes is not None and full.axes is None
    np.testing.assert_allclose(some.axes.T @ some.axes, np.eye(3), atol=1e-12)
    variance = np.linalg.eigvalsh(np.cov(full(real), rowvar=False))[::-1]
    np.testing.assert_allclose(some(real).var(0, ddof=1), variance[:3])
    assert some.explained == pytest.approx(variance[:3].sum() / 6)


def test_features_without_spread_are_left_out_and_named() -> None:
    real, subjects = real_set()
    constant = np.column_stack([real, np.full(len(real), 0.1)])
    found = radiomics_distance(constant, subjects, constant, [*names(real), "flat"])
    assert found.constant == ["flat"] and found.components == 6 and found.features == 7
    assert found.value.value == pytest.approx(0, abs=1e-9)


def test_the_same_seed_gives_the_same_result_which_survives_json() -> None:
    real, subjects = real_set(12)
    one, two = (radiomics_distance(real, subjects, real[::2], names(real), seed=4) for _ in "ab")
    assert one == two == module.RadiomicsDistance.model_validate_json(one.model_dump_json())


def test_what_cannot_be_compared_is_refused_in_one_line() -> None:
    real, subjects = real_set(12)
    label = names(real)
    for arguments, word in (
        ((real, ["a", "b", "c"] * 32, real, label), "fewer than four real subjects"),
        ((real, subjects[1:], real, label), "95 subject names for 96"),
        ((real, subjects, real[:9], label), "9 synthetic images"),
        ((real, subjects, real, label[1:]), "for 5 names"),
        ((real, subjects, real * np.nan, label), "not a finite number"),
        ((real * 0, subjects, real, label), "no radiomics feature differs"),
    ):
        with pytest.raises(UserError, match=word):
            radiomics_distance(*arguments)
