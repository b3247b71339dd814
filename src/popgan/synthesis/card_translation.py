"""What the card of a translator says and no other does: from what to what, how near, for whom."""

from __future__ import annotations

from popgan._version import __version__
from popgan.config.network import TranslatorShape
from popgan.config.schema import Plan
from popgan.evidence.fidelity.verdict import Verdict
from popgan.evidence.paired.results import (
    Comparison,
    MethodRow,
    MetricName,
    PairedResult,
    PatientMean,
    Region,
    Uncertainty,
)
from popgan.evidence.paired.verdict import PairedVerdict
from popgan.synthesis.markdown import plain_text, table

TRANSLATOR_ROWS = (
    ("train.images", "real slices shown"),
    ("train.batch", "slices a step"),
    ("network.width", "feature maps at full size"),
    ("network.neighbours", "slices below, and above, that it sees"),
    ("network.dropout", "dropout, which the uncertainty comes from"),
    ("train.loss", "adversarial loss"),
    ("train.reconstruction", "weight of the mean absolute error"),
    ("train.perceptual", "weight of the error in features"),
    ("train.source_dropout", "share of slices shown without one source or more"),
    ("train.lr_generator", "learning rate, generator"),
    ("augmentation.method", "augmentation"),
)
_COLUMNS: tuple[tuple[str, MetricName, Region, int], ...] = (
    ("PSNR brain, dB", "psnr", "brain", 2),
    ("SSIM brain", "ssim", "brain", 3),
    ("MAE brain", "mae", "brain", 3),
    ("MAE in lesions", "mae", "lesion", 3),
)


def translator_head(model: str, plan: Plan) -> str:
    """Front matter, title and what the model does.

    Args:
        model: its name.
        plan: of a translator.
    """
    data, shape = plan.data, plan.network
    assert isinstance(shape, TranslatorShape)
    sources = " and ".join(plain_text(name) for name in shape.sources)
    return f"""
---
library_name: popgan
tags: [image-translation, mri, brain, gan, research-only]
---

# Model card: {plain_text(model)}

A translator of axial brain MRI slices: {sources} in, {plain_text(shape.target)} out
({data.height} x {data.width} pixels), made by popgan {__version__} with the recipe
`{plain_text(plan.recipe)}` and the preset `{plain_text(plan.preset)}`. It fills in a contrast that
was not scanned, from those that were; it draws nothing at random. Only the averaged generator is in
`weights.safetensors`; the discriminator, which knows more about its training images, is not
released.
"""


def translator_evidence(found: PairedResult | None, verdict: Verdict | PairedVerdict | None) -> str:
    """What was measured, or that nothing was."""
    if found is None and verdict is not None:
        return f"## Evidence\n\n**Not measurable.** {plain_text(verdict.sentence)}"
    if found is None:
        return (
            "## Evidence\n\nNot measured yet: run `popgan evaluate` on the run folder. Until "
            "then nothing is known about the quality of the translations."
        )
    word = f"**{plain_text(verdict.level.capitalize())}.** " if verdict else ""
    sentence = f"{word}{plain_text(verdict.sentence)}\n\n" if verdict else ""
    shown = [c for c in _COLUMNS if any(_measured(row, c) for row in found.rows)]
    gaps = {c.against: c for c in found.comparisons if (c.metric, c.region) == ("psnr", "brain")}
    rows = [_row(row, shown, gaps.get(row.name)) for row in found.rows]
    head = ("method", *(title for title, *_ in shown), "the model's PSNR is higher by")
    notes = [*found.warnings, *found.fusion, *found.notes]
    listed = "".join(f"\n- {plain_text(note)}" for note in notes)
    return (
        f"## Evidence\n\n{sentence}"
        f"{found.n_slices} slices of {found.n_patients} held-out patients, each translated and "
        "held against the image that was scanned. Means over patients with 95 % intervals; "
        f"{plain_text(found.normalisation).rstrip('.')}.\n\n{table(head, rows)}"
        + _uncertainty(found.uncertainty)
        + (f"\n{listed}" if notes else "")
    )


def _measured(row: MethodRow, column: tuple[str, MetricName, Region, int]) -> bool:
    value = row.score(column[1], column[2])
    return value is not None and value.n > 0


def _row(
    row: MethodRow, shown: list[tuple[str, MetricName, Region, int]], gap: Comparison | None
) -> tuple[str, ...]:
    cells = [_cell(row.score(metric, region), digits) for _, metric, region, digits in shown]
    return (row.name, *cells, "" if gap is None else _cell(gap.difference, 2))


def _cell(value: PatientMean | None, digits: int) -> str:
    if value is None or not value.n:
        return "not measured"
    text = f"{value.mean:.{digits}f}"
    if value.low is None or value.high is None:
        return text
    return f"{text} ({value.low:.{digits}f} to {value.high:.{digits}f})"


def _uncertainty(found: Uncertainty | None) -> str:
    if found is None:
        return "\n\nNo uncertainty was measured."
    lesions = found.coverage_lesion
    inside = f", {lesions.mean:.0%} within lesions" if lesions is not None and lesions.n else ""
    return (
        f"\n\nIntervals around the translation, meant to hold {found.level:.0%} of the true "
        f"intensities, hold {found.coverage.mean:.0%} in the brain{inside}. A lesion that is "
        "missed or invented can lie outside of a narrow interval."
    )


TRANSLATOR_USES = """
## Uses

Meant for: research; completing contrasts that are missing from some subjects of a cohort, so that
an analysis need not leave them out; developing software that copes with missing contrasts.

Not for:

- diagnosis, treatment, or any decision about a patient;
- sparing a patient a scan or a contrast agent: what only the missing contrast would have shown
  cannot be known from the others;
- finding, counting or measuring lesions: they may be missed, blurred or invented;
- scans of other scanners, protocols or diseases than those of the training cohort, without
  measuring it there first;
- passing translations off as acquired images: keep the marks that say "synthetic".

## Privacy

**Not anonymous.** A translation shows the anatomy of the patient whose scan went in, and the model
was trained on images of people. No privacy audit has been made: treat weights and translations
under the rules of the scans.

## Limits

- PSNR, SSIM and mean errors reward smooth images; they do not measure sharpness or texture.
- Intensities are relative: they lie on the cohort's own scale.
- Quality was not judged by radiologists, nor was any downstream task tried.
- The figures come from one training run; another seed gives others.
"""
