"""How well the steps of preparation do: brain masks, bias fields and faces, where truth is known.

    python benchmarks/preparation.py [--data FOLDER] [--parts NAMES] [-o FILE]

FOLDER defaults to $POPGAN_DATA; parts (people, phantoms, registration) that are not asked for stay
in FILE as they are. On IXI (real heads with tissue maps) each brain is outlined by the network
and, as if it did not apply, kept with the template's margin; N4 works inside the outline. On
phantoms (truth known) the same is done to T2w and FLAIR heads, whose eyes, nose and mouth must go,
and to heads with no bias field, whose field must be left alone. Their contrasts are aligned with
the T1w, in place and displaced.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from popgan.extraction import brain_mask
from popgan.phantom.subject import Study, draw, simulate
from popgan.preparation.bias import divide, estimate_field
from popgan.preparation.brain import extract_brain
from popgan.preparation.intensity import measure_intensity
from popgan.preparation.orientation import spacing_of, to_ras
from popgan.preparation.registration import Placed, align
from popgan.preparation.slices import find_brain
from popgan.preparation.volume import Volume
from popgan.provenance import machine
from popgan.scans import ScanError

PARTS = ("people", "phantoms", "registration")
# Contrast to how it is displaced: degrees about three axes, and mm.
DISPLACED = {"T2w": ((6, -3, 4), (4, -6, 5)), "FLAIR": ((0, 0, -9), (-8, 3, 0))}
HEAD = np.array([0.0, -17, 20, 1])  # the middle of a head in MNI, where errors are told


def volume(data: np.ndarray, affine: np.ndarray, contrast: str) -> Volume:
    """A scan as preparation sees it."""
    turned, own = to_ras(data.astype(np.float32), affine)
    intensity = measure_intensity(turned)
    assert intensity is not None
    box = find_brain(turned, spacing_of(own), intensity)
    assert box is not None
    return Volume(contrast, turned, own, intensity, box)


def variation(data: np.ndarray, tissue: np.ndarray) -> float:
    """Coefficient of variation over a tissue, percent."""
    return round(100 * float(data[tissue].std() / data[tissue].mean()), 2)


def person(folder: Path, *, closely: bool) -> dict[str, Any]:
    """One head of IXI: its outline, and if it is looked at closely its field and the margin."""
    image: Any = nib.load(folder / "t1.nii.gz")
    labels = np.asanyarray(nib.load(folder / "tissue.nii.gz").dataobj)  # type: ignore[attr-defined]
    head = volume(np.asanyarray(image.dataobj), image.affine, "T1w")
    truth = ndimage.binary_fill_holes(labels > 0)
    white = ndimage.binary_erosion(labels == 3)
    start = time.process_time()
    found = extract_brain(head, lambda data, _: brain_mask(data))
    seconds = time.process_time() - start
    row: dict[str, Any] = {"subject": folder.name, "choice": found.choice, **found.figures}
    mask = found.kept
    row["dice"] = round(2 * float((mask & truth).sum() / (mask.sum() + truth.sum())), 4)
    row["kept"] = round(float((mask & truth).sum() / truth.sum()), 4)
    row["extraction_cpu_seconds"] = round(seconds, 1)
    if not closely:
        return row
    for rough in (True, False):
        start = time.process_time()
        field = estimate_field(head.data, head.spacing, mask, floor=0, rough=rough)
        name = "first_look" if rough else "n4"
        row[f"{name}_cpu_seconds"] = round(time.process_time() - start, 2)
        row[f"{name}_unevenness"] = field.unevenness if field is not None else None
    row["white_before"] = variation(head.data, white)
    row["white_after"] = variation(divide(head.data, field, floor=0), white) if field else None
    try:
        careful = extract_brain(head, None)
        row["conservative_kept"] = round(float((careful.kept & truth).sum() / truth.sum()), 4)
    except ScanError as error:
        row["conservative_kept"] = None
        row["conservative_refused"] = str(error)
    return row


def face_of(brain: np.ndarray, tissue: np.ndarray, spacing: float) -> np.ndarray:
    """Head in front of the brain's middle, and lower than all brain above it or behind it."""
    y, z = np.arange(brain.shape[1])[None, :, None], np.arange(brain.shape[2])[None, None]
    middle = float(np.mean(np.nonzero(brain)[1]))
    front = int(np.flatnonzero(brain.any(axis=(0, 2)))[-1])
    height = np.where(brain.any(axis=2), brain.argmax(axis=2), brain.shape[2])
    level = float(np.mean(np.nonzero(brain)[2]))
    below = (z < height[:, :, None]) & (y > middle + 30 / spacing)
    ahead = (y > front) & (z < level)
    far = ndimage.distance_transform_edt(~brain, sampling=spacing) > 5
    return np.asarray((below | ahead) & (z < level) & far & tissue & ~brain)


