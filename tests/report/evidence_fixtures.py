"""Made-up comparisons and figures of anatomy that look like real ones."""

from __future__ import annotations

from audit_fixtures import inversion
from report_fixtures import estimate

from popgan.evidence.compare.results import (
    Budget,
    Comparison,
    Curve,
    Errors,
    Group,
    InversionRow,
    ModelRow,
    Pair,
    TranslatorRow,
    TranslatorScore,
    UnpairedRow,
    UnpairedTable,
)
from popgan.evidence.compare.translators import Side, translator_notes, translator_pairs
from popgan.evidence.readers.results import Measure, Test
from popgan.evidence.tissue.results import (
    DiceFacts,
    PlausibilityCheck,
    Reliability,
    Segmenter,
    TissueFeature,
    TissueResult,
)
from popgan.report.evidence_content import ComparisonContent, ReleaseContent

MODELS = ("popgan", "stylegan2", "popgan-seed1")


def measure(value, half=0.03, n=6, of="held-out subjects"):
    method = "delete-a-group jackknife, Student t, 95 %"
    if half is None:
        return Measure(value=value, n=n, of=of, method=method, reason="a single training")
    return Measure(value=value, low=value - half, high=value + half, n=n, of=of, method=method)


def budget(images=48000, seconds=372.0):
    return Budget(asked="6m", images=images, seconds=seconds, parameters=1_203_456,
                  processor="Example CPU", threads=2)  # fmt: skip


def curve():
    steps = [1000.0 * i for i in range(1, 30)]
    return Curve(
        images=steps,
        loss_generator=[0.7] * 29,
        loss_discriminator=[0.6] * 29,
        accuracy_real=[0.6 + 0.004 * i for i in range(29)],
        accuracy_fake=[None, *(0.65 + 0.003 * i for i in range(28))],
    )


def model(name, kid, seed=0):
    return ModelRow(
        name=name,
        recipe=name.split("-")[0],
        preset="quick",
        seed=seed,
        group=name.split("-")[0],
        weights="ab" * 32,
        budget=budget(),
        kid=measure(kid),
        frechet=187.2,
        clipped_coverage=measure(0.61, 0.05),
        curve=curve(),
    )


def pair(first, second, gap, half, metric="kid", tie=False):
    return Pair(
        first=first,
        second=second,
        metric=metric,
        unit="held-out subjects",
        difference=measure(gap, half),
        effect=measure(-1.2, 0.8),
        superiority=measure(0.83, 0.1),
        test=Test(statistic=-2.1, p=0.02, p_holm=0.4 if tie else 0.03, n=6,
                  of="held-out subjects", method="Student t"),
        exact=None,
        tie=tie,
        better=None if tie else first,
        sentence=f"{first} and {second}: a tie, no difference was shown."
        if tie
        else f"{first} is better than {second}.",
    )  # fmt: skip


def translator(name, psnr, **changes):
    scores = [
        TranslatorScore(metric=metric, region="brain", mean=mean, low=0.9 * mean, high=1.1 * mean,
                        n=8)
        for metric, mean in (("psnr", psnr), ("ssim", 0.871), ("mae", 0.0412), ("mse", 0.00371))
    ]  # fmt: skip
    trivial = [TranslatorScore(metric="psnr", region="brain", mean=17.0, low=None, high=None, n=8)]
    values = {
        "name": name,
        "recipe": name.split("-")[0],
        "preset": "quick",
        "seed": 0,
        "sources": ["T1w"],
        "target": "FLAIR",
        "weights": "cd" * 32,
        "budget": budget(images=25408, seconds=912.0),
        "scores": scores,
        "trivial": "copy of T1w",
        "trivial_scores": trivial,
        "curve": curve(),
    }
    return TranslatorRow(**(values | changes))


def translators():
    """Two that differ by far, patient by patient, and a third that was not evaluated."""
    patients = [24.1, 23.2, 26.0, 22.8, 25.5, 24.9, 23.7, 25.1]
    sides = [
        Side(name, "FLAIR", {"psnr": [[v + gain * i for i, v in enumerate(patients, 1)]]})
        for name, gain in (("mustgan quick", 0.3), ("pix2pix quick", 0.0))
    ]
    pairs = translator_pairs(sides)
    return {
        "translators": [
            translator("mustgan", 25.9, sources=["T1w", "T1wCE"]),
            translator("pix2pix", 24.4),
            translator("pix2pix-new", 0, scores=[], trivial="", trivial_scores=[],
                       note="not evaluated: popgan evaluate RUN --name pix2pix-new"),
        ],
        "translator_pairs": pairs,
        "translator_notes": [*translator_notes(pairs),
                             "In no pair, without a current evaluation: pix2pix-new."],
    }  # fmt: skip


def errors(psnr=21.4):
    return Errors(
        mse=measure(0.0072, 0.0004),
        mae=measure(0.041, 0.002),
        psnr=measure(psnr, 0.3)
        if psnr is not None
        else Measure(value=None, n=6, of="subjects", method="none", reason="no error at all"),
    )


