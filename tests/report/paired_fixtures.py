"""A made-up translator: paired measurements of any size, and pictures of made-up patients."""

import numpy as np
from report_fixtures import heads, log, plan, private

from plans import NETWORKS, recipe_plan
from popgan.evidence.paired.results import (
    Comparison,
    MethodRow,
    PairedResult,
    PatientMean,
    Score,
    Uncertainty,
)
from popgan.evidence.paired.verdict import paired_verdict
from popgan.report.paired_content import (
    PatientPictures,
    SlicePictures,
    TranslatorContent,
    TranslatorPrivate,
)

SOURCES, TARGET = ["T1w", "T1wCE"], "FLAIR"
# PSNR in dB of each way; the others follow from it.
WAYS = {
    "mustgan": ("model", 25.6),
    "mustgan without T1w": ("without a source", 24.9),
    "mustgan without T1wCE": ("without a source", 23.2),
    "copy of T1w": ("baseline", 18.1),
    "copy of T1wCE": ("baseline", 17.4),
    "linear regression": ("baseline", 22.9),
    "histogram matching of T1w": ("baseline", 21.3),
    "nearest patient": ("baseline", 19.8),
}


def translator_plan(sources=SOURCES, target=TARGET, recipe="mustgan"):
    """A plan of a translator; as far as a page looks at it."""
    base = plan([*sources, target]).data.model_dump()
    return recipe_plan(
        recipe,
        network={**NETWORKS[recipe], "sources": list(sources), "target": target},
        data={**base, "slice_distance": 4.0},
        augmentation__method="affine",
    )


def over_patients(values, *, spread=None):
    """Mean and a plain interval, as long as there are three patients."""
    known = [value for value in values if value is not None]
    mean = float(np.mean(known)) if known else 0.0
    half = 1.96 * float(np.std(known)) / max(len(known), 1) ** 0.5 if spread is None else spread
    ends = (mean - half, mean + half) if len(known) >= 3 else (None, None)
    return PatientMean(mean=mean, low=ends[0], high=ends[1], patients=list(values))


def row(name, kind, psnr, patients, lesions, seed):
    """All scores of one way, patient by patient."""
    rng = np.random.default_rng(seed)
    noise = np.random.default_rng(1).normal(0, 1.2, patients) + rng.normal(0, 0.4, patients)
    db = psnr + noise
    mse = 10 ** (-db / 10)
    shares = {
        "psnr": db,
        "ssim": 1 - 2.2 * np.sqrt(mse),
        "ms_ssim": 1 - 1.4 * np.sqrt(mse),
        "mae": 0.7 * np.sqrt(mse),
        "nrmse": np.sqrt(mse) / 0.45,
        "mse": mse,
    }
    scores = []
    for metric, values in shares.items():
        easy = values + 5 if metric == "psnr" else values * (1 if "ssim" in metric else 0.3)
        for region, found in (("brain", values), ("field", easy)):
            scores.append(Score(metric=metric, region=region, value=over_patients(found.tolist())))
    for region, factor in (("lesion", 2.1), ("outside lesion", 0.97)):
        found = [
            float(value) * factor if patient < lesions else None
            for patient, value in enumerate(shares["mae"])
        ]
        if lesions:
            scores.append(Score(metric="mae", region=region, value=over_patients(found)))
    rough = (1.1 + 0.05 * rng.normal(size=patients)).tolist()
    scores.append(Score(metric="roughness", region="brain", value=over_patients(rough)))
    return MethodRow(name=name, kind=kind, scores=scores)


def compared(rows, metric="psnr", region="brain"):
    """The first row against each other one."""
    found, own = [], rows[0].score(metric, region).patients
    for other in rows[1:]:
        theirs = other.score(metric, region).patients
        gap = over_patients([a - b for a, b in zip(own, theirs, strict=True)])
        enough = gap.low is not None
        found.append(
            Comparison(
                against=other.name,
                metric=metric,
                region=region,
                difference=gap,
                p=0.0078 if enough else None,
                p_holm=0.055 if enough else None,
            )
        )
    return found


