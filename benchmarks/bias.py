"""Which distances between samples can be believed, and which intervals: on Gaussians, truth known.

    .venv/bin/python benchmarks/bias.py -o benchmarks/results/bias

How far two samples of the SAME Gaussian seem to be apart by the Frechet distance, as the number of
images grows; how often intervals contain the truth; and from how many images a feature on the line
to infinite n is straight. `--quick` is for tests.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.fidelity.frechet import frechet_distance
from popgan.evidence.fidelity.infinity import LEAST, frechet_infinity
from popgan.evidence.fidelity.infinity_jackknife import infinity_replicates
from popgan.evidence.fidelity.kid import kid_with_replicates
from popgan.evidence.statistics import (
    Replicates,
    image_groups,
    interval,
    owners_of,
    subject_groups,
)
from popgan.files import write_json, write_text
from popgan.provenance import machine

Values = NDArray[np.float64]
TOTAL = 100.0
"""Variance of all features together in the first table."""


@dataclass(frozen=True)
class Size:
    """How large everything is."""

    dimension: int = 2048
    numbers: tuple[int, ...] = (250, 1000, 5000, 10000)
    lines: int = 1000  # up to this number the line to infinity is drawn as well
    samples: int = 200  # for coverage
    bootstrap: int = 200


QUICK = Size(dimension=32, numbers=(60, 120), lines=120, samples=6, bootstrap=20)


def spectrum(dimension: int, power: float, total: float) -> Values:
    """Deviations of features whose variances fall as 1 / rank^power."""
    variance = np.arange(1, dimension + 1) ** -power
    deviation: Values = np.sqrt(variance * total / variance.sum())
    return deviation


def same(size: Size, power: float, seed: int) -> list[dict[str, float]]:
    """Frechet distance between two samples of one Gaussian; its truth is 0."""
    rng, deviation = np.random.default_rng(seed), spectrum(size.dimension, power, TOTAL)
    rows = []
    for number in size.numbers:
        times = max(1, min(3, 3000 // number))
        found, extrapolated = [], []
        for again in range(times):
            x, y = (rng.standard_normal((number, size.dimension)) * deviation for _ in "xy")
            found.append(frechet_distance(x, y))
            if LEAST <= number <= size.lines and again == 0:
                extrapolated.append(frechet_infinity(x, y, sizes=8, seed=seed).value)
        row = {"n": number, "samples": times, "distance": round(float(np.mean(found)), 3)}
        if extrapolated:
            row["extrapolated"] = round(extrapolated[0], 3)
        rows.append(row)
        print(f"power {power}: {row}", flush=True)
    return rows


@dataclass(frozen=True)
class Trial:
    """One estimate with its interval."""

    value: float
    low: float
    high: float


def coverage(
    name: str, truth: float, trial: Callable[[int], Trial], samples: int
) -> dict[str, Any]:
    """How often an interval contains the truth, over samples."""
    found = [trial(seed) for seed in range(samples)]
    inside = [each.low <= truth <= each.high for each in found]
    row = {
        "interval": name,
        "truth": round(truth, 4),
        "mean_estimate": round(float(np.mean([each.value for each in found])), 4),
        "mean_low": round(float(np.mean([each.low for each in found])), 4),
        "mean_high": round(float(np.mean([each.high for each in found])), 4),
        "coverage": round(float(np.mean(inside)), 3),
        "samples": samples,
    }
    print(row, flush=True)
    return row


# What intervals of KID are tried on: 40 subjects with a slice at each of 10 heights, and as many
# synthetic images at random heights, whose mean is another.
SUBJECTS, HEIGHTS, DIMENSION, SHIFT = 40, 10, 16, 0.15
OF_SUBJECT, OF_HEIGHT = 0.3, 0.3  # shares of the variance


def height_means() -> Values:
    """What slices at a height have in common, HEIGHTS x DIMENSION."""
    rng = np.random.default_rng(123)
    return np.sqrt(OF_HEIGHT) * rng.standard_normal((HEIGHTS, DIMENSION))


def people(seed: int, alike: bool) -> tuple[Values, list[str], Values]:
    """Real slices with their subjects, and synthetic images.

    Args:
        seed: of all of it.
        alike: every subject has a slice at each height; else every slice is of another subject.
    """
    rng, means = np.random.default_rng(seed), height_means()
    count = SUBJECTS * HEIGHTS

    def noise(share: float, rows: int = count) -> Values:
        return np.sqrt(share) * rng.standard_normal((rows, DIMENSION))

    who = np.repeat(np.arange(SUBJECTS), HEIGHTS) if alike else np.arange(count)
    height = np.tile(np.arange(HEIGHTS), SUBJECTS) if alike else rng.integers(0, HEIGHTS, count)
    rest = 1 - OF_SUBJECT - OF_HEIGHT
    real = means[height] + noise(OF_SUBJECT, who.max() + 1)[who] + noise(rest)
    made = SHIFT + means[rng.integers(0, HEIGHTS, count)] + noise(1 - OF_HEIGHT)
    return real, [f"s{i}" for i in who], made


def true_kid() -> float:
    """KID of the two distributions, mixtures of Gaussians of variance v about the heights' means.

    With s = x . y for independent x ~ N(m, v I) and y ~ N(n, v I), and d features,
    E s = m.n, E s^2 = (m.n)^2 + q, E s^3 = (m.n)^3 + 3 (m.n) q + 6 v^2 (m.n), where
    q = v (|m|^2 + |n|^2) + v^2 d; the kernel is (s / d + 1)^3.
    """
    v, d = 1 - OF_HEIGHT, DIMENSION

    def kernel(m: Values, n: Values) -> float:
        dot = m @ n.T
        q = v * ((m**2).sum(1)[:, None] + (n**2).sum(1)[None]) + v**2 * d
        third = dot**3 + 3 * dot * q + 6 * v**2 * dot
        return float((third / d**3 + 3 * (dot**2 + q) / d**2 + 3 * dot / d + 1).mean())

    real = height_means()
    made = real + SHIFT
    return kernel(real, real) + kernel(made, made) - 2 * kernel(real, made)


def intervals(size: Size) -> list[dict[str, Any]]:
    """Coverage of intervals of KID by patient and by slice, and of the bootstrap."""

    def kid_trial(
        by_subject: bool, alike: bool = True, told: bool = True
    ) -> Callable[[int], Trial]:
        def trial(seed: int) -> Trial:
            real, subjects, made = people(seed, alike)
            groups = subject_groups(subjects) if by_subject else image_groups(len(real))
            value, *left = kid_with_replicates(
                real,
                groups,
                made,
                image_groups(len(made)),
                x_owners=owners_of(subjects) if told else None,
            )
            return Trial(value, *interval(value, *left))

        return trial

    def bootstrap(measure: Callable[[Values, Values], float], n: int) -> Callable[[int], Trial]:
        deviation = spectrum(32, 1.5, 10)

        def trial(seed: int) -> Trial:
            rng = np.random.default_rng(seed)
            x, y = (rng.standard_normal((n, 32)) * deviation for _ in "xy")
            y = y + SHIFT_OF_BOOTSTRAP
            again = [
                measure(x[rng.integers(0, n, n)], y[rng.integers(0, n, n)])
                for _ in range(size.bootstrap)
            ]
            return Trial(measure(x, y), *np.percentile(again, [2.5, 97.5]))

        return trial

    truth = true_kid()
    few = max(2, size.samples // 4)
    apart = 32 * SHIFT_OF_BOOTSTRAP**2
    return [
        coverage("KID, a slice a patient", truth, kid_trial(True, False), size.samples),
        coverage("KID, jackknife by patient", truth, kid_trial(True), size.samples),
        coverage(
            "the same, pairs of one patient left in",
            truth,
            kid_trial(True, told=False),
            size.samples,
        ),
        coverage("the same, jackknife by slice", truth, kid_trial(False, told=False), size.samples),
        coverage("Frechet, percentile bootstrap", apart, bootstrap(frechet_distance, 100), few),
    ]


SHIFT_OF_BOOTSTRAP = float(np.sqrt(0.55 / 32))
"""In each of 32 features; together a Frechet distance of 0.55."""


def straight(size: Size) -> list[dict[str, Any]]:
    """Coverage of the interval at infinite n, by images a feature and by shape of the spectrum."""
    dimension, rows = 96 if size is not QUICK else 24, []
    few = max(2, size.samples // 3)
    for power in (0.5, 1.5):
        deviation = spectrum(dimension, power, 10)
        for images in (1, 2, 4) if size is not QUICK else (4,):
            number = dimension * images

            def trial(seed: int, n: int = number, scale: Values = deviation) -> Trial:
                rng = np.random.default_rng(seed)
                x, y = (rng.standard_normal((n, len(scale))) * scale for _ in "xy")
                y = y + 0.05
                gx, gy = image_groups(n, seed=seed), image_groups(n, seed=seed + 1)
                value = frechet_infinity(x, y, x_groups=gx, sizes=6, seed=seed).value
                left: tuple[Replicates, Replicates] = infinity_replicates(
                    x, y, x_groups=gx, y_groups=gy, x_whole=True, sizes=6, seed=seed
                )
                return Trial(value, *interval(value, *left))

            name = f"Frechet at infinite n, images a feature: {images}, power {power}"
            rows.append(coverage(name, dimension * 0.05**2, trial, few))
    return rows


def page(result: dict[str, Any]) -> str:
    """The tables for people."""
    numbers = [row["n"] for row in result["same"]["1.5"]]
    lines = [
        "# Bias and intervals of distances between samples",
        "",
        f"Made by `benchmarks/bias.py` in {result['seconds']} s. Gaussians, so that the truth is "
        "known.",
        "",
        f"Frechet distance of two samples of the SAME Gaussian ({result['dimension']} features, "
        f"variance {TOTAL:g}, falling as 1 / rank^power); the truth is 0:",
        "",
        "| images a side | " + " | ".join(f"{n:,}" for n in numbers) + " |",
        "|---|" + "---|" * len(numbers),
    ]
    for power, rows in result["same"].items():
        cells = [f"{row['distance']:.2f}" for row in rows]
        lines.append(f"| power {power} | " + " | ".join(cells) + " |")
        cells = [f"{row['extrapolated']:.2f}" if "extrapolated" in row else "–" for row in rows]
        lines.append("| the same, extrapolated | " + " | ".join(cells) + " |")
    lines += [
        "",
        "Intervals of 95 %, how often they contain the truth:",
        "",
        "| interval | truth | mean estimate | mean interval | contains the truth | samples |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["intervals"] + result["infinity"]:
        lines.append(
            f"| {row['interval']} | {row['truth']:.3f} | {row['mean_estimate']:.3f} | "
            f"{row['mean_low']:.3f} to {row['mean_high']:.3f} | {row['coverage']:.0%} | "
            f"{row['samples']} |"
        )
    lines += [
        "",
        "KID: 40 patients with a slice at each of 10 heights, against as many independent images. "
        "Pairs of slices of one patient are left out; left in, as in the usual KID, they move the "
        "estimate up, the more so the fewer patients there are. An interval by slice is far too "
        "narrow. At infinite n the interval is right from four images a "
        "feature on, and that is where popgan prints one.",
    ]
    return "\n".join(lines) + "\n"


def run(size: Size) -> dict[str, Any]:
    """All tables."""
    start = time.process_time()
    result: dict[str, Any] = {
        "dimension": size.dimension,
        "same": {str(power): same(size, power, 0) for power in (1.5, 1.0)},
        "intervals": intervals(size),
        "infinity": straight(size),
        "machine": machine(),
    }
    return {**result, "seconds": round(time.process_time() - start)}


def main() -> None:
    """Compute and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds; says nothing")
    parser.add_argument("-o", "--out", type=Path, help="without the ending")
    options = parser.parse_args()
    result = run(QUICK if options.quick else Size())
    print(page(result))
    if options.out:
        write_json(options.out.with_suffix(".json"), result)
        write_text(options.out.with_suffix(".md"), page(result))


if __name__ == "__main__":
    main()
