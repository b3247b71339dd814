"""A whole main line of a translator on tiny heads, made once for all tests that look at it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from small_runs import INGEST, call, head, save

SUBJECTS = 20  # three of them are held out, which is what an interval takes
TINY = {
    "network.width": 4,
    "network.halvings": 1,
    "network.blocks": 1,
    "network.judge_width": 4,
    "network.judge_layers": 1,
    "train.images": 64,
    "train.batch": 8,
    "train.ticks": 2,
    "train.threads": 1,
    "train.precision": "fp32",
}


def tiny(**changes: object) -> list[str]:
    """--set options of a tiny translator; `changes` are train__images=80."""
    values = TINY | {name.replace("__", "."): value for name, value in changes.items()}
    return [part for name, value in values.items() for part in ("--set", f"{name}={value}")]


def write_pairs(folder: Path, count: int, *, lesions: bool = True) -> Path:
    """So many subjects with t1, t2 and flair of one head; some with a lesion that FLAIR shows.

    Stacks of few slices, which are not aligned with each other: that would take most of the time.
    """
    for seed in range(count):
        t1 = head(seed, (32, 38, 36))[:, :, 13:23].astype(np.float64)
        flair = np.where(t1 > 200, 1300 - t1, t1)
        t2 = np.where(t1 > 200, 1500 - 0.8 * t1, t1)
        mask = np.zeros(t1.shape, np.uint8)
        if seed % 3:
            mask[12:16, 14:18, 2 + seed % 3 : 7] = 1
        flair[mask > 0] += 500
        place = folder / f"Person{seed}"
        for name, data in (("t1", t1), ("t2", t2), ("flair", flair)):
            save(place / f"{name}.nii.gz", np.clip(data, 0, None).astype(np.int16), spacing=1.0)
        if lesions:
            save(place / "mask.nii.gz", mask, spacing=1.0)
    return folder


_finished: dict[str, Path] = {}


@pytest.fixture(scope="session")
def translated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `scans`, `run` (a whole main line of mustgan) and `said`; never change it."""
    if "folder" not in _finished:
        folder = tmp_path_factory.mktemp("translated")
        scans = write_pairs(folder / "scans", SUBJECTS)
        answer = call(
            "run", scans, "-o", folder / "run", "--recipe", "mustgan",
            "--from", "t1,T2w", "--to", "flair", *INGEST, *tiny(), "--json",
        )  # fmt: skip
        assert answer.status == 0, answer
        (folder / "said").write_text(answer.out)
        _finished["folder"] = folder
    return _finished["folder"]
