"""What a report shows of a translator, as values: numbers to share, pictures to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.paired.results import PairedResult
from popgan.report.content import Images, PageContent, PrivatePage


@dataclass(frozen=True, kw_only=True)
class TranslatorContent(PageContent):
    """Everything on the shareable page of a model that turns contrasts into another.

    It has no field for an image: a translation is made from a patient's scan and shows that
    patient's brain.

    Args:
        sources, target: contrasts that the model reads, and the one it makes.
        paired: the measurements; None = not measured, and the page says so.
    """

    sources: Sequence[str]
    target: str
    paired: PairedResult | None = None


@dataclass(frozen=True)
class SlicePictures:
    """One slice of a patient: what went in, what came out, and what is true.

    All are H x W in unit intensities, 0..1, but the lesion.

    Args:
        title: which slice, and by what rule.
        sources: the contrasts that the model read, with their names.
        truth: the target as it was scanned.
        translation: what the model made.
        half_width: of the interval around the translation, 0 outside of the brain; None without
            uncertainty.
        lesion: where a lesion was outlined; None without a label map.
    """

    title: str
    sources: Sequence[tuple[str, Images]]
    truth: Images
    translation: Images
    half_width: Images | None = None
    lesion: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class PatientPictures:
    """A test patient, chosen by rule.

    Args:
        rank: place among the test patients by PSNR in the brain.
        pseudonym: who it is.
        psnr: the patient's PSNR in the brain, dB.
        slices: the slices shown.
        baselines: what the trivial ways make of the first slice, H x W in 0..1, each with its name
            and the patient's PSNR; empty where they are not shown.
    """

    rank: Literal["best", "median", "worst"]
    pseudonym: str
    psnr: float
    slices: Sequence[SlicePictures]
    baselines: Sequence[tuple[str, float | None, Images]] = ()


@dataclass(frozen=True, kw_only=True)
class TranslatorPrivate(PrivatePage):
    """What only the private page of a translator shows.

    Args:
        patients: error maps of the best, the median and the worst test patient; empty where
            nothing was measured.
    """

    patients: Sequence[PatientPictures] = ()
