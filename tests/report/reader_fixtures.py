"""A made-up result of a reader study that looks like one: five readers, one model or two."""

import itertools

import numpy as np

from popgan.evidence.readers.answers import CRITERIA
from popgan.evidence.readers.record import StudyAnalysis, StudyFacts
from popgan.evidence.readers.results import (
    Across,
    Agreement,
    Authenticity,
    BlockFlow,
    Detection,
    Equivalence,
    Flow,
    Measure,
    ModelComparison,
    ModelPair,
    PairKappa,
    ReaderStudyResult,
    Repeatability,
    RocPoint,
    ScoreDifference,
    ScoreSummary,
    Test,
    Timing,
)

READERS = ("R1", "R2", "R3", "R4", "R5")
HITS = (0.62, 0.71, 0.55, 0.66, 0.74)
SPECIFICITIES = (0.66, 0.58, 0.72, 0.61, 0.63)
REAL_IMAGES, DRAWN = 120, 120


def measure(value, half=None, n=120, of="images", method="made up", reason=None):
    low, high = (None, None) if half is None else (value - half, value + half)
    if half is None and reason is None:
        reason = "made up without one"
    return Measure(value=value, low=low, high=high, n=n, of=of, method=method, reason=reason)


def equivalence(value, half=0.05, verdict=None, margin=0.1):
    low, high = value - half, value + half
    inside = 0.5 - margin < low and high < 0.5 + margin
    apart = not low <= 0.5 <= high
    found = verdict or ("equivalent" if inside else "different" if apart else "not shown")
    return Equivalence(
        what="mean balanced accuracy",
        margin=margin,
        value=value,
        low=low,
        high=high,
        p_above=0.0001,
        p_below=0.21,
        p_equivalence=0.004 if inside else 0.21,
        p_difference=0.0004 if apart else 0.4,
        verdict=found,
        words=found,
        n=5,
        of="readers",
        method="two one-sided t tests on Obuchowski-Rockette variance",
    )


def detection(reader, hits, specificity, model=None):
    low, high = 1 - specificity, hits
    steps = ((0.28, 0.4), (0.6, 0.75), (1, 1), (1.35, 1.2), (1.8, 1.35))
    points = [
        RocPoint(threshold="t", false_alarms=min(1, low * a), hits=min(1, high * b))
        for a, b in steps
    ]
    ends = [RocPoint(threshold="t", false_alarms=e, hits=e) for e in (0, 1)]
    balanced = (hits + specificity) / 2
    return Detection(
        reader=reader,
        model=model,
        n_real=REAL_IMAGES,
        n_synthetic=DRAWN,
        sensitivity=measure(hits, 0.085),
        specificity=measure(specificity, 0.085),
        accuracy=measure(balanced, 0.06, n=240, of="answers", method="Wilson"),
        balanced=measure(balanced, 0.06, n=240, of="answers"),
        d_prime=measure(2.2 * (balanced - 0.5) * 2, 0.33, n=240),
        criterion=measure(0.5 * (specificity - hits), 0.17, n=240),
        auc=measure(balanced + 0.03, 0.07, n=240),
        roc=[ends[0], *points, ends[1]],
        equivalence=equivalence(balanced, 0.052),
    )


def across(name, value, half):
    return Across(
        name=name,
        any_readers=measure(value, half, n=5, of="readers", method="Obuchowski-Rockette"),
        these_readers=measure(value, half * 0.6, n=240, method="fixed readers"),
        resampled=measure(value, half * 0.9, n=240, method="reader x case bootstrap"),
        readers=5,
    )


def authenticity(model=None, shift=0.0):
    readers = [
        detection(r, h + shift, s, model)
        for r, h, s in zip(READERS, HITS, SPECIFICITIES, strict=True)
    ]
    mean = float(np.mean([r.balanced.value for r in readers]))
    pooled = detection(None, float(np.mean(HITS)) + shift, float(np.mean(SPECIFICITIES)), model)
    return Authenticity(
        model=model,
        readers=readers,
        pooled=pooled,
        balanced=across("balanced accuracy", mean, 0.055),
        auc=across("AUC", mean + 0.03, 0.06),
        equivalence=equivalence(mean, 0.045),
        equivalence_these=equivalence(mean, 0.03),
    )


def score(criterion, source, mean, images):
    weights = np.exp(-0.9 * (np.arange(1, 6) - mean) ** 2)
    counts = np.round(weights / weights.sum() * images * 5).astype(int)
    value = float((counts * np.arange(1, 6)).sum() / counts.sum())
    return ScoreSummary(
        criterion=criterion,
        source=source,
        images=images,
        counts=counts.tolist(),
        median=measure(float(round(mean)), None, n=images),
        mean=measure(value, 0.11, n=images),
        by_reader={r: value + 0.1 * (i - 2) for i, r in enumerate(READERS)},
    )


def test(p, holm=None):
    return Test(statistic=3.1, p=p, p_holm=holm, n=240, of="images", method="GEE, Wald")


def difference(criterion, model, gap):
    return ScoreDifference(
        criterion=criterion,
        model=model,
        difference=measure(gap, 0.15, n=240, method="bootstrap of patients and images"),
        any_readers=measure(gap, 0.24, n=240, method="bootstrap of readers, patients, images"),
        odds_ratio=measure(float(np.exp(1.8 * gap)), 0.4, n=240, method="ordinal GEE"),
        test=test(0.002, 0.01),
    )


