"""The tables of the privacy annex: attacks, copy search, nearness, the generator's own tests."""

from __future__ import annotations

from collections.abc import Sequence

from popgan.evidence.privacy.generator_results import InversionAttack, OvertrainedControl
from popgan.evidence.privacy.rarity import COPIES_AT_MOST
from popgan.evidence.privacy.results import Attack, CopySearch, Neighbours, PrivacyAudit
from popgan.evidence.readers.results import Measure
from popgan.report.audit_claims import named
from popgan.report.audit_words import (
    ATTACKS,
    HOW_COPIES,
    MEASURES,
    bounded,
    measured,
    p_text,
    p_value,
)
from popgan.report.reader_tables import Table
from popgan.report.reader_words import with_interval
from popgan.report.words import PERCENT, number, score, typeset
from popgan.wording import counted

Row = tuple[str, str, str]
"""What was measured, the value with its interval and n, and how to read it."""


def attack_table(attacks: Sequence[Attack]) -> Table | None:
    """Every attack with all that was measured of it."""
    if not attacks:
        return None
    return Table(
        f"All membership attacks, by patient. AUC and control: 95{PERCENT} intervals. True "
        f"positives: training patients recognised where 1{PERCENT} of strangers are accused; about "
        f"1{PERCENT} is guessing. Epsilon: a lower bound of what an observer learns about one "
        "patient, 0 is nothing; in brackets the most that so many patients could show.",
        ["Attack", "AUC", "p", "True positives", "Epsilon", "Members against members"],
        [
            (
                f"{named(attack)}",
                [
                    (with_interval(attack.auc), f"n = {attack.members} and {attack.others}"),
                    (p_value(attack.p), ""),
                    (bounded(attack.tpr, upper=False), _p_tpr(attack)),
                    (_epsilon(attack.epsilon), ""),
                    (with_interval(attack.control), ""),
                ],
            )
            for attack in attacks
        ],
    )


def _p_tpr(attack: Attack) -> str:
    return "" if attack.p_tpr is None else p_text(attack.p_tpr)


def _epsilon(epsilon: Measure) -> str:
    if epsilon.low is None or epsilon.high is None:
        return "–" if epsilon.value is None else f"{epsilon.value:.2f}"
    return f"{epsilon.low:.2f} (most: {epsilon.high:.2f})"


def attack_meanings(attacks: Sequence[Attack]) -> list[tuple[str, str]]:
    """What each attack that was tried looks at, in a line."""
    return [(name, ATTACKS[name]) for name in dict.fromkeys(attack.name for attack in attacks)]


def copy_table(copies: CopySearch) -> Table:
    """The copy search, one row a way of being alike."""
    return Table(
        f"Copy search among {number(copies.flagged.n)} images, against "
        f"{number(copies.train_subjects)} training patients. {HOW_COPIES} Held out: patients never "
        f"trained on, whose images set the threshold ({number(copies.heldout_images)} images of "
        f"{counted(copies.heldout_subjects, 'patient', 'patients')}).",
        ["Likeness", "Flagged", "Beyond doubt", "Held-out patients flagged", "p"],
        [
            (
                MEASURES[m.name],
                [
                    (bounded(m.flagged, upper=True), ""),
                    (number(m.clear), ""),
                    (bounded(m.false_alarms, upper=True), ""),
                    (p_value(m.p_excess), ""),
                ],
            )
            for m in copies.measures
        ],
    )


def found_rows(result: PrivacyAudit) -> list[Row]:
    """The figures besides attacks and planted copies, each with how to read it."""
    copies = result.copies
    rows = [
        (
            "Images flagged as copies, by any measure",
            f"{bounded(copies.flagged, upper=True)}; by chance up to {score(copies.expected)} "
            f"expected; {p_text(copies.p)}",
            f"The bound is one-sided, 95{PERCENT}: more than that would have shown. Above "
            f"{COPIES_AT_MOST * 100:.0f}{PERCENT} nothing passes. p below 0.006 fails the audit.",
        ),
        (
            "Copies beyond doubt",
            f"{number(copies.clear)} of {number(copies.flagged.n)}",
            "Nearer than chance ever gives among so many images; one is enough to fail.",
        ),
        *_nearness(result.neighbours),
        (
            "Most exposed patient",
            f"{bounded(result.worst_patient, upper=True)} flagged for one patient",
            "How unequally the risk is shared: the worst case among the training patients. Who it "
            "is stands in the private report.",
        ),
    ]
    return [(name, typeset(value), typeset(how)) for name, value, how in rows]


