"""One level out of an audit, by rules that are written here and nowhere else.

failed      something was shown: a copy beyond doubt, more flags than chance gives, images nearer to
            training patients, or an attack that works. The chance to accuse a generator that knows
            nothing of its patients is at most 5 % in all: 1.25 % each for the copy search, the
            neighbours, the AUCs (over all attacks) and the true positives (over all attacks).
no power    fewer than 95 % of the planted copies were found: nothing can be passed.
passed      all four attacks were run, the upper end of each AUC's 95 % interval lies below 0.60,
            none lies above members against members, and true positives at 1 % false positives are
            not shown to be more than 1 %; and at most 1 % of what is drawn can be copies, by the
            upper bound of flagged images (`rarity.py`).
too few subjects to test    what was to be shown of attacks was not; with the number of patients a
            class that would be needed.
no power    also, last of all, where nothing but that bound keeps from passing: too few images were
            searched (299 without a flag are needed), or many were flagged, as chance might do.

Of a set from which flagged images were left out, the search of the first draw counts, before any
was: that the set has no flag holds by selection, which neither clears nor bounds anything. Whether
copies are rare is for the audit of the model to show, with as many images as that takes.

The interval of Clopper and Pearson about the true positives takes the threshold for known. With 100
patients a class it excludes 1 % in every sixteenth attack on an honest generator. "The interval
includes 1 %" is therefore read off the exact test, which has the threshold's own chance in it, at
2.5 % over all attacks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from popgan.evidence.privacy.bounds import AUC_LIMIT, auc_error, least_for_rate, subjects_needed
from popgan.evidence.privacy.controls import has_power
from popgan.evidence.privacy.copies import ALPHA, shows_copies
from popgan.evidence.privacy.rarity import are_rare, not_rare
from popgan.evidence.privacy.results import (
    Attack,
    Control,
    CopySearch,
    Level,
    Neighbours,
    Verdict,
)
from popgan.wording import counted

ATTACKS = frozenset({"GAN-Leaks", "calibrated GAN-Leaks", "Monte-Carlo", "DOMIAS"})
"""Attacks on images without which nothing is passed."""
INCLUDED = 0.025
_MOST = 100_000


def verdict(
    copies: CopySearch,
    neighbours: Neighbours,
    attacks: Sequence[Attack],
    controls: Sequence[Control],
    first: CopySearch | None = None,
) -> Verdict:
    """Judge an audit; see the top of this file for the rules.

    Args:
        copies, neighbours, attacks, controls: what was found.
        first: of a set from which flagged images were left out, the search of its first draw.
    """
    needed = subjects_needed(max(1, len(attacks)))
    searched = copies if first is None else _first_draw(first)
    told = [searched.sentence] if first is None else [searched.sentence, copies.sentence]
    shown = _shown(searched, neighbours, attacks)
    weak = _weak(controls)
    open_ = _open(attacks)
    common = None if first is not None or are_rare(copies) else not_rare(copies)
    level: Level
    if shown:
        level, reasons = "failed", shown
        text = "The audit failed: the images give away something about the training patients."
    elif weak:
        level, reasons = "no power", weak
        text = "The audit has no power: it misses planted copies, so it can pass nothing."
    elif open_:
        level, reasons = "too few subjects to test", [*open_, *(common[1:] if common else ())]
        reasons += told if first is not None else []
        needed = needed_subjects(attacks)
        text = _too_few(attacks, needed)
    elif common:
        level, reasons = "no power", [common[1], *told, _strongest(attacks)]
        text = common[0]
    else:
        level, reasons = "passed", [*told, _strongest(attacks)]
        text = (
            "The images passed the privacy tests. That is no proof that they are anonymous: other "
            "attacks may find more."
        )
    return Verdict(level=level, sentence=text, reasons=reasons, needed=needed)


def _too_few(attacks: Sequence[Attack], needed: int) -> str:
    """The sentence that names how many patients would be needed."""
    further = "" if _all_tried(attacks) else ", and a reference set of further patients"
    start = "Nothing was found, but"
    if any(map(_is_above, attacks)):
        start = "Some attacks reach further than chance mostly does, and"
    return (
        f"{start} there are too few subjects to test: about "
        f"{counted(needed, 'patient', 'patients')} would be needed who were trained with, and "
        f"as many who were not{further}."
    )


def needed_subjects(attacks: Sequence[Attack]) -> int:
    """Patients a class with which the audit is likely to decide, given the worst AUC seen.

    At least as many as an honest generator needs to pass with a chance of 80 %; more where the
    AUC lies between one half and the limit, since both are then near.
    """
    count = subjects_needed(max(1, len(attacks)))
    worst = max((a.auc.value for a in attacks if a.auc.value is not None), default=0.5)
    # How many standard errors settle a difference with the chance that was asked for.
    reach = (AUC_LIMIT - 0.5) / auc_error(count, count)
    enough = min((min(a.members, a.others) for a in attacks), default=0) >= count
    if not enough or worst <= 0.5:
        return count
    gap = max(AUC_LIMIT - worst, worst - 0.5)
    while count < _MOST and reach * auc_error(count, count) >= gap:
        count = math.ceil(count * 1.02)
    return count


def _shown(copies: CopySearch, neighbours: Neighbours, attacks: Sequence[Attack]) -> list[str]:
    """What was shown against the generator."""
    found = []
    if shows_copies(copies):
        found.append(copies.sentence)
    if neighbours.p <= ALPHA:
        found.append(neighbours.sentence)
    for attack in attacks:
        if attack.p * len(attacks) <= ALPHA:
            found.append(f"{_named(attack)}: {_auc(attack)}, p = {attack.p:.1g}.")
        if attack.p_tpr is not None and attack.p_tpr * len(attacks) <= ALPHA:
            rate = attack.tpr
            found.append(
                f"{_named(attack)}: {rate.value or 0:.1%} of {rate.n} training patients are "
                f"recognised at 1 % false positives (95 % CI {rate.low or 0:.1%} to "
                f"{rate.high or 0:.1%}, p = {attack.p_tpr:.1g})."
            )
    return found


def _weak(controls: Sequence[Control]) -> list[str]:
    """Why the search has no power."""
    if has_power(controls):
        return []
    if not controls:
        return ["No copies were planted, so it is not known whether any would be found."]
    found = controls[0].found
    return [
        f"{found.value or 0:.1%} of {found.n} planted copies were found (95 % CI "
        f"{found.low or 0:.1%} to {found.high or 0:.1%}); 95 % are needed."
    ]


def _open(attacks: Sequence[Attack]) -> list[str]:
    """What keeps the generator from passing though nothing was shown."""
    found = []
    if not _all_tried(attacks):
        found.append(
            "Two attacks need a reference set of further patients, which there is not; so they "
            "were not tried."
        )
    wide = [a for a in attacks if a.auc.high is None or a.auc.high >= AUC_LIMIT]
    if wide:
        worst = max(wide, key=lambda a: a.auc.value or 0.0)
        found.append(
            f"{len(wide)} of {len(attacks)} attacks are not shown to lie below an AUC of 0.60; the "
            f"strongest is {_named(worst)}: {_auc(worst)}."
        )
    rare = [a for a in attacks if a.p_tpr is None]
    if rare:
        found.append(
            f"{least_for_rate()} patients who were not trained with are needed to count at 1 % "
            f"false positives, there are {rare[0].others}."
        )
    above = [attack for attack in attacks if _is_above(attack)]
    if above:
        most = max(above, key=lambda attack: attack.auc.value or 0.0)
        found.append(
            f"{len(above)} of {len(attacks)} attacks {'lies' if len(above) == 1 else 'lie'} above "
            "what members against members give; "
            f"furthest {_named(most)}: {_auc(most)}, there at most {most.control.high or 0:.2f}."
        )
    for attack in attacks:
        if attack.p_tpr is not None and attack.p_tpr * len(attacks) <= INCLUDED:
            found.append(f"{_named(attack)}: true positives at 1 % may be more than 1 %.")
    if any(attack.control.high is None for attack in attacks):
        found.append("Members cannot be set against members: there are fewer than six.")
    return found


def _is_above(attack: Attack) -> bool:
    value, control = attack.auc.value, attack.control.high
    return value is not None and control is not None and value > control


def _all_tried(attacks: Sequence[Attack]) -> bool:
    return {attack.name for attack in attacks} >= ATTACKS


def _strongest(attacks: Sequence[Attack]) -> str:
    worst = max(attacks, key=lambda attack: attack.auc.high or 1.0)
    return f"The strongest of {len(attacks)} attacks is {_named(worst)}: {_auc(worst)}."


def _first_draw(first: CopySearch) -> CopySearch:
    """The search with a sentence that says of what it is, and what its flags leave open."""
    text = f"In the first draw, before any image was left out: {first.sentence}"
    if first.flagged.value and not shows_copies(first):
        text += f" Chance is not excluded (p = {first.p:.2g}), and neither are copies."
    return first.model_copy(update={"sentence": text})


def _named(attack: Attack) -> str:
    return f"{attack.name} ({attack.aggregate} over the images of a patient)"


def _auc(attack: Attack) -> str:
    """ "AUC 0.52 (95 % CI 0.47 to 0.57; 200 members, 180 others)"."""
    members = counted(attack.members, "member", "members")
    of = f"{members}, {counted(attack.others, 'other', 'others')}"
    value, low, high = attack.auc.value, attack.auc.low, attack.auc.high
    if value is None:
        return f"no AUC ({of})"
    if low is None or high is None:
        return f"AUC {value:.2f} (no interval; {of})"
    return f"AUC {value:.2f} (95 % CI {low:.2f} to {high:.2f}; {of})"