def uncertainty(patients, lesions):
    """Intervals that are a little too narrow, and more so in lesions."""
    rng = np.random.default_rng(5)
    cover = (0.88 + 0.02 * rng.normal(size=patients)).clip(0, 1)
    inside = [float(c) - 0.24 if i < lesions else None for i, c in enumerate(cover)]
    return Uncertainty(
        level=0.9,
        passes=20,
        calibrated_on=7,
        coverage=over_patients(cover.tolist()),
        coverage_lesion=over_patients(inside) if lesions else None,
        width=over_patients((0.06 + 0.004 * rng.normal(size=patients)).tolist()),
        rank_correlation=over_patients((0.42 + 0.05 * rng.normal(size=patients)).tolist()),
    )


def paired(patients=8, lesions=6, ways=WAYS, **changes):
    """What a paired evaluation of a translator found."""
    rows = [
        row(name, kind, psnr, patients, lesions, seed)
        for seed, (name, (kind, psnr)) in enumerate(ways.items())
    ]
    values = {
        "model": rows[0].name,
        "sources": SOURCES,
        "target": TARGET,
        "normalisation": "Intensities from 0 (background) to 1 (the 99.5th percentile of each "
        "training scan); the same for truth, model and every other way, range 1",
        "n_patients": patients,
        "n_slices": 40 * patients,
        "n_patients_with_lesion": lesions,
        "image_shape": [64, 64],
        "seed": 0,
        "rows": rows,
        "comparisons": [*compared(rows), *compared(rows, "ssim")],
        "uncertainty": uncertainty(patients, lesions),
        "fusion": ["bottleneck: 24.9 dB on the tuning split", "encoder 2: 24.1 dB"],
        "notes": ["Slices of a patient are neighbours and count as one"],
        "warnings": ["Only 8 patients were held out: intervals are wide and rest on few people."],
    }
    return PairedResult(**(values | changes))


def content(found="made up", **changes):
    """A shareable page of a translator."""
    measured = paired() if found == "made up" else found
    values = {
        "title": "FLAIR from T1w + T1wCE",
        "recipe": "mustgan",
        "preset": "quick",
        "plan": translator_plan(),
        "sources": SOURCES,
        "target": TARGET,
        "paired": measured,
        "verdict": paired_verdict(measured) if measured else None,
        "log": [{**line, "level": 0.0, "fade": 1.0} for line in log()],
        "cohort": {"Training subjects": 34, "Test subjects": 8, "Test slices": 320},
        "provenance": {
            "created": "2026-11-28T12:40:00+00:00",
            "versions": {"popgan": "0.1.0", "torch": "2.13.0"},
            "hashes": {"weights": "cd34" * 16},
        },
        "stations": [("ingest", 14.2), ("train", 900.0), ("evaluate", 48.7)],
    }
    return TranslatorContent(**(values | changes))


def pictures(rank="median", *, lesion=True, sources=SOURCES):
    """One made-up patient in two slices."""
    rng = np.random.default_rng(len(rank))
    head = (heads(4, seed=len(rank))[:, 0] + 1) / 2
    spot = np.zeros(head.shape[1:], bool)
    spot[24:32, 34:44] = True

    def one(index, title):
        truth = head[index] * 0.8
        truth = np.where(spot & lesion, np.minimum(truth + 0.3, 1), truth)
        guess = np.clip(head[index] * 0.8 + 0.04 * rng.normal(size=truth.shape), 0, 1)
        return SlicePictures(
            title=title,
            sources=[(name, head[index] * (1 - 0.2 * k)) for k, name in enumerate(sources)],
            truth=truth.astype(np.float32),
            translation=guess.astype(np.float32),
            half_width=np.full_like(head[index], 0.08) * (head[index] > 0.05),
            lesion=spot if lesion else None,
        )

    baselines = [
        (name, value, np.clip(head[0] * (0.6 + 0.05 * k), 0, 1))
        for k, (name, (kind, value)) in enumerate(WAYS.items())
        if kind == "baseline"
    ]
    return PatientPictures(
        rank=rank,
        pseudonym="sub-0a1b2c3d",
        psnr=24.37,
        slices=[one(0, "Middle slice"), one(1, "Slice with most lesion")][: 1 + lesion],
        baselines=baselines if rank == "median" else (),
    )


def secret(**changes):
    """The private page beside it."""
    base = private()
    values = {
        "subjects": base.subjects,
        "quarantined": base.quarantined,
        "qc": base.qc,
        "patients": [pictures(rank) for rank in ("best", "median", "worst")],
    }
    return TranslatorPrivate(**(values | changes))
