"""What a report shows, as values: everything a page needs and nothing that it has to look up.

`ReportContent` goes into the shareable page and must hold no real pixel, no path and no id of a
patient; `PrivateContent` and `QualityContent` are what only private pages may show. What is shown
of translators stands in `paired_content.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.config.schema import Plan
from popgan.evidence.fidelity.results import FidelityResult
from popgan.evidence.fidelity.verdict import Verdict
from popgan.evidence.masks import MaskResult
from popgan.evidence.paired.verdict import PairedVerdict
from popgan.evidence.tissue.results import TissueResult
from popgan.report.audit_content import AuditPrivate
from popgan.report.evidence_content import EvidencePage
from popgan.report.readers import ReaderContent

Images = NDArray[np.float32]


@dataclass(frozen=True)
class FilmFrame:
    """The same latent vectors at one moment of training.

    Args:
        label: the moment.
        images: K x C x h x w, in [-1, 1].
        size: rows and columns of the level, where `images` are enlarged; not shown if None.
    """

    label: str
    images: Images
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class PreparationRow:
    """One choice of preparation and how many scans it applied to.

    Args:
        step: such as "bias field".
        choice: what was done.
        source: fixed, or by a rule.
        reason: why, with the range of its numbers over the scans; no path and no id.
        scans: how many.
    """

    step: str
    choice: str
    source: str
    reason: str
    scans: int


@dataclass(frozen=True)
class MaskContent:
    """The masks of a model that draws them.

    Args:
        kind: of label map they were learnt from.
        legend: (name, colour as #rrggbb) of each label.
        overlays: n x h x w x 3, 0..255: the first images of the gallery under their masks.
        measured: the measurements; None = not measured, and the page says so.
        unmapped: training slices that were left out because they have no map.
    """

    kind: str
    legend: Sequence[tuple[str, str]]
    overlays: NDArray[np.uint8]
    measured: MaskResult | None = None
    unmapped: int = 0


@dataclass(frozen=True, kw_only=True)
class PageContent(EvidencePage):
    """What every shareable page says, whatever its model makes.

    Args:
        title: heading of the page; no path and no id.
        recipe: recipe of the model.
        preset: preset of the plan.
        plan: the plan of the model.
        verdict: what the measurements amount to.
        log: rows of the training log; columns `images`, `level`, `fade`, `loss_generator`,
            `loss_discriminator`, `accuracy_real`, `accuracy_fake` (0..1), `grad_generator`,
            `grad_discriminator`, `images_per_second`, `memory_gib`, `seconds`. Missing columns
            are left out of the figures.
        cohort: counts about the training data, such as {"Subjects": 40}; nothing else.
        preparation: how the scans were prepared.
        provenance: versions, machine, hashes, time; nested mappings are flattened.
        stations: (name, seconds) in the order in which they ran.
        readers: None = no reader study was analysed.
    """

    title: str
    recipe: str
    preset: str
    plan: Plan
    verdict: Verdict | PairedVerdict | None = None
    log: Sequence[Mapping[str, float]] = ()
    cohort: Mapping[str, int | float | str] = field(default_factory=dict)
    preparation: Sequence[PreparationRow] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    stations: Sequence[tuple[str, float]] = ()
    readers: ReaderContent | None = None


@dataclass(frozen=True, kw_only=True)
class ReportContent(PageContent):
    """Everything on the shareable page of a model that draws images.

    Args:
        gallery: N x C x H x W synthetic images in [-1, 1], the first of their seed, not chosen.
        gallery_seed: seed of the gallery.
        withheld: images of the gallery that are plain grey, because the audit flagged them.
        fidelity: the measurements; None = not measured, and the page says so.
        filmstrip: fixed latents through training.
        masks: None = the model draws none.
        tissue: figures of anatomy; None = not measured.
        worst: n x C x H x W, the least plausible of the measured images; see `worst.RULE`.
    """

    gallery: Images
    gallery_seed: int
    withheld: int = 0
    fidelity: FidelityResult | None = None
    filmstrip: Sequence[FilmFrame] = ()
    masks: MaskContent | None = None
    tissue: TissueResult | None = None
    worst: Images | None = None


@dataclass(frozen=True)
class Neighbour:
    """A synthetic image and the training images most like it; images are C x H x W in [-1, 1].

    Args:
        synthetic: the synthetic image.
        by_features: the training image nearest in feature space.
        by_pixels: the training image that correlates most.
        feature_subject: pseudonym of the subject of `by_features`.
        pixel_subject: pseudonym of the subject of `by_pixels`.
        distance: to `by_features`, in feature space.
        correlation: with `by_pixels`, -1..1.
    """

    synthetic: Images
    by_features: Images
    by_pixels: Images
    feature_subject: str
    pixel_subject: str
    distance: float
    correlation: float


@dataclass(frozen=True)
class Quarantined:
    """A file that was left out, with its full path and the reason."""

    path: str
    reason: str


@dataclass(frozen=True)
class SubjectRow:
    """A subject behind its pseudonym."""

    pseudonym: str
    source_id: str
    split: str
    files: Sequence[str] = ()


@dataclass(frozen=True)
class ScanStep:
    """One step of preparation of one scan.

    Args:
        name, choice, source, reason: see `PreparationRow`.
        figures: what was measured.
    """

    name: str
    choice: str
    source: str
    reason: str
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Strip:
    """The pictures of a scan side by side, as a PNG.

    Args:
        file: its name, relative to the page.
        titles: of the pictures, from the left.
        png: its content, where it is to be in the page itself.
    """

    file: str
    titles: Sequence[str]
    png: bytes | None = None


@dataclass(frozen=True)
class ScanRow:
    """A scan in quality control.

    Args:
        subject: pseudonym.
        split: where the subject is.
        contrast: of the scan.
        image: H x W in [-1, 1], from the middle of the brain, as it was prepared; shown where
            there is no strip.
        indices: name of each index to its value, None where it could not be measured.
        outlying: names of the indices that stand out.
        flags: what is odd about the scan by itself, in words.
        strip: the prepared slice and what the steps did.
        steps: what was done to the scan.
    """

    subject: str
    split: str
    contrast: str
    image: Images | None
    indices: Mapping[str, float | None]
    outlying: Sequence[str] = ()
    flags: Sequence[str] = ()
    strip: Strip | None = None
    steps: Sequence[ScanStep] = ()


@dataclass(frozen=True)
class QualityContent:
    """What can be shown of a cohort before there is a model.

    Args:
        qc: quality control, one row a scan.
        doubles: sentences about subjects that show the same head.
        unjudged: what quality control could not judge and why, in words; "" if nothing.
        preparation: how the scans were prepared.
        quarantined: files left out.
    """

    qc: Sequence[ScanRow]
    doubles: Sequence[str] = ()
    unjudged: str = ""
    preparation: Sequence[PreparationRow] = ()
    quarantined: Sequence[Quarantined] = ()


@dataclass(frozen=True, kw_only=True)
class PrivatePage:
    """What every private page shows beside its images.

    Args:
        subjects: who is behind the pseudonyms.
        quarantined: files left out.
        qc: quality control, one row a scan.
        doubles: sentences about subjects that show the same head.
        unjudged: what quality control could not judge and why, in words; "" if nothing.
    """

    subjects: Sequence[SubjectRow] = ()
    quarantined: Sequence[Quarantined] = ()
    qc: Sequence[ScanRow] = ()
    doubles: Sequence[str] = ()
    unjudged: str = ""


@dataclass(frozen=True, kw_only=True)
class PrivateContent(PrivatePage):
    """What only the private page of a model that draws images shows.

    Args:
        real: N x C x H x W real training images in [-1, 1], random, not chosen.
        nearest: nearest training neighbours, the closest first; see `private.neighbours`.
        real_mean: C x H x W mean of the real images.
        real_std: C x H x W standard deviation of the real images.
        real_overlays: n x h x w x 3, the first of `real` under their masks, as in `MaskContent`.
        audit: flagged images and exposed patients.
    """

    real: Images
    nearest: Sequence[Neighbour] = ()
    real_mean: Images | None = None
    real_std: Images | None = None
    real_overlays: NDArray[np.uint8] | None = None
    audit: AuditPrivate = field(default_factory=AuditPrivate)
