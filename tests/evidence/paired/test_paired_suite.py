"""The whole assessment on arrays whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from popgan.evidence.paired import metrics
from popgan.evidence.paired.baselines import Baseline, fit_baselines
from popgan.evidence.paired.results import PairedResult
from popgan.evidence.paired.suite import assess_pairs
from popgan.evidence.paired.uncertainty import calibrate

SIDE, SLICES = 32, 4
Y, X = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
HEAD = np.hypot(Y, X) < 12
SICK = np.hypot(Y - 3, X) < 4


def heads(patients: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Patients with two sources and a target that is a curve of them with its own anatomy."""
    rng = np.random.default_rng(seed)
    n = patients * SLICES
    noise = gaussian_filter(rng.normal(size=(3, n, SIDE, SIDE)), (0, 0, 1.5, 1.5))
    sources = HEAD * np.clip(0.5 + 0.6 * noise[:2], 0.15, 0.9)
    own = HEAD * np.clip(0.5 + 2.5 * noise[2], 0, 1)
    truth = HEAD * (0.2 + 0.5 * sources[0] ** 2) + 0.3 * own
    return {
        "sources": np.moveaxis(sources, 0, 1).astype(np.float32),
        "truth": truth.astype(np.float32),
        "subjects": [f"s{i // SLICES}" for i in range(n)],
        "heights": np.tile(np.linspace(0.3, 0.7, SLICES), patients).tolist(),
    }


def trivial() -> list[Baseline]:
    train = heads(6, seed=50)
    return fit_baselines(
        train["sources"], train["truth"], names=["T1w", "T2w"], heights=train["heights"]
    )


def assess(test: dict[str, np.ndarray], model: np.ndarray, **more) -> PairedResult:
    given = {"predictions": {"mustgan": model}, "baselines": trivial()} | test | more
    return assess_pairs(names=["T1w", "T2w"], target="FLAIR", **given)


def mentions(result: PairedResult, words: str) -> bool:
    return any(words in text for text in result.warnings)


def test_rows_are_the_model_then_without_a_source_then_trivial_ways() -> None:
    test = heads(4)
    found = assess(
        test,
        test["truth"] + 0.01,
        predictions={
            "mustgan": test["truth"] + 0.01,
            "mustgan without T1w": test["truth"] + 0.05,
        },
    )
    assert [(r.name, r.kind) for r in found.rows] == [
        ("mustgan", "model"),
        ("mustgan without T1w", "without a source"),
        ("copy of T1w", "baseline"),
        ("copy of T2w", "baseline"),
        ("linear regression", "baseline"),
        ("histogram of T1w matched", "baseline"),
        ("histogram of T2w matched", "baseline"),
        ("nearest patient", "baseline"),
    ]
    assert (found.model, found.sources, found.target) == ("mustgan", ["T1w", "T2w"], "FLAIR")
    assert (found.n_patients, found.n_slices, found.image_shape) == (4, 16, [SIDE, SIDE])
    assert PairedResult.model_validate_json(found.model_dump_json()) == found


def test_a_constant_error_has_the_score_that_it_must_have() -> None:
    test = heads(5)
    found = assess(test, test["truth"] + np.float32(0.05))
    psnr = found.rows[0].score("psnr", "brain")
    assert psnr.patients == pytest.approx([-20 * np.log10(0.05)] * 5, abs=1e-4)
    assert psnr.high - psnr.low < 1e-4
    assert found.rows[0].score("mae", "field").mean == pytest.approx(0.05, abs=1e-6)
    assert found.rows[0].score("roughness", "brain").mean == pytest.approx(1, abs=1e-4)


def test_values_are_those_of_each_patient_in_the_order_of_first_slices() -> None:
    test = heads(4)
    model = np.clip(
        test["truth"] + np.random.default_rng(0).normal(0, 0.05, test["truth"].shape), 0, 1
    )
    order = np.random.default_rng(1).permutation(len(model))
    mixed = {
        key: [value[i] for i in order] if isinstance(value, list) else value[order]
        for key, value in test.items()
    }
    found = assess(mixed, model[order])
    patients = list(dict.fromkeys(mixed["subjects"]))
    for place, subject in enumerate(patients):
        own = np.flatnonzero(np.array(test["subjects"]) == subject)
        mask = metrics.brain_mask(
            np.concatenate([test["sources"][own], test["truth"][own][:, None]], 1)
        )
        for name in ("psnr", "ssim", "ms_ssim", "nrmse", "roughness", "sharpness"):
            direct = getattr(metrics, name)(test["truth"][own], model[own], mask)
            assert found.rows[0].score(name, "brain").patients[place] == pytest.approx(direct)


