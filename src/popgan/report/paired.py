"""The section on a translator: how near its images are to the true ones, and what that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from popgan.evidence.paired.results import Comparison, PairedResult, PatientMean, Uncertainty
from popgan.evidence.paired.verdict import PairedVerdict
from popgan.report.audit_claims import audit_claims
from popgan.report.claim import Claim, Status
from popgan.report.claims import readers_row
from popgan.report.figures import column
from popgan.report.paired_content import TranslatorContent
from popgan.report.paired_figures import coverage, forest
from popgan.report.paired_tables import GapTable, ScoreTable, gap_table, score_tables
from popgan.report.paired_words import METRICS, plain_number, sentence, value_and_interval
from popgan.report.svg import Drawing
from popgan.report.words import duration, number, percent, typeset
from popgan.wording import counted


@dataclass(frozen=True)
class UncertaintyView:
    """How far the intervals around a translation can be relied upon.

    Attributes:
        about: how they are made and calibrated.
        rows: (what, value, remark) of each figure.
        drawing: coverage patient by patient.
    """

    about: str
    rows: Sequence[tuple[str, str, str]]
    drawing: Drawing


@dataclass(frozen=True)
class TranslationView:
    """What the template prints.

    Attributes:
        about: what was held against what.
        normalisation: the one scale of intensities that all methods share.
        tables: methods and metrics.
        forest: the model against every other way.
        gaps: the same as a table.
        meanings: (metric, one line).
        uncertainty: None where there is none.
        fusion: how the position of fusion was chosen.
        notes, warnings: of the measurement.
    """

    about: str
    normalisation: str
    tables: Sequence[ScoreTable]
    forest: Drawing | None
    gaps: GapTable | None
    meanings: Sequence[tuple[str, str]]
    uncertainty: UncertaintyView | None
    fusion: Sequence[str]
    notes: Sequence[str]
    warnings: Sequence[str]


def translation_view(result: PairedResult | None) -> TranslationView | None:
    """What the page shows; None where nothing was measured."""
    if result is None:
        return None
    shown = {score.metric for row in result.rows for score in row.scores if score.value.n}
    return TranslationView(
        about=_about(result),
        normalisation=sentence(result.normalisation),
        tables=score_tables(result),
        forest=forest(result),
        gaps=gap_table(result),
        meanings=[(words.title, words.meaning) for m, words in METRICS.items() if m in shown],
        uncertainty=_uncertainty(result.uncertainty) if result.uncertainty else None,
        fusion=[sentence(text) for text in result.fusion],
        notes=[sentence(text) for text in result.notes],
        warnings=[sentence(text) for text in result.warnings],
    )


def _about(result: PairedResult) -> str:
    height, width = result.image_shape[-2:]
    lesions = (
        f"Lesions were outlined in {counted(result.n_patients_with_lesion, 'patient', 'patients')}"
        if result.n_patients_with_lesion
        else "No lesion was outlined in any of them, so nothing is known about lesions"
    )
    return (
        f"Each of {number(result.n_slices)} slices ({height} × {width} pixels) of "
        f"{counted(result.n_patients, 'test patient', 'test patients')} was translated from "
        f"{listed(result.sources)} to {result.target}, and held against the {result.target} that "
        f"was scanned. {lesions}."
    )


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _uncertainty(found: Uncertainty) -> UncertaintyView:
    meant = f"meant: {percent(found.level)}"
    rows = [("True intensities within the interval, brain", _shares(found.coverage), meant)]
    if found.coverage_lesion is not None and found.coverage_lesion.n:
        n = counted(found.coverage_lesion.n, "patient", "patients")
        rows.append(("The same within lesions", _shares(found.coverage_lesion), f"{meant}; {n}"))
    for source, part in found.without.items():
        wide = " ".join(value_and_interval(part.width, 3)).strip()
        about = f"{meant}; half width {wide}"
        rows.append((f"The same without {source}, brain", _shares(part.coverage), about))
    width, rank = (" ".join(value_and_interval(v, 3)).strip()
                   for v in (found.width, found.rank_correlation))  # fmt: skip
    rows.append(("Half width of the interval, brain", width, "of a range of 1"))
    rows.append(
        ("Rank correlation of half width and error", rank, "1: wide exactly where it is wrong")
    )
    return UncertaintyView(
        about=(
            f"Around each translated intensity stands an interval, made from the spread of "
            f"{found.passes} passes with dropout and scaled on "
            f"{counted(found.calibrated_on, 'patient', 'patients')} of the tuning split so that it "
            f"holds {percent(found.level)} of the true intensities."
        ),
        rows=rows,
        drawing=coverage(found),
    )


def _shares(value: PatientMean) -> str:
    """ "89 % (86 to 92)"."""
    text = percent(value.mean)
    if value.low is None or value.high is None:
        return text
    return f"{text} ({100 * value.low:.0f} to {100 * value.high:.0f})"


def translation_claims(content: TranslatorContent) -> list[Claim]:
    """What was tested of a translator, and plainly what was not."""
    found = content.paired
    none = "No measurement was made."
    known = found.uncertainty if found else None
    rows = [
        Claim(
            f"The translated {content.target} is near the true one.",
            "Paired error in the brain of test patients.",
            _near(found) if found else none,
            "measured" if found else "untested",
            "measured" if found else "",
            "Whether that is near enough depends on the use: there is no limit for all.",
        ),
        _better(content),
        Claim(
            "It shows the lesions that are there, and none that are not.",
            "Readers, or a detector, on patients with outlined lesions.",
            _lesions(found) if found else none,
            "untested",
        ),
        Claim(
            "It knows where it is wrong.",
            "Share of true intensities within the intervals; agreement of width and error.",
            _knows(known) if known else "No uncertainty was measured.",
            "measured" if known else "untested",
            "measured" if known else "",
        ),
        *audit_claims(content.audit),
        Claim(
            "Translations serve other software, or readers, as scans do.",
            "A downstream task on real patients.",
            "No downstream task was run.",
            "untested",
        ),
    ]
    if content.readers is not None:
        rows.append(readers_row(content.readers))
    return rows


_BETTER = "It is nearer than what takes no model."
_RIVALS = (
    "PSNR in the brain, patient by patient, against every trivial way; the interval of the "
    "difference must lie above 0 dB for each."
)


def _better(content: TranslatorContent) -> Claim:
    """What the verdict on the paired measurements says of it."""
    if content.paired is None or not isinstance(content.verdict, PairedVerdict):
        return Claim(_BETTER, _RIVALS, "No measurement was made.", "untested")
    statuses: dict[str, tuple[Status, str]] = {
        "better than every baseline": ("pass", ""),
        "worse than a baseline": ("fail", ""),
        "tied with a baseline": ("untested", "cannot tell"),
        "not measurable": ("untested", "cannot tell"),
    }
    status, label = statuses[content.verdict.level]
    rivals = _rivals(content.paired)
    result = _beaten(content.paired) if rivals else typeset(content.verdict.sentence)
    return Claim(_BETTER, _RIVALS, result, status, label)


def _rivals(result: PairedResult) -> list[Comparison]:
    trivial = {row.name for row in result.rows if row.kind == "baseline"}
    return [
        c
        for c in result.comparisons
        if c.against in trivial and (c.metric, c.region) == ("psnr", "brain")
    ]


def _near(result: PairedResult) -> str:
    parts = []
    for metric in ("psnr", "ssim"):
        value = result.rows[0].score(metric, "brain")
        if value is not None and value.n:
            words = METRICS[metric]
            parts.append(f"{words.title} {_spoken(value, words.decimals, words.unit)}")
    patients = counted(result.n_patients, "test patient", "test patients")
    return f"Measured in the brain of {patients}: {', '.join(parts) or 'nothing'}."


def _spoken(value: PatientMean, decimals: int, unit: str) -> str:
    mean, interval = value_and_interval(value, decimals)
    return " ".join(part for part in (mean, unit, interval) if part)


def _beaten(result: PairedResult) -> str:
    rivals = _rivals(result)
    nearest = min(rivals, key=lambda rival: rival.difference.mean)
    gap = nearest.difference
    side = "above" if gap.mean >= 0 else "below"
    interval = (
        f" (interval {plain_number(gap.low, 2)} to {plain_number(gap.high, 2)})"
        if gap.low is not None and gap.high is not None
        else ""
    )
    return (
        f"The best of {counted(len(rivals), 'trivial way', 'trivial ways')} is {nearest.against}; "
        f"the model is {plain_number(abs(gap.mean), 2)} dB {side} it{interval}."
    )


def _lesions(result: PairedResult) -> str:
    inside, outside = (result.rows[0].score("mae", r) for r in ("lesion", "outside lesion"))
    if inside is None or not inside.n:
        return "No lesion was outlined, so not even the error inside lesions is known."
    told = f"Only the mean error inside outlined lesions is known: {plain_number(inside.mean, 3)}"
    if outside is not None and outside.n:
        told += f", outside {plain_number(outside.mean, 3)}"
    return f"{told}. Nobody has looked for lesions that were missed or invented."


def _knows(found: Uncertainty) -> str:
    rank = plain_number(found.rank_correlation.mean, 2)
    return (
        f"Its {percent(found.level)} intervals hold {percent(found.coverage.mean)} of the true "
        f"intensities in the brain; half width and error agree in rank by {rank}."
    )


def translation_facts(content: TranslatorContent) -> list[tuple[str, str, str]]:
    """The figures below the verdict: (name, value, remark)."""
    facts = []
    if content.paired is not None:
        value = content.paired.rows[0].score("psnr", "brain")
        if value is not None and value.n:
            mean, interval = value_and_interval(value, 1)
            facts.append(("PSNR in the brain", f"{mean} dB", interval.strip("()")))
    data = content.plan.data
    noun = "subject" if data.train_subjects == 1 else "subjects"
    slices = f"{noun}, {number(data.train_slices)} slices"
    facts.append(("Trained on", number(data.train_subjects), slices))
    arrow = f"{', '.join(content.sources)} → {content.target}"
    facts.append(("Image size", f"{data.height} × {data.width}", arrow))
    images = column(content.log, "images") if content.log else None
    seconds = column(content.log, "seconds") if content.log else None
    if images is not None:
        took = f"in {duration(float(np.nanmax(seconds)))}" if seconds is not None else ""
        facts.append(("Training length", number(float(np.nanmax(images))), f"slices shown {took}"))
    return [(typeset(name), value, typeset(remark)) for name, value, remark in facts]
