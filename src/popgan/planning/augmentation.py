"""What images undergo where a preset leaves it open; no mirroring where sides count."""

from __future__ import annotations

from popgan.config.augmentation import AugmentationPlan
from popgan.config.schema import DataPlan
from popgan.planning.draft import Draft
from popgan.planning.facts import CohortFacts

SIDED = 0.9
"""Share of a label in one half of the image, mean over subjects, from which on it has a side."""

ADA_INTENSITY = {
    "brightness": (0.2, "gain differs by this between scans; air stays air"),
    "contrast": (0.3, "slopes of the scale of greys change by at most this"),
    "noise": (0.0, "published: noise helps no more (Karras et al., 2020)"),
    "cutout": (0.0, "published: holes help no more (Karras et al., 2020)"),
}


def augmentation_rules(draft: Draft, facts: CohortFacts) -> None:
    """What a preset leaves open: nothing beyond geometry, but with `ada` mild intensity too."""
    if "augmentation.method" not in draft.values:
        reason = "a fixed share of the images is moved, mildly, as the presets were tried"
        draft.rule("augmentation.method", "affine", reason)
    method = draft.values["augmentation.method"]
    published = "published (Karras et al., 2020)"
    for name, field in AugmentationPlan.model_fields.items():
        dotted = f"augmentation.{name}"
        if dotted in draft.values or field.is_required():
            continue
        if method == "ada":
            value, reason = ADA_INTENSITY.get(name, (field.default, published))
            if name == "noise" and facts.noise is not None:
                reason += f"; these scans bring {facts.noise:.2g} of their range with them"
        else:
            value, reason = field.default, f"not used by {method}"
        draft.rule(dotted, value, reason)


def mask_rules(draft: Draft, data: DataPlan) -> None:
    """Which labels are drawn; heads are not mirrored where a label has a side."""
    reason = "nothing is asked for"
    if data.masks:
        reason = f"labels of {data.label_map} that enough training slices show"
    if data.unmapped:
        reason += f"; {data.unmapped} training slices without a map are left out"
    draft.rule("network.masks", [mask.value for mask in data.masks], reason)
    sided = [mask.name for mask in data.masks if max(mask.left, 1 - mask.left) >= SIDED]
    if sided:
        named = ", ".join(sided[:4]) + (" and others" if len(sided) > 4 else "")
        reason = (
            f"{named}: on one side of nearly every head, and a mirrored one would be mislabelled"
        )
        draft.cap("augmentation.flip", False, reason)
