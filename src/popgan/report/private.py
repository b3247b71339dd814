"""The pages that stay: real images beside synthetic ones, nearest neighbours, paths, quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from popgan.evidence.fidelity.results import FidelityResult, NearestPair
from popgan.files import write_text
from popgan.report.content import (
    Images,
    Neighbour,
    PrivateContent,
    QualityContent,
    ReportContent,
)
from popgan.report.flagged import flagged_view
from popgan.report.guard import assert_self_contained
from popgan.report.masks import mask_view, pictures
from popgan.report.page import render
from popgan.report.paired_content import TranslatorContent, TranslatorPrivate
from popgan.report.paired_pictures import ERROR_TOP, patient_view
from popgan.report.pixels import difference_uri, side_by_side, slice_uri
from popgan.report.quality import quality_view
from popgan.report.view import gallery_views, mean_views, synthetic_moments
from popgan.report.words import number, percent

_OWNER_ONLY = 0o600
_MAX_SIDE = 32
_MAX_NEIGHBOURS = 24


def private_html(
    content: ReportContent | TranslatorContent, private: PrivateContent | TranslatorPrivate
) -> str:
    """The private page as HTML; nothing is written."""
    if isinstance(content, TranslatorContent):
        assert isinstance(private, TranslatorPrivate)
        return render(
            "translator_private.html.j2",
            content=content,
            private=private,
            patients=[patient_view(patient) for patient in private.patients],
            top=percent(ERROR_TOP),
            quality=quality_view(private.qc),
        )
    assert isinstance(private, PrivateContent)
    contrasts = content.plan.data.contrasts
    mean, std = synthetic_moments(content.fidelity)
    brightest = max(
        (float(np.nanmax(s)) for s in (std, private.real_std) if s is not None), default=1
    )
    return render(
        "private.html.j2",
        content=content,
        private=private,
        real=gallery_views(private.real[:_MAX_SIDE], contrasts),
        synthetic=gallery_views(content.gallery[:_MAX_SIDE], contrasts),
        means=mean_views(mean, std, contrasts, brightest=brightest),
        real_means=mean_views(private.real_mean, private.real_std, contrasts, brightest=brightest),
        nearest=[_pair_view(pair) for pair in private.nearest[:_MAX_NEIGHBOURS]],
        masks=mask_view(content.masks),
        real_masks=pictures(private.real_overlays),
        quality=quality_view(private.qc),
        flagged=flagged_view(content.audit, private.audit),
    )


def closest_pairs(fidelity: FidelityResult, count: int = _MAX_NEIGHBOURS) -> list[NearestPair]:
    """The pairs to look at: the synthetic images that correlate most with a training image."""
    return sorted(fidelity.nearest, key=lambda pair: -pair.correlation)[:count]


def neighbours(
    closest: Sequence[NearestPair],
    synthetic: Mapping[int, Images] | Images,
    training: Images,
    subjects: Sequence[str],
) -> list[Neighbour]:
    """Some pairs with their images.

    Args:
        closest: from `closest_pairs`.
        synthetic: C x H x W each, by their place among those that were measured.
        training: N x C x H x W, the training images.
        subjects: N pseudonyms, one a training image.
    """
    return [
        Neighbour(
            synthetic=synthetic[pair.synthetic],
            by_features=training[pair.train],
            by_pixels=training[pair.train_by_pixels],
            feature_subject=subjects[pair.train],
            pixel_subject=subjects[pair.train_by_pixels],
            distance=pair.distance,
            correlation=pair.correlation,
        )
        for pair in closest
    ]


def _pair_view(pair: Neighbour) -> dict[str, str]:
    """A pair with its difference, contrasts side by side."""
    synthetic, pixels = side_by_side(pair.synthetic), side_by_side(pair.by_pixels)
    return {
        "synthetic": slice_uri(synthetic),
        "by_features": slice_uri(side_by_side(pair.by_features)),
        "by_pixels": slice_uri(pixels),
        "difference": difference_uri(synthetic, pixels),
        "feature_subject": pair.feature_subject,
        "pixel_subject": pair.pixel_subject,
        "distance": number(pair.distance),
        "correlation": number(pair.correlation),
    }


def write_private_report(
    path: Path,
    content: ReportContent | TranslatorContent,
    private: PrivateContent | TranslatorPrivate,
) -> Path:
    """Write the private page, readable by its owner only (mode 0600).

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    return _write(path, private_html(content, private))


def quality_html(content: QualityContent) -> str:
    """The page of a cohort's quality as HTML; nothing is written."""
    return render("quality.html.j2", content=content, quality=quality_view(content.qc))


def write_quality_page(path: Path, content: QualityContent) -> Path:
    """Write the page of a cohort's quality, readable by its owner only (mode 0600).

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    return _write(path, quality_html(content))


def _write(path: Path, html: str) -> Path:
    assert_self_contained(html, pictures_beside=True)
    write_text(path, html, mode=_OWNER_ONLY)
    return path
