"""How fast and how large ingest is: volumes to the store, and DICOM files to series.

    python benchmarks/ingest.py [--data FOLDER] [--workers 2] [-o results/ingest.json]

FOLDER defaults to $POPGAN_DATA. `store` ingests IXI (40 volumes, heads as they are) into a fresh
run folder; `preparation` does it with everything: brain extraction, N4 and the affine to MNI.
`discovery` writes 1,000, 3,000 and 10,000 DICOM files, which are the vendors' small series (GE,
Siemens) over and over with fresh UIDs, and times finding, reading and grouping them. Memory is that
of the program and its processes together, sampled 20 times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pydicom

from popgan.cohort import Cohort, IngestOptions
from popgan.cohort.reading import HeaderReader, open_workers
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.provenance import machine
from popgan.scans import discover

COUNTS = (1_000, 3_000, 10_000)
_SERIES = ("ge_mr750_epi", "siemens_prisma_dwi")


class Memory:
    """Peak resident size of this process and its children while the block runs, bytes."""

    def __init__(self) -> None:
        self.peak, self.largest_worker, self.largest_brain = 0, 0, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        own = psutil.Process()
        while not self._stop.wait(0.05):
            sizes: list[int] = []
            workers: list[int] = []
            brains: list[int] = []
            for process in own.children(recursive=True):
                try:
                    size = process.memory_info().rss
                    brain = any("popgan.extraction" in word for word in process.cmdline())
                except psutil.Error:
                    continue
                sizes.append(size)
                (brains if brain else workers).append(size)
            self.largest_worker = max([self.largest_worker, *workers])
            self.largest_brain = max([self.largest_brain, *brains])
            self.peak = max(self.peak, own.memory_info().rss + sum(sizes))


def store(data: Path, workers: int) -> dict[str, Any]:
    """IXI to the store, without bias correction and brain extraction."""
    return ingest(
        data / "ixi_t1_2mm",
        workers,
        IngestOptions(contrasts=["T1w"], keep_ids=True, keep_skull=True, bias_field="off"),
    )


def preparation(data: Path, workers: int, count: int) -> dict[str, Any]:
    """The first heads of IXI with N4 on every one, brain extraction and the affine to MNI."""
    with tempfile.TemporaryDirectory(prefix="popgan-bench-") as folder:
        for subject in sorted((data / "ixi_t1_2mm").glob("sub-*"))[:count]:
            (Path(folder) / subject.name).mkdir()
            shutil.copy(subject / "t1.nii.gz", Path(folder) / subject.name)
        options = IngestOptions(contrasts=["T1w"], keep_ids=True, bias_field="n4", space="mni")
        result = ingest(Path(folder), workers, options)
    result["seconds_per_volume"] = round(result["seconds"] / result["volumes"], 2)
    return result


def ingest(source: Path, workers: int, options: IngestOptions) -> dict[str, Any]:
    """Ingest into a fresh run folder, watched."""
    with tempfile.TemporaryDirectory(prefix="popgan-bench-") as folder, Memory() as memory:
        start = time.perf_counter()
        cohort = Cohort.from_folder(source, Path(folder) / "run", options=options, workers=workers)
        seconds = time.perf_counter() - start
        doubles = len(cohort.quality()["doubles"])
    return {
        "volumes": cohort.fingerprint["scans"],
        "seconds": round(seconds, 2),
        "volumes_per_second": round(cohort.fingerprint["scans"] / seconds, 2),
        "peak_mib": memory.peak // 2**20,
        "largest_worker_mib": memory.largest_worker // 2**20,
        "brain_process_mib": memory.largest_brain // 2**20,
        "doubles": doubles,
    }


def discovery(data: Path, count: int, workers: int) -> dict[str, Any]:
    """Find, read and group `count` DICOM files."""
    with tempfile.TemporaryDirectory(prefix="popgan-bench-") as folder, Memory() as memory:
        source, run = Path(folder) / "in", Path(folder) / "run"
        replicate(data, source, count)
        start = time.perf_counter()
        with open_workers(workers) as pool:
            reader = HeaderReader(pool, run, source, Reporter())
            try:
                told = f"{len(discover(source, headers=reader).scans)} scans"
            except UserError as error:  # every series is functional or diffusion: none is a scan
                told = str(error).split("holds no scans ")[1].split("; give")[0]
        seconds = time.perf_counter() - start
    return {
        "files": count,
        "seconds": round(seconds, 2),
        "files_per_second": round(count / seconds, 1),
        "peak_mib": memory.peak // 2**20,
        "decided": told,
    }


def replicate(data: Path, folder: Path, count: int) -> None:
    """Write copies of the small series with fresh UIDs of the same length."""
    files = [
        (path.read_bytes(), pydicom.dcmread(path, stop_before_pixels=True))
        for name in _SERIES
        for path in sorted((data / "dicom_mr_vendors" / name).iterdir())
    ]
    folder.mkdir(parents=True)
    for number in range(count):
        raw, header = files[number % len(files)]
        copy = 1 + number // len(files)
        for uid in (header.SOPInstanceUID, header.SeriesInstanceUID, header.StudyInstanceUID):
            # The length stays, so that no other byte of the file has to change.
            raw = raw.replace(str(uid).encode(), f"1.{copy:04d}{str(uid)[6:]}".encode())
        path = folder / f"{number % 97:02d}" / f"{number:06d}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(raw)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("POPGAN_DATA"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--heads", type=int, default=40, help="of IXI, for full preparation")
    parser.add_argument("-o", "--output", type=Path, default=None)
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("give --data or set POPGAN_DATA")
    data = Path(arguments.data)
    result: dict[str, Any] = {"workers": arguments.workers, "store": store(data, arguments.workers)}
    result["preparation"] = preparation(data, arguments.workers, arguments.heads)
    result["discovery"] = [discovery(data, count, arguments.workers) for count in COUNTS]
    result["load_average"] = [round(value, 1) for value in os.getloadavg()]
    result["machine"] = machine()
    text = json.dumps(result, indent=1)
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
