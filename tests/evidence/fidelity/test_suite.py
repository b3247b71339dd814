"""The suite: every metric with interval or reason, floor, ceilings; bad input in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from popgan.errors import UserError
from popgan.evidence import inception
from popgan.evidence.fidelity.results import FidelityResult
from popgan.evidence.fidelity.suite import assess
from popgan.evidence.fidelity.verdict import verdict
from popgan.evidence.radiomics.head import HeadRadiomics

SIDE = 32


class EdgeNetwork:
    """A fast stand-in: mean brightness and mean edge strength of 8 x 8 fields."""

    identity: dict[str, Any] = {"backbone": "edges", "input_size": SIDE}  # noqa: RUF012

    def __call__(self, images: np.ndarray, *, advance: Any = None) -> np.ndarray:
        down, right = np.diff(images, axis=2), np.diff(images, axis=3)
        edges = np.abs(down[..., :-1]) + np.abs(right[..., :-1, :])
        parts = [images[..., :-1, :-1] + 1, 3 * edges]
        pads = ((0, 0), (0, 0), (0, 1), (0, 1))
        height, width = (side // 8 for side in images.shape[2:])
        fields = [
            np.pad(p, pads).reshape(len(images), -1, height, 8, width, 8).mean((3, 5))
            for p in parts
        ]
        return np.concatenate([f.reshape(len(images), -1) for f in fields], 1).astype(np.float32)


class Quarters:
    """Mean brightness of the four quarters: few features, so that few images are many."""

    identity: dict[str, Any] = {"backbone": "quarters"}  # noqa: RUF012

    def __call__(self, images: np.ndarray, *, advance: Any = None) -> np.ndarray:
        height, width = (side // 2 for side in images.shape[2:])
        parts = images.reshape(len(images), 2, height, 2, width).mean((2, 4))
        return parts.reshape(len(images), 4).astype(np.float32)


def heads(subjects: int, slices: int, seed: int, contrasts: int = 1) -> np.ndarray:
    """Ellipses with an inner structure; size, place and brightness vary by subject and slice."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    images = []
    for _ in range(subjects):
        a, b, dx, gain = rng.uniform([0.75, 0.75, -0.1, 0.66], [0.85, 0.85, 0.1, 0.74])
        for _ in range(slices):
            shrink = rng.uniform(0.6, 1)
            radius = np.hypot((y - dx) / (a * shrink), x / (b * shrink))
            head = gain * (radius < 1) - 0.3 * (radius < rng.uniform(0.2, 0.5))
            head *= 1 + 0.3 * np.sin(12 * radius + rng.uniform(0, 6.3))  # folds, lost in a mean
            images.append(gaussian_filter(head, 0.5) + rng.normal(0, 0.01, head.shape))
    stack = np.clip(np.array(images) * 2 - 1, -1, 1)
    return np.repeat(stack[:, None], contrasts, 1).astype(np.float32)


def material(**changes: Any) -> dict[str, Any]:
    arguments = {
        "real_train": heads(16, 8, 0),
        "real_reference": heads(8, 8, 1),
        "synthetic": heads(100, 1, 2),
        "train_subjects": [f"t{i // 8}" for i in range(128)],
        "reference_subjects": [f"r{i // 8}" for i in range(64)],
        "extractor": EdgeNetwork(),
    }
    return {**arguments, **changes}


@pytest.fixture(scope="module")
def good() -> FidelityResult:
    return assess(**material())


@pytest.fixture(scope="module")
def collapsed() -> FidelityResult:
    train = heads(16, 8, 0)
    return assess(**material(synthetic=np.repeat(train.mean(0, keepdims=True), 60, 0)))


def test_every_metric_has_an_interval_or_says_why_not(good: FidelityResult) -> None:
    names = {m.name for m in good.metrics}
    assert names == {
        "kid", "frechet", "precision", "recall", "density", "coverage", "clipped_density",
        "clipped_coverage", "ms_ssim", "most_alike", "spectrum", "air_noise", "air_level",
        "nearest_ratio", "nearest_share", "nearest_correlation",
    }  # fmt: skip
    for metric in good.metrics:
        value = metric.value
        if value.low is None:
            assert "no interval" in value.method
        else:
            assert value.low <= value.value <= value.high and "jackknife" in value.method
        assert metric.floor is not None and set(metric.ceilings) == {"mean image", "noise"}
        assert value.n_real > 0 and value.n_synthetic == 100 and value.n_subjects > 1
        assert metric.how_to_read.endswith(".")
        on_pixels = {"ms_ssim", "most_alike", "spectrum", "nearest_correlation"}
        on_pixels |= {"air_noise", "air_level"}
        assert metric.basis == ("pixels" if metric.name in on_pixels else "edges at 32 pixels")


