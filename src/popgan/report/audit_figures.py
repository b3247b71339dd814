"""The figures of the privacy annex: attacks against their limit, planted copies against theirs."""

from __future__ import annotations

from collections.abc import Sequence

from popgan.evidence.privacy.bounds import AUC_LIMIT
from popgan.evidence.privacy.results import Attack, Control
from popgan.report.audit_claims import NEEDED, named
from popgan.report.audit_words import HOW_AUC, HOW_PLANTED
from popgan.report.reader_intervals import IntervalRow, Scale, intervals
from popgan.report.reader_panels import ReaderPanel
from popgan.report.reader_words import counted_range, methods, share_row, span, with_interval
from popgan.report.words import PERCENT, typeset

_SHORT = {"calibrated GAN-Leaks": "cal. GAN-Leaks"}


def attacks_panel(attacks: Sequence[Attack]) -> ReaderPanel | None:
    """AUC of every attack with its interval, the limit, and members against members."""
    if not attacks:
        return None
    rows = [_attack_row(attack) for attack in attacks]
    alt = "AUC of each membership attack: " + "; ".join(
        f"{named(attack)} {with_interval(attack.auc)}, members against members "
        f"{with_interval(attack.control)}"
        for attack in attacks
    )
    scale = Scale(
        "AUC of the attack (0.5 = guessing)",
        reference=0.5,
        ticks=4,
        limit=(AUC_LIMIT, f"limit {AUC_LIMIT:.2f}"),
    )
    members, others = (span([getattr(a, side) for a in attacks]) for side in ("members", "others"))
    return ReaderPanel(
        "Can an attacker tell who was trained on?",
        f"n = {members} members, {others} others; bars: 95{PERCENT} intervals over patients.",
        intervals(rows, scale, "attacks", f"{alt}. Limit {AUC_LIMIT:.2f}."),
        HOW_AUC,
        methods([attack.auc for attack in attacks if attack.auc.method]),
    )


def _attack_row(attack: Attack) -> IntervalRow:
    auc, control = attack.auc, attack.control
    beside = (
        (control.low, control.high)
        if control.low is not None and control.high is not None
        else None
    )
    name = f"{_SHORT.get(attack.name, attack.name)}, {attack.aggregate}"
    if auc.value is None:
        return IntervalRow(name, note="–", tone="synthetic", named=False, beside=beside)
    note = f"{auc.value:.2f}"
    if auc.low is not None and auc.high is not None:
        note += f" ({auc.low:.2f}, {auc.high:.2f})"
    return IntervalRow(
        name, auc.value, auc.low, auc.high, note, "synthetic", named=False, beside=beside
    )


def planted_panel(controls: Sequence[Control]) -> ReaderPanel | None:
    """Share of planted copies that were found, all together and kind by kind."""
    if not controls:
        return None
    rows = [share_row(_kind(row), row.found, "ink" if i == 0 else "muted")
            for i, row in enumerate(controls)]  # fmt: skip
    alt = "Planted copies that were found: " + "; ".join(
        f"{row.kind} {row.found.value or 0:.0%} of {row.found.n}" for row in controls
    )
    scale = Scale(
        "planted images found",
        low=0.0,
        high=1.03,
        share=True,
        ticks=2,
        limit=(NEEDED, f"needed over all: {NEEDED * 100:.0f}{PERCENT}"),
    )
    return ReaderPanel(
        "Would the search find copies?",
        f"{counted_range([row.found for row in controls])} a row; bars: 95{PERCENT} intervals.",
        intervals(rows, scale, "planted", typeset(f"{alt}.")),
        HOW_PLANTED,
        methods([row.found for row in controls]),
    )


def _kind(control: Control) -> str:
    return control.kind if control.copies else f"{control.kind} (no copy)"
