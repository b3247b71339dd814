"""Made-up audits that look like real ones: passed, failed, too few, no power, and none at all."""

from __future__ import annotations

import numpy as np
from report_fixtures import heads

from popgan.evidence.privacy.bounds import rate_at_most, share
from popgan.evidence.privacy.generator_results import (
    InversionAttack,
    InversionCoverage,
    OvertrainedControl,
)
from popgan.evidence.privacy.overall import overall
from popgan.evidence.privacy.results import (
    Attack,
    Control,
    CopyMeasure,
    CopySearch,
    Exposed,
    Neighbours,
    PrivacyAudit,
)
from popgan.evidence.privacy.verdict import verdict
from popgan.evidence.readers.results import Measure
from popgan.report.audit_content import AuditContent, AuditPrivate, FlaggedImage

IMAGES = 1000
KINDS = ("exact", "shift", "mirror", "rotation", "gain", "noise", "blur", "combined")


def measure(value, half=0.02, n=200, of="patients", method="DeLong over patients, two-sided 95 %"):
    low, high = max(value - half, 0), value + half
    return Measure(value=value, low=low, high=high, n=n, of=of, method=method)


def attack(name, aggregate, auc=0.51, half=0.045, members=300, others=280, p=0.4):
    return Attack(
        name=name,
        aggregate=aggregate,
        members=members,
        others=others,
        auc=measure(auc, half, members + others),
        p=p,
        tpr=share(round(0.01 * members), members, "members"),
        p_tpr=0.41 if others >= 99 else None,
        epsilon=measure(0.1, 0.1, members, of="members", method="Clopper-Pearson"),
        control=measure(0.5, half + 0.02, members),
    )


def attacks(**changes):
    names = ("GAN-Leaks", "calibrated GAN-Leaks", "Monte-Carlo", "DOMIAS")
    values = {"members": 300, "others": 280, "half": 0.045} | changes
    return [
        attack(name, how, 0.49 + 0.01 * i, **values)
        for i, name in enumerate(names)
        for how in ("mean", "max")
    ]


