"""MODEL_CARD.md: what a model is, what it learned from, how good it is, what it is not for.

The card travels with the weights, so it holds counts but no path, no id and no image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import fill
from typing import Any

from popgan._version import __version__
from popgan.config.condition import Condition
from popgan.config.schema import Plan
from popgan.evidence.fidelity.results import FidelityResult, Metric
from popgan.evidence.fidelity.verdict import Verdict
from popgan.evidence.masks import MaskResult
from popgan.evidence.paired.results import PairedResult
from popgan.evidence.paired.verdict import PairedVerdict
from popgan.evidence.privacy.results import Verdict as PrivacyVerdict
from popgan.files import write_text
from popgan.synthesis.card_masks import masks_section
from popgan.synthesis.card_translation import (
    TRANSLATOR_ROWS,
    TRANSLATOR_USES,
    translator_evidence,
    translator_head,
)
from popgan.synthesis.markdown import plain_text, table

_PLAN_ROWS = (
    ("train.images", "real images shown"),
    ("train.batch", "images a step"),
    ("train.loss", "adversarial loss"),
    ("train.lr_generator", "learning rate, generator"),
    ("train.lr_discriminator", "learning rate, discriminator"),
    ("network.latent_dim", "length of the latent vector"),
    ("network.channels", "feature maps a level"),
    ("augmentation.method", "augmentation"),
    ("augmentation.probability", "share of images augmented (ada: at the start)"),
)


@dataclass(frozen=True)
class CardContent:
    """What the card says.

    Args:
        model: name of the model.
        plan: its plan.
        plan_hash: SHA-256 of the plan.
        weights_hash: SHA-256 of the weights.
        cohort: counts about the training data; no path and no id.
        fidelity: the measurements; None = not measured yet.
        paired: those of a translator.
        verdict: what they amount to.
        masks: the measurements of masks, where the model draws any.
        audit: what the privacy audit amounts to; None = not made.
        attacked: whether these weights themselves were attacked in it, not their images alone.
        provenance: versions, machine and time (`popgan.provenance.record()`).
        training: sentences about how training went and which weights these are.
        conditions: what images can be asked for.
        simulated: whether the training images are popgan's own phantom, of nobody.
    """

    model: str
    plan: Plan
    plan_hash: str
    weights_hash: str
    cohort: Mapping[str, int | float | str] = field(default_factory=dict)
    fidelity: FidelityResult | None = None
    paired: PairedResult | None = None
    verdict: Verdict | PairedVerdict | None = None
    masks: MaskResult | None = None
    audit: PrivacyVerdict | None = None
    attacked: bool = False
    provenance: Mapping[str, Any] = field(default_factory=dict)
    training: Sequence[str] = ()
    conditions: Sequence[Condition] = ()
    simulated: bool = False


def model_card(content: CardContent) -> str:
    """The card as Markdown."""
    translates = content.plan.translates
    parts = [
        translator_head(content.model, content.plan) if translates else _head(content),
        _training_data(content),
        _plan(content, TRANSLATOR_ROWS if translates else _PLAN_ROWS),
        *_training(content),
        *_conditions(content),
        translator_evidence(content.paired, content.verdict) if translates else _evidence(content),
        *masks_section(content.plan.data, content.masks),
        TRANSLATOR_USES if translates else _uses(content),
        _provenance(content),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def write_card(path: Path, content: CardContent) -> Path:
    """Write the card, atomically.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    write_text(path, model_card(content))
    return path


def _head(content: CardContent) -> str:
    data = content.plan.data
    contrasts = ", ".join(plain_text(contrast) for contrast in data.contrasts)
    return f"""
---
library_name: popgan
tags: [synthetic-data, mri, brain, gan, research-only]
---

# Model card: {plain_text(content.model)}

A generative model of single axial brain MRI slices ({contrasts}; {data.height} x {data.width}
pixels), made by popgan {__version__} with the recipe `{plain_text(content.plan.recipe)}` and the
preset `{plain_text(content.plan.preset)}`. It draws images at random; it cannot be asked for
the image of a given person. Only the averaged generator is in `weights.safetensors`; the
discriminator, which knows more about its training images, is not released.
"""


def _training_data(content: CardContent) -> str:
    data = content.plan.data
    counts: Mapping[str, Any] = content.cohort or {
        "Training subjects": data.train_subjects,
        "Training slices": data.train_slices,
    }
    return "## Training data\n\nCounts only; subjects never cross splits.\n\n" + table(
        ("count", "value"), counts.items()
    )


def _plan(content: CardContent, named: Sequence[tuple[str, str]]) -> str:
    rows = []
    for name, meaning in named:
        section, key = name.split(".")
        value = getattr(getattr(content.plan, section), key)
        decision = content.plan.decisions.get(name)
        source = f"{decision.source}: {decision.reason}" if decision else ""
        rows.append((f"{meaning} (`{name}`)", value, source))
    return "## Plan in short\n\nThe whole plan is in `plan.yaml` beside this card.\n\n" + table(
        ("value", "set to", "why"), rows
    )


