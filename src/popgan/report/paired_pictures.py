"""Error maps of single patients, for the private page: one fixed scale, nothing hidden in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.report.content import Images
from popgan.report.paired_content import PatientPictures, SlicePictures
from popgan.report.pixels import data_uri, grey, slice_uri
from popgan.report.words import typeset

ERROR_TOP = 0.2
"""Error or half width that is shown white, in unit intensities; the same on every page."""
_OUTLINE = (230, 159, 0)  # orange of Okabe and Ito, seen by colour-blind readers as well


@dataclass(frozen=True)
class StripView:
    """Pictures side by side, each (title, data URI)."""

    title: str
    pictures: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class PatientView:
    """A patient on the page."""

    title: str
    about: str
    strips: Sequence[StripView]


def patient_view(patient: PatientPictures) -> PatientView:
    """What the page shows of one patient."""
    strips = [_slice(pictures) for pictures in patient.slices]
    if patient.baselines:
        first = patient.slices[0]
        shown = [("truth", slice_uri(first.truth, 0, 1))]
        shown.append((f"translation, {patient.psnr:.1f} dB", slice_uri(first.translation, 0, 1)))
        for name, psnr, image in patient.baselines:
            told = name if psnr is None else f"{name}, {psnr:.1f} dB"
            shown.append((told, slice_uri(image, 0, 1)))
        strips.append(StripView(f"{first.title}: what trivial ways make of it", shown))
    return PatientView(
        title=f"{patient.rank.capitalize()} patient",
        about=typeset(f"{patient.pseudonym}: PSNR in the brain {patient.psnr:.2f} dB"),
        strips=strips,
    )


def _slice(shown: SlicePictures) -> StripView:
    error = np.abs(shown.translation - shown.truth)
    pictures = [(name, slice_uri(image, 0, 1)) for name, image in shown.sources]
    pictures += [
        ("truth", slice_uri(shown.truth, 0, 1)),
        ("translation", slice_uri(shown.translation, 0, 1)),
        ("error", slice_uri(error, 0, ERROR_TOP)),
    ]
    if shown.half_width is not None:
        pictures.append(("half width", slice_uri(shown.half_width, 0, ERROR_TOP)))
    if shown.lesion is not None and shown.lesion.any():
        pictures.append(("lesion outline", data_uri(outlined(shown.translation, shown.lesion))))
    return StripView(shown.title, pictures)


def outlined(image: Images, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """An image H x W in 0..1 with the inner rim of a mask in colour, H x W x 3."""
    padded = np.pad(mask, 1)
    within = padded[1:-1, :-2] & padded[1:-1, 2:] & padded[:-2, 1:-1] & padded[2:, 1:-1]
    colours = np.repeat(grey(image, 0, 1)[..., None], 3, axis=2)
    colours[mask & ~within] = _OUTLINE
    return colours
