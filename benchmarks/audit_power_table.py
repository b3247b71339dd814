"""The page of the audit's benchmark, from its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from popgan.evidence.privacy.bounds import share, upper_bound

LEVEL = 0.05
"""Chance to fail an honest generator that the rules promise to stay below."""


def table(cells: Mapping[str, Any]) -> str:
    """Markdown."""
    lines = ["# Power and false alarms of the privacy audit", ""]
    tiny = [cell["value"] for name, cell in sorted(cells.items()) if name.startswith("alarms/")]
    if tiny:
        lines += _alarms(tiny)
    for name, title in TITLES.items():
        if name in cells:
            lines += ["", f"## {title}", "", *_run(cells[name]["value"])]
    return "\n".join(lines) + "\n"


TITLES = {
    "powered/honest": "An honest popgan, 400 phantoms trained with and 400 held out",
    "powered/memorising": "The same, a twentieth drawn from a copy that has memorised patients",
    "ixi": "An honest popgan of people, too few to test",
}


def _alarms(tiny: list[dict[str, Any]]) -> list[str]:
    """How often generators that know nobody of the audit are failed."""
    levels = Counter(value["verdict"]["level"] for value in tiny)
    alarms = share(levels["failed"], len(tiny), "runs")
    found = [value["controls"][0]["found"]["value"] for value in tiny]
    highest = sorted(max(a["auc"]["value"] for a in value["attacks"]) for value in tiny)
    lines = [
        "## Generators that have seen none of the audited patients",
        "",
        f"{len(tiny)} tiny popgans, each trained with other phantoms than the "
        f'{tiny[0]["attacks"][0]["members"]} "members" and {tiny[0]["attacks"][0]["others"]} '
        "others of its audit.",
        "",
        "| verdict | runs |",
        "| --- | --- |",
    ]
    lines += [f"| {level} | {count} |" for level, count in levels.most_common()]
    lines += [
        "",
        f"False alarms: {levels['failed']} of {len(tiny)} ({alarms.value or 0:.1%}, 95 % CI "
        f"{alarms.low or 0:.1%} to {alarms.high or 0:.1%}; at most {LEVEL:.0%} is promised; the "
        f"one-sided 95 % upper bound is {upper_bound(levels['failed'], len(tiny)):.1%}).",
        "",
        'At 32 x 32 pixels most runs find fewer than 95 % of planted copies: "no power". '
        "What would fail, fails there as well, so false alarms are counted all the same.",
        "",
        f"Planted copies found: median {sorted(found)[len(found) // 2]:.1%}, least "
        f"{min(found):.1%}. Highest AUC of a run's attacks: median "
        f"{highest[len(highest) // 2]:.3f}, most {highest[-1]:.3f}.",
    ]
    return lines


def _run(value: Mapping[str, Any]) -> list[str]:
    """One audit in a few lines."""
    audit = value.get("result", value)
    verdict = value.get("verdict", audit["verdict"])
    lines = [f"**{verdict['level']}.** {verdict['sentence']}", ""]
    lines += [f"- {reason}" for reason in verdict["reasons"]]
    if "copies_drawn" in value:
        lines += [
            "",
            f"{value['copies_drawn']} of the {audit['synthetic']} images were drawn from what the "
            f"generator had learnt of {value['memorised_patients']} patients: "
            f"{value['copies_flagged']} of these were flagged, and {value['others_flagged']} of "
            "the others.",
        ]
    lines += ["", "| attack | over a patient's images | AUC (95 % CI) | TPR at 1 % FPR |",
              "| --- | --- | --- | --- |"]  # fmt: skip
    for attack in audit["attacks"]:
        auc, rate = attack["auc"], attack["tpr"]
        caught = "-" if rate["value"] is None else f"{rate['value']:.1%}"
        lines.append(f"| {attack['name']} | {attack['aggregate']} | {_ci(auc)} | {caught} |")
    return lines


def _ci(measure: Mapping[str, Any]) -> str:
    value, low, high = measure["value"], measure["low"], measure["high"]
    if value is None:
        return "-"
    return f"{value:.3f}" if low is None else f"{value:.3f} ({low:.3f} to {high:.3f})"