def _training(content: CardContent) -> Iterator[str]:
    if content.training:
        lines = "\n".join(f"- {plain_text(sentence)}" for sentence in content.training)
        yield f"## Training\n\n{lines}"


def _conditions(content: CardContent) -> Iterator[str]:
    if content.conditions:
        lines = "\n".join(f"- {plain_text(str(one))}" for one in content.conditions)
        yield (
            "## What can be asked for\n\nBoth networks were told of each training image:\n\n"
            f"{lines}\n\nAsk with `popgan generate --class NAME`, `--age`, `--height` or `--given "
            "NAME=VALUE`, by word or number. What is not asked for is drawn from the training "
            "data. Outside of these ranges nothing was seen, and they are rounded."
        )


def _evidence(content: CardContent) -> str:
    if content.fidelity is None and content.verdict is not None:
        return f"## Evidence\n\n**Not measurable.** {plain_text(content.verdict.sentence)}"
    if content.fidelity is None:
        return (
            "## Evidence\n\nNot measured yet: run `popgan evaluate` on the run folder. Until "
            "then nothing is known about the quality of the images."
        )
    fidelity = content.fidelity
    verdict = (
        f"**{plain_text(content.verdict.level.capitalize())}.** "
        f"{plain_text(content.verdict.sentence)}\n\n"
        if content.verdict
        else ""
    )
    rows = [_metric_row(metric) for metric in fidelity.metrics]
    backbone = "; ".join(
        f"{plain_text(key)} {plain_text(value)}" for key, value in fidelity.backbone.items()
    )
    warnings = "".join(f"- {plain_text(warning)}\n" for warning in fidelity.warnings)
    return (
        f"## Evidence\n\n{verdict}"
        f"{fidelity.n_synthetic} synthetic images against {fidelity.n_reference} real ones of "
        f"{fidelity.n_reference_subjects} held-out subjects. Floor: real against real. Mean "
        "image: what a generator that collapsed to one blurred head would get.\n\n"
        + table(("measure", "value", "95 % interval", "floor", "mean image", "better"), rows)
        + f"\n\nFeature network: {backbone}."
        + (f"\n\n{warnings}" if warnings else "")
    )


def _metric_row(metric: Metric) -> tuple[object, ...]:
    value = metric.value
    interval = "none" if value.low is None else f"{value.low:.3g} to {value.high:.3g}"
    floor = "not measured" if metric.floor is None else f"{metric.floor:.3g}"
    mean_image = metric.ceilings.get("mean image")
    return (
        metric.title,
        f"{value.value:.3g} {metric.unit}".strip(),
        interval,
        floor,
        "not measured" if mean_image is None else f"{mean_image:.3g}",
        metric.better if metric.better != "reference" else "nearest to the floor",
    )


def _provenance(content: CardContent) -> str:
    rows = [
        ("cohort (SHA-256)", content.plan.data.cohort),
        ("plan (SHA-256)", content.plan_hash),
        ("weights (SHA-256)", content.weights_hash),
        ("seed", content.plan.seed),
        *_flat(content.provenance),
    ]
    return "## Provenance\n\n" + table(("item", "value"), rows)


def _uses(content: CardContent) -> str:
    """What the model is for, and what is known of privacy."""
    start = (
        "**Not anonymous.** The model was trained on images of people and may repeat parts of them."
    )
    untested = (
        " No privacy audit has been made: treat weights and images under the rules of the training "
        "data."
    )
    if content.simulated:
        start = "**Of nobody.** The training images are simulated; no person was scanned for them."
        untested = ""
    if content.audit is None:
        parts = [start + untested]
    else:
        parts = [
            start,
            f"Privacy audit: **{content.audit.level}**. {content.audit.sentence}",
            "The weights were attacked themselves (inversion)."
            if content.attacked
            else "Images were tested, the weights were not: treat the weights under the rules of "
            "the training data.",
        ]
    text = "\n\n".join(fill(part, 100, break_long_words=False) for part in parts)
    return _USES.format(privacy=text)


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key} ")
        else:
            yield f"{prefix}{key}", value


_USES = """
## Uses

Meant for: research and teaching; developing and testing software for brain MRI; studying
generative models.

Not for:

- diagnosis, treatment, or any decision about a patient;
- evidence of diagnostic quality: the measures above compare sets of images and are unpaired, they
  say nothing about whether a structure in one image is right;
- volumes: every image is a single slice that belongs to no other;
- passing images off as acquired ones: keep the marks that say "synthetic".

## Privacy

{privacy}

## Limits

- Quality was not judged by radiologists, nor was any downstream task tried.
- The images can only be as varied as the training cohort: its scanners, ages and diseases.
- The figures come from one training run; another seed gives others.
"""
