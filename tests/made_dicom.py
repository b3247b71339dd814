"""DICOM series written for tests: a small head cut into slices, with any header wanted."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

ENHANCED = "1.2.840.10008.5.1.4.1.1.4.1"
T1 = {"ScanningSequence": "SE", "RepetitionTime": 500, "EchoTime": 12}
T2 = {"ScanningSequence": "SE", "RepetitionTime": 5000, "EchoTime": 100}


def head(slices: int = 12, *, rows: int = 24, columns: int = 20, seed: int = 0) -> np.ndarray:
    """Voxels, slices x rows x columns, uint16; no two slices are equal."""
    rng = np.random.default_rng(seed)
    grids = np.meshgrid(*(np.linspace(-1, 1, n) for n in (slices, rows, columns)), indexing="ij")
    inside = sum(g**2 for g in grids) < 0.9
    return (inside * 800 + rng.integers(0, 60, inside.shape)).astype(np.uint16)


def dataset(pixels: np.ndarray, *, position: Any, number: int, **header: Any) -> Dataset:
    """One classic MR image; `header` overrides or (with None) removes elements."""
    data = Dataset()
    data.SOPClassUID = MRImageStorage
    # A UID that is the same in every run, and differs wherever anything of the image does.
    own = [pixels.tobytes().hex(), str(position), str(number), str(sorted(header.items()))]
    data.SOPInstanceUID = generate_uid(entropy_srcs=own)
    data.Modality = "MR"
    data.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    data.PatientID = "Mueller^7"
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    data.StudyDate, data.StudyTime = "20200102", "101112"
    data.SeriesNumber, data.InstanceNumber = 1, number
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.ImagePositionPatient = [float(value) for value in position]
    data.PixelSpacing = [2.0, 1.5]
    data.SliceThickness = 3
    data.Rows, data.Columns = pixels.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.PixelData = pixels.astype("<u2").tobytes()
    for keyword, value in header.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def save(data: Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def write_series(
    folder: Path,
    voxels: np.ndarray | None = None,
    *,
    step: float = 3.0,
    first: int = 0,
    skip: tuple[int, ...] = (),
    **header: Any,
) -> list[Path]:
    """A classic series, one file a slice, slices upwards; names say nothing about the order."""
    voxels = head() if voxels is None else voxels
    paths = []
    for k, pixels in enumerate(voxels):
        if k not in skip:
            place = (-15, -24, 10 + step * k)
            data = dataset(pixels, position=place, number=first + k, **header)
            paths.append(save(data, folder / f"{k * 7919 % 10007:05d}_{first}"))
    return paths


def enhanced(voxels: np.ndarray, *, slope: float = 1.0, **header: Any) -> Dataset:
    """An enhanced multi-frame image of the same slices, stored from the top down."""
    shared, frames = Dataset(), []
    shared.PlaneOrientationSequence = Sequence([Dataset()])
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence = Sequence([Dataset()])
    shared.PixelMeasuresSequence[0].PixelSpacing = [2.0, 1.5]
    shared.MRTimingAndRelatedParametersSequence = Sequence([Dataset()])
    shared.MRTimingAndRelatedParametersSequence[0].RepetitionTime = 500
    shared.MREchoSequence = Sequence([Dataset()])
    shared.MREchoSequence[0].EffectiveEchoTime = 12.0
    shared.PixelValueTransformationSequence = Sequence([Dataset()])
    shared.PixelValueTransformationSequence[0].RescaleSlope = slope
    shared.PixelValueTransformationSequence[0].RescaleIntercept = 0
    for k in reversed(range(len(voxels))):
        frame = Dataset()
        frame.PlanePositionSequence = Sequence([Dataset()])
        frame.PlanePositionSequence[0].ImagePositionPatient = [-15.0, -24.0, 10.0 + 3 * k]
        frames.append(copy.deepcopy(frame))
    own = {
        "SOPClassUID": ENHANCED,
        "EchoPulseSequence": "SPIN",
        "NumberOfFrames": len(voxels),
        "SharedFunctionalGroupsSequence": Sequence([shared]),
        "PerFrameFunctionalGroupsSequence": Sequence(frames),
        **dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")),
    }
    return dataset(voxels[::-1], position=(0, 0, 0), number=1, **{**own, **header})