def test_a_perfect_model_is_better_than_every_trivial_way() -> None:
    test = heads(12)
    found = assess(test, test["truth"])
    assert found.rows[0].score("psnr", "brain").mean == 100
    headline = [c for c in found.comparisons if c.metric == "psnr"]
    assert len(headline) == 6 and all(c.difference.low > 0 for c in headline)
    assert all(c.p == 2 / 2**12 and c.p_holm <= 12 * c.p for c in headline)
    assert found.warnings == [] and found.uncertainty is None


def test_slices_that_are_there_twice_make_no_interval_narrower() -> None:
    test = heads(6)
    rng = np.random.default_rng(0)
    model = test["truth"] + rng.normal(0, 0.1, (24, 1, 1)) * HEAD
    once = assess(test, model)
    twice = {k: v * 2 if isinstance(v, list) else np.concatenate([v, v]) for k, v in test.items()}
    again = assess(twice, np.concatenate([model, model]))
    for name in ("psnr", "mae", "ssim", "roughness"):
        a, b = (result.rows[0].score(name, "brain") for result in (once, again))
        assert (b.low, b.mean, b.high) == pytest.approx((a.low, a.mean, a.high))
    assert [c.p for c in again.comparisons] == [c.p for c in once.comparisons]
    assert again.n_patients == once.n_patients == 6 and again.n_slices == 48


def test_an_error_in_lesions_is_told_with_its_size() -> None:
    test = heads(5)
    lesions = np.zeros(test["truth"].shape, bool)
    lesions[: 3 * SLICES] = SICK
    model = test["truth"] + np.where(lesions, 0.09, 0.03) * HEAD
    found = assess(test, model.astype(np.float32), lesions=lesions)
    assert found.n_patients_with_lesion == 3
    inside, outside = (found.rows[0].score("mae", r) for r in ("lesion", "outside lesion"))
    assert inside.mean == pytest.approx(0.09, abs=1e-6) and inside.n == 3
    assert outside.mean == pytest.approx(0.03, abs=1e-6) and outside.patients[3:] == [None, None]
    assert mentions(
        found, "the error inside lesions is 3.0 times that outside (mean of 3 patients)"
    )
    assert any("of the 3 patients with a lesion" in note for note in found.notes)
    assert {(c.metric, c.region) for c in found.comparisons} == {
        ("psnr", "brain"),
        ("mae", "brain"),
        ("mae", "lesion"),
    }


def test_without_lesion_masks_it_is_said_that_lesions_were_not_measured() -> None:
    test = heads(3)
    found = assess(test, test["truth"])
    assert any("no lesion masks" in note for note in found.notes)
    assert found.rows[0].score("mae", "lesion") is None


def test_a_trivial_way_that_is_as_good_is_told() -> None:
    test = heads(4)
    found = assess(test, np.full_like(test["truth"], 0.9))
    assert mentions(found, "linear regression is at least as good as the model: PSNR in the brain")


def test_a_source_that_the_model_is_better_off_without_is_told() -> None:
    test = heads(4)
    both = {
        "mustgan": test["truth"] + np.float32(0.02),
        "mustgan without T2w": test["truth"] + np.float32(0.01),
    }
    found = assess(test, both["mustgan"], predictions=both)
    assert mentions(found, "mustgan without T2w is at least as good as with it")


def test_jumping_slices_and_blur_are_told() -> None:
    test = heads(4)
    calm = gaussian_filter(test["truth"], (2, 0, 0))
    jump = np.clip(calm + 0.2 * HEAD * (np.arange(len(calm)) % 2)[:, None, None], 0, 1)
    found = assess(test | {"truth": calm}, jump.astype(np.float32))
    assert mentions(found, "slices jump")
    found = assess(test, gaussian_filter(test["truth"], (0, 2, 2)))
    assert mentions(found, "images are blurred")
    found = assess(test, np.repeat(test["truth"][::SLICES], SLICES, axis=0))
    assert mentions(found, "slices are too much alike")


