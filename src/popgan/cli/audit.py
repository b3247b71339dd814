"""`popgan audit`: do images of a trained model give away who it was trained with?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of

if TYPE_CHECKING:
    from popgan.evidence.privacy.results import Attack, PrivacyAudit
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
_WIDE = 44


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
    with shared.opened(folder, name, reporter) as model:
        from popgan.stations.audit import audit as station

        found = station(model, n=n, generator=generator, reporter=reporter)
        places = {"audit": model.audit_path, "private_audit": model.private_audit_path}
    lines = [
        *audit_table(model.name, found),
        "",
        f"for whom it may concern: {places['audit']}",
    ]
    if found.result is not None:
        lines.append(
            f"who is at risk:          {places['private_audit']}  (patients: do not share)"
        )
    data = found.model_dump(mode="json") | {"verdict": found.verdict().model_dump(mode="json")}
    shown.show(lines, data | places)


def audit_table(name: str, found: StoredAudit) -> list[str]:
    """All tests in lines, the verdict last."""
    verdict = found.verdict()
    end = ["", f"{HEADLINES[verdict.level]}.", verdict.sentence]
    if verdict.reasons != [verdict.sentence]:
        end += [f"- {reason}" for reason in verdict.reasons]
    result = found.result
    if result is None:
        return [_head(name, found), *end[:3]]
    return [
        _head(name, found),
        "",
        *_copies(result),
        "",
        *_controls(found, result),
        "",
        *_attacks(found, result),
        *end,
    ]


def _head(name: str, found: StoredAudit) -> str:
    has = "the images and the generator" if found.released == "generator" else "the images alone"
    return (
        f"privacy audit of {name}: {found.n} synthetic images; {found.train_subjects} patients "
        f"trained with, {found.heldout_subjects} never seen, {found.reference_subjects} more to "
        f"calibrate attacks; an attacker is taken to have {has}"
    )


def _copies(result: PrivacyAudit) -> list[str]:
    from popgan.evidence.privacy.copies import ALPHA

    copies, near = result.copies, result.neighbours
    shown = bool(copies.clear) or copies.p <= ALPHA / 2
    worst = result.worst_patient
    return [
        _columns("Does any image repeat a training image?", "result", "95 % interval", "expected"),
        _columns(
            f"  flagged as copies, of {copies.flagged.n} images",
            _percent(copies.flagged.value, 2),
            f"up to {_percent(copies.flagged.high, 2)}",
            f"up to {copies.expected / max(1, copies.flagged.n):.2%}",
            "copies found" if shown else "no excess",
        ),
        _columns(
            "  flagged for the most exposed patient",
            _percent(worst.value, 2),
            f"up to {_percent(worst.high, 2)}",
            "",
            "",
        ),
        _columns(
            f"  nearer to training, {near.subjects} patients a side",
            _percent(near.share.value),
            _interval(near.share),
            "50 %",
            "nearer than chance" if near.p <= ALPHA else "no excess",
        ),
    ]


def _controls(found: StoredAudit, result: PrivacyAudit) -> list[str]:
    from popgan.evidence.privacy.controls import FOUND, has_power

    lines = [_columns("Would this audit notice?", "result", "95 % interval", "needed")]
    if result.controls:
        total = result.controls[0].found
        lines.append(
            _columns(
                f"  planted copies found, of {total.n}",
                _percent(total.value),
                _interval(total),
                f"{FOUND:.0%}",
                "yes" if has_power(result.controls) else "no",
            )
        )
        kinds = [row for row in result.controls[1:] if row.copies and row.found.value is not None]
        hardest = min(kinds, key=lambda row: row.found.value or 0.0, default=None)
        if hardest is not None and (hardest.found.value or 0.0) < 1:
            of = hardest.found
            lines.append(_columns(f"  hardest: {hardest.kind}, of {of.n}", _percent(of.value), "-"))
    control = found.overtrained
    if control is not None:
        answers = {"detected": "yes", "missed": "no", "not reproduced": "memorises too little"}
        lines.append(
            _columns(
                f"  over-trained copy: found, of {control.images} images",
                _percent(control.found.value),
                _interval(control.found),
                "detected",
                answers[control.outcome],
            )
        )
    return lines


def _attacks(found: StoredAudit, result: PrivacyAudit) -> list[str]:
    from popgan.evidence.privacy.bounds import AUC_LIMIT
    from popgan.evidence.privacy.copies import ALPHA

    attacks = [*result.attacks, *(found.inversion.attacks if found.inversion else [])]
    lines = [
        _columns(
            "Can membership be told? AUC, 0.5 = a guess",
            "AUC",
            "95 % interval",
            "passes if",
            "",
            "TPR at 1 %",
            "epsilon",
        )
    ]
    for attack in attacks:
        outcome = "open"
        if attack.p * len(attacks) <= ALPHA:
            outcome = "told apart"
        elif attack.auc.high is not None and attack.auc.high < AUC_LIMIT:
            outcome = "not told"
        value = attack.auc.value
        lines.append(
            _columns(
                f"  {attack.name}, {attack.aggregate} of a patient",
                "-" if value is None else f"{value:.2f}",
                _interval(attack.auc, of=1),
                f"< {AUC_LIMIT:.2f}",
                outcome,
                _rate(attack),
                f">= {attack.epsilon.low or 0:.1f}",
            )
        )
    return lines


def _rate(attack: Attack) -> str:
    value = attack.tpr.value
    return "-" if value is None else f"{value:.1%}"


def _columns(
    title: str,
    value: str = "",
    interval: str = "",
    wanted: str = "",
    outcome: str = "",
    *more: str,
) -> str:
    line = f"{title:{_WIDE}} {value:>8} {interval:>16} {wanted:>12}  {outcome:18}"
    return (line + "".join(f" {cell:>10}" for cell in more)).rstrip()


def _percent(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}%}"


def _interval(measure: Measure, of: int = 100) -> str:
    """Both ends, in per cent or (of = 1) as they are."""
    if measure.low is None or measure.high is None:
        return "-"
    if of == 1:
        return f"{measure.low:.2f} .. {measure.high:.2f}"
    return f"{measure.low:.1%} .. {measure.high:.1%}"
