"""How well the tissue segmenter outlines, on real and on simulated heads it has not seen.

    python benchmarks/tissue.py [--data FOLDER] [--only real,other,phantom,cost] [--weights FILE]

real: T1-weighted slices of IXI as a run has them (64 and 128 pixels, heads as they are and brains
extracted) against the MUSE labels that come with the scans. 28 of the 40 subjects were looked at
while the segmenter was made; the table is about the other twelve. other: T2-weighted and FLAIR
slices of patients with multiple sclerosis (ms_lesjak) against what the segmenter itself outlines in
T1-weighted images of the same slices: agreement, not truth. phantom: five contrasts of 20
simulated subjects, scanned by `popgan.phantom` and prepared like real ones, against their true
tissues. cost: seconds to segment and measure 10,000 images of 128 pixels. FOLDER defaults to
$POPGAN_DATA. Results: benchmarks/results/tissue.json, and the table that popgan itself shows,
src/popgan/evidence/tissue/dice.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cohort import OPTIONS
from main_line import commit
from popgan import provenance
from popgan.cohort import Cohort
from popgan.evidence import independent
from popgan.evidence.tissue import segment
from popgan.evidence.tissue.network import TissueNetwork
from popgan.evidence.tissue.suite import measure_tissue
from popgan.evidence.tissue.weights import SHA256, load_network, read_network
from popgan.files import read_json, write_json
from tissue_mixture import by_mixture
from tissue_truth import CONTRASTS, Slices, phantom_slices, real_slices, with_ventricles

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "tissue.json"
SHOWN = HERE.parent / "src" / "popgan" / "evidence" / "tissue" / "dice.json"
WORK = HERE.parent / "runs" / "tissue"
SIDES, IMAGES = (64, 128), 10_000
SPLITS = ("train", "tuning", "test")
TISSUES = {"csf": (1, 4), "grey": (2,), "white": (3,), "ventricles": (4,)}


def outlined(slices: Slices, network: TissueNetwork) -> NDArray[np.uint8]:
    """Codes of all slices, whatever their contrast: unsupported ones are measured as well."""
    found = segment.outline(slices.images, ["T1w"], network=network)
    assert found is not None
    return found.codes


def dice(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> float:
    """2 |A and B| / (|A| + |B|); NaN where both are empty."""
    total = int(one.sum() + two.sum())
    return 2 * int((one & two).sum()) / total if total else float("nan")


def agreement(slices: Slices, codes: NDArray[np.uint8]) -> dict[str, Any]:
    """Dice by tissue, mean over subjects with Student's interval; and shares of the brain's area.

    A subject's Dice is that of all its slices together, as of a volume.
    """
    owners = np.asarray(slices.subjects)
    each = [owners == name for name in sorted(set(slices.subjects))]
    found: dict[str, Any] = {"subjects": len(each), "slices": len(codes)}
    names = [name for name in TISSUES if name != "ventricles" or slices.ventricles]
    for name in names:
        truth, drawn = np.isin(slices.truth, TISSUES[name]), np.isin(codes, TISSUES[name])
        value = independent.mean(np.array([dice(truth[own], drawn[own]) for own in each]))
        assert value is not None
        found[name] = {"dice": value.value, "low": value.low, "high": value.high}
        shares = [
            np.divide(part.sum((1, 2)), np.maximum((whole > 0).sum((1, 2)), 1))
            for part, whole in ((truth, slices.truth), (drawn, codes))
        ]
        found[name]["area_bias"] = float((shares[1] - shares[0]).mean())
        found[name]["area_correlation"] = float(np.corrcoef(*shares)[0, 1])
    return found


def rounded(value: Any) -> Any:
    """Floats with four digits behind the point."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def real_cells(data: Path, network: TissueNetwork, splits: tuple[str, ...]) -> Iterator[Any]:
    """Cells of the real data."""
    source = with_ventricles(data / "ixi_t1_2mm", WORK / "ixi")
    for side, skull in itertools.product(SIDES, (True, False)):
        run = WORK / f"ixi-{side}-{'head' if skull else 'brain'}"
        options = OPTIONS.model_copy(
            update={"resolution": side, "keep_skull": skull, "label_map": "tissue"}
        )
        cohort = Cohort.from_folder(source, run, options=options)
        slices = real_slices(cohort, splits)
        cell = {"contrast": "T1w", "side": side, "skull": skull, "truth": "IXI"}
        codes = outlined(slices, network)
        other = agreement(slices, by_mixture(slices.images[:, 0], codes))
        mixture = {name: other[name]["dice"] for name in ("grey", "white")}
        yield {**cell, **agreement(slices, codes), "mixture": mixture}


