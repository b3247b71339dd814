"""The model card beside the weights: written after training, again when evidence is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from popgan import provenance
from popgan.cohort.cohort import Cohort
from popgan.cohort.licence import read_licence
from popgan.cohort.quality import unjudged_words
from popgan.planning.condition import with_words
from popgan.planning.masks import with_maps
from popgan.stations.audited import load_audit
from popgan.stations.evidence import load_evaluation
from popgan.stations.model import Model
from popgan.stations.story import story_of
from popgan.synthesis.card import CardContent
from popgan.synthesis.card import write_card as write


def cohort_counts(cohort: Cohort) -> dict[str, int | float | str]:
    """The training data in counts: nothing that identifies anybody."""
    counts: dict[str, int | float | str] = {
        "Contrasts": ", ".join(cohort.contrasts),
        "Slice size": f"{cohort.height} x {cohort.width} pixels",
        "Pixel spacing": f"{cohort.spacing[0]:.2f} x {cohort.spacing[1]:.2f} mm",
    }
    for split, title in (("train", "Training"), ("tuning", "Tuning"), ("test", "Test")):
        subjects = cohort.subjects(split)
        counts[f"{title} subjects"] = len(set(subjects))
        counts[f"{title} slices"] = len(subjects)
    if cohort.only_mapped:
        left_out = sum(not info.mapped for info in cohort.slices)
        counts["Slices left out, without a label map"] = left_out
    quality = cohort.quality()
    counts["Scans that stand out in quality control"] = _standing_out(quality.get("scans", []))
    counts["Files set aside"] = len(quality["quarantined"])
    return counts


def _standing_out(scans: Sequence[Mapping[str, Any]]) -> int | str:
    """How many scans stand out; where some could not be judged, a number alone would be a lie."""
    count = sum(bool(scan["outlying"] or scan.get("flags")) for scan in scans)
    few = unjudged_words(scan["contrast"] for scan in scans)
    return f"{count} ({few})" if few else count


def write_card(model: Model, cohort: Cohort) -> None:
    """Write MODEL_CARD.md with the evidence that there is for the present weights."""
    plan = model.plan()
    evidence = load_evaluation(model)
    audit = None if plan.translates else load_audit(model)
    content = CardContent(
        model=model.name,
        plan=plan,
        plan_hash=model.plan_hash(),
        weights_hash=model.weights_hash(),
        cohort=cohort_counts(with_maps(cohort, plan)),
        fidelity=evidence.fidelity if evidence else None,
        paired=evidence.paired if evidence else None,
        verdict=evidence.verdict() if evidence else None,
        masks=evidence.masks if evidence else None,
        audit=audit.verdict() if audit else None,
        attacked=audit is not None and audit.inversion is not None,
        provenance=provenance.record(),
        training=story_of(model).sentences(),
        conditions=with_words(cohort, plan.data.conditions),
        simulated=read_licence(model.run).simulated,
    )
    write(model.folder / "MODEL_CARD.md", content)
