"""The pages that may be shared: synthetic pixels, counts and measurements, nothing of a patient."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from popgan.files import write_text
from popgan.report.audit_view import audit_view
from popgan.report.claims import claims
from popgan.report.content import PageContent, ReportContent
from popgan.report.figures import spectrum_drawing, training_drawings
from popgan.report.guard import assert_self_contained, assert_shareable
from popgan.report.masks import mask_view
from popgan.report.measurements import metric_views, network_line
from popgan.report.page import render
from popgan.report.paired import translation_claims, translation_facts, translation_view
from popgan.report.paired_content import TranslatorContent
from popgan.report.readers import readers_view
from popgan.report.scales import metric_scale
from popgan.report.uses import uses
from popgan.report.view import (
    film_columns,
    film_views,
    flat,
    gallery_views,
    key_facts,
    mean_views,
    plan_groups,
    station_rows,
    synthetic_moments,
    verdict_view,
)
from popgan.report.words import moment, typeset


def report_html(content: ReportContent | TranslatorContent) -> str:
    """The shareable page as HTML; nothing is written."""
    if isinstance(content, TranslatorContent):
        return render(
            "translator.html.j2",
            **_frame(content),
            facts=translation_facts(content),
            claims=translation_claims(content),
            view=translation_view(content.paired),
        )
    contrasts = content.plan.data.contrasts
    fidelity = content.fidelity
    measured, methods = metric_views(fidelity) if fidelity else ([], [])
    scales = [metric_scale(metric) for metric in fidelity.metrics] if fidelity else []
    return render(
        "shareable.html.j2",
        **_frame(content),
        facts=key_facts(content),
        claims=claims(content),
        gallery=gallery_views(content.gallery, contrasts),
        means=mean_views(*synthetic_moments(fidelity), contrasts),
        metrics=list(zip(measured, scales, strict=True)),
        methods=methods,
        network=network_line(fidelity) if fidelity else "",
        warnings=[typeset(text) for text in fidelity.warnings] if fidelity else [],
        spectrum=spectrum_drawing(fidelity.spectra) if fidelity else None,
        masks=mask_view(content.masks),
        film=film_views(content.filmstrip),
        film_columns=film_columns(len(content.filmstrip)),
        backbone=list(flat(fidelity.backbone)) if fidelity else [],
    )


def _frame(content: PageContent) -> dict[str, Any]:
    """What every page shows around its findings."""
    tone, headline, sentence = verdict_view(content.verdict)
    return {
        "content": content,
        "tone": tone,
        "headline": headline,
        "sentence": sentence,
        "training": training_drawings(content.log, content.plan.base),
        "readers": readers_view(content.readers),
        "uses": uses(content),
        "audit": audit_view(content.audit),
        "plan": plan_groups(content.plan),
        "cohort": list(flat(content.cohort)),
        "provenance": list(flat(content.provenance)),
        "created": moment(str(content.provenance.get("created", ""))),
        "stations": station_rows(content.stations),
    }


def write_report(
    path: Path, content: ReportContent | TranslatorContent, *, forbidden: Iterable[str] = ()
) -> Path:
    """Write the shareable page, after checking that nothing private is in it.

    Args:
        path: the HTML file, written atomically.
        content: what to show.
        forbidden: paths, file names and source ids that must not occur; see
            `popgan.report.guard.forbidden_strings`.

    Raises:
        PrivateContentError: a forbidden string occurs, or the page would load something.
        UserError: the disk is full or the folder cannot be written.
    """
    html = report_html(content)
    assert_shareable(html, forbidden)
    assert_self_contained(html)
    write_text(path, html)
    return path