def other_cells(data: Path, network: TissueNetwork) -> Iterator[Any]:
    """Cells of real contrasts without tissue maps, against the outline of the T1-weighted image."""
    names = ["T1w", "T2w", "FLAIR"]
    for side in SIDES:
        options = OPTIONS.model_copy(update={"resolution": side, "contrasts": names})
        cohort = Cohort.from_folder(
            data / "ms_lesjak",
            WORK / f"lesjak-{side}",
            options=options.model_copy(update={"label_map": "none"}),
        )
        images = np.concatenate([cohort.images(split) for split in SPLITS])
        owners = [name for split in SPLITS for name in cohort.subjects(split)]
        first, *others = (
            Slices(images[:, [place]], np.zeros(0, np.uint8), owners, ventricles=True)
            for place in range(len(names))
        )
        truth = outlined(first, network)
        for contrast, slices in zip(names[1:], others, strict=True):
            cell = {"contrast": contrast, "side": side, "skull": True, "truth": "T1w"}
            known = dataclasses.replace(slices, truth=truth)
            yield {**cell, **agreement(known, outlined(slices, network))}


def phantom_cells(network: TissueNetwork) -> Iterator[Any]:
    """Cells of the simulated data."""
    for contrast, skull, side, slices in phantom_slices(SIDES):
        cell = {"contrast": contrast, "side": side, "skull": skull, "truth": "phantom"}
        yield {**cell, **agreement(slices, outlined(slices, network))}


def cost() -> dict[str, Any]:
    """Seconds for 10,000 synthetic, 2,000 training and 500 held-out images of 128 pixels."""
    _, _, _, slices = next(phantom_slices((128,), subjects=4))
    many = slices.images[np.arange(IMAGES) % len(slices.images)]
    start, used = time.perf_counter(), time.process_time()
    owners = [f"subject {i // 20}" for i in range(2500)]
    measure_tissue(
        real_train=many[:2000],
        real_reference=many[2000:2500],
        synthetic=many,
        train_subjects=owners[:2000],
        reference_subjects=owners[2000:],
        contrasts=["T1w"],
        pixel=1.0,
    )
    return {
        "images": IMAGES + 2500,
        "seconds": round(time.perf_counter() - start, 1),
        "processor_seconds": round(time.process_time() - used, 1),
        "threads": torch.get_num_threads(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def shown(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What popgan says beside its figures: Dice in the contrasts that it may be used for."""
    names = {
        "IXI": "MUSE labels of IXI",
        "T1w": "outlines of T1w images of the same slices",
        "phantom": "true tissues of the phantom",
    }
    return [
        {
            **{key: cell[key] for key in ("contrast", "side", "skull", "subjects")},
            "truth": names[cell["truth"]],
            **{name: round(cell[name]["dice"], 3) for name in TISSUES if name in cell},
            "intervals": {
                name: [round(cell[name]["low"], 3), round(cell[name]["high"], 3)]
                for name in TISSUES
                if name in cell
            },
        }
        for cell in cells
        if cell["contrast"] in segment.SUPPORTED
    ]


def main() -> int:
    """Measure, print a line a cell, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("POPGAN_DATA"))
    parser.add_argument("--only", default="real,other,phantom,cost")
    parser.add_argument("--weights", type=Path, help="others than the shipped; nothing is written")
    parser.add_argument("--splits", default="tuning,test", help="of IXI; train was looked at")
    options = parser.parse_args()
    parts = options.only.split(",")
    if {"real", "other"} & set(parts) and options.data is None:
        parser.error("give --data or set POPGAN_DATA")
    network = read_network(options.weights) if options.weights else load_network()
    before = read_json(RESULTS) if RESULTS.exists() else {}
    cells = [cell for cell in before.get("cells", []) if _kept(cell["truth"], parts)]
    made: list[Iterator[Any]] = []
    if "real" in parts:
        made.append(real_cells(Path(options.data), network, tuple(options.splits.split(","))))
    if "other" in parts:
        made.append(other_cells(Path(options.data), network))
    if "phantom" in parts:
        made.append(phantom_cells(network))
    for cell in map(rounded, itertools.chain(*made)):
        values = "  ".join(f"{name} {cell[name]['dice']:.3f}" for name in TISSUES if name in cell)
        print(*(cell[key] for key in ("truth", "contrast", "side", "skull")), values, flush=True)
        cells.append(cell)
    spent = cost() if "cost" in parts else before.get("cost")
    print(json.dumps(spent))
    if options.weights is None:
        about = {"weights_sha256": SHA256, "commit": commit(), **provenance.record()}
        write_json(RESULTS, {**about, "contrasts": CONTRASTS, "cells": cells, "cost": spent})
        write_json(SHOWN, shown(cells))
    return 0


def _kept(truth: str, parts: list[str]) -> bool:
    return {"IXI": "real", "T1w": "other", "phantom": "phantom"}[truth] not in parts


if __name__ == "__main__":
    sys.exit(main())
