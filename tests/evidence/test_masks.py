"""Masks are measured: how often, how large, and whether they lie on what they name."""

from __future__ import annotations

import numpy as np
import pytest

from popgan.evidence.masks import MaskResult, measure_masks, rim_steps

SIDE = 32


def discs(count: int, seed: int, *, share: float = 1.0, bright: float = 1.0, radius: float = 5.0):
    """Images with a bright disc at a random place in a share of them, and its mask."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    images = rng.normal(-0.2, 0.05, (count, 1, SIDE, SIDE)).astype(np.float32)
    codes = np.zeros((count, SIDE, SIDE), np.uint8)
    for i in range(count):
        if rng.random() < share:
            centre = rng.uniform(8, 24, 2)
            codes[i] = np.hypot(y - centre[0], x - centre[1]) < radius * rng.uniform(0.8, 1.2)
            images[i, 0] += bright * codes[i]
    return images, codes


def measure(fake, real, **changes) -> MaskResult:
    settings = {
        "images": fake[0],
        "codes": fake[1],
        "real_images": real[0],
        "real_codes": real[1],
        "real_subjects": [f"s{i % 6}" for i in range(len(real[0]))],
        "labels": [(7, "lesion")],
        "contrasts": ["T1w"],
    }
    return measure_masks(**(settings | changes))


def test_images_of_the_same_kind_measure_alike() -> None:
    result = measure(discs(300, 0, share=0.6), discs(120, 1, share=0.6))
    (label,) = result.labels
    assert (label.value, label.name) == (7, "lesion")
    assert label.share_synthetic.value == pytest.approx(0.6, abs=0.08)
    assert label.share_real.low < 0.6 < label.share_real.high
    assert label.area_synthetic.value == pytest.approx(np.pi * 25 / SIDE**2, rel=0.1)
    assert label.area_real.low < label.area_synthetic.value < label.area_real.high
    (step,) = label.steps
    assert step.synthetic.value == pytest.approx(0.5, abs=0.02)  # 1 of a range of 2
    assert step.real.value == pytest.approx(0.5, abs=0.02)
    assert step.follows == pytest.approx(1, abs=0.1)
    assert result.warnings == []


def test_the_numbers_behind_each_figure_are_stated() -> None:
    real = discs(120, 1)
    real[1][::6] = 0  # one subject of six shows nothing
    (label,) = measure(discs(300, 0, share=0.5), real).labels
    shown = round(300 * label.share_synthetic.value)
    assert label.share_synthetic.n_synthetic == 300
    assert label.area_synthetic.n_synthetic == shown
    assert (label.share_real.n_real, label.share_real.n_subjects) == (120, 6)
    assert (label.area_real.n_real, label.area_real.n_subjects) == (100, 5)


def test_masks_of_other_images_lose_the_step_and_nothing_else() -> None:
    images, codes = discs(300, 0)
    rolled = measure((images, np.roll(codes, 1, 0)), discs(120, 1))
    right = measure((images, codes), discs(120, 1))
    assert rolled.labels[0].share_synthetic == right.labels[0].share_synthetic
    assert rolled.labels[0].area_synthetic == right.labels[0].area_synthetic
    (step,) = rolled.labels[0].steps
    assert abs(step.follows) < 0.1
    (warning,) = rolled.warnings
    assert "lesion: its masks follow the image little" in warning


def test_a_label_that_is_never_drawn_is_told() -> None:
    images, codes = discs(200, 0, share=0.0)
    result = measure((images, codes), discs(120, 1, share=0.5))
    (label,) = result.labels
    assert label.share_synthetic.value == 0
    assert label.area_synthetic is None
    assert label.steps[0].synthetic is None
    assert label.steps[0].follows is None
    assert result.warnings[0].startswith("lesion: ")
    assert "no synthetic one does" in result.warnings[0]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_real_images_that_are_all_alike_give_no_interval(share: float) -> None:
    result = measure(discs(100, 0), discs(60, 1, share=share))
    (label,) = result.labels
    assert label.share_real.value == share
    assert label.share_real.low is None
    assert "no interval" in label.share_real.method
    assert (label.area_real is None) == (share == 0)


def test_where_real_masks_have_no_step_there_is_nothing_to_follow() -> None:
    fake, real = discs(200, 0, bright=0.0), discs(120, 1, bright=0.0)
    result = measure(fake, real)
    assert result.labels[0].steps[0].follows is None
    assert result.warnings == []


def test_the_step_is_that_of_the_two_pixels_around() -> None:
    image = np.full((1, 9, 9), -1, np.float32)
    image[0, 3:6, 3:6] = 0.0
    image[0, 0, 0] = 1.0  # far away: does not count
    inside = np.zeros((1, 9, 9), bool)
    inside[0, 3:6, 3:6] = True
    assert rim_steps(image, inside).tolist() == [0.5]
    image[0, 4, 6] = 1.0  # one of the ring's pixels: 12 at one step, 16 at two
    assert rim_steps(image, inside)[0] == pytest.approx(0.5 - 2 / 28 / 2)


def test_an_empty_mask_and_one_that_fills_the_image_have_no_step() -> None:
    inside = np.zeros((2, 9, 9), bool)
    inside[1] = True
    assert np.isnan(rim_steps(np.zeros((2, 9, 9), np.float32), inside)).all()


def test_several_labels_and_contrasts_are_kept_apart() -> None:
    images, codes = discs(150, 0)
    codes[:, :3] = 2
    images = np.concatenate([images, -images], 1)
    real = discs(90, 1)
    real[1][:, :3] = 2
    real = np.concatenate([real[0], -real[0]], 1), real[1]
    labels = [(7, "lesion"), (8, "top")]
    result = measure((images, codes), real, labels=labels, contrasts=["T1w", "T2w"])
    lesion, top = result.labels
    assert [step.contrast for step in lesion.steps] == ["T1w", "T2w"]
    assert lesion.steps[0].synthetic.value == -lesion.steps[1].synthetic.value
    assert top.area_synthetic.value == pytest.approx(3 / SIDE)
    assert MaskResult.model_validate_json(result.model_dump_json()) == result