def agreement(criterion, level):
    scored = criterion != "authenticity"
    pairs = [
        PairKappa(readers=pair, kappa=measure(level + 0.02 * i - 0.1, 0.12))
        for i, pair in enumerate(itertools.combinations(READERS, 2))
    ]
    return Agreement(
        criterion=criterion,
        cases=240,
        left_out=0,
        readers=list(READERS),
        icc_single=measure(level, 0.07, n=240) if scored else None,
        icc_mean=measure(min(0.96, level + 0.3), 0.04, n=240) if scored else None,
        weighted_kappa=measure(level - 0.02, 0.07, n=240) if scored else None,
        pairs=pairs,
        fleiss=measure(level - 0.2, 0.05, n=240),
        krippendorff=measure(level - 0.01, 0.07, n=240),
    )


def repeatability(criterion, reader, level):
    return Repeatability(
        criterion=criterion,
        reader=reader,
        exact=measure(level, 0.11, n=30, of="repeats"),
        within_one=None if criterion == "authenticity" else measure(0.97, 0.03, n=30),
        kappa=measure(level - 0.03, 0.13, n=30, of="repeats"),
    )


def timing(block, reader, seconds):
    return Timing(
        block=block,
        reader=reader,
        every=measure(seconds, 1.2, n=270, of="cases"),
        real=measure(seconds - 0.6, 1.4, n=135, of="cases"),
        synthetic=measure(seconds + 0.5, 1.4, n=135, of="cases"),
    )


def flow(models):
    blocks = [
        BlockFlow(
            block=block,
            started=5,
            completed=4,
            planned=1350,
            given=1331,
            analysed=1184,
            repeats=147,
            unusable=0,
            missing=19,
            by_reader={r: 251 if r == "R5" else 270 for r in READERS},
        )
        for block in ("likert", "authenticity")
    ]
    each = DRAWN // len(models)
    return Flow(
        invited=5,
        started=5,
        cases={"real": REAL_IMAGES} | dict.fromkeys(models, each),
        clusters={"real": 40} | dict.fromkeys(models, each),
        blocks=blocks,
    )


def result(models=("popgan",), **changes):
    """A result; `changes` replace its fields."""
    each = DRAWN // len(models)
    gaps = {model: 0.5 + 0.35 * i for i, model in enumerate(models)}
    several = len(models) > 1
    values = {
        "seed": 0,
        "margin": 0.1,
        "replicates": 2000,
        "readers": list(READERS),
        "models": list(models),
        "flow": flow(models),
        "authenticity": [authenticity()]
        + ([authenticity(m, 0.06 * i) for i, m in enumerate(models)] if several else []),
        "forced_choice": [],
        "scores": [
            score(c, s, 4.2 - 0.1 * i - gaps.get(s, 0), REAL_IMAGES if s == "real" else each)
            for i, c in enumerate(CRITERIA)
            for s in ("real", *models)
        ],
        "differences": [
            difference(c, m, gaps[m] - 0.08 * i) for i, c in enumerate(CRITERIA) for m in models
        ],
        "comparisons": [
            ModelComparison(
                criterion=c,
                test=test(0.004, 0.02),
                kendall_w=0.31,
                pairs=[
                    ModelPair(first=a, second=b, difference=0.35, test=test(0.01, 0.03))
                    for a, b in itertools.combinations(models, 2)
                ],
            )
            for c in CRITERIA
        ]
        if several
        else [],
        "agreement": [agreement(c, 0.58 - 0.04 * i) for i, c in enumerate(CRITERIA)]
        + [agreement("authenticity", 0.31)],
        "repeats": [
            repeatability(c, r, 0.74 + 0.02 * i)
            for c in (*CRITERIA, "authenticity")
            for i, r in enumerate((None, *READERS))
        ],
        "timing": [
            timing(b, r, 14.2 - 6 * j + 0.8 * i)
            for j, b in enumerate(("likert", "authenticity"))
            for i, r in enumerate((None, *READERS))
        ],
        "warnings": [],
    }
    return ReaderStudyResult(**(values | changes))


def facts(models=("popgan",), **changes):
    """Facts of a study; `changes` replace its fields."""
    values = {
        "title": "Are they real?",
        "kind": "likert+authenticity",
        "design": "d" * 64,
        "preregistration": "e" * 64,
        "registered": "2026-11-02T09:00:00+00:00",
        "first_answer": "2026-11-03T08:12:40+00:00",
        "last_answer": "2026-11-20T17:03:11+00:00",
        "locked": "2026-11-21T10:00:00+00:00",
        "real": REAL_IMAGES,
        "synthetic": dict.fromkeys(models, DRAWN // len(models)),
        "patients": 40,
        "per_patient": 3,
        "design_effect": 1.6,
        "repeats": 30,
        "practice": 6,
        "contrast": "T1w",
        "size": (64, 64),
        "spacing": (2.9, 2.9),
        "masked": True,
        "back": True,
        "margin": 0.1,
        "seed": 0,
        "generator_seeds": [1, 2, 3],
        "models": dict.fromkeys(models, "a" * 64),
        "cohort": "c" * 64,
        "outcomes": {"detection": "primary", "scores": "secondary", "agreement": "secondary"},
        "versions": {"popgan": "0.1.0"},
    }
    return StudyFacts(**(values | changes))


def analysis(models=("popgan",), status="final", **changes):
    """A stored analysis; `changes` replace fields of its result."""
    return StudyAnalysis(status=status, facts=facts(models), result=result(models, **changes))
