"""Which normalisation makes grey and white matter most alike between subjects.

For each scan the mean of grey and of white matter after each normalisation, on the slices that
ingest would use; then their standard deviation between subjects, in percent of the mean difference
of white and grey matter, so that a normalisation gains nothing by making images darker.

    python benchmarks/intensity.py -o benchmarks/results/intensity.json [--data FOLDER]

FOLDER defaults to $POPGAN_DATA. Tissue is known from labels: of IXI (made by machine, DLMUSE) and
of the phantom (its own truth). The DICOM scans have no labels; theirs come from two thresholds
(Otsu, three classes) on the inside of the head.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from skimage.filters import threshold_multiotsu

from popgan.cohort.intensity import landmark_spread
from popgan.phantom import Study, draw, simulate
from popgan.phantom.protocol import Protocol
from popgan.preparation.curve import Curve
from popgan.preparation.intensity import measure_intensity
from popgan.preparation.landmarks import Landmarks, measure_landmarks
from popgan.preparation.normalise import (
    METHODS,
    nyul_curve,
    peak_curve,
    standard_scale,
    zscore_curve,
)
from popgan.preparation.orientation import spacing_of, to_ras
from popgan.preparation.slices import choose_slices, find_brain
from popgan.provenance import machine
from popgan.scans import discover, read_scan

SITES, A_SITE = 4, 5  # phantom scanners of each field, subjects of each
DICOM = ("philips_ingenia_t1_mprage", "uih_umr770_t1_gre", "studyforrest_t1_converted")


@dataclass(frozen=True)
class Sample:
    """One scan: landmarks, and the values (0..1) of its grey and white matter."""

    contrast: str
    landmarks: Landmarks
    grey: NDArray[np.float32]
    white: NDArray[np.float32]


def sample(
    data: NDArray[np.float32],
    affine: NDArray[np.float64],
    tissue: NDArray[np.uint8] | None,
    *,
    contrast: str,
    strip: bool = False,
) -> Sample:
    """Prepare a scan as ingest does; tissue (2 grey, 3 white) is on its grid, or found."""
    if strip:
        assert tissue is not None
        data = np.where(tissue > 0, data - data.min() + 1, 0).astype(np.float32)
    data, turned = to_ras(data, affine)
    spacing = spacing_of(turned)
    intensity = measure_intensity(data)
    assert intensity is not None
    box = find_brain(data, spacing, intensity)
    assert box is not None
    indices, _ = choose_slices(
        box, depth=data.shape[2], spacing=float(spacing[2]), count=24, percent=(30, 90)
    )
    planes = np.moveaxis(intensity.apply(data[:, :, indices]), 2, 0)
    landmarks = measure_landmarks(
        planes,
        contrast=contrast,
        threshold=intensity.threshold,
        stripped=box.kind == "brain",
        spacing=(float(spacing[0]), float(spacing[1])),
    )
    assert landmarks is not None
    if tissue is None:
        low, high = landmarks.percentiles[0], landmarks.percentiles[-1]
        inner = planes[(planes >= low) & (planes <= high)]
        cuts = threshold_multiotsu(inner, classes=3)
        return Sample(
            contrast,
            landmarks,
            inner[(inner > cuts[0]) & (inner <= cuts[1])],
            inner[inner > cuts[1]],
        )
    labels = np.moveaxis(to_ras(tissue.astype(np.float32), affine)[0][:, :, indices], 2, 0)
    return Sample(contrast, landmarks, planes[labels == 2], planes[labels == 3])


def people(data: Path, *, strip: bool) -> Iterator[Sample]:
    """IXI: one scanner."""
    for folder in sorted((data / "ixi_t1_2mm").glob("sub-*")):
        image: Any = nib.load(folder / "t1.nii.gz")
        tissue: Any = nib.load(folder / "tissue.nii.gz")
        values = np.asanyarray(image.dataobj).astype(np.float32)
        labels = np.asanyarray(tissue.dataobj)
        yield sample(values, image.affine, labels, contrast="T1w", strip=strip)


def scanners(data: Path) -> Iterator[Sample]:
    """T1w straight from other scanners."""
    for name in DICOM:
        for found in discover(data / "dicom_mr_vendors" / name).scans:
            scan = read_scan(found)
            yield sample(scan.data, scan.affine, None, contrast="T1w")


def phantoms(contrast: str, *, one_scanner: bool = False) -> Iterator[Sample]:
    """Phantoms of several scanners of 1.5 and 3 T, or of one."""
    for field in (3.0,) if one_scanner else (1.5, 3.0):
        sites = 1 if one_scanner else SITES
        study = Study((contrast,), Protocol(field=field), sites=sites)
        for index in range(SITES * A_SITE):
            one = simulate(draw(3, index, study), study)
            values = one.scans[contrast].astype(np.float32)
            yield sample(values, one.affine, one.labels(), contrast=contrast)


def curves(samples: list[Sample]) -> dict[str, Callable[[Sample], Curve]]:
    """Each normalisation; the standard scale is learnt on every second scan."""
    scale = standard_scale([one.landmarks for one in samples[::2]])
    return {
        "percentile": lambda one: Curve(),
        "zscore": lambda one: zscore_curve(one.landmarks),
        "wm-peak": lambda one: peak_curve(one.landmarks, one.contrast),
        "nyul": lambda one: nyul_curve(one.landmarks, scale),
    }


def spread(samples: list[Sample]) -> dict[str, Any]:
    """Between-subject spread of both tissues, percent of their difference, by normalisation."""
    result: dict[str, Any] = {"scans": len(samples)}
    differ = landmark_spread([one.landmarks for one in samples])
    assert differ is not None
    result["landmarks_percent"] = round(differ, 1)
    for method, curve in curves(samples).items():
        means = np.array(
            [[curve(one).apply(v).mean() for v in (one.grey, one.white)] for one in samples]
        )
        gap = abs(float((means[:, 1] - means[:, 0]).mean()))
        grey, white = means.std(axis=0, ddof=1) / gap * 100
        clipped = np.mean([(curve(one).apply(one.white) >= 1).mean() for one in samples])
        result[method] = {
            "grey_percent": round(float(grey), 1),
            "white_percent": round(float(white), 1),
            "grey_mean": round(float(means[:, 0].mean()), 3),
            "white_mean": round(float(means[:, 1].mean()), 3),
            "white_clipped_percent": round(100 * float(clipped), 2),
        }
    return result


def peak_errors(samples: list[Sample]) -> dict[str, float]:
    """The white-matter peak against the true median of white matter, in percent of it."""
    errors = [
        100 * (one.landmarks.white_matter / float(np.median(one.white)) - 1) for one in samples
    ]
    return {
        "median": round(float(np.median(errors)), 1),
        "worst": round(float(max(errors, key=abs)), 1),
    }


def table(sets: dict[str, Any]) -> str:
    """Spread of grey / white matter, percent, one row a set."""
    lines = [
        f"| scans | n | landmarks | {' | '.join(METHODS)} |",
        "|---" * (3 + len(METHODS)) + "|",
    ]
    for name, found in sets.items():
        cells = [f"{found[m]['grey_percent']} / {found[m]['white_percent']}" for m in METHODS]
        start = f"| {name} | {found['scans']} | {found['landmarks_percent']} "
        lines.append(f"{start}| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=os.environ.get("POPGAN_DATA"))
    options = parser.parse_args()
    ixi = list(people(options.data, strip=False))
    brains = list(people(options.data, strip=True))
    foreign = list(scanners(options.data))
    t1w = list(phantoms("T1w"))
    sets = {
        "IXI, heads (one scanner)": ixi,
        "IXI, brains (one scanner)": brains,
        "IXI, heads and brains": ixi[::2] + brains[1::2],
        "phantom, heads (one scanner)": list(phantoms("T1w", one_scanner=True)),
        "phantom, 8 scanners": t1w,
        "IXI, DICOM of other scanners, phantom": ixi + foreign + t1w,
    }
    for contrast in ("T2w", "FLAIR", "PDw", "T1wCE"):
        sets[f"phantom {contrast}, 8 scanners"] = list(phantoms(contrast))
    result: dict[str, Any] = {
        "machine": machine(),
        "methods": list(METHODS),
        "sets": {name: spread(samples) for name, samples in sets.items()},
        "white_matter_peak_error_percent": {
            name: peak_errors(samples) for name, samples in sets.items()
        },
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    options.out.with_suffix(".md").write_text(table(result["sets"]))
    print(table(result["sets"]))


if __name__ == "__main__":
    main()
