"""Throw mutated real files at the reader, through real workers, and count what happens.

    python benchmarks/fuzz.py [--count 20000] [--seed 0] [--data FOLDER] [-o RESULT.json]

Seeds are the test files of pydicom and nibabel, what is made on the spot (pictures, masks, an
Analyze pair, a sidecar, a table of participants) and, where a folder of real MRI is given
(POPGAN_DATA), scanner files and label maps from it. A mutation flips bits, overwrites numbers,
cuts, repeats or splices. Sought: a worker that dies, one that takes longer than ten seconds of
processor time, one that asks for more memory than its limit, and a refusal without a reason. The
same seed gives the same files.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from PIL import Image

from popgan.child import Crash, Request
from popgan.pool import Pool
from popgan.provenance import machine

SECONDS = 10.0
MEMORY = 2 * 2**30  # half of what ingest gives a worker
_BATCH = 25
_LARGEST_SEED = 600_000
_NUMBERS = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80")
_ANALYZE = 348  # bytes of an Analyze header
_SIDECAR = {
    "Modality": "MR",
    "Manufacturer": "Siemens",
    "SeriesDescription": "t1_mprage_sag",
    "ScanningSequence": "GR\\IR",
    "SequenceVariant": "SK\\SP\\MP",
    "MRAcquisitionType": "3D",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"],
    "EchoTime": 0.00226,
    "RepetitionTime": 2.3,
    "InversionTime": 0.9,
    "FlipAngle": 8,
    "ContrastBolusIngredient": "NONE",
}
# What a worker of the fuzz does: read a file as ingest would, whatever it is called.
COMMAND = """
import sys
from pathlib import Path
import numpy as np
from popgan.preparation.label_map import Place, label_planes
from popgan.sandbox import Sandbox
from popgan.scans import Found, ScanError, read_scan
from popgan.scans.contrast import recognise
from popgan.scans.dicom import decode, read_dicom_header
from popgan.scans.dicom_file import read_whole
from popgan.scans.dicom_kind import not_anatomical
from popgan.scans.dicom_volume import sort_slices
from popgan.scans.limits import watch_opening
from popgan.scans.sidecars import described, read_object
from popgan.scans.tables import read_table

def read_labels(path, kind):
    found = read_scan(Found(path, path.name, kind, "s", None, "", labels=True))
    size = (48, 64) if kind == "picture" else (90, 120)
    affine = np.diag([2.0, 2, 2, 1]) if found.spacing_known else found.affine
    place = Place(size, affine, np.array([0] if kind == "picture" else [40, 60]))
    label_planes(found, place, spacing=(2, 2), centre=(40, 40), extent=(60, 60))
    return ""

def read(path, kind):
    places = ()
    if kind == "sidecar":
        file = described(read_object(path))
        recognise(file.parameters), not_anatomical(file)
        return ""
    if kind == "table":
        read_table(path)
        return ""
    if kind in ("mask", "map"):
        return read_labels(path, "picture" if kind == "mask" else "nifti")
    if kind == "dicom":
        header = read_dicom_header(path)
        if not header.frames:
            # Left out by ingest; its pixels are tried all the same.
            decode(read_whole(path.read_bytes()), header, [0])
            raise ScanError("states no position or orientation of its slices")
        volumes = sort_slices([(path, header, frame) for frame in header.frames])
        if not volumes.volumes:
            raise ScanError("is incomplete: no volume has all of its slices")
        places = volumes.volumes[0]
    read_scan(Found(path, path.name, kind, "s", None, "T1w", places=places))
    return ""

def handle(body, _):
    answers = []
    for name, kind in body:
        try:
            answers.append(read(Path(name), kind))
        except ScanError as error:
            answers.append(str(error) or "NO REASON")
        except MemoryError:
            answers.append("MEMORY")
        except Exception as error:
            answers.append(f"BUG {type(error).__name__}: {error}")
    return answers, b""

