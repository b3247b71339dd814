"""The pages that may be shared: synthetic pixels, counts and measurements, nothing of a patient."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from popgan.files import write_json, write_text
from popgan.report.ablation_view import ablation_view
from popgan.report.audit_view import audit_view
from popgan.report.checklists import c_items, claim_items, left_blank, sections_of
from popgan.report.claim import Claim, tally
from popgan.report.claims import claims
from popgan.report.comparison_view import comparison_view
from popgan.report.content import PageContent, ReportContent
from popgan.report.data import report_data
from popgan.report.figures import training_drawings
from popgan.report.guard import assert_self_contained, assert_shareable, assert_shareable_data
from popgan.report.licences import licences
from popgan.report.masks import mask_view
from popgan.report.measures_view import measures_view
from popgan.report.page import render
from popgan.report.paired import translation_claims, translation_facts, translation_view
from popgan.report.paired_content import TranslatorContent
from popgan.report.provenance_view import (
    MARKS,
    data_flow,
    release_rows,
    release_sentence,
    split_rows,
)
from popgan.report.readers import readers_view
from popgan.report.tissue_view import tissue_view
from popgan.report.tuning_view import tune_view
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
from popgan.report.words import moment
from popgan.report.worst import RULE


def report_html(content: ReportContent | TranslatorContent) -> str:
    """The shareable page as HTML; nothing is written."""
    if isinstance(content, TranslatorContent):
        return render(
            "translator.html.j2",
            **_frame(content),
            facts=translation_facts(content),
            view=translation_view(content.paired),
            comparison=comparison_view(content.comparison),
        )
    contrasts = content.plan.data.contrasts
    fidelity = content.fidelity
    return render(
        "shareable.html.j2",
        **_frame(content),
        facts=key_facts(content),
        gallery=gallery_views(content.gallery, contrasts),
        means=mean_views(*synthetic_moments(fidelity), contrasts),
        measures=measures_view(fidelity),
        tissue=tissue_view(content.tissue),
        comparison=comparison_view(content.comparison),
        worst=gallery_views(content.worst, contrasts) if content.worst is not None else [],
        worst_rule=RULE,
        masks=mask_view(content.masks),
        film=film_views(content.filmstrip),
        film_columns=film_columns(len(content.filmstrip)),
    )


def _frame(content: PageContent) -> dict[str, Any]:
    """What every page shows around its findings."""
    tone, headline, sentence = verdict_view(content.verdict)
    rows = _claims(content)
    return {
        "content": content,
        "tone": tone,
        "headline": headline,
        "sentence": sentence,
        "training": training_drawings(content.log, content.plan.base),
        "readers": readers_view(content.readers),
        "claims": rows,
        "tally": tally(rows),
        "uses": uses(content),
        "audit": audit_view(content.audit),
        "release": {
            "sentence": release_sentence(content.release),
            "rows": release_rows(content.release),
            "marks": [] if content.plan.translates else MARKS,
        },
        "flow": data_flow(content),
        "splits": split_rows(content.splits),
        "licences": licences(content),
        "checklists": _checklists(content),
        "plan": plan_groups(content.plan),
        "cohort": list(flat(content.cohort)),
        "provenance": list(flat(content.provenance)),
        "created": moment(str(content.provenance.get("created", ""))),
        "stations": station_rows(content.stations),
        "tune": tune_view(content.tune, content.plan, content.other_tunes),
        "ablation": ablation_view(content.ablation, content.plan, content.other_ablations),
    }


def _checklists(content: PageContent) -> dict[str, Any]:
    """Both checklists, with what waits for a person."""
    claim, seven = (make(sections_of(content)) for make in (claim_items, c_items))
    return {
        "claim": claim,
        "claim_blank": left_blank(claim),
        "cs": seven,
        "cs_blank": left_blank(seven),
    }


def _claims(content: PageContent) -> list[Claim]:
    if isinstance(content, TranslatorContent):
        return translation_claims(content)
    assert isinstance(content, ReportContent)
    return claims(content)


def write_report(
    path: Path,
    content: ReportContent | TranslatorContent,
    *,
    forbidden: Iterable[str] = (),
    data: Path | None = None,
) -> Path:
    """Write the shareable page, and its data, after checking that nothing private is in them.

    Args:
        path: the HTML file, written atomically.
        content: what to show.
        forbidden: paths, file names and source ids that must not occur; see
            `popgan.report.guard.forbidden_strings`.
        data: the JSON file for everything that the page says, likewise; none if None.

    Raises:
        PrivateContentError: a forbidden string occurs, or the page would load something.
        UserError: the disk is full or the folder cannot be written.
    """
    html = report_html(content)
    values = report_data(content, _claims(content), uses(content))
    private = list(forbidden)
    assert_shareable(html, private)
    assert_shareable_data(values, private)
    assert_self_contained(html)
    write_text(path, html)
    if data is not None:
        write_json(data, values)
    return path
