"""The rows of the verdict table that the privacy audit answers; the audit's own verdict decides.

Parts of an audit are green only where the whole was passed: a search that found nothing beside
attacks that could not be tried would look like a clearance, and is none. Nor is the row on copies
green where many images were flagged, or few were searched.
"""

from __future__ import annotations

from popgan.evidence.privacy.bounds import AUC_LIMIT
from popgan.evidence.privacy.rarity import COPIES_AT_MOST, are_rare
from popgan.evidence.privacy.results import Attack, PrivacyAudit, Verdict
from popgan.report.audit_content import AuditContent
from popgan.report.audit_words import bounded, measured, p_text
from popgan.report.claim import Claim, Status
from popgan.report.reader_words import with_interval
from popgan.report.words import PERCENT, number, typeset
from popgan.wording import counted

WHOLE = "The images do not give away who the model was trained on."
NEEDED = 0.95
"""Share of planted copies that must be found (`evidence.privacy.controls.FOUND`)."""
_STATES = {
    "none": (
        "No privacy audit was made. Treat model and images like the patients' own data.",
        "not tested",
    ),
    "stale": (
        "The audit that was made is stale: weights, data or the tests have changed since. Nothing "
        "is known of the present ones; treat them like the patients' own data.",
        "not tested: stale",
    ),
    "not applicable": (
        "A translation shows the anatomy of the patient whose scan went in, so there is no such "
        "audit. Treat translations, and the model, like the patients' own data.",
        "not tested",
    ),
}


def audit_claims(content: AuditContent) -> list[Claim]:
    """What the audit says to "does it give away its patients?", part by part."""
    test = "Privacy audit: search for copies, nearness, membership attacks, planted controls."
    if content.state != "current":
        why, label = _STATES[content.state]
        return [Claim(WHOLE, test, why, "untested", label)]
    if content.result is None or content.verdict is None:
        reason = typeset(content.not_testable or "Nothing could be tested.")
        return [Claim(WHOLE, test, reason, "untested", "cannot be tested")]
    result, verdict = content.result, content.verdict
    rows = [_whole(content, verdict), _copies(result, verdict)]
    found = [*result.attacks, *(content.inversion.attacks if content.inversion else [])]
    if found:
        rows.append(_attacks(content, found, verdict))
    rows.append(_power(result))
    if content.overtrained is not None:
        rows.append(_overtrained(content))
    return rows


def _whole(content: AuditContent, verdict: Verdict) -> Claim:
    levels: dict[str, Status] = {"passed": "pass", "failed": "fail"}
    status = levels.get(verdict.level, "untested")
    label = {"passed": "pass", "failed": "fail", "no power": "not tested: no power"}.get(
        verdict.level, "not tested: too few"
    )
    test = (
        f"Privacy audit of {number(content.images)} images: copies, nearness, membership attacks; "
        "controls must work."
    )
    how = (
        "Passed is privacy-tested, not anonymous. Too few: there are too few patients to "
        "tell an honest model from one that remembers."
    )
    return Claim(WHOLE, test, typeset(verdict.sentence), status, label, how)


def _part(shown: bool, verdict: Verdict) -> tuple[Status, str]:
    """Of a part: what was shown against it fails it, and it passes with the whole alone."""
    if verdict.level == "failed" and shown:
        return "fail", ""
    if verdict.level == "passed":
        return "pass", ""
    return "untested", "undecided"


def _copies(result: PrivacyAudit, verdict: Verdict) -> Claim:
    copies = result.copies
    status, label = _part(copies.sentence in verdict.reasons, verdict)
    if status == "pass" and not are_rare(copies):
        status, label = "untested", "undecided"
    clear = counted(copies.clear, "copy", "copies")
    return Claim(
        "No image is a copy of a training image.",
        f"Likeness after alignment and in features, against what "
        f"{counted(copies.heldout_subjects, 'held-out patient', 'held-out patients')} reach; at "
        f"most {COPIES_AT_MOST * 100:.0f}{PERCENT} of all that is drawn may be copies.",
        f"{bounded(copies.flagged, upper=True)} flagged; {clear} beyond doubt; "
        f"{p_text(copies.p)} for more than chance.",
        status,
        label,
        "A flag is an image nearer to a training image than strangers' images are; the bound "
        f"(one-sided 95{PERCENT}) is the most that can be true, and must keep to the limit.",
    )


def strongest(attacks: list[Attack]) -> Attack:
    """The attack with the highest AUC, as everywhere else."""
    return max(attacks, key=lambda a: (a.auc.value or 0.0, a.auc.high or 0.0))


def named(attack: Attack) -> str:
    """An attack as the annex calls it: "DOMIAS, mean"."""
    return f"{attack.name}, {attack.aggregate}"


def _attacks(content: AuditContent, attacks: list[Attack], verdict: Verdict) -> Claim:
    worst = strongest(attacks)
    shown = any(
        reason.startswith(f"{attack.name} ({attack.aggregate}")
        for attack in attacks
        for reason in verdict.reasons
    )
    status, label = _part(shown, verdict)
    held = "the generator" if content.released == "generator" else "the images"
    return Claim(
        f"Whoever holds {held} cannot tell who was trained on.",
        f"{counted(len(attacks), 'membership attack', 'membership attacks')}; the interval of "
        f"every AUC must end below {AUC_LIMIT:.2f}.",
        f"Strongest: {named(worst)}, AUC {measured(worst.auc)}; "
        f"{counted(worst.members, 'member', 'members')}, "
        f"{counted(worst.others, 'other', 'others')}.",
        status,
        label,
        "0.5 is guessing, 1 certain recognition of training patients.",
    )


def _power(result: PrivacyAudit) -> Claim:
    claim, test = (
        "The audit would find copies if there were any.",
        f"Copies planted on purpose; 95{PERCENT} of them must be found.",
    )
    if not result.controls:
        return Claim(claim, test, "No copies were planted.", "untested")
    found = result.controls[0].found
    enough = found.value is not None and found.value >= NEEDED
    text = f"{bounded(found, upper=False)} of {number(found.n)} found."
    how = "Below the limit the audit is blind, and whatever else it says counts for nothing."
    return Claim(claim, test, text, "pass" if enough else "fail", how=how)


def _overtrained(content: AuditContent) -> Claim:
    control = content.overtrained
    assert control is not None
    outcome: dict[str, tuple[Status, str]] = {
        "detected": ("pass", ""),
        "missed": ("fail", ""),
        "not reproduced": ("untested", "undecided"),
    }
    status, label = outcome[control.outcome]
    return Claim(
        "The audit would notice a model that memorises.",
        f"This model, over-trained on purpose on "
        f"{counted(control.patients, 'patient', 'patients')} and "
        f"{counted(control.canaries, 'invented subject', 'invented subjects')}.",
        f"{bounded(control.found, upper=False)} of its images of "
        f"{counted(control.found.n, 'patient', 'patients')} whom it draws as copies were flagged "
        f"for the right one; it reproduces its targets with a correlation of "
        f"{with_interval(control.reproduced)}.",
        status,
        label,
        "An audit that misses a model made to memorise cannot clear one that was not.",
    )
