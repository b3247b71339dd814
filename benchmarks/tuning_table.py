"""The benchmark of tuning as a page of Markdown; its words follow from the figures."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean, median
from typing import Any

from popgan.evidence.experiments.groups import gap
from popgan.evidence.experiments.results import TuneResult
from popgan.tuning.outcome import spread as spread_within
from tuning_efficiency import COHORTS, COUNT, GRANTED, ORDERS, RULES, SECONDS, replayed
from tuning_methods import (
    METHODS,
    NEW,
    PAPER,
    PAPER_32,
    SCRATCH,
    SEARCHED,
    THIRD,
    VERIFY_COHORTS,
    judged,
    stays,
)
from tuning_overhead import overhead_lines
from tuning_transfer import transfer_lines

Cells = Mapping[str, Mapping[str, Any]]
Records = Mapping[int, Mapping[str, Any]]
"""By seed."""
TITLES = {"ixi-64": "IXI, benchmark cohort", "lgg-64": "LGG FLAIR", "cheng-64": "Cheng T1wCE"}


def table(cells: Cells) -> str:
    """The page."""
    parts = [["# Parameter optimisation", "", _machine(cells)], _searches(cells)]
    parts += [_trained(cells, "verify", cohort) for cohort in VERIFY_COHORTS]
    parts += [_trained(cells, "third", THIRD), _efficiency(cells), overhead_lines(cells)]
    parts.append(transfer_lines(cells, TITLES))
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _machine(cells: Cells) -> str:
    machines = sorted({record["machine"]["cpu"] for record in cells.values()})
    commits = sorted({record["commit"] for record in cells.values()})
    return f"{', '.join(machines)}; commits {', '.join(commits)}."


def _searches(cells: Cells) -> list[str]:
    rows = []
    for recipe in SEARCHED:
        record = cells.get(f"search/{recipe}")
        if record is None:
            continue
        found = TuneResult.model_validate(record["value"]["result"])
        search = [trial for trial in found.trials if trial.purpose != "final"]
        counts = {
            word: sum(trial.state == word for trial in search)
            for word in ("complete", "pruned", "infeasible", "failed", "out of memory")
        }
        overhead = [trial.overhead for trial in search if trial.images]
        known = spread_within(found.trials)
        sd = f"{known.sd:.3f} ({known.low:.3f} to {known.high:.3f})" if known else "-"
        rows.append(
            f"| {recipe} | {len(search)} x {found.seconds:g} s | "
            f"{', '.join(f'{rung:.0%}' for rung in found.rungs)} | {counts['complete']} | "
            f"{counts['pruned']} | {counts['infeasible']} | "
            f"{counts['failed'] + counts['out of memory']} | {sd} | "
            f"{median(overhead):.1f} ({max(overhead):.1f}) | "
            f"{_judged(found)} |"
        )
    if not rows:
        return []
    return [
        "## Searches",
        "",
        "The same trials and seconds for each recipe, on the tuning split of the benchmark cohort; "
        "KID there is optimistic and compares within this table only. Seed SD: within settings, "
        "those of the final among them (95 %). Overhead: seconds a trial beside training and "
        "measuring, median (most), on busy cores. Rungs: after which shares of their images trials "
        "may be stopped; the search of r3gan was made before these became 45 and 65 %.",
        "",
        "| recipe | trials | rungs | complete | stopped | infeasible | failed | seed SD | "
        "overhead, s | final |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *rows,
    ]


def _judged(found: TuneResult) -> str:
    """What the final came to when it was made; and by the present rules, where that says more."""
    if found.finals is None:
        return "no trial was better than the default"
    then, now = found.finals.reason, judged(found).reason
    return then if now == then else f"{then}. By the present rules: {now}"


def _trained(cells: Cells, group: str, cohort: str) -> list[str]:
    trained = {name: _records(cells, group, cohort, name) for name in METHODS}
    refused = {
        name: record["value"]["refused"]
        for name, records in trained.items()
        for record in records.values()
        if "refused" in record["value"]
    }
    found = {name: _kids(records) for name, records in trained.items()}
    found = {name: kids for name, kids in found.items() if kids and name not in refused}
    if not found:
        return []
    lines = [f"## {TITLES[cohort]}", "", _setting(trained), _DECIDED[group]]
    lines += ["", "| method | starts from | images | seeds | KID, mean | each seed | less the new "]
    lines[-1] += "standard (95 %) |"
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    own = found.get(NEW, {})
    for name, kids in sorted(found.items(), key=lambda item: _mean(item[1])):
        each = ", ".join("failed" if kid is None else f"{kid:.3f}" for kid in kids.values())
        gap = "" if name == NEW else _gap(kids, own)
        lines.append(
            f"| {name} | {_start(trained[name])} | {_images(trained[name])} | {len(kids)} | "
            f"{_mean(kids):.3f} | {each} | {gap} |"
        )
    lines += [""] + [f"{name} cannot be trained so: {why}" for name, why in refused.items()]
    kept = ["", "The search kept the old standard: it is the new one."] if stays(cells) else []
    return [*lines, *kept, "", *_verdict(found)]


_DECIDED = {
    "verify": "By these patients of IXI and of LGG FLAIR it was decided that what the search of "
    "popgan found becomes the standard. Differences: of two groups of trainings.",
    "third": "Nothing was decided by them. Differences: of two groups of trainings.",
}


def _setting(trained: Mapping[str, Records]) -> str:
    """How long, scored by what, and between which bounds a KID lies here."""
    text = "8 minutes on two cores a training; KID to test patients, which no search has seen"
    scored = [one for records in trained.values() for one in records.values() if _score(one)]
    kid = _score(scored[0]) if scored else None
    if kid is None:
        return f"{text}."
    people, n = (scored[0]["value"][key] for key in ("n_reference_subjects", "n_synthetic"))
    return (
        f"{text} ({people} of them; {n} synthetic images). Real against real: {kid['floor']:.3f}; "
        f"a mean image: {kid['ceilings']['mean image']:.2f}."
    )


def _start(records: Records) -> str:
    words = {"phantom": "physics prior", "scratch": "random weights"}
    return ", ".join(sorted({words[one["value"]["init"]] for one in records.values()}))


def _images(records: Records) -> str:
    return ", ".join(sorted({f"{one['value']['images']:,}" for one in records.values()}))


def _verdict(found: Mapping[str, Mapping[int, float | None]]) -> list[str]:
    if NEW not in found:
        return ["The new standard is not trained yet."]
    if len(found) == 1:
        return ["There is nothing yet to hold it against."]
    own, lines = _mean(found[NEW]), []
    below = [name for name, kids in found.items() if name != NEW and _mean(kids) < own]
    ties = [name for name in below if not _clear(found[name], found[NEW])]
    if not below:
        lines.append("The new standard has the lowest KID.")
    elif len(ties) == len(below):
        lines.append(f"Lower, but a tie with the new standard: {', '.join(ties)}.")
    else:
        lines.append(f"Below the new standard: {', '.join(n for n in below if n not in ties)}.")
    papers = [_mean(found[name]) for name in (PAPER, PAPER_32) if name in found]
    if papers:
        best = min(papers)
        lines.append(
            f"The paper's settings at their better batch: {best:.3f}; the new standard has "
            f"{own / best:.2f} of it."
        )
        if SCRATCH in found:
            lines.append(f"From random weights it has {_mean(found[SCRATCH]) / best:.2f}.")
    return [" ".join(lines)]


def _records(cells: Cells, group: str, cohort: str, name: str) -> dict[int, Mapping[str, Any]]:
    """What is kept of each seed."""
    found = {}
    for title, record in cells.items():
        parts = title.split("/")
        if parts[0] == group and parts[1] == f"{cohort}, {name}":
            found[int(parts[2])] = record
    return dict(sorted(found.items()))


def _score(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    scores = record["value"].get("scores")
    return scores["kid"] if scores else None


def _kids(records: Records) -> dict[int, float | None]:
    """KID of each seed; None where training failed."""
    scores = {seed: _score(record) for seed, record in records.items()}
    return {seed: score["value"] if score else None for seed, score in scores.items()}


def _mean(kids: Mapping[int, float | None]) -> float:
    known = [kid for kid in kids.values() if kid is not None]
    return mean(known) if known else float("inf")


def _gap(kids: Mapping[int, float | None], own: Mapping[int, float | None]) -> str:
    found = gap(_known(kids), _known(own))
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{found.mean:+.3f} (one seed)"
    return f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def _clear(kids: Mapping[int, float | None], own: Mapping[int, float | None]) -> bool:
    found = gap(_known(kids), _known(own))
    return found is not None and found.excludes_zero


def _known(kids: Mapping[int, float | None]) -> list[float]:
    """Of the trainings that did not fail."""
    return [kid for kid in kids.values() if kid is not None]


def _efficiency(cells: Cells) -> list[str]:
    found = {
        (cohort, rule): one
        for cohort in COHORTS
        for rule, rungs in RULES.items()
        if (one := replayed(cells, cohort, rungs)) is not None
    }
    if not found:
        return []
    one = next(iter(found.values()))
    lines = [
        "## Search efficiency",
        "",
        f"Configurations that fill popgan's search space, trained in full with {SECONDS:g} s each; "
        f"then rules that let one of {one['reduction']} go on are replayed in {ORDERS} orders. "
        "SD: between five seeds of the default; two of them popgan calls a tie.",
        "",
    ]
    for cohort in COHORTS:
        own = next((one for (name, _), one in found.items() if name == cohort), None)
        if own is not None:
            lines.append(
                f"- {TITLES[cohort]}: {own['configurations']} configurations ({own['failed']} "
                f"failed), KID {own['best']:.3f} the best, {own['median']:.3f} the median, SD "
                f"{own['spread_sd']:.3f}; {own['good']} within one SD of the best, {own['ties']} "
                "tie with it, itself included"
            )
    return [
        *lines,
        "",
        f"Begun: all {COUNT}, or as many as {GRANTED:.0%} of the images of full training are "
        "enough for. Share: of these images (95 % of the orders). Found: how often the best of "
        "what was trained to the end lies within one SD of the best of all, or ties with it; and "
        "how much above it lies on average. Told: rank correlation of the KID at each rung with "
        "that at the end.",
        "",
        "| cohort | stopped | told | begun | share | found | a tie | above the best |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            _replay_row(cohort, rule, one, one[way])
            for way in ("all", "granted")
            for (cohort, rule), one in found.items()
        ),
    ]


def _replay_row(cohort: str, rule: str, found: Mapping[str, Any], way: Mapping[str, float]) -> str:
    told = ", ".join(f"{one:.2f}" for one in found["told"]) or "-"
    return (
        f"| {TITLES[cohort]} | {rule} | {told} | {way['begun']:.0f} | {way['share']:.0%} "
        f"({way['share_low']:.0%} to {way['share_high']:.0%}) | {way['within']:.0%} | "
        f"{way['tied']:.0%} | {way['regret']:.3f} |"
    )