def test_what_too_few_images_do_not_carry_is_left_out_and_said(good: FidelityResult) -> None:
    assert [line for line in good.warnings if "not extrapolated" in line] == [
        "Frechet distance not extrapolated: it takes 80 images on either side, and there are 64."
    ]
    assert any("64 images for 80 features" in line for line in good.warnings)
    assert len(HeadRadiomics.names(1)) == 80


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> FidelityResult:
    """Enough images for all measures; in four features also enough for intervals of all."""
    return assess(
        **material(
            real_train=heads(24, 10, 0),
            real_reference=heads(24, 10, 1),
            synthetic=heads(250, 1, 2),
            train_subjects=[f"t{i // 10}" for i in range(240)],
            reference_subjects=[f"r{i // 10}" for i in range(240)],
            extractor=Quarters(),
            cache=tmp_path_factory.mktemp("cache"),
        )
    )


def test_with_four_images_a_feature_the_line_to_infinity_has_an_interval(
    larger: FidelityResult,
) -> None:
    found, plain = larger.metric("frechet_infinity"), larger.metric("frechet")
    assert found.value.low is not None
    assert found.value.low <= found.value.value <= found.value.high
    assert found.value.low < found.floor < found.value.high
    assert found.value.value < plain.value.value
    assert found.ceilings["noise"] > 10 * abs(found.value.value)


def test_radiomics_stand_between_floor_and_ceilings(larger: FidelityResult) -> None:
    found = larger.metric("frechet_radiomics")
    assert found.value.low is not None
    assert found.value.low < found.value.value < found.value.high
    assert found.value.value < 3 * found.floor
    assert min(found.ceilings.values()) > 10 * found.floor
    assert "radiomics of the head" in found.basis and "scale held fixed" in found.value.method
    assert not any("radiomics" in line for line in larger.warnings)


def test_with_fewer_than_four_images_a_feature_the_line_claims_no_interval() -> None:
    result = assess(**material(real_reference=heads(10, 9, 1), reference_subjects=[
        f"r{i // 9}" for i in range(90)]))  # fmt: skip
    found = result.metric("frechet_infinity").value
    assert found.low is None and "90 images for 32 features" in found.method


def test_only_with_the_features_of_fid_is_a_distance_called_fid(good: FidelityResult) -> None:
    class Pinned(EdgeNetwork):
        identity: dict[str, Any] = {  # noqa: RUF012
            "backbone": inception.BACKBONE,
            "input_size": 299,
            "weights_sha256": inception.WEIGHTS_SHA256,
        }

    fid = assess(**material(extractor=Pinned())).metric("frechet")
    assert fid.title == "Frechet inception distance (FID)" and fid.basis.startswith("Inception-v3")
    assert "FID" not in good.model_dump_json()


def test_results_of_schema_1_are_still_read(good: FidelityResult) -> None:
    old = good.model_dump(mode="json") | {"schema_version": 1}
    for metric in old["metrics"]:
        del metric["basis"]
    read = FidelityResult.model_validate(old)
    assert read.metric("kid").value == good.metric("kid").value and not read.metric("kid").basis


def test_fresh_images_of_the_same_kind_are_near_the_floor(good: FidelityResult) -> None:
    kid = good.metric("kid")
    assert kid.value.low < (kid.floor_high or 0) and kid.value.value < 0.1 * kid.ceilings["noise"]
    assert good.metric("coverage").value.value > 0.8
    assert verdict(good).level == "close to real"


def test_the_mean_image_scores_as_its_own_ceiling(collapsed: FidelityResult) -> None:
    for name in ("kid", "frechet", "precision", "recall", "ms_ssim", "spectrum"):
        metric = collapsed.metric(name)
        assert metric.value.value == pytest.approx(metric.ceilings["mean image"], rel=1e-4)
    assert collapsed.metric("ms_ssim").value.value == pytest.approx(1)
    judged = verdict(collapsed)
    assert judged.level == "poor" and "variety" in judged.sentence
    assert any("59 synthetic images repeat" in line for line in collapsed.warnings)


def test_order_of_quality_is_kept() -> None:
    def kid(sigma: float) -> float:
        fresh = heads(100, 1, 2)
        blurred = np.stack([gaussian_filter(i, (0, sigma, sigma)) for i in fresh])
        return assess(**material(synthetic=blurred)).metric("kid").value.value

    values = [kid(sigma) for sigma in (0, 2, 4)]
    assert values == sorted(values) and values[2] > 5 * max(values[0], 1e-4)


def test_copies_are_called_out() -> None:
    train = heads(16, 8, 0)
    result = assess(**material(synthetic=train[:100]))
    judged = verdict(result)
    assert judged.level == "close to real" and "look for copies" in judged.sentence
    assert result.metric("nearest_correlation").value.value == pytest.approx(1, abs=1e-4)
    assert [p.train for p in result.nearest] == list(range(100))
    assert [p.train_by_pixels for p in result.nearest] == list(range(100))


