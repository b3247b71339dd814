"""How far the sizes of a study carry: formulas, assumptions, and what they amount to here."""

from __future__ import annotations

import math

from popgan.evidence.readers.sizes import icc_images, tost_trials
from popgan.study.choose import ASSUMED_ICC, DISTANCE_MM
from popgan.study.papers import trials_of
from popgan.study.schema import Design
from popgan.wording import counted

EXPECTED_ICC, HALF_WIDTH = 0.6, 0.1
FEW_PATIENTS = 30


def effective(design: Design) -> float:
    """Independent real images that would say as much as those of the design."""
    return design.real / design.design_effect


def advice(design: Design) -> list[str]:
    """What to know about the sizes, a sentence or two a line."""
    return [_clusters(design), _trials(design), *_agreement(design), *_honest(design)]


def _clusters(design: Design) -> str:
    images = counted(design.real, "real image", "real images")
    patients = counted(design.patients, "patient", "patients")
    if design.per_patient == 1:
        return f"{images} of {patients}, one each: they are independent of each other."
    mean = (design.design_effect - 1) / ASSUMED_ICC + 1
    return (
        f"{images} of {patients}, up to {design.per_patient} each, {DISTANCE_MM:g} mm or more "
        f"apart. Design effect 1 + (m - 1) x ICC = 1 + ({mean:.1f} - 1) x {ASSUMED_ICC} = "
        f"{design.design_effect:.2f} (m: images a patient; the ICC is assumed, not measured), so "
        f"they are worth about {effective(design):.0f} independent images. The analysis resamples "
        "patients and does not rest on this assumption."
    )


def _trials(design: Design) -> str:
    have = trials_of(design) - design.repeats
    need, more = (tost_trials(design.margin, power=power) for power in (0.8, 0.9))
    margin = f"{100 * design.margin:g} %"
    if design.kind == "2afc":
        worth = have / design.design_effect
    else:
        # Balanced accuracy is as uncertain as its smaller half.
        worth = 4 / (1 / effective(design) + 1 / sum(design.synthetic.values()))
    verdict = (
        f"{have} here, worth about {worth:.0f} independent ones in equal halves: "
        + ("enough" if worth >= need else "too few")
        + " for a single reader; readers together reach further, as far as they err on different "
        "images."
    )
    return (
        f"Equivalence to chance (50 % +- {margin}) of one reader takes "
        f"n = 0.25 (z(0.95) + z((1 + power) / 2))^2 / margin^2 = {need} trials for 80 % power and "
        f"{more} for 90 %, if the reader is truly at chance. {verdict}"
    )


def _agreement(design: Design) -> list[str]:
    if design.kind == "2afc":
        return []
    if design.readers < 2:
        return ["One reader: agreement between readers cannot be measured."]
    need = icc_images(EXPECTED_ICC, HALF_WIDTH, design.readers)
    have = design.real + sum(design.synthetic.values())
    return [
        f"Agreement: an ICC of {EXPECTED_ICC} is known to +- {HALF_WIDTH} with {need} images and "
        f"{design.readers} readers (Bonett 2002: n = 8 z^2 (1 - r)^2 (1 + (k - 1) r)^2 / "
        f"(k (k - 1) w^2) + 1, w = {2 * HALF_WIDTH:g}); {have} here."
    ]


def _honest(design: Design) -> list[str]:
    """What more images cannot mend."""
    found = []
    if design.patients < FEW_PATIENTS:
        most = design.patients / ASSUMED_ICC
        found.append(
            f"Only {counted(design.patients, 'patient stands', 'patients stand')} for all real "
            f"images. However many slices each gives, they are worth at most "
            f"{math.floor(most)} independent images (patients / ICC), and results hold for people "
            "like these. More test patients help; more slices hardly do."
        )
    if design.readers < 3:
        found.append(
            f"{counted(design.readers, 'reader says', 'readers say')} little about readers in "
            "general; 5 are recommended, 3 are the least."
        )
    return found