def copies(flags=2, clear=0, p=0.8, heldout=60):
    def one(name, hits):
        return CopyMeasure(
            name=name,
            threshold=0.21,
            quantile=0.999,
            false_alarms=rate_at_most(1, heldout, "held-out patients"),
            flagged=rate_at_most(hits, IMAGES, "synthetic images"),
            p_excess=p,
            clear=clear,
        )

    return CopySearch(
        measures=[one("correlation", flags), one("ssim", flags // 2), one("embedding", 0)],
        flagged=rate_at_most(flags, IMAGES, "synthetic images"),
        clear=clear,
        expected=7.3,
        p=p,
        train_subjects=300,
        heldout_subjects=heldout,
        heldout_images=24 * heldout,
        blur=0.0,
        sentence=f"{flags} of {IMAGES} synthetic images nearer to a training image than the "
        "nearest held-out images are (at most 0.629% of all that the generator makes, one-sided "
        "95 %).",
    )


def controls(found=20):
    rows = [Control(kind=kind, copies=True, found=share(found, 20, "planted images"))
            for kind in KINDS]  # fmt: skip
    every = Control(kind="all copies", copies=True, found=share(8 * found, 160, "planted images"))
    blend = Control(kind="interpolation", copies=False, found=share(3, 20, "planted images"))
    return [every, *rows, blend]


def nearness(ratio=0.998, p=0.4):
    return Neighbours(
        ratio=measure(ratio, 0.01, 60, method="jackknife over patients"),
        share=measure(0.51, 0.03, 60, method="jackknife over patients"),
        p=p,
        subjects=60,
        images=IMAGES,
        sentence="Images are no nearer to training than to held-out patients.",
    )


def audit(found=None, near=None, tried=None, planted=None):
    found, near = found or copies(), near or nearness()
    tried = attacks() if tried is None else tried
    planted = controls() if planted is None else planted
    return PrivacyAudit(
        synthetic=IMAGES,
        copies=found,
        neighbours=near,
        attacks=tried,
        controls=planted,
        worst_patient=rate_at_most(1, IMAGES, "synthetic images"),
        verdict=verdict(found, near, tried, planted),
    )


def overtrained(outcome="detected"):
    return OvertrainedControl(
        patients=4,
        canaries=2,
        images=96,
        targets=24,
        steps=400,
        seconds=51.2,
        stopped="reproduced",
        before=measure(0.71, 0.02, 24, of="targets"),
        reproduced=measure(0.98, 0.01, 24, of="targets"),
        copied=share(23, 24, "targets"),
        found=share(91 if outcome == "detected" else 3, 96, "images"),
        canaries_found=share(31, 32, "images"),
        copies=copies(flags=91, clear=80, p=0.0001),
        attacks=[],
        outcome=outcome,
        detected=outcome == "detected",
        sentence="A copy of the generator that was made to memorise was found out."
        if outcome == "detected"
        else "A copy of the generator that was made to memorise was not found out.",
    )


def inversion(searched=True):
    psnr = {name: measure(value, 0.4, 40, method="t over patients")
            for name, value in (("train_psnr", 21.4), ("heldout_psnr", 21.1),
                                ("mean_image_psnr", 17.2), ("own_psnr", 33.8))}  # fmt: skip
    ssim = {name.replace("psnr", "ssim"): measure(0.7, 0.02, 40) for name in psnr}
    return InversionAttack(
        steps=200,
        restarts=3,
        images=80,
        members=300,
        others=280,
        attacks=[attack("inversion", "mean", 0.52), attack("inversion", "max", 0.53)],
        train_error=measure(0.085, 0.004),
        heldout_error=measure(0.087, 0.004),
        gap=measure(0.002, 0.001),
        p_gap=0.21,
        own_error=measure(0.02, 0.002),
        coverage=InversionCoverage(**psnr, **ssim),
        searched=searched,
        sentence="The generator draws training patients no better than strangers.",
    )


def stored(result, over=None, inverted=None, **changes):
    values = {
        "state": "current",
        "released": "generator" if inverted else "images",
        "images": IMAGES,
        "seed": 4711,
        "reference_subjects": 64,
        "features": "EfficientNet-Lite0 features at 160 pixels",
        "result": result,
        "overtrained": over,
        "inversion": inverted,
        "verdict": overall(result, over, inverted),
    }
    return AuditContent(**(values | changes))


def passed():
    return stored(audit(), overtrained(), inversion())


def failed():
    found = copies(flags=41, clear=17, p=0.0001)
    tried = [attack("GAN-Leaks", "max", 0.71, p=0.00001), *attacks()[:1], *attacks()[2:]]
    return stored(audit(found, nearness(0.93, 0.001), tried), overtrained())


def too_few():
    return stored(
        audit(copies(heldout=6), nearness(), attacks(members=28, others=6, half=0.19)),
        overtrained(),
    )


def no_power():
    return stored(audit(planted=controls(found=15)), overtrained("missed"))


def not_testable():
    return AuditContent(
        state="current",
        images=IMAGES,
        seed=4711,
        not_testable="the training images come from one subject, and that cannot be tested",
    )


LEVELS = {
    "passed": passed,
    "failed": failed,
    "too few": too_few,
    "no power": no_power,
    "not testable": not_testable,
    "stale": lambda: AuditContent(state="stale"),
    "none": AuditContent,
}


def secret(count=3):
    real, drawn = heads(32, seed=2), heads(12, seed=1)
    flagged = [
        FlaggedImage(
            place=17 + i,
            synthetic=drawn[i],
            training=np.clip(0.9 * drawn[i] + 0.1 * real[i], -1, 1).astype(np.float32),
            subject=f"p{i:04d}",
            measures=[("correlation", 0.08 + 0.01 * i), ("ssim", 0.2)],
            clear=i == 0,
        )
        for i in range(count)
    ]
    exposed = [Exposed(subject=f"p{i:04d}", flags=max(0, 3 - i), score=1.4 - 0.1 * i)
               for i in range(10)]  # fmt: skip
    return AuditPrivate(flagged=flagged, flags=41, exposed=exposed)