box = Sandbox(int(sys.argv[1]))
watch_opening(box.opening)
box.serve(handle)
"""


@dataclass
class Result:
    """What happened to the files.

    Attributes:
        files: how many were read.
        taken: how many were read as scans in spite of the mutation.
        refused: how many were refused, by reason (its figures left out).
        crashes, hangs, over_memory, bugs: descriptions of what must not happen.
        seconds: wall time of all.
    """

    files: int = 0
    taken: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    over_memory: list[str] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    seconds: float = 0.0


def seeds(data: Path | None) -> list[tuple[str, str, bytes]]:
    """Name, kind and bytes of the files that are mutated."""
    found: list[tuple[str, str, bytes]] = []
    own = Path(pydicom.__file__).parent / "data" / "test_files"
    for path in [*sorted(own.glob("MR*.dcm")), own / "image_dfl.dcm", own / "rtdose.dcm"]:
        found.append((path.name, "dicom", path.read_bytes()))
    siemens = Path(nib.__file__).parent / "nicom" / "tests" / "data"
    for path in sorted(siemens.glob("*.dcm*")):
        found.append((path.name, "dicom", path.read_bytes()))
    volumes = Path(nib.__file__).parent / "tests" / "data"
    for name in ("anatomical.nii", "example_nifti2.nii.gz", "standard.nii.gz"):
        found.append((name, "nifti", (volumes / name).read_bytes()))
    pixels = np.random.default_rng(0).integers(0, 255, (64, 48)).astype(np.uint8)
    for kind in ("PNG", "JPEG", "TIFF"):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, kind)
        found.append((f"picture.{kind}", "picture", buffer.getvalue()))
    found += _made()
    if data is not None:
        tissue = min((data / "ixi_t1_2mm").glob("sub-*")) / "tissue.nii.gz"
        found.append(("tissue", "map", tissue.read_bytes()))
        found.append(("ixi.tsv", "table", (data / "ixi_t1_2mm/participants.tsv").read_bytes()))
        for folder in sorted((data / "dicom_mr_vendors").iterdir()):
            path = min(folder.iterdir())
            found.append((f"{folder.name}", "dicom", path.read_bytes()))
        scan = min((data / "ixi_t1_2mm").glob("sub-*")) / "t1.nii.gz"
        found.append(("ixi", "nifti", scan.read_bytes()))
        picture = min((data / "cheng_t1ce_axial" / "images").rglob("*.jpg"))
        found.append(("cheng", "picture", picture.read_bytes()))
        tiff = min((data / "lgg_tcga_native_tiff").rglob("*.tif"))
        found.append(("lgg", "picture", tiff.read_bytes()))
    return [item for item in found if len(item[2]) <= _LARGEST_SEED]


def _made() -> list[tuple[str, str, bytes]]:
    """Seeds that are made on the spot, all but plain pictures."""
    rng = np.random.default_rng(1)
    found = []
    mask = Image.fromarray((rng.random((64, 48)) > 0.5).astype(np.uint8) * 255)
    for mode, kind in (("1", "png"), ("L", "png"), ("P", "png"), ("L", "tiff")):
        buffer = io.BytesIO()
        mask.convert(mode).save(buffer, kind)
        found.append((f"mask-{mode}.{kind}", "mask", buffer.getvalue()))
    volume = rng.integers(0, 900, (20, 22, 24)).astype(np.int16)
    pair = nib.Spm99AnalyzeImage(volume, np.diag([-4.0, 4, 4, 1]))
    parts = {name: io.BytesIO() for name in ("header", "image", "mat")}
    pair.to_file_map({name: nib.FileHolder(fileobj=part) for name, part in parts.items()})
    raw = b"".join(parts[name].getvalue() for name in ("header", "image"))
    found.append(("pair.hdr", "analyze", raw))
    mgh = nib.MGHImage(volume.astype(np.float32), np.diag([4.0, 4, 4, 1]))
    found.append(("volume.mgh", "mgh", mgh.to_bytes()))
    labels = nib.Nifti1Image((volume > 450).astype(np.uint8), np.diag([8.0, 8, 8, 1]))
    found.append(("labels.nii", "map", labels.to_bytes()))
    found.append(("T1w.json", "sidecar", json.dumps(_SIDECAR, indent=1).encode()))
    rows = [f"sub-{i:02d}\t{20 + i}.5\t{'MF'[i % 2]}\tn/a" for i in range(30)]
    text = "\n".join(["participant_id\tage\tsex\tnote", *rows]) + "\n"
    found.append(("participants.tsv", "table", text.encode()))
    return found


def mutate(raw: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """One mutated copy."""
    data = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if not data:
            break
        # Headers are where a few wrong bytes do most.
        end = len(data) if rng.random() < 0.3 else min(len(data), 2048)
        at = rng.randrange(end)
        kind = rng.randrange(8)
        if kind == 0:
            for _ in range(rng.randint(1, 40)):
                data[rng.randrange(end)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + 4] = rng.choice(_NUMBERS)
        elif kind == 2:
            data[at : at + 2] = rng.randbytes(2)
        elif kind == 3:
            del data[rng.randrange(len(data)) :]
        elif kind == 4:
            del data[at : at + rng.randint(1, 64)]
        elif kind == 5:
            data[at:at] = rng.randbytes(rng.randint(1, 64))
        elif kind == 6:
            data[at : at + rng.randint(1, 512)] = bytes(rng.randint(0, 512))
        else:
            other = rng.choice(others)
            data[at:] = other[rng.randrange(len(other)) :]
    return bytes(data)


def fuzz(count: int, *, seed: int = 0, data: Path | None = None, workers: int = 1) -> Result:
    """Read `count` mutated files.

    Args:
        count: files.
        seed: of the mutations.
        data: folder of real MRI, or None.
        workers: processes.
    """
    result, start = Result(), time.perf_counter()
    kinds = seeds(data)
    with (
        tempfile.TemporaryDirectory(prefix="popgan-fuzz-") as folder,
        Pool(COMMAND, workers=workers, memory=MEMORY) as pool,
    ):
        batches = _batches(count, kinds, seed, Path(folder))
        waiting: list[list[tuple[str, str]]] = []

        def requests() -> Iterator[Request]:
            for batch in batches:
                waiting.append(batch)
                yield Request(batch, SECONDS)

        for answer in pool.map(requests()):
            batch = waiting.pop(0)
            if isinstance(answer, Crash):
                _again(batch, answer, pool, result)
            else:
                _count(batch, answer.value, result)
            for name, _ in batch:
                Path(name).unlink()
                Path(name).with_suffix(".img").unlink(missing_ok=True)
    result.seconds = round(time.perf_counter() - start, 1)
    return result


def _batches(
    count: int, kinds: list[tuple[str, str, bytes]], seed: int, folder: Path
) -> Iterator[list[tuple[str, str]]]:
    """Mutated files on disk, a batch at a time, as (path, kind)."""
    raws = [raw for _, _, raw in kinds]
    for first in range(0, count, _BATCH):
        batch = []
        for number in range(first, min(first + _BATCH, count)):
            name, kind, raw = kinds[number % len(kinds)]
            path = folder / f"{number}-{name}"
            changed = mutate(raw, raws, random.Random(f"{seed}/{number}"))
            if kind == "analyze":  # one seed, two files
                path.with_suffix(".img").write_bytes(changed[_ANALYZE:])
                changed = changed[:_ANALYZE]
            path.write_bytes(changed)
            batch.append((str(path), kind))
        yield batch


def _again(batch: list[tuple[str, str]], crash: Crash, pool: Pool, result: Result) -> None:
    """One by one, to find every file of the batch that kills."""
    for item in batch:
        (answer,) = pool.map([Request([item], SECONDS)])
        if isinstance(answer, Crash):
            result.files += 1
            into = result.hangs if "too long" in answer.reason else result.crashes
            into.append(f"{Path(item[0]).name}: {answer.reason}")
        else:
            _count([item], answer.value, result)


def _count(batch: list[tuple[str, str]], answers: list[str], result: Result) -> None:
    for (name, _), answer in zip(batch, answers, strict=True):
        result.files += 1
        short = f"{Path(name).name}: {answer}"
        if answer == "":
            result.taken += 1
        elif answer == "MEMORY" or "more memory" in answer:
            result.over_memory.append(short)
        elif answer.startswith(("BUG", "NO REASON")):
            result.bugs.append(short)
        else:
            result.refused[re.split(r" *[(:,;]", answer)[0]] += 1


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--data", type=Path, default=os.environ.get("POPGAN_DATA"))
    parser.add_argument("-o", "--output", type=Path, default=None)
    arguments = parser.parse_args()
    data = Path(arguments.data) if arguments.data else None
    result = fuzz(arguments.count, seed=arguments.seed, data=data, workers=arguments.workers)
    record = {
        **asdict(result),
        "refused": dict(result.refused.most_common()),
        "seed": arguments.seed,
        "real_data": data is not None,
        "limits": {"seconds": SECONDS, "memory_mib": MEMORY // 2**20},
        "machine": machine(),
    }
    text = json.dumps(record, indent=1)
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")
    print(text)
    print(f"{result.files} files in {result.seconds} s", file=sys.stderr)
    bad = result.crashes or result.hangs or result.over_memory or result.bugs
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
