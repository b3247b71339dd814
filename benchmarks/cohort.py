"""Make the benchmark cohort, on which all figures of speed and quality are compared.

IXI (development part), heads as they are, 24 axial slices a subject between the 30th and the
90th percentile of the brain's height, 64 x 64, 99.5 % normalisation, split seed 0: 28 subjects
to train, 6 to tune, 6 to test.

    python benchmarks/cohort.py -o RUN [--data FOLDER] [--montage FILE.png]

FOLDER defaults to $POPGAN_DATA. The montage shows real patients: keep it private.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from popgan.cohort import Cohort, IngestOptions
from popgan.errors import UserError
from popgan.provenance import machine
from popgan.scans import discover

OPTIONS = IngestOptions(
    contrasts=["T1w"],
    resolution=64,
    slices=24,
    slice_range=(30.0, 90.0),
    intensity_percentile=99.5,
    intensity="percentile",
    keep_ids=True,
    keep_skull=True,
    bias_field="off",
    seed=0,
    fractions=(0.70, 0.15, 0.15),
)
SPLIT_SUBJECTS = {"train": 28, "tuning": 6, "test": 6}


def make(data: Path, run: Path, *, workers: int | None = None) -> tuple[Cohort, float]:
    """Ingest the benchmark cohort.

    Returns:
        The cohort, and the wall time in seconds.

    Raises:
        UserError: the data are not there, or do not give 28, 6 and 6 subjects.
    """
    start = time.perf_counter()
    cohort = Cohort.from_folder(data / "ixi_t1_2mm", run, options=OPTIONS, workers=workers)
    seconds = time.perf_counter() - start
    sizes = {split: len(set(cohort.subjects(split))) for split in SPLIT_SUBJECTS}
    if sizes != SPLIT_SUBJECTS:
        raise UserError(f"the benchmark cohort has {sizes} subjects, not {SPLIT_SUBJECTS}")
    return cohort, seconds


def height_errors(data: Path, run: Path) -> dict[str, float]:
    """Error of the slices' heights against the tissue maps of the same scans, percent of height."""
    import nibabel as nib

    cohort = Cohort.open(run)
    table = json.loads((run / "private" / "subjects.json").read_text())["subjects"]
    folders = {found.subject: found.path.parent for found in discover(data / "ixi_t1_2mm").scans}
    errors = []
    for pseudonym, entry in table.items():
        image: Any = nib.load(folders[entry["source_id"]] / "tissue.nii.gz")
        present = np.flatnonzero((np.asanyarray(image.dataobj) > 0).any(axis=(0, 1)))
        z0, dz = image.affine[2, 3], image.affine[2, 2]
        low, high = z0 + (present[0] - 0.5) * dz, z0 + (present[-1] + 0.5) * dz
        for info in cohort.slices:
            if info.subject == pseudonym:
                errors.append(info.height - (info.position_mm - low) / (high - low))
    shares = 100 * np.array(errors)
    return {
        "mean_absolute_percent": round(float(np.abs(shares).mean()), 2),
        "bias_percent": round(float(shares.mean()), 2),
        "worst_percent": round(float(np.abs(shares).max()), 2),
    }


def montage(cohort: Cohort, path: Path, *, columns: int = 24, rows: int = 12) -> None:
    """Write the slices of the first training subjects, one subject a row."""
    images = cohort.images("train")[: rows * columns, 0]
    side = images.shape[-1]
    grid = images.reshape(-1, columns, side, side).transpose(0, 2, 1, 3)
    sheet = grid.reshape(-1, columns * side)
    Image.fromarray(np.round((sheet + 1) * 127.5).astype(np.uint8)).save(path)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="run folder")
    parser.add_argument("--data", type=Path, default=os.environ.get("POPGAN_DATA"))
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--montage", type=Path, default=None)
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("give --data or set POPGAN_DATA")
    try:
        cohort, seconds = make(Path(arguments.data), arguments.output, workers=arguments.workers)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    if arguments.montage is not None:
        montage(cohort, arguments.montage)
    result = {
        "cohort": cohort.hash,
        "slices": {split: len(cohort.indices(split)) for split in SPLIT_SUBJECTS},
        "spacing_mm": list(cohort.spacing),
        "seconds": round(seconds, 2),
        "scans_per_second": round(cohort.fingerprint["scans"] / seconds, 2),
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "heights": height_errors(Path(arguments.data), arguments.output),
        "machine": machine(),
    }
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
