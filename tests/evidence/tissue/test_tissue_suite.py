"""Anatomy measured from end to end, on images whose difference is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from popgan.errors import UserError
from popgan.evidence.tissue.results import TissueResult
from popgan.evidence.tissue.suite import measure_tissue


@pytest.fixture(scope="module")
def sets(head):
    """Images of one head, bent and brightened at random, as if of many patients: by split."""
    rng = np.random.default_rng(0)
    images = head.images[:, :1]

    def some(count: int) -> np.ndarray:
        made = []
        for _ in range(count):
            one = images[rng.integers(0, 5), 0]
            zoom = rng.uniform(0.92, 1.08, 2)
            centre = np.array(one.shape) / 2
            one = ndimage.affine_transform(one, 1 / zoom, centre - centre / zoom, order=1, cval=-1)
            made.append((one + 1) * rng.uniform(0.8, 1) - 1)
        return np.stack(made)[:, None].astype(np.float32)

    return {
        "real_train": some(48),
        "real_reference": some(24),
        "synthetic": some(30),
        "train_subjects": [f"p{i // 3}" for i in range(48)],
        "reference_subjects": [f"q{i // 3}" for i in range(24)],
        "contrasts": ["T1w"],
        "pixel": 5.76,
        "draws": 199,
    }


@pytest.fixture(scope="module")
def same(sets):
    return measure_tissue(**sets)


def test_images_of_the_same_heads_are_plausible_and_do_not_differ(same):
    assert same.contrast == "T1w"
    assert same.reliability.synthetic.value > 0.9
    assert same.reliability.reliable
    assert {f.name for f in same.features} == {
        *("csf", "grey", "white", "ventricles", "contrast", "symmetry")
    }
    assert not any(f.differs for f in same.features)
    assert same.n_subjects == 8
    assert same.n_train_subjects == 16
    for feature in same.features:
        assert feature.p <= feature.p_holm
        assert feature.wasserstein.low <= feature.wasserstein.value <= feature.wasserstein.high
        assert feature.floor.n_synthetic == 0
        assert feature.floor.n_subjects == 24
        assert feature.synthetic.n_synthetic == same.n_synthetic
    assert same.feature("ventricles").unit == "mm2"
    assert same.feature("contrast").real.value > 0


def test_the_result_survives_json(same):
    assert TissueResult.model_validate_json(same.model_dump_json()) == same


def test_a_set_with_less_contrast_differs_in_contrast(sets):
    """Grey values above a third are drawn together."""
    dull = (sets["synthetic"] + 1) / 2
    dull = np.where(dull > 0.3, 0.3 + 0.56 * (dull - 0.3), dull) * 2 - 1
    found = measure_tissue(**{**sets, "synthetic": dull.astype(np.float32)})
    contrast = found.feature("contrast")
    assert contrast.differs
    assert contrast.synthetic.value < contrast.real.value
    assert contrast.wasserstein.value > 3 * contrast.floor.value


def test_noise_segments_implausibly_and_says_so_first(sets):
    noise = np.random.default_rng(1).uniform(-1, 1, sets["synthetic"].shape).astype(np.float32)
    found = measure_tissue(**{**sets, "synthetic": noise})
    assert found.reliability.synthetic.value < 0.1
    assert found.features == []
    assert "0.0% of the synthetic images segment plausibly" in found.warnings[0]
    assert "Too few images" in " ".join(found.warnings)


def test_other_contrasts_and_tiny_images_are_not_measured_and_the_reason_is_told(sets):
    found = measure_tissue(**{**sets, "contrasts": ["ADC"]})
    assert "images of ADC" in found.not_measured
    assert found.reliability is None
    small = {
        name: sets[name][:, :, :32, :32] for name in ("real_train", "real_reference", "synthetic")
    }
    assert "of 32 pixels" in measure_tissue(**{**sets, **small}).not_measured


def test_one_patient_is_refused(sets):
    with pytest.raises(UserError, match="two or more"):
        measure_tissue(**{**sets, "reference_subjects": ["q"] * 24})


def test_an_unknown_size_of_a_pixel_makes_ventricles_a_share_and_changes_nothing_else(sets, same):
    found = measure_tissue(**{**sets, "pixel": None})
    assert found.reliability == same.reliability
    assert [f for f in found.features if f.name != "ventricles"] == [
        f for f in same.features if f.name != "ventricles"
    ]
    assert found.feature("ventricles").unit == ""
    assert found.feature("ventricles").real.value < 0.2
    assert any("pixel is not known" in text for text in found.warnings)