def test_intensities_out_of_range_are_told_and_not_clipped() -> None:
    test = heads(3)
    found = assess(test, test["truth"] + np.float32(0.5) * HEAD)
    assert mentions(found, "of the model's intensities lie outside 0 to 1")
    assert found.rows[0].score("mae", "brain").mean == pytest.approx(0.5, abs=1e-6)


def test_few_patients_are_told() -> None:
    test = heads(2)
    found = assess(test, test["truth"] + np.float32(0.01))
    assert mentions(found, "2 test patients: too few for any interval")
    assert found.rows[0].score("psnr", "brain").low is None
    assert all(c.p is None for c in found.comparisons)
    found = assess(heads(5), heads(5)["truth"])
    assert mentions(found, "5 test patients: intervals are wide")
    assert any("no p-value corrected after Holm can be below 0.75" in n for n in found.notes)


def test_baselines_see_one_patients_sources_and_never_the_truth() -> None:
    test = heads(3)
    seen = []

    def spy(sources: np.ndarray, heights: np.ndarray | None) -> np.ndarray:
        seen.append((sources, heights))
        return sources[:, 0]

    assess(test, test["truth"], baselines=[Baseline("spy", spy)])
    assert len(seen) == 3
    for i, (sources, heights) in enumerate(seen):
        own = slice(i * SLICES, (i + 1) * SLICES)
        np.testing.assert_array_equal(sources, test["sources"][own])
        assert heights.tolist() == test["heights"][own]


def test_the_brain_does_not_depend_on_what_a_method_draws() -> None:
    test = heads(3)
    model = test["truth"].copy()
    model[:, 0, 0] = 1  # outside of the head
    found = assess(test, model)
    assert found.rows[0].score("mae", "brain").mean == 0
    assert found.rows[0].score("mae", "field").mean == pytest.approx(1 / SIDE**2)


def test_uncertainty_is_measured_where_there_is_a_calibration() -> None:
    rng = np.random.default_rng(0)
    groups = [heads(4, seed=s) for s in (1, 2)]
    for group in groups:
        group["spread"] = rng.gamma(2, 0.01, group["truth"].shape).astype(np.float32)
        group["image"] = group["truth"] + 2 * group["spread"] * rng.normal(
            size=group["truth"].shape
        ).astype(np.float32)
    tuning, test = groups
    line = calibrate(
        tuning["truth"],
        tuning["image"],
        tuning["spread"],
        np.broadcast_to(HEAD, tuning["truth"].shape),
        tuning["subjects"],
        passes=8,
    )
    image, spread = test.pop("image"), test.pop("spread")
    lacking = image + 0.1
    poor = line.model_copy(update={"half_width": [w + 0.15 for w in line.half_width]})
    row = "mustgan without T2w"
    found = assess(
        test,
        image,
        predictions={"mustgan": image, row: lacking},
        spreads={"mustgan": spread, row: spread},
        calibration=line.model_copy(update={"without": {"T2w": poor}}),
    )
    assert found.uncertainty.without["T2w"].coverage.mean > 0.95
    assert found.uncertainty.without["T2w"].width.mean == pytest.approx(
        found.uncertainty.width.mean + 0.15, rel=0.01
    )
    assert assess(test, image, calibration=line).uncertainty is None
    assert found.uncertainty.coverage.mean == pytest.approx(0.9, abs=0.03)
    assert found.uncertainty.passes == 8 and found.uncertainty.coverage_lesion is None


def test_the_result_is_a_function_of_the_arguments() -> None:
    test = heads(4)
    model = test["truth"] + np.random.default_rng(0).normal(0, 0.05, (16, 1, 1))
    assert assess(test, model) == assess(test, model)
    other = assess(test, model, seed=3)
    assert (
        other.rows[0].score("psnr", "brain").mean
        == assess(test, model).rows[0].score("psnr", "brain").mean
    )


@pytest.mark.parametrize("name", ["sources", "subjects", "heights", "lesions", "spread"])
def test_sizes_that_do_not_fit_are_refused(name: str) -> None:
    test = heads(3)
    test |= {"lesions": test["truth"] > 2}
    if name == "spread":
        test["spreads"] = {"mustgan": test["truth"][1:]}
    else:
        test[name] = test[name][1:]
    with pytest.raises(ValueError, match=name):
        assess(test, test["truth"])


def test_nothing_to_assess_is_refused() -> None:
    test = heads(2)
    with pytest.raises(ValueError, match="no images"):
        assess(test, test["truth"], predictions={})
