"""What the header of a DICOM file says, as plain values: frames, geometry, sequence, person.

Classic images have one frame, enhanced ones many with their own geometry, and a Siemens mosaic
hides a whole volume in one picture; all become a list of frames here. The values cross a process
boundary, so they are numbers and strings of bounded length only.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from popgan.scans.contrast import Parameters
from popgan.scans.dicom_values import (
    FunctionalGroups,
    number_of,
    numbers_of,
    text_of,
    texts_of,
    whole_of,
)
from popgan.scans.limits import MAX_FRAMES, MAX_PICTURE_SIDE
from popgan.scans.scan import ScanError

with warnings.catch_warnings():  # nibabel calls its DICOM readers experimental on import
    warnings.simplefilter("ignore")
    from nibabel.nicom import csareader


@dataclass(frozen=True)
class DicomFrame:
    """One slice of a file; mm, in the patient's coordinates of DICOM (left, posterior, up).

    Attributes:
        index: which frame of the file, or tile of a mosaic, from 0.
        position: centre of the first voxel.
        orientation: direction of a row, then of a column; unit vectors.
        spacing: distance between rows and between columns.
        te: echo time, ms; None if not stated.
        time: number of the temporal position; 0 if not stated.
        b_value: of diffusion, s/mm^2; None if not stated.
    """

    index: int
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]
    spacing: tuple[float, float]
    te: float | None
    time: int
    b_value: float | None


@dataclass(frozen=True)
class DicomFile:
    """The header of one file.

    Attributes:
        sop_class, sop, series, study: UIDs; empty if not stated.
        patient: PatientID, or PatientName without one; empty if both say nothing.
        when: date and time of the study, for order only.
        number: of the series.
        instance, acquisition: numbers of the image and its acquisition.
        modality, manufacturer: as they stand.
        image_type: values of ImageType.
        component: magnitude, phase, real or imaginary part, where it is stated.
        rows, columns: of a slice (a tile, in a mosaic).
        samples: 1 grey, 3 colour.
        pixels: whether the file holds pixels.
        mosaic: tiles of a mosaic, 0 for any other image.
        parameters: how the image was made.
        diffusion, labelling, angio: what the header states about the kind of sequence.
        times: NumberOfTemporalPositions; 0 if not stated.
        burned_in: whether the pixels are said to hold a patient's name.
        frames: the slices; empty where the header states no geometry.
    """

    sop_class: str
    sop: str
    series: str
    study: str
    patient: str
    when: str
    number: int
    instance: int
    acquisition: int
    modality: str
    manufacturer: str
    image_type: tuple[str, ...]
    component: str
    rows: int
    columns: int
    samples: int
    pixels: bool
    mosaic: int
    parameters: Parameters
    diffusion: bool
    labelling: bool
    angio: bool
    times: int
    burned_in: bool
    frames: tuple[DicomFrame, ...]


def describe(data: Any, *, pixels: bool) -> DicomFile:
    """The values of a data set.

    Args:
        data: a pydicom data set.
        pixels: whether pixels follow the header.

    Raises:
        ScanError: absurd dimensions, or positions that are no numbers.
    """
    rows, columns = whole_of(data, "Rows"), whole_of(data, "Columns")
    if not 0 <= rows <= MAX_PICTURE_SIDE or not 0 <= columns <= MAX_PICTURE_SIDE:
        raise ScanError(f"claims absurd dimensions ({columns} x {rows} pixels)")
    count = whole_of(data, "NumberOfFrames")
    if not 0 <= count <= MAX_FRAMES:
        raise ScanError(f"claims an absurd number of frames ({count})")
    image_type = texts_of(data, "ImageType")
    first = FunctionalGroups(data, 0)
    tiles = _tiles(data) if "MOSAIC" in image_type else 0
    side = math.isqrt(max(tiles - 1, 0)) + 1 if tiles else 1
    return DicomFile(
        sop_class=text_of(data, "SOPClassUID"),
        sop=text_of(data, "SOPInstanceUID"),
        series=text_of(data, "SeriesInstanceUID"),
        study=text_of(data, "StudyInstanceUID"),
        patient=_patient(data),
        when=text_of(data, "StudyDate") + text_of(data, "StudyTime"),
        number=whole_of(data, "SeriesNumber"),
        instance=whole_of(data, "InstanceNumber"),
        acquisition=whole_of(data, "AcquisitionNumber"),
        modality=text_of(data, "Modality"),
        manufacturer=text_of(data, "Manufacturer"),
        image_type=image_type,
        component=text_of(data, "ComplexImageComponent"),
        rows=rows // side,
        columns=columns // side,
        samples=whole_of(data, "SamplesPerPixel", 1),
        pixels=pixels,
        mosaic=tiles,
        parameters=_parameters(data, first),
        diffusion=_is_diffusion(data, first),
        labelling="ArterialSpinLabelingContrast" in data
        or first.group("MRArterialSpinLabelingSequence") is not None,
        angio=text_of(data, "AngioFlag") == "Y",
        times=whole_of(data, "NumberOfTemporalPositions"),
        burned_in=text_of(data, "BurnedInAnnotation").upper() == "YES",
        frames=_mosaic_frames(data, tiles, side) if tiles else _frames(data, count),
    )


def _frames(data: Any, count: int) -> tuple[DicomFrame, ...]:
    """Frames of a classic or an enhanced image; none where the geometry is not stated."""
    if "PerFrameFunctionalGroupsSequence" not in data:
        if count > 1:
            return ()
        geometry = _geometry(data, data, data)
        if geometry is None:
            return ()
        time = whole_of(data, "TemporalPositionIdentifier")
        te, b_value = number_of(data, "EchoTime"), number_of(data, "DiffusionBValue")
        return (DicomFrame(0, *geometry, te, time, b_value),)
    frames = []
    for index in range(min(count, len(data.PerFrameFunctionalGroupsSequence))):
        groups = FunctionalGroups(data, index)
        geometry = _geometry(
            groups.group("PlanePositionSequence"),
            groups.group("PlaneOrientationSequence"),
            groups.group("PixelMeasuresSequence"),
        )
        if geometry is None:
            return ()
        content = groups.group("FrameContentSequence")
        time = whole_of(content, "TemporalPositionIndex") if content is not None else 0
        te = groups.number("MREchoSequence", "EffectiveEchoTime")
        b_value = groups.number("MRDiffusionSequence", "DiffusionBValue")
        frames.append(DicomFrame(index, *geometry, te, time, b_value))
    return tuple(frames)


def _geometry(position: Any, orientation: Any, measures: Any) -> tuple[Any, Any, Any] | None:
    """Position, orientation and spacing of a slice, checked; None where one is not stated."""
    if position is None or orientation is None or measures is None:
        return None
    place = numbers_of(position, "ImagePositionPatient")
    turned = numbers_of(orientation, "ImageOrientationPatient")
    spacing = numbers_of(measures, "PixelSpacing")
    if len(place) != 3 or len(turned) != 6 or len(spacing) != 2:
        return None
    row, column = np.array(turned[:3]), np.array(turned[3:])
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(column))
    if min(lengths) < 0.9 or max(lengths) > 1.1 or abs(float(row @ column)) > 0.05:
        raise ScanError("states an orientation whose axes are not at right angles")
    if min(spacing) < 0.01 or max(spacing) > 50 or max(map(abs, place)) > 1e5:
        raise ScanError("states an absurd voxel size or position")
    return tuple(place), tuple(turned), tuple(spacing)


def _tiles(data: Any) -> int:
    """Slices in a Siemens mosaic, from the private header; 0 where it does not say."""
    stated = data.get((0x0019, 0x100A))
    if stated is not None:
        value = stated.value
        if isinstance(value, bytes):
            value = int.from_bytes(value[:4], "little")
        tiles = int(value)
    else:
        header = csareader.get_csa_header(data, "image")
        tiles = int(csareader.get_n_mosaic(header) or 0) if header else 0
    if not 0 <= tiles <= MAX_FRAMES:
        raise ScanError(f"claims an absurd number of slices in a mosaic ({tiles})")
    return tiles


def _mosaic_frames(data: Any, tiles: int, side: int) -> tuple[DicomFrame, ...]:
    """The slices of a mosaic.

    The stated position is that of the whole picture's corner as if it were one large slice; the
    tile lies in its middle. Slices follow the normal that Siemens' private header states, since
    the cross product of the axes has the wrong sign where slices were ordered the other way.
    """
    geometry = _geometry(data, data, data)
    step = number_of(data, "SpacingBetweenSlices") or number_of(data, "SliceThickness")
    if geometry is None or step is None:
        return ()
    place, turned, spacing = geometry
    row, column = np.array(turned[:3]), np.array(turned[3:])
    rows, columns = whole_of(data, "Rows"), whole_of(data, "Columns")
    shift = (columns - columns // side) / 2 * spacing[1] * row
    shift = shift + (rows - rows // side) / 2 * spacing[0] * column
    header = csareader.get_csa_header(data, "image")
    stated = csareader.get_slice_normal(header) if header else None
    normal = np.cross(row, column) if stated is None else np.asarray(stated, float)
    te, time = number_of(data, "EchoTime"), whole_of(data, "TemporalPositionIdentifier")
    frames = []
    for tile in range(tiles):
        x, y, z = (float(v) for v in np.array(place) + shift + tile * step * normal)
        frames.append(DicomFrame(tile, (x, y, z), turned, spacing, te, time, None))
    return tuple(frames)


def _parameters(data: Any, first: FunctionalGroups) -> Parameters:
    """Sequence parameters of a classic or an enhanced image."""
    timing, modifier = "MRTimingAndRelatedParametersSequence", "MRModifierSequence"
    sequence = list(texts_of(data, "ScanningSequence"))
    echo = text_of(data, "EchoPulseSequence")
    sequence += {"SPIN": ["SE"], "GRADIENT": ["GR"], "BOTH": ["SE", "GR"]}.get(echo, [])
    if text_of(data, "EchoPlanarPulseSequence") == "YES":
        sequence.append("EP")
    group = first.group(modifier)
    inversions = numbers_of(group, "InversionTimes") if group is not None else []
    if group is not None and text_of(group, "InversionRecovery") == "YES":
        sequence.append("IR")
    kind = text_of(data, "MRAcquisitionType")
    agent = text_of(data, "ContrastBolusAgent")
    if not agent and data.get("ContrastBolusAgentSequence"):
        agent = "stated"
    names = ("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName")
    return Parameters(
        tr=_first(number_of(data, "RepetitionTime"), first.number(timing, "RepetitionTime")),
        te=_first(number_of(data, "EchoTime"), first.number("MREchoSequence", "EffectiveEchoTime")),
        ti=_first(number_of(data, "InversionTime"), inversions[0] if inversions else None),
        flip=_first(number_of(data, "FlipAngle"), first.number(timing, "FlipAngle")),
        sequence=tuple(sequence),
        variant=texts_of(data, "SequenceVariant"),
        three_d={"3D": True, "2D": False}.get(kind),
        agent=agent,
        stated=text_of(data, "AcquisitionContrast"),
        texts=tuple(filter(None, (text_of(data, name) for name in names))),
    )


def _is_diffusion(data: Any, first: FunctionalGroups) -> bool:
    b_value = number_of(data, "DiffusionBValue")
    group = first.group("MRDiffusionSequence")
    directions = text_of(group, "DiffusionDirectionality") if group is not None else ""
    return (
        (b_value is not None and b_value > 0)
        or text_of(data, "AcquisitionContrast") == "DIFFUSION"
        or directions in ("DIRECTIONAL", "BMATRIX", "ISOTROPIC")
    )


def _patient(data: Any) -> str:
    """Whose image it is; an id of asterisks or blanks, as anonymisers leave, says nothing."""
    for keyword in ("PatientID", "PatientName"):
        text = text_of(data, keyword)
        if any(letter.isalnum() for letter in text):
            return text
    return ""


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