def _nearness(found: Neighbours) -> list[Row]:
    n = f"{counted(found.subjects, 'patient', 'patients')} a side, {number(found.images)} images"
    return [
        (
            "Distance to training over distance to held-out patients",
            f"{measured(found.ratio)}; {n}",
            "1 is expected; below 1, images keep closer to training patients. A value of 1 proves "
            "nothing: attacks have broken sets that had it.",
        ),
        (
            "Images nearer to a training patient",
            f"{bounded(found.share, upper=False)}; {p_text(found.p)}",
            "Half is expected. Patients are permuted for p; below 0.0125 fails the audit.",
        ),
    ]


def overtrained_rows(control: OvertrainedControl) -> list[Row]:
    """The generator that was made to memorise: whether it did, and whether that was noticed."""
    return [
        (
            "How well it learnt its targets by heart",
            f"correlation {with_interval(control.reproduced)}, before "
            f"{with_interval(control.before)}; {number(control.reproduced.n)} "
            f"{control.reproduced.of}",
            "1 would be an exact copy. It must be far above the value before, or there is nothing "
            "to notice.",
        ),
        (
            "Targets drawn as copies",
            f"{bounded(control.copied, upper=False)} of {number(control.copied.n)}",
            "Drawn so well that they are far nearer to their target than to any other patient.",
        ),
        (
            "Its images flagged for the right patient",
            f"{bounded(control.found, upper=False)} of {number(control.found.n)}",
            "What the copy search finds of a model that does memorise. Of patients it copied.",
        ),
        (
            "The same, of invented subjects",
            f"{bounded(control.canaries_found, upper=False)} of {number(control.canaries_found.n)}",
            "Canaries: heads that no patient has, so a hit can be nothing but memory.",
        ),
    ]


def inversion_rows(found: InversionAttack) -> list[Row]:
    """The attack on the generator: how well patients can be drawn, and whether that tells them."""
    patients = f"{number(found.members)} members, {number(found.others)} others"
    p = "" if found.p_gap is None else f"; {p_text(found.p_gap)}"
    cover = found.coverage
    return [
        (
            "Error of drawing a training patient",
            f"{_error(found.train_error)}; {patients}",
            "Root mean squared difference, as a share of the intensity range.",
        ),
        (
            "Error of drawing a stranger",
            _error(found.heldout_error),
            "The same, held-out patients.",
        ),
        (
            "Gap: strangers less training patients",
            f"{_error(found.gap)}{p}",
            "Above 0, the generator draws its own patients better: it memorises.",
        ),
        (
            "Error of drawing its own images again",
            _error(found.own_error),
            "What the search itself misses: it can draw these exactly. If this is not clearly "
            "smaller than the others, the attack shows nothing.",
        ),
        (
            "Coverage: how well strangers can be drawn at all",
            f"PSNR {with_interval(cover.heldout_psnr)} dB; mean image "
            f"{with_interval(cover.mean_image_psnr)} dB; own images "
            f"{with_interval(cover.own_psnr)} dB",
            "Between the mean image (a collapsed generator) and its own images (the search's "
            "best).",
        ),
    ]


def _error(measure: Measure) -> str:
    """Errors are small: three decimals."""
    if measure.value is None:
        return "–"
    text = f"{measure.value:.3f}"
    if measure.low is not None and measure.high is not None:
        text += f" ({measure.low:.3f} to {measure.high:.3f})"
    return text.replace("-", "\u2212")