def phantom(index: int) -> list[dict[str, Any]]:
    """The other contrasts of one phantom, and its T1w with a flat field."""
    study = Study(contrasts=("T1w", "T2w", "FLAIR"), spacing=2.0)
    own = draw(0, index, study)
    subject = simulate(own, study)
    brain = subject.fraction("wm") + subject.fraction("gm") > 0.5
    parts, _ = ndimage.label(brain)
    brain = parts == int(np.bincount(parts.ravel())[1:].argmax()) + 1
    face = face_of(ndimage.binary_closing(brain, iterations=4), subject.fractions.sum(0) > 0.5, 2.0)
    rows = []
    for contrast in ("T2w", "FLAIR"):
        head = volume(subject.scans[contrast], subject.affine, contrast)
        row: dict[str, Any] = {"phantom": index, "contrast": contrast}
        try:
            kept = extract_brain(head, None).kept
        except ScanError as error:
            rows.append(row | {"refused": str(error)})
            continue
        row["brain_kept"] = round(float((kept & brain).sum() / brain.sum()), 4)
        eyes = face & (subject.fraction("csf") > 0.5)  # no other fluid lies there
        row["eyes_removed"] = round(1 - float((kept & eyes).sum() / eyes.sum()), 4)
        row["face_removed"] = round(1 - float((kept & face).sum() / face.sum()), 4)
        rows.append(row)
    for bias in (0.0, 0.1):
        flat = simulate(dataclasses.replace(own, bias=bias), study)
        for contrast in ("T1w", "T2w", "FLAIR"):
            head = volume(flat.scans[contrast], flat.affine, contrast)
            filled = ndimage.binary_fill_holes(brain)
            look = estimate_field(head.data, head.spacing, filled, floor=0, rough=True)
            rows.append(
                {
                    "phantom": index,
                    "contrast": contrast,
                    "true_field_sd": bias,
                    "first_look": look.unevenness if look else None,
                }
            )
    return rows


def aligned(index: int) -> list[dict[str, Any]]:
    """The contrasts of one phantom against its T1w, where they lie and displaced."""
    study = Study(contrasts=("T1w", *DISPLACED), spacing=2.0)
    subject = simulate(draw(0, index, study), study)
    placed = {
        name: Placed(data.astype(np.float32), subject.affine)
        for name, data in subject.scans.items()
    }
    rows = []
    for contrast, (degrees, shift) in DISPLACED.items():
        away = np.eye(4)
        away[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
        away[:3, 3] = shift
        for name, moved in (("in place", np.eye(4)), ("displaced", away)):
            start = time.process_time()
            scan = Placed(placed[contrast].data, moved @ subject.affine)
            found = align(placed["T1w"], scan)
            seconds = round(time.process_time() - start, 2)
            left = found.world @ moved
            turn = np.rad2deg(Rotation.from_matrix(left[:3, :3]).magnitude())
            row = {"phantom": index, "contrast": contrast, "lies": name, "applied": found.applied}
            row |= {"left_mm": round(float(np.linalg.norm((left @ HEAD - HEAD)[:3])), 3)}
            row |= {"left_deg": round(float(turn), 3), "cpu_seconds": seconds, **found.figures}
            rows.append(row)
    return rows


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean of each figure, and who has the lowest and the highest."""
    names = ("dice", "kept", "conservative_kept", "first_look_unevenness", "n4_unevenness")
    summary = {}
    costs = [f"{name}_cpu_seconds" for name in ("extraction", "first_look", "n4")]
    for name in (*names, "white_before", "white_after", *costs):
        known = [(row[name], row["subject"]) for row in rows if row.get(name) is not None]
        values = [value for value, _ in known]
        if known:
            summary[name] = {
                "mean": round(float(np.mean(values)), 4),
                "lowest": min(known),
                "highest": max(known),
                "count": len(known),
            }
    return summary


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("POPGAN_DATA"))
    parser.add_argument("--subjects", type=int, default=40)
    parser.add_argument("--closely", type=int, default=12, help="of them with N4 and margin")
    parser.add_argument("--phantoms", type=int, default=4)
    parser.add_argument("--parts", default=",".join(PARTS), help="which of them, by commas")
    parser.add_argument("-o", "--output", type=Path, default=None)
    arguments = parser.parse_args()
    parts = arguments.parts.split(",")
    if not set(parts) <= set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}")
    if arguments.data is None and "people" in parts:
        parser.error("give --data or set POPGAN_DATA")
    result: dict[str, Any] = {}
    if arguments.output is not None and arguments.output.exists():
        result = json.loads(arguments.output.read_text())
    if "phantoms" in parts:
        result["phantoms"] = [row for k in range(arguments.phantoms) for row in phantom(k)]
    if "registration" in parts:
        result["registration"] = [row for k in range(arguments.phantoms) for row in aligned(k)]
    if "people" in parts:
        folders = sorted(Path(arguments.data, "ixi_t1_2mm").glob("sub-*"))[: arguments.subjects]
        rows = [person(f, closely=n < arguments.closely) for n, f in enumerate(folders)]
        result |= {"summary": summarise(rows), "people": rows}
    result["machine"] = machine()
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({name: result[name] for name in result if name != "people"}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
