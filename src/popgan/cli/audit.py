"""`popgan audit`: do images of a trained model give away who it was trained with?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of
from popgan.cli.stopping import begins_anew

if TYPE_CHECKING:
    from popgan.evidence.privacy.results import CopySearch, PrivacyAudit, Verdict
    from popgan.evidence.readers.results import Measure
    from popgan.stations.audited import StoredAudit

HELP = """Test whether a trained model gives away its patients.

Searches for copies of training images, asks whether membership can be told, and measures whether
it would have noticed. Patients that were never trained with are the comparison."""

HEADLINES = {
    "passed": "PASSED (privacy-tested, which is not anonymous)",
    "failed": "FAILED: do not share",
    "too few subjects to test": "NOT TESTED: too few patients",
    "no power": "NOT TESTED: the audit has no power",
}
_NEXT = {
    "passed": "popgan generate RUN --release makes a set to give away",
    "failed": "train with more patients, for fewer images, or with more augmentation",
    "too few subjects to test": "add patients, or hold out more of them in a new run (--split "
    "50,10,40); or somebody who may decide releases all the same, "
    'with a reason: popgan generate RUN --release --accept-untested "REASON"',
    "no power": "nothing can be released on this audit; the lines above say what it did not find",
}


def audit(
    context: typer.Context,
    folder: shared.RunFolder,
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--images",
            metavar="N",
            min=10,
            help="Synthetic images to test.  [default: those that are evaluated]",
        ),
    ] = None,
    generator: Annotated[
        bool,
        typer.Option(
            "--generator", help="Attack the generator, too: for those who give away its weights."
        ),
    ] = False,
    name: shared.Name = None,
) -> None:
    """See HELP."""
    shown = settings_of(context)
    reporter = shown.reporter()
    with begins_anew(), shared.opened(folder, name, reporter) as model:
        from popgan.stations.audit import audit as station

        found = station(model, n=n, generator=generator, reporter=reporter)
        places = {"audit": model.audit_path, "private_audit": model.private_audit_path}
    lines = [*audit_table(model.name, found), "", f"shareable: {places['audit']}"]
    if found.result is not None:
        lines.append(f"private:   {places['private_audit']}  (names patients: do not share)")
    data = found.model_dump(mode="json") | {"verdict": found.verdict().model_dump(mode="json")}
    shown.show(lines, data | places)


def audit_table(name: str, found: StoredAudit) -> list[str]:
    """All tests in lines, the verdict last."""
    verdict = found.verdict()
    end = [f"{HEADLINES[verdict.level]}.", verdict.sentence]
    result = found.result
    if result is None:
        return [*_head(name, found), "", *end]
    return [
        *_head(name, found),
        "",
        *_copies(result),
        "",
        *_controls(found, result),
        "",
        *_attacks(found, result),
        "",
        *end,
        *(f"- {reason}" for reason in verdict.reasons),
        f"Next: {_next(verdict, result.copies)}.",
    ]


def _next(verdict: Verdict, copies: CopySearch) -> str:
    """What to do now; where nothing but the bound of flagged images is missing, what may help."""
    from popgan.evidence.privacy.rarity import images_needed, not_rare, too_few_images

    if verdict.level != "no power" or verdict.reasons[0] != not_rare(copies)[1]:
        return _NEXT[verdict.level]
    if too_few_images(copies):
        return f"popgan audit RUN -n {images_needed()}, or more; each flag takes some more"
    return (
        "popgan report RUN shows the flagged images in private/report.html; if none is a copy, "
        "more images (-n) may show that copies are rare"
    )


def _head(name: str, found: StoredAudit) -> list[str]:
    has = {"images": "the images", "generator": "the images and the weights"}[found.released]
    return [
        f"privacy audit of {name}, for somebody who has {has}",
        f"{found.n} synthetic images; patients: {found.train_subjects} trained with, "
        f"{found.heldout_subjects} never seen, {found.reference_subjects} more to calibrate "
        "attacks",
    ]


def _copies(result: PrivacyAudit) -> list[str]:
    from popgan.evidence.privacy.copies import ALPHA, shows_copies
    from popgan.evidence.privacy.rarity import COPIES_AT_MOST, are_rare

    copies, near = result.copies, result.neighbours
    outcome = "nothing shown" if are_rare(copies) else "undecided"
    worst = result.worst_patient
    chance = copies.expected / max(1, copies.flagged.n)
    return [
        _row("Does any image repeat a training image?", "result", "95 % interval", "by chance"),
        _row(
            f"  flagged as copies, of {copies.flagged.n} images",
            _percent(copies.flagged.value, 2),
            f"up to {_percent(copies.flagged.high, 2)}",
            f"up to {chance:.1%}" if chance < 1 else "not known",
            "copies found" if shows_copies(copies) else outcome,
        ),
        _row(
            "  of these, for the most exposed patient",
            _percent(worst.value, 2),
            f"up to {_percent(worst.high, 2)}",
        ),
        _row(
            f"  nearer to training, {near.subjects} patients a side",
            _percent(near.share.value),
            _interval(near.share),
            "50.0%",
            "nearer" if near.p <= ALPHA else "nothing shown",
        ),
        f"  passes if no more than {COPIES_AT_MOST:.0%} of all that is drawn can be copies",
    ]


def _controls(found: StoredAudit, result: PrivacyAudit) -> list[str]:
    from popgan.evidence.privacy.controls import FOUND, has_power
    from popgan.evidence.privacy.overall import only_flagged

    lines = [_row("Would this audit notice?", "result", "95 % interval", "needed")]
    if result.controls:
        total = result.controls[0].found
        enough = has_power(result.controls)
        lines.append(
            _row(
                f"  planted copies found, of {total.n}",
                _percent(total.value),
                _interval(total),
                f"{FOUND:.1%}",
                "yes" if enough else "no",
            )
        )
        kinds = [row for row in result.controls[1:] if row.copies and row.found.n]
        hardest = min(kinds, key=lambda row: row.found.value or 0.0, default=None)
        if hardest is not None and (hardest.found.value or 0.0) < 1:
            of = hardest.found
            lines.append(
                _row(f"  hardest: {hardest.kind}, of {of.n}", _percent(of.value), _interval(of))
            )
    control = found.overtrained
    if control is not None:
        answer = {"detected": "yes", "missed": "no", "not reproduced": "it memorises too little"}
        if only_flagged(control):
            answer["missed"] = "flagged only"
        lines.append(
            _row(
                f"  over-trained copy: found, of {control.found.n}",
                _percent(control.found.value),
                _interval(control.found),
                "detected",
                answer[control.outcome],
            )
        )
    return lines


def _attacks(found: StoredAudit, result: PrivacyAudit) -> list[str]:
    from popgan.evidence.privacy.bounds import AUC_LIMIT
    from popgan.evidence.privacy.copies import ALPHA

    attacks = [*result.attacks, *(found.inversion.attacks if found.inversion else [])]
    head = ("AUC", "95 % interval", "by chance", "", "TPR at 1%", "epsilon")
    lines = [_row("Can it be told who was trained with?", *head)]
    for attack in attacks:
        value, high = attack.auc.value, attack.auc.high
        outcome = "open"
        if attack.p * len(attacks) <= ALPHA:
            outcome = "told"
        elif high is not None and high < AUC_LIMIT:
            outcome = "not told"
        chance = attack.control.high
        lines.append(
            _row(
                f"  {attack.name}, {attack.aggregate} of slices",
                "-" if value is None else f"{value:.2f}",
                _interval(attack.auc, of=1),
                "not known" if chance is None else f"up to {chance:.2f}",
                outcome,
                _percent(attack.tpr.value),
                f">= {attack.epsilon.low or 0:.1f}",
            )
        )
    lines.append(f"  AUC 0.5 is a guess; passes if the interval ends below {AUC_LIMIT:.2f}")
    return lines


def _row(
    title: str,
    value: str = "",
    interval: str = "",
    wanted: str = "",
    outcome: str = "",
    *more: str,
) -> str:
    line = f"{title:39} {value:>7} {interval:>16} {wanted:>11}  {outcome:13}"
    return (line + "".join(f" {cell:>9}" for cell in more)).rstrip()


def _percent(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}%}"


def _interval(measure: Measure, of: int = 100) -> str:
    """Both ends, in per cent or (of = 1) as they are."""
    if measure.low is None or measure.high is None:
        return "-"
    if of == 1:
        return f"{measure.low:.2f} .. {measure.high:.2f}"
    return f"{measure.low:.1%} .. {measure.high:.1%}"
