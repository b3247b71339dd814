"""Copy search: alignment against brute force, copies of all kinds are found, honest images pass."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from popgan.errors import UserError
from popgan.evidence.privacy.alignment import best_matches, peaks, rolled
from popgan.evidence.privacy.cases import Cases
from popgan.evidence.privacy.copies import ALPHA, CopyFinder, blur_to, blurred, sharpness


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_the_best_match_is_that_of_brute_force(world, rng) -> None:
    bank, query = world.cases(12, 1, rng, "t").images, world.honest(6, rng)
    found = best_matches(query, bank, candidates=24)
    for i in range(len(query)):
        best = max(
            (np.corrcoef(query[i].ravel(), np.roll(image, (d, r), (-2, -1)).ravel())[0, 1], j)
            for j in range(len(bank))
            for image in (bank[j], bank[j][..., ::-1])
            for d in range(-2, 3)
            for r in range(-2, 3)
        )
        assert found.correlation[i] == pytest.approx(best[0], abs=1e-5)
        assert found.index[i] == best[1]


def test_eight_candidates_are_enough(world, rng) -> None:
    bank, query = world.cases(60, 2, rng, "t").images, world.honest(40, rng)
    few, all_ = best_matches(query, bank), best_matches(query, bank, candidates=240)
    assert (all_.correlation - few.correlation).max() < 0.05
    assert (few.index == all_.index).mean() > 0.9


@pytest.mark.parametrize("shift", [(0, 0), (2, -1), (-2, 2)])
def test_shift_mirror_and_gain_do_not_hide_a_copy(world, rng, shift) -> None:
    bank = world.cases(30, 1, rng, "t").images
    copy = 0.7 * np.roll(bank[7:8, ..., ::-1], shift, (-2, -1)) - 0.1
    found = best_matches(copy.astype(np.float32), bank)
    assert found.index[0] == 7 and found.correlation[0] > 1 - 1e-6


def test_ssim_is_that_of_scikit_image(world, rng) -> None:
    bank = world.cases(5, 1, rng, "t").images
    query = (0.9 * bank[2:3] + 0.05).astype(np.float32)
    found = best_matches(query, bank)
    full, image = structural_similarity(
        (query[0, 0] + 1) / 2, (bank[2, 0] + 1) / 2, data_range=1, gaussian_weights=True,
        sigma=1.5, use_sample_covariance=False, full=True,
    )  # fmt: skip
    assert full > 0.9
    assert found.ssim[0] == pytest.approx(image[5:-5, 5:-5].mean(), abs=1e-4)


def test_rolling_each_image_by_its_own_shift(rng) -> None:
    images = rng.normal(size=(4, 2, 9, 7)).astype(np.float32)
    shift = rng.integers(-3, 4, size=(4, 2))
    expected = np.stack(
        [np.roll(x, tuple(s), (-2, -1)) for x, s in zip(images, shift, strict=True)]
    )
    assert (rolled(images, shift) == expected).all()
    value, back = peaks(np.tile(images[:1], (1, 1, 5, 5)), np.tile(images[:1], (1, 1, 5, 5)))
    assert value[0] == pytest.approx(1) and (back == 0).all()


def test_constant_images_resemble_nothing(world, rng) -> None:
    bank = world.cases(4, 1, rng, "t").images
    found = best_matches(np.full((2, 1, 32, 32), -1, np.float32), bank)
    assert (found.correlation == 0).all()


def test_memorised_images_are_copies_beyond_doubt(world, rng) -> None:
    train, heldout = world.cases(60, 3, rng, "t"), world.cases(30, 3, rng, "h")
    images = np.concatenate([world.memorised(train, 60, rng), world.honest(140, rng)])
    result, flags = CopyFinder(train, heldout).search(images, world.embed(images))
    assert {flag.synthetic for flag in flags} >= set(range(60))
    assert result.clear >= 60 and result.p <= ALPHA / 2
    assert "copies beyond doubt" in result.sentence and "cannot be chance" in result.sentence
    assert result.flagged.high > 0.1 and result.flagged.n == 200
    assert not any(name in result.model_dump_json() for name in train.subjects)


def test_one_memorised_patient_among_many_images_is_found(world, rng) -> None:
    train, heldout = world.cases(60, 3, rng, "t"), world.cases(30, 3, rng, "h")
    own = Cases(train.images[:3], train.features[:3], train.subjects[:3])
    images = np.concatenate([world.honest(600, rng), world.memorised(own, 2, rng)])
    result, flags = CopyFinder(train, heldout).search(images, world.embed(images))
    sure = {flag.synthetic for flag in flags if flag.clear}
    assert sure == {600, 601} and result.clear == 2
    assert {flag.subject for flag in flags if flag.clear} == {train.subjects[0]}


def test_honest_images_are_accused_no_more_often_than_stated(world) -> None:
    runs, accused = 40, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        train, heldout = world.cases(20, 2, rng, "t"), world.cases(8, 2, rng, "h")
        images = world.honest(40, rng)
        result, _ = CopyFinder(train, heldout).search(images, world.embed(images))
        accused += result.clear > 0 or result.p <= ALPHA / 2
    assert accused <= 3  # 99.8 % point of binomial(40, 0.0125)


def test_few_held_out_images_say_what_is_known(world, rng) -> None:
    train, heldout = world.cases(10, 2, rng, "t"), world.cases(3, 2, rng, "h")
    images = world.honest(30, rng)
    result, _ = CopyFinder(train, heldout).search(images, world.embed(images))
    assert result.measures[0].quantile == pytest.approx(6 / 7)
    assert result.measures[0].false_alarms.high == pytest.approx(1 - 0.05 ** (1 / 3))
    assert "6 held-out images of 3 patients" in result.sentence and "85.7%" in result.sentence


def test_a_blurred_generator_is_not_accused_of_copying(world, rng) -> None:
    train, heldout = world.cases(60, 1, rng, "t"), world.cases(60, 1, rng, "h")
    images = blurred(world.honest(200, rng), 3.0)
    plain, _ = CopyFinder(train, heldout).search(images, world.embed(images))
    finder = CopyFinder(train, heldout, sharpness(images), world.embed)
    fair, _ = finder.search(images, world.embed(images))
    assert finder.blur == pytest.approx(3.0, abs=0.3)
    assert fair.p > ALPHA / 2 and fair.clear == 0
    by_correlation = [found.measures[0].flagged.value for found in (plain, fair)]
    assert by_correlation[1] <= by_correlation[0]
    assert blur_to(heldout.images, 1.0) == 0


def test_patients_on_both_sides_are_refused_without_naming_them(world, rng) -> None:
    train = world.cases(5, 1, rng, "t")
    with pytest.raises(UserError, match="5 of 5 held-out patients were trained with") as caught:
        CopyFinder(train, train)
    assert "t00" not in str(caught.value)


def test_images_that_are_not_finite_are_refused(world, rng) -> None:
    good = world.cases(3, 1, rng, "t")
    bad = good.images.copy()
    bad[0, 0, 0, 0] = np.nan
    with pytest.raises(UserError, match="not finite"):
        Cases(bad, good.features, good.subjects)


def test_like_slices_of_a_patient_do_not_crowd_out_a_shifted_copy(rng) -> None:
    """On real heads, shifts in whole pixels of the grid missed 15 % of the shifted copies."""
    from scipy.ndimage import gaussian_filter

    own = gaussian_filter(rng.normal(size=(40, 1, 64, 64)), (0, 0, 3, 3))
    walk = gaussian_filter(rng.normal(size=(40, 24, 1, 64, 64)), (0, 2, 0, 2, 2))
    bank = (own[:, None] / own.std() + 0.15 * walk / walk.std()).reshape(-1, 1, 64, 64)
    bank = np.tanh(bank / 2).astype(np.float32)
    at = rng.integers(len(bank), size=40)
    shift = rng.choice([-3, -2, 2, 3], size=(40, 2))
    found = best_matches(rolled(bank[at], shift), bank)
    assert (found.index == at).all() and found.correlation.min() > 1 - 1e-6