def unpaired_row(name, kind, psnr, near, far):
    return UnpairedRow(
        name=name,
        kind=kind,
        images=1000,
        random=errors(psnr),
        nearest_train=errors(near),
        nearest_held_out=errors(far),
        frechet=187.2,
        kid=measure(0.37),
    )


def comparison(**changes):
    values = {
        "cohort": "c0ffee" + "0" * 58,
        "backbone": {"backbone": "efficientnet-lite0", "input_size": 160},
        "basis": "EfficientNet-Lite0 at 160 pixels, weights 579344248a93",
        "images": 1000,
        "matched": 144,
        "reference_images": 144,
        "reference_subjects": 6,
        "train_images": 672,
        "train_subjects": 28,
        "models": [
            model("popgan", 0.37),
            model("stylegan2", 0.61),
            model("popgan-seed1", 0.39, seed=1),
        ],
        "groups": [
            Group(title="popgan", recipe="popgan", preset="quick",
                  models=["popgan", "popgan-seed1"], seeds=[0, 1], kid=measure(0.38),
                  seed_deviation=0.014),
            Group(title="stylegan2", recipe="stylegan2", preset="quick", models=["stylegan2"],
                  seeds=[0], kid=measure(0.61), seed_deviation=None),
        ],
        "pairs": [
            pair("popgan", "stylegan2", -0.23, 0.06),
            pair("popgan", "stylegan2", 0.04, 0.07, metric="clipped_coverage", tie=True),
        ],
        "floor": measure(0.012, 0.01),
        "mean_image": 1.69,
        "equal_budget": True,
        "budget_sentence": "Equal budgets: 48,000 images each, 6 min 12 s to 6 min 40 s.",
        "unpaired": UnpairedTable(
            why="These numbers do not say how good a generator is: the mean image scores best.",
            intensity="0..1 as prepared, the same for all rows",
            mask="no mask: the whole field",
            pairing_seed=5,
            rows=[
                unpaired_row("popgan", "model", 21.2, 23.1, 22.9),
                unpaired_row("mean image", "mean image", 24.4, 26.6, 27.2),
                unpaired_row("real against real", "real against real", 21.4, 23.8, 23.7),
                unpaired_row("copies", "copies of the training set", 21.4, None, 23.6),
            ],
        ),
        **translators(),
        "inversions": [InversionRow(name="popgan", attack=inversion())],
        "notes": ["stylegan2 was trained on the same machine."],
    }  # fmt: skip
    return Comparison(**(values | changes))


def compared(**changes):
    return ComparisonContent(
        state="current", models=3, model="popgan", result=comparison(**changes)
    )


def _feature(name, title, synthetic, real, distance, p):
    n = {"n_synthetic": 980, "n_real": 143, "n_subjects": 6}
    return TissueFeature(
        name=name,
        title=title,
        unit="",
        synthetic=estimate(synthetic, synthetic - 0.01, synthetic + 0.01, **n),
        real=estimate(real, real - 0.02, real + 0.02, **n),
        wasserstein=estimate(distance, 0.8 * distance, 1.2 * distance, **n),
        floor=estimate(0.011, 0.006, 0.016, **n),
        ks=0.3,
        ks_floor=0.14,
        p=p,
        p_holm=min(1.0, 7 * p),
        how_to_read="Share of the head; nearer to real is better.",
    )


def tissue(share=0.98, p=0.001):
    n = {"n_synthetic": 1000, "n_real": 144, "n_subjects": 6}
    half = 0.008
    return TissueResult(
        contrast="T1w",
        segmenter=Segmenter(
            weights_sha256="5e" * 32,
            dice=[DiceFacts(contrast="T1w", side=64, skull=True, truth="tissue maps", subjects=20,
                            csf=0.81, grey=0.86, white=0.9, ventricles=0.84)],
            note="trained on phantoms alone",
        ),
        reliability=Reliability(
            rule="an image segments plausibly if every figure is within the range of training "
            "images",
            checks=[
                PlausibilityCheck(name="parts", title="Largest part of the brain", low=0.9,
                                  high=1.0, share_synthetic=0.985, share_real=0.99),
            ],
            synthetic=estimate(share, share - half, min(1.0, share + half), **n),
            real=estimate(0.99, 0.97, 1.0, **n),
            train=0.995,
        ),
        features=[
            _feature("csf", "Fluid", 0.12, 0.14, 0.034, p),
            _feature("grey", "Grey matter", 0.44, 0.45, 0.012, 0.3),
            _feature("white", "White matter", 0.41, 0.41, 0.009, 0.6),
            _feature("symmetry", "Symmetry", 0.93, 0.94, 0.013, 0.4),
        ],
        n_synthetic=980,
        n_real=143,
        n_subjects=6,
        n_train=660,
        n_train_subjects=28,
        unit_of_test="patients permuted",
        warnings=["Only 6 patients were held out."],
    )  # fmt: skip


def release(**changes):
    values = {"state": "current", "images": 500, "dropped": 3, "level": "passed",
              "manifest": "77" * 32}  # fmt: skip
    return ReleaseContent(**(values | changes))
