"""Tiny scans, tiny runs and the command line in-process, for tests of the main line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from popgan.cli.main import main
from popgan.phantom.cohort import write_cohort

# Networks of a few thousand weights: a run takes seconds.
SETTINGS = {
    "network.channels": "[16, 16]",
    "network.latent_dim": "8",
    "train.images": "96",
    "train.batch": "8",
    "train.ticks": "4",
    "train.threads": "1",
    "train.precision": "fp32",
    "generate.n": "6",
    "evaluate.n": "12",
}
INGEST = ("--resolution", "16", "--slices", "6", "--workers", "0")
INGEST += ("--keep-skull", "--bias-field", "off")  # heads of a few voxels have no brain to find


def sets(**changes: object) -> list[str]:
    """--set options of a tiny plan; `changes` are train__images=80."""
    values = SETTINGS | {name.replace("__", "."): str(value) for name, value in changes.items()}
    return [part for name, value in values.items() for part in ("--set", f"{name}={value}")]


@dataclass(frozen=True)
class Answer:
    """What a command left: its status and what it said."""

    status: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The JSON object on standard output."""
        return json.loads(self.out)

    @property
    def line(self) -> str:
        """The one line of an error."""
        (line,) = [text for text in self.err.splitlines() if text.startswith("popgan: ")]
        assert self.err.rstrip().endswith(line), "the error must come last"
        assert "Traceback" not in self.err
        return line


def call(*arguments: object) -> Answer:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            status = int(end.code or 0)
    return Answer(status, out.getvalue(), err.getvalue())


def start(*arguments: object) -> subprocess.Popen[str]:
    """Run the command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "popgan", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        # A shell that runs tests in the background has Ctrl-C ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def head(seed: int, shape: tuple[int, int, int] = (32, 38, 36)) -> np.ndarray:
    """A head of 6 mm voxels: skin, bone and a textured brain, different with each seed."""
    rng = np.random.default_rng(seed)
    grids = np.meshgrid(*(np.linspace(-1.1, 1.1, n) for n in shape), indexing="ij")
    size = rng.uniform(0.88, 1.0, 3)
    radius = np.sqrt(sum((g / s) ** 2 for g, s in zip(grids, size, strict=True)))
    data = np.select([radius < 0.85, radius < 0.93, radius < 1], [0.7, 0.15, 0.9], 0.0)
    data += 0.15 * np.sin(9 * grids[0] + seed) * np.cos(7 * grids[1]) * (radius < 0.85)
    noise = 0.02 * rng.standard_normal((2, *shape))
    return (np.hypot(data + noise[0], noise[1]) * 900).astype(np.int16)


def save(path: Path, data: np.ndarray, spacing: float = 6.0) -> Path:
    """Write a volume as NIfTI."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, np.diag([spacing, spacing, spacing, 1.0])), path)
    return path


def write_heads(folder: Path, count: int) -> Path:
    """So many subjects as folder/NAME/t1.nii.gz."""
    for seed in range(count):
        save(folder / f"Person{seed}" / "t1.nii.gz", head(seed))
    return folder


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file, for telling whether anything was rewritten."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".popgan-lock"
    }


def leavings(folder: Path) -> list[str]:
    """Temporary files and folders that should not be there."""
    return [path.name for path in folder.rglob(".part-*")]


_finished: dict[str, Path] = {}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `scans`, `run` (a whole main line on phantoms) and `said`; never change it.

    One subject's file is truncated on the way, another is a copy full of NaN.
    """
    if "folder" not in _finished:
        folder = tmp_path_factory.mktemp("finished")
        scans = folder / "scans"
        write_cohort(scans, n=12, spacing=6.0)
        files = sorted(scans.glob("sub-*/anat/*_T1w.nii.gz"))
        content = files[0].read_bytes()
        bad = scans / "sub-truncated9/anat/sub-truncated9_T1w.nii.gz"
        bad.parent.mkdir(parents=True)
        bad.write_bytes(content[: len(content) // 2])
        save(scans / "sub-nan9/anat/sub-nan9_T1w.nii.gz", np.full((30, 30, 30), np.nan, np.float32))
        answer = call("run", scans, "-o", folder / "run", "--no-audit", *INGEST, *sets(), "--json")
        assert answer.status == 0, answer
        (folder / "said").write_text(answer.out)
        _finished["folder"] = folder
    return _finished["folder"]


@pytest.fixture(scope="session")
def audited(finished: Path) -> Path:
    """The finished run with its privacy audit; never change it."""
    run = finished / "audited"
    if not run.exists():
        shutil.copytree(finished / "run", run)
        answer = call("run", finished / "scans", "-o", run, *INGEST, *sets())
        assert answer.status == 0, answer
    return run


@contextlib.contextmanager
def full_disk(most: int = 400) -> Iterator[None]:
    """A disk on which no file can grow beyond `most` bytes: libraries in C notice it, too."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
