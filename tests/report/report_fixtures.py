"""Made-up results that look like a real run: a toy head phantom, a log with growth, metrics."""

import functools
import math

import numpy as np

from popgan.config.schema import parse_plan
from popgan.evidence.fidelity.results import FidelityResult, Metric, NearestPair, Spectra
from popgan.evidence.fidelity.texts import HOW_TO_READ, TITLES
from popgan.evidence.fidelity.verdict import verdict
from popgan.evidence.masks import MaskMeasure, MaskResult, StepMeasure
from popgan.evidence.statistics import Estimate
from popgan.report.content import (
    FilmFrame,
    MaskContent,
    PrivateContent,
    Quarantined,
    ReportContent,
    ScanRow,
    SubjectRow,
)
from popgan.report.evidence_content import SplitFacts
from popgan.report.private import closest_pairs, neighbours

SIZE = 64
CONTRASTS = ["T1w"]
HOSTILE = '<script>alert("x")</script>'


def head(rng, size=SIZE):
    """A toy axial head: scalp, skull, wavy cortex, white matter and ventricles, in [-1, 1]."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    width, height = 0.66 + 0.07 * rng.normal(), 0.82 + 0.05 * rng.normal()
    radius = np.hypot(x / width, y / height)
    angle = np.arctan2(y, x)
    waves = sum(
        0.02 * rng.normal() * np.cos(k * angle + rng.uniform(0, 6.3)) for k in range(9, 22, 2)
    )
    soft = 2.2 / size

    def inside(field, edge):
        return 1 / (1 + np.exp((field - edge) / soft))

    image = 0.85 * (inside(radius, 1.0) - inside(radius, 0.93))
    image += 0.45 * inside(radius, 0.86) + 0.35 * inside(radius + waves * 2.2, 0.74)
    for side in (-1, 1):
        ventricle = np.hypot(
            (x - side * (0.11 + 0.05 * np.abs(y))) / (0.07 + 0.02 * rng.random()), y / 0.27
        )
        image -= 0.65 * inside(ventricle * 0.3, 0.3)
    image += 0.03 * rng.normal(size=image.shape) * inside(radius, 1.0)
    return np.clip(image * 2 - 1, -1, 1).astype(np.float32)


@functools.cache
def heads(count, seed=0, contrasts=1, size=SIZE):
    rng = np.random.default_rng(seed)
    images = np.stack([head(rng, size) for _ in range(count)])[:, None]
    return np.concatenate([images * (1 - 0.3 * c) for c in range(contrasts)], axis=1)


def plan(contrasts=CONTRASTS):
    values = {
        "recipe": "popgan",
        "preset": "quick",
        "seed": 0,
        "data": {
            "height": SIZE,
            "width": SIZE,
            "contrasts": list(contrasts),
            "train_slices": 672,
            "train_subjects": 28,
            "cohort": "c0ffee" + "0" * 58,
        },
        "network": {
            "kind": "progressive",
            "latent_dim": 64,
            "channels": [64, 64, 64, 32, 16],
            "dropout": 0,
            "patch": 1,
            "pixel_norm": True,
            "minibatch_stddev": 4,
        },
        "augmentation": {
            "probability": 0.6,
            "flip": True,
            "shift": 0.1,
            "rotation": 3,
            "scale": 0.05,
        },
        "train": {
            "images": 48000,
            "batch": 32,
            "loss": "rpgan",
            "lr_generator": 2e-3,
            "lr_discriminator": 1e-3,
            "lr_end": 0.1,
            "beta1": 0,
            "beta2": 0.99,
            "gamma": 5,
            "r2": True,
            "penalty_interval": 8,
            "diversity": 2.0,
            "ema_half_life": 2000,
            "ema_ramp": 0.05,
            "level_shares": [0.1, 0.15, 0.2, 0.25, 0.3],
            "fade": 0.05,
            "shuffle_buffer": 672,
            "ticks": 60,
            "precision": "bf16",
            "threads": 2,
        },
        "generate": {"n": 1000},
        "evaluate": {"n": 1000},
        "decisions": {
            "train.batch": {"source": "fixed", "reason": "preset quick"},
            "train.images": {
                "source": "rule",
                "reason": "budget 6 min at a measured 134 images/s (probe of 20 steps)",
            },
            "network.channels": {
                "source": "rule",
                "reason": "64 maps, halved from 32 pixels upward: the top levels cost the most",
            },
            "augmentation.rotation": {"source": "rule", "reason": "heads turn by less than 3°"},
        },
    }
    return parse_plan(values)


def log(rows=60, images=48000, levels=5):
    rng = np.random.default_rng(3)
    shares = np.cumsum([0.1, 0.15, 0.2, 0.25, 0.3])
    wave_real, wave_fake, table = 0.0, 0.0, []
    for row in range(1, rows + 1):
        done = row / rows
        level = min(int(np.searchsorted(shares, done - 1e-9)), levels - 1)
        start = shares[level - 1] if level else 0
        fade = min(1.0, (done - start) / 0.05) if level else 1.0
        wave_real = 0.8 * wave_real + 0.02 * rng.normal()
        wave_fake = 0.8 * wave_fake + 0.02 * rng.normal()
        dip = 0.12 * math.exp(-(done - start) / 0.02) if level else 0
        table.append(
            {
                "images": images * done,
                "level": level,
                "fade": fade,
                "loss_generator": 0.75 + 0.25 * done + dip + 0.05 * rng.normal(),
                "loss_discriminator": 0.62 - 0.1 * done - dip + 0.03 * rng.normal(),
                "accuracy_real": 0.68 + 0.1 * done + dip + wave_real,
                "accuracy_fake": 0.72 + 0.08 * done + dip + wave_fake,
                "grad_generator": math.exp(-1.2 + 0.3 * rng.normal()),
                "grad_discriminator": math.exp(0.3 - done + 0.25 * rng.normal()),
                "images_per_second": 900 / 2.2**level * (1 + 0.03 * rng.normal()),
                "memory_gib": 0.9 + 0.1 * level,
                "seconds": 372 * done,
            }
        )
    return table


# name: better, value, low, high, floor, mean image, noise
_MEASURED = {
    "kid": ("lower", 0.371, 0.322, 0.419, 0.012, 1.69, 2.31),
    "frechet": ("lower", 187.4, None, None, 53.1, 593.0, 811.0),
    "precision": ("higher", 0.71, 0.66, 0.76, 0.88, 0.0, 0.0),
    "recall": ("higher", 0.44, 0.36, 0.52, 0.86, 0.0, 0.0),
    "density": ("higher", 0.62, 0.5, 0.74, 0.97, 0.004, 0.0),
    "coverage": ("higher", 0.58, 0.51, 0.65, 0.93, 0.007, 0.0),
    "ms_ssim": ("reference", 0.312, 0.301, 0.324, 0.284, 1.0, 0.002),
    "most_alike": ("reference", 0.981, 0.975, 0.987, 0.979, 1.0, 0.06),
    "spectrum": ("lower", 1.9, 1.6, 2.2, 0.4, 14.2, 31.0),
    "nearest_ratio": ("reference", 0.991, 0.962, 1.02, 1.0, 1.004, 1.01),
    "nearest_share": ("reference", 0.513, 0.47, 0.56, 0.5, 0.55, 0.48),
    "nearest_correlation": ("reference", 0.942, 0.936, 0.948, 0.951, 0.97, 0.02),
}


def metrics():
    found = []
    for name, (better, value, low, high, floor, mean, noise) in _MEASURED.items():
        estimate = Estimate(
            value=value,
            low=low,
            high=high,
            n_real=144,
            n_synthetic=1000,
            n_subjects=6,
            method="jackknife over 6 subjects, 95 %"
            if low is not None
            else "no interval: mostly bias",
        )
        found.append(
            Metric(
                name=name,
                title=TITLES[name],
                unit="dB" if name == "spectrum" else "",
                better=better,
                value=estimate,
                floor=floor,
                floor_low=0.004 if name == "kid" else None,
                floor_high=0.027 if name == "kid" else None,
                ceilings={"mean image": mean, "noise": noise},
                how_to_read=HOW_TO_READ[name],
            )
        )
    return found


def spectra():
    frequency = np.linspace(1 / 64, 0.5, 32)
    real = 45 - 22 * np.log10(frequency / frequency[0])
    return Spectra(
        frequency=list(frequency),
        synthetic=list(real - 7 / (1 + np.exp(-(frequency - 0.3) / 0.05))),
        reference=list(real),
        mean_image=list(real - 30 * frequency**0.5 - 2),
    )


def fidelity(images, **changes):
    values = {
        "backbone": {
            "backbone": "efficientnet-lite0",
            "input_size": 160,
            "weights_sha256": "9f2b" * 16,
            "preprocessing": "square pad, bilinear, (255 u - 127) / 128",
        },
        "seed": 0,
        "image_shape": list(images.shape[1:]),
        "n_train": 672,
        "n_reference": 144,
        "n_synthetic": 1000,
        "n_matched": 144,
        "n_train_subjects": 28,
        "n_reference_subjects": 6,
        "metrics": metrics(),
        "warnings": ["Only 6 subjects were held out: intervals are wide and rest on few people."],
        "spectra": spectra(),
        "nearest": [
            NearestPair(
                synthetic=i,
                train=(3 * i) % 32,
                distance=11.2 + i,
                train_by_pixels=i,
                correlation=0.8 + 0.01 * (i % 7),
            )
            for i in range(12)
        ],
        "synthetic_mean": images.mean(0).tolist(),
        "synthetic_std": images.std(0).tolist(),
    }
    return FidelityResult(**(values | changes))


def filmstrip(latents=3):
    full = heads(latents, seed=8)
    frames = []
    steps = [(3, 4), (5, 4), (8, 8), (12, 8), (16, 16), (21, 16), (27, 32), (33, 32)]
    for kimg, side in [*steps, (37, 64), (41, 64), (45, 64), (48, 64)]:
        factor = SIZE // side
        small = full.reshape(latents, 1, side, factor, side, factor).mean((3, 5))
        frames.append(FilmFrame(f"{kimg} 000 images", small.astype(np.float32), (side, side)))
    return frames


def content(contrasts=CONTRASTS, **changes):
    synthetic = heads(64, seed=1, contrasts=len(contrasts))
    measured = fidelity(synthetic)
    values = {
        "title": "popgan on the phantom cohort",
        "recipe": "popgan",
        "preset": "quick",
        "plan": plan(contrasts),
        "fidelity": measured,
        "verdict": verdict(measured),
        "log": log(),
        "gallery": synthetic,
        "gallery_seed": 0,
        "worst": heads(64, seed=1, contrasts=len(contrasts))[:25],
        "splits": {
            "train": SplitFacts(28, 672, "0a1b" * 16),
            "tuning": SplitFacts(6, 144, "2c3d" * 16),
            "test": SplitFacts(6, 144, "4e5f" * 16),
        },
        "filmstrip": filmstrip(),
        "cohort": {
            "Subjects": 40,
            "Subjects for training": 28,
            "Subjects for tuning": 6,
            "Subjects for testing": 6,
            "Slices": 960,
            "Files left out": 2,
        },
        "provenance": {
            "created": "2026-11-22T12:40:00+00:00",
            "versions": {"popgan": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6"},
            "machine": {"cpu": "Example CPU at 2.4 GHz", "cores": 2, "memory_gib": 7.8},
            "hashes": {"plan": "ab12" * 16, "weights": "cd34" * 16},
        },
        "stations": [
            ("ingest", 14.2),
            ("plan", 9.8),
            ("train", 372.0),
            ("generate", 4.1),
            ("evaluate", 48.7),
        ],
    }
    return ReportContent(**(values | changes))


def bare(contrasts=CONTRASTS, **changes):
    """Content without measurements and log: a page without figures, which is fast to make."""
    nothing = {"fidelity": None, "verdict": None, "log": [], "worst": None}
    return content(contrasts, **(nothing | changes))


def private(contrasts=CONTRASTS, **changes):
    real = heads(32, seed=2, contrasts=len(contrasts))
    synthetic = heads(12, seed=1, contrasts=len(contrasts))
    values = {
        "real": real,
        "nearest": neighbours(
            closest_pairs(fidelity(synthetic)),
            synthetic,
            real,
            [f"p{i // 3:04d}" for i in range(32)],
        ),
        "subjects": [
            SubjectRow(
                f"p{i:04d}",
                f"IXI{i + 100}-Guys-0{700 + i}",
                "train" if i < 9 else "test",
                [f"/data/hospital/IXI{i + 100}-Guys-0{700 + i}-T1.nii.gz"],
            )
            for i in range(12)
        ],
        "quarantined": [
            Quarantined(
                "/data/hospital/IXI999/t1.nii.gz", "cannot be read: the gzip stream is truncated"
            ),
            Quarantined("/data/hospital/IXI998/t1.nii.gz", "all voxels have the same value"),
        ],
        "qc": [
            ScanRow(
                subject=f"p{i:04d}",
                split="train",
                contrast="T1w",
                image=image[0],
                indices={"snr": 20.0 + i, "ghost": 0.01 * i, "cnr": None},
                outlying=["snr"] if i == 3 else [],
            )
            for i, image in enumerate(real[:12])
        ],
        "real_mean": real.mean(0),
        "real_std": real.std(0),
    }
    return PrivateContent(**(values | changes))


def estimate(value, low=None, high=None, **n):
    counts = {"n_real": 0, "n_synthetic": 0, "n_subjects": 0} | n
    return Estimate(value=value, low=low, high=high, method="made up", **counts)


def mask_figures():
    step = StepMeasure(
        contrast="T1w",
        synthetic=estimate(0.21, 0.2, 0.22, n_synthetic=600),
        real=estimate(0.25, 0.22, 0.28, n_real=70, n_subjects=6),
        swapped=0.01,
    )
    lesion = MaskMeasure(
        value=1,
        name="lesion",
        share_synthetic=estimate(0.613, 0.58, 0.64, n_synthetic=1000),
        share_real=estimate(0.5, 0.3, 0.7, n_real=144, n_subjects=6),
        area_synthetic=estimate(0.0042, 0.004, 0.0045, n_synthetic=613),
        area_real=estimate(0.005, None, None, n_real=3, n_subjects=1),
        steps=[step],
    )
    never = lesion.model_copy(
        update={"value": 9, "name": HOSTILE, "area_synthetic": None, "steps": []}
    )
    warning = "lesion: 50% of real images show it."
    return MaskResult(
        n_synthetic=1000, n_real=144, n_subjects=6, labels=[lesion, never], warnings=[warning]
    )


def masks(**changes):
    """A model that draws a lesion, and a label with a hostile name that it never draws."""
    grey = ((heads(6)[:, 0] + 1) * 127).astype(np.uint8)
    pictures = np.stack([grey, grey, grey // 2], 3)
    values = {
        "kind": "dseg",
        "legend": [("lesion", "#e69f00"), (HOSTILE, "#56b4e9")],
        "overlays": pictures,
        "measured": mask_figures(),
    }
    return MaskContent(**(values | changes))