def test_the_result_survives_json(good: FidelityResult) -> None:
    assert FidelityResult.model_validate_json(good.model_dump_json()) == good


def test_no_real_pixel_and_no_name_is_in_the_result(good: FidelityResult) -> None:
    text = good.model_dump_json()
    for name in {*material()["train_subjects"], *material()["reference_subjects"]}:
        assert f'"{name}"' not in text
    fresh = material()["synthetic"]
    np.testing.assert_allclose(good.synthetic_mean, fresh.mean(0), atol=1e-4)
    np.testing.assert_allclose(good.synthetic_std, fresh.std(0), atol=1e-4)


def test_the_same_arguments_give_the_same_result(good: FidelityResult, tmp_path: Path) -> None:
    first = assess(**material(cache=tmp_path))
    again = assess(**material(cache=tmp_path))  # features now from the cache
    assert first == again == good


def test_bias_prone_metrics_are_compared_at_equal_numbers() -> None:
    result = assess(**material(synthetic=heads(300, 1, 2)))
    assert result.n_matched == 128
    numbers = {m.name: m.value.n_synthetic for m in result.metrics}
    assert numbers["kid"] == 300 and numbers["frechet"] == numbers["coverage"] == 128


def test_several_contrasts_and_oblong_images() -> None:
    arguments = material()
    for name in ("real_train", "real_reference", "synthetic"):
        arguments[name] = np.repeat(arguments[name], 2, 1)[..., 4:28]
    result = assess(**arguments)
    assert result.image_shape == [2, SIDE, 24]


def test_two_small_subjects_still_give_a_result() -> None:
    result = assess(
        **material(
            real_reference=heads(2, 5, 1),
            reference_subjects=["a"] * 5 + ["b"] * 5,
            synthetic=heads(10, 1, 2),
        )
    )
    assert result.metric("precision").value.low is None
    assert any("2 held-out subjects" in line for line in result.warnings)
    assert verdict(result).sentence


def test_values_outside_the_range_are_clipped_and_reported() -> None:
    result = assess(**material(synthetic=heads(100, 1, 2) * 1.2))
    assert any("clipped" in line for line in result.warnings)


def with_nan(name: str) -> Callable[[dict[str, Any]], None]:
    def spoil(arguments: dict[str, Any]) -> None:
        arguments[name][3, 0, 1, 1] = np.nan

    return spoil


BAD: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "few real": (
        "9 training images where 10",
        lambda a: a.update(real_train=a["real_train"][:9], train_subjects=a["train_subjects"][:9]),
    ),
    "few held out": (
        "9 held-out images where 10",
        lambda a: a.update(real_reference=a["real_reference"][:9]),
    ),
    "few synthetic": ("0 synthetic images", lambda a: a.update(synthetic=a["synthetic"][:0])),
    "one subject": ("one subject", lambda a: a.update(reference_subjects=["x"] * 64)),
    "one image of another": (
        "all held-out images but one",
        lambda a: a.update(reference_subjects=["x"] * 63 + ["y"]),
    ),
    "other size": (
        "32 x 24 with 1 contrast but",
        lambda a: a.update(synthetic=a["synthetic"][..., :24]),
    ),
    "other contrasts": (
        "2 contrasts",
        lambda a: a.update(synthetic=np.repeat(a["synthetic"], 2, 1)),
    ),
    "flat array": ("N x C x H x W", lambda a: a.update(synthetic=a["synthetic"][:, 0])),
    "NaN in training": ("training image 3 contains NaN", with_nan("real_train")),
    "NaN in held out": ("held-out image 3 contains NaN", with_nan("real_reference")),
    "NaN in synthetic": ("synthetic image 3 contains NaN", with_nan("synthetic")),
    "range": ("leave the range", lambda a: a.update(real_train=a["real_train"] * 255)),
    "names": ("63 subject names", lambda a: a.update(reference_subjects=["a", "b"] * 31 + ["c"])),
    "leak": (
        "both in training and held out",
        lambda a: a.update(reference_subjects=["t3"] * 32 + ["r1"] * 32),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_line(name: str) -> None:
    message, spoil = BAD[name]
    arguments = material()
    spoil(arguments)
    with pytest.raises(UserError, match=message) as caught:
        assess(**arguments)
    assert "\n" not in str(caught.value)


def test_a_share_that_no_group_changes_claims_no_interval() -> None:
    arguments = material()
    # Black images are like no real one: precision and recall are 0 whoever is left out.
    arguments["synthetic"] = np.full_like(arguments["synthetic"], -1.0)
    arguments["synthetic"] += (
        np.random.default_rng(0).normal(0, 1e-3, arguments["synthetic"].shape).astype(np.float32)
    )
    result = assess(**arguments)
    estimate = result.metric("precision").value
    assert estimate.value == 0
    assert (estimate.low, estimate.high) == (None, None)
    assert estimate.method.startswith("no interval")
