"""Inputs unlike those of training are named; those alike are not, but for a stated share."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

from popgan.evidence.paired.domain import FEWEST, MOST, Domain
from popgan.evidence.paired.regions import brain_mask
from popgan.evidence.paired.traits import BESIDE, LEVELS, NAMES, Traits, traits_of

SIDE = 48
Y, X = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
SHADES = {"T1w": (0.8, 0.35, 0.6, 0.15), "FLAIR": (0.5, 0.55, 0.4, 0.1)}
"""Scalp, cortex, white matter and ventricles."""


def pictures(seed: int, *, n: int = 5) -> dict[str, np.ndarray]:
    """Slices of a head in two contrasts: the same anatomy in other shades."""
    rng = np.random.default_rng(seed)
    radius = rng.uniform(16, 20, n)[:, None, None]
    far = np.hypot(Y * rng.uniform(0.9, 1), X * 1.15) / radius
    noise = rng.uniform(0.005, 0.015)
    found = {}
    for name, levels in SHADES.items():
        scale = rng.uniform(0.93, 1.07)
        image = np.zeros(far.shape)
        for edge, level in zip((1.0, 0.9, 0.7, 0.25), levels, strict=True):
            image[far < edge] = level * scale
        image = gaussian_filter(image, (0, 0.7, 0.7)) + rng.normal(0, noise, image.shape)
        found[name] = np.clip(image, 0, 1).astype(np.float32)
    return found


def visit(seed: int, **change: object) -> Traits:
    measured = traits_of(pictures(seed), slice_distance=5.0, pixel=1.0)
    return measured.model_copy(update=change)


@pytest.fixture(scope="module")
def domain() -> Domain:
    return Domain.learn([visit(seed) for seed in range(20)])


def drawn(rng: np.random.Generator) -> Traits:
    """Traits of a visit of one kind, with heavy tails, so that odd ones are about."""
    common = rng.standard_t(3)
    contrasts = {
        name: (shift + 0.05 * (common + rng.standard_t(3, len(NAMES)))).tolist()
        for name, shift in (("T1w", 0.3), ("FLAIR", 0.5))
    }
    return Traits(contrasts=contrasts, slice_distance=float(np.exp(rng.normal(1, 0.1))), pixel=1.0)


@pytest.mark.parametrize("count", [9, 19])
def test_inputs_of_the_same_kind_are_named_no_more_often_than_stated(count: int) -> None:
    rng, studies = np.random.default_rng(count), 250
    unusual = wrong = 0
    for _ in range(studies):
        known = Domain.learn([drawn(rng) for _ in range(count)])
        warnings = known.judge(drawn(rng))
        wrong += any("looks like" in text for text in warnings)
        unusual += any("looks like" not in text for text in warnings)
    # Three standard errors above the promise.
    promise = 1 / (count + 1)
    slack = 3 * np.sqrt(promise * (1 - promise) / studies)
    assert unusual / studies < promise + slack
    assert unusual / studies > promise - slack  # and it is not asleep
    assert wrong / studies < 2 * promise + slack  # two contrasts


def test_a_new_patient_is_not_named(domain: Domain) -> None:
    assert [domain.judge(visit(seed)) for seed in range(100, 105)].count([]) >= 4


def test_a_contrast_passed_as_another_is_named(domain: Domain) -> None:
    for seed in range(100, 106):
        images = pictures(seed)
        swapped = {"T1w": images["FLAIR"], "FLAIR": images["T1w"]}
        warnings = domain.judge(traits_of(swapped, slice_distance=5.0, pixel=1.0))
        assert "T1w looks like FLAIR rather than T1w" in warnings
        assert "FLAIR looks like T1w rather than FLAIR" in warnings


def test_a_doubled_slice_distance_is_named_in_mm(domain: Domain) -> None:
    (text,) = domain.judge(visit(101, slice_distance=10.0))
    assert text == "slice distance is 10 mm, in training 5 mm"


def test_another_voxel_size_is_named(domain: Domain) -> None:
    assert any("voxel size in the plane is 2 mm" in t for t in domain.judge(visit(101, pixel=2.0)))


def test_inverted_intensities_are_named_with_the_range_of_training(domain: Domain) -> None:
    images = pictures(101)
    head = brain_mask(images["T1w"][:, None])
    images["T1w"] = np.where(head, 1 - images["T1w"], 0).astype(np.float32)
    warnings = domain.judge(traits_of(images, slice_distance=5.0, pixel=1.0))
    assert warnings and all(text.startswith("T1w") for text in warnings)
    assert any("in training 0." in text and " to 0." in text for text in warnings)


def test_noise_is_named(domain: Domain) -> None:
    images = pictures(101)
    noise = np.random.default_rng(0).normal(0, 0.1, images["FLAIR"].shape)
    images["FLAIR"] = np.clip(images["FLAIR"] + noise, 0, 1)
    assert any("FLAIR: noise is" in text for text in domain.judge(traits_of(images)))


def test_one_odd_training_visit_does_not_hide_a_wrong_contrast() -> None:
    odd = {name: [5 * v for v in numbers] for name, numbers in visit(0).contrasts.items()}
    known = Domain.learn([*(visit(seed) for seed in range(20)), visit(0, contrasts=odd)])
    images = pictures(101)
    warnings = known.judge(traits_of({"T1w": images["FLAIR"]}))
    assert warnings == ["T1w looks like FLAIR rather than T1w"]


def test_with_few_training_visits_it_says_that_it_cannot_tell() -> None:
    known = Domain.learn([visit(seed) for seed in range(FEWEST - 1)])
    odd = visit(101, slice_distance=50.0)
    assert known.judge(odd) == ["8 training visits: too few to tell whether a scan is like them"]
    known = Domain.learn([visit(seed) for seed in range(FEWEST)])
    assert known.judge(odd) == ["slice distance is 50 mm, in training 5 mm"]


def test_a_source_that_is_missing_or_unknown_is_not_judged(domain: Domain) -> None:
    images = pictures(101)
    assert domain.judge(traits_of({"T1w": images["T1w"]})) == []
    assert domain.judge(traits_of({"SWI": 1 - images["T1w"]})) == []


def test_a_distance_that_training_did_not_know_is_not_judged() -> None:
    known = Domain.learn([visit(seed, slice_distance=None) for seed in range(12)])
    assert known.judge(visit(101, slice_distance=50.0)) == []


def test_what_is_kept_names_nobody_and_tells_no_order() -> None:
    visits = [visit(seed) for seed in range(12)]
    assert Domain.learn(visits) == Domain.learn(visits[::-1])
    assert set(json.loads(Domain.learn(visits).model_dump_json())["visits"][0]) == {
        "contrasts",
        "slice_distance",
        "pixel",
    }


def test_of_many_visits_some_are_kept() -> None:
    rng = np.random.default_rng(0)
    known = Domain.learn([drawn(rng) for _ in range(MOST + 50)], heights=(0.2, 0.9))
    assert len(known.visits) == MOST and known.heights == (0.2, 0.9)


def test_it_comes_back_from_json_and_damage_is_refused(domain: Domain) -> None:
    text = domain.model_dump_json()
    assert Domain.model_validate_json(text) == domain
    for damage in ("short", "other", "text"):
        content = json.loads(text)
        if damage == "short":
            content["visits"][0]["contrasts"]["T1w"].pop()
        elif damage == "other":
            content["visits"][0]["contrasts"]["T2w"] = content["visits"][0]["contrasts"].pop("T1w")
        else:
            content["visits"][0]["slice_distance"] = -1
        with pytest.raises(ValidationError):
            Domain.model_validate_json(json.dumps(content))


def numbers(image: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, traits_of({"T1w": image}).contrasts["T1w"], strict=True))


def test_traits_of_intensity_have_closed_forms() -> None:
    flat = np.zeros((2, 40, 40))
    flat[:, 10:30, 10:30] = 0.5
    found = numbers(flat)
    assert [found[name] for name in LEVELS] == [0.5] * 7 + [0.25, 0.0]
    noisy = np.clip(0.5 + np.random.default_rng(0).normal(0, 0.03, (4, 40, 40)), 0, 1)
    assert numbers(noisy)["noise"] == pytest.approx(0.03, rel=0.1)


def test_what_lies_beside_what_survives_any_rising_curve() -> None:
    image = pictures(3)["T1w"]
    bent = np.where(image > 0.08, 0.1 + 0.8 * image**2, image)
    tail = slice(len(LEVELS), None)
    before, after = (list(numbers(x).values()) for x in (image, bent))
    assert after[tail] == pytest.approx(before[tail], abs=0.03)
    assert after[: len(LEVELS)] != pytest.approx(before[: len(LEVELS)], abs=0.05)


def test_what_lies_beside_the_darkest_tissue_is_told() -> None:
    """Dark fluid with a bright rim, in grey: beside it it is bright, further away it is not."""
    far = np.hypot(Y, X)
    image = np.where(far < 20, 0.5, 0.0)[None].repeat(2, 0)
    image += 0.01 * X / SIDE * (far < 20)
    image[:, far < 6.5] = 0.9
    image[:, far < 5] = 0.2
    found = numbers(image)
    assert found[BESIDE[0]] > 0.8 and found[BESIDE[-1]] < 0.7


def test_an_empty_scan_has_traits_too() -> None:
    empty = np.zeros((2, 32, 32), np.float32)
    assert list(numbers(empty).values()) == [0.0] * len(NAMES)


def stack(folder: Path, contrast: str) -> np.ndarray:
    """Every third slice at 64 pixels; every contrast gets the same, even histogram."""
    volume = np.asarray(nib.load(folder / f"{contrast}.nii.gz").dataobj)[:, :, 4:-4:3]
    small = np.moveaxis(volume.reshape(64, 2, 64, 2, -1).mean((1, 3)), -1, 0)
    inside = brain_mask((small / np.percentile(small, 99.5))[:, None])
    even = np.zeros(small.shape)
    even[inside] = 0.1 + 0.8 * rankdata(small[inside]) / inside.sum()
    return even


@pytest.mark.realdata
@pytest.mark.skipif("POPGAN_DATA" not in os.environ, reason="POPGAN_DATA is unset")
def test_a_real_flair_passed_as_t1w_is_found_by_its_anatomy() -> None:
    root = Path(os.environ["POPGAN_DATA"]) / "lgg_tcga_128"
    folders = [f for f in sorted(root.glob("sub-*")) if (f / "t1.nii.gz").exists()][:28]
    visits = [
        traits_of({"T1w": stack(f, "t1"), "FLAIR": stack(f, "flair")}, slice_distance=5.0)
        for f in folders
    ]
    known, new = Domain.learn(visits[:20]), visits[20:]
    wrong = "T1w looks like FLAIR rather than T1w"
    passed = [v.model_copy(update={"contrasts": {"T1w": v.contrasts["FLAIR"]}}) for v in new]
    assert sum(wrong in known.judge(v) for v in passed) >= 7  # of 8
    right = [v.model_copy(update={"contrasts": {"T1w": v.contrasts["T1w"]}}) for v in new]
    assert sum(wrong in known.judge(v) for v in right) <= 1
