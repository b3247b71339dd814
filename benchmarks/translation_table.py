"""The page of benchmarks/translation.py: a table a task, seeds as replicates, patients as units.

A patient's number is its mean over seeds; means and intervals are over patients, so three seeds
make no more patients. The spread between seeds stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from popgan.evidence.paired.patients import differences, patient_mean
from popgan.evidence.paired.results import MethodRow, PairedResult, PatientMean

SHOWN = (
    ("psnr", "brain", "PSNR brain, dB", 2),
    ("ssim", "brain", "SSIM brain", 3),
    ("mae", "brain", "MAE brain", 4),
    ("mae", "lesion", "MAE lesion", 4),
    ("psnr", "field", "PSNR field, dB", 2),
)
OF_ALL = ("linear regression", "nearest patient")
"""Trivial ways that look at all sources that a model has."""
Values = list[float | None]


def table(cells: Mapping[str, Any], minutes: float) -> str:
    """The whole page as Markdown."""
    lines = ["# Contrast translation", "", *_machine(cells), "", *_speeds(cells)]
    tasks: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name, record in cells.items():
        if name.count("/") == 2:
            task, model, _ = name.split("/")
            tasks.setdefault(task, {}).setdefault(model, []).append(record["value"])
    for task, models in tasks.items():
        lines += ["", *_task(task, models, minutes)]
    return "\n".join(lines).rstrip() + "\n"


def _machine(cells: Mapping[str, Any]) -> list[str]:
    commits = sorted({str(record["commit"]) for record in cells.values()})
    machines = sorted({str(record["machine"].get("cpu", "")) for record in cells.values()})
    return [f"{', '.join(machines)}; commits {', '.join(commits)}."]


def _speeds(cells: Mapping[str, Any]) -> list[str]:
    trained, made = cells.get("speeds"), cells.get("slices a second")
    if trained is None or made is None:
        return ["No speeds were measured yet."]
    facts = trained["asked"]
    lines = [
        f"Medians of {facts['rounds']} alternating rounds with {facts['threads']} threads "
        f"(load before: {facts['load_before']}); least and most in brackets.",
        "",
        "| model | training, images/s | translation, slices/s |",
        "| --- | --- | --- |",
    ]
    for shape in trained["value"]:
        own, fast = trained["value"][shape], made["value"][shape]
        lines.append(
            f"| {shape} | {own['median']:g} ({own['least']:g}-{own['most']:g}) "
            f"| {fast['median']:g} ({fast['least']:g}-{fast['most']:g}) |"
        )
    return lines


def _task(task: str, models: Mapping[str, list[dict[str, Any]]], minutes: float) -> list[str]:
    first = PairedResult.model_validate(next(iter(models.values()))[0]["result"])
    lines = [
        f"## {task}: to {first.target}",
        "",
        f"{first.n_patients} test patients, {first.n_slices} slices; {minutes:g} minutes a model "
        "on two cores. Means over patients (95 % interval), of each patient's mean over seeds.",
        "",
        "| method | seeds | " + " | ".join(title for *_, title, _ in SHOWN) + " |",
        "| --- | --- | " + " | ".join("---" for _ in SHOWN) + " |",
    ]
    learned = {model: _rows(values, "model") for model, values in models.items()}
    for model, rows in learned.items():
        lines.append(_line(model, rows))
        lines += [_line(f"{model}{name}", found) for name, found in _lacking(models[model]).items()]
    trivial = _baselines(models)
    lines += [_line(name, [row]) for name, row in trivial.items()]
    lines += ["", *_comparisons(models, learned, trivial), "", *_told(models)]
    return lines


def _rows(values: Sequence[Mapping[str, Any]], kind: str) -> list[MethodRow]:
    """The rows of a kind, one a seed."""
    results = [PairedResult.model_validate(value["result"]) for value in values]
    return [row for result in results for row in result.rows if row.kind == kind]


def _lacking(values: Sequence[Mapping[str, Any]]) -> dict[str, list[MethodRow]]:
    found: dict[str, list[MethodRow]] = {}
    for row in _rows(values, "without a source"):
        found.setdefault(row.name[row.name.index(" without") :], []).append(row)
    return found


def _baselines(models: Mapping[str, list[dict[str, Any]]]) -> dict[str, MethodRow]:
    """Every trivial way once: it has no seed. Those that use all sources say which."""
    found = {}
    for model, values in models.items():
        for row in _rows(values[:1], "baseline"):
            found[baseline_name(row.name, model)] = row
    return found


def baseline_name(name: str, model: str) -> str:
    """A trivial way's name, with a model's sources where it uses all of them."""
    several = any(word in name for word in OF_ALL)
    return f"{name} of {_sources(model)}" if several else name


def _sources(model: str) -> str:
    """The sources in a model's name: "pix2pix of T1w" has one."""
    return model.partition(" of ")[2]


def _over_seeds(rows: Sequence[MethodRow], metric: str, region: str) -> Values | None:
    """Each patient's mean over seeds."""
    scores = [row.score(metric, region) for row in rows]
    known = [score.patients for score in scores if score is not None]
    if not known:
        return None
    return [
        None if any(value is None for value in own) else mean(value or 0.0 for value in own)
        for own in zip(*known, strict=True)
    ]


def _line(name: str, rows: Sequence[MethodRow]) -> str:
    shown = []
    for metric, region, _, digits in SHOWN:
        values = _over_seeds(rows, metric, region)
        found = patient_mean(values) if values else None
        shown.append(_number(found, digits))
    return f"| {name} | {len(rows)} | " + " | ".join(shown) + " |"


def _number(found: PatientMean | None, digits: int) -> str:
    if found is None:
        return "-"
    text = f"{found.mean:.{digits}f}"
    if found.low is None or found.high is None:
        return text
    return f"{text} ({found.low:.{digits}f} to {found.high:.{digits}f})"


def _comparisons(
    models: Mapping[str, list[dict[str, Any]]],
    learned: Mapping[str, list[MethodRow]],
    trivial: Mapping[str, MethodRow],
) -> list[str]:
    """PSNR in the brain, patient by patient.

    Each learned model against the best trivial way of all and the best of its own sources; the
    first against the others.
    """
    lines = ["PSNR in the brain, paired differences (dB, mean over patients, 95 % interval):", ""]
    names = sorted(learned, key=lambda name: not name.startswith("mustgan"))
    best = max(trivial, key=lambda name: _mean(trivial[name]))
    for name in names:
        own = _over_seeds(learned[name], "psnr", "brain") or []
        seeds = [_mean(row) for row in learned[name]]
        between = f"; SD between seeds {stdev(seeds):.2f}" if len(seeds) > 1 else ""
        other = _over_seeds([trivial[best]], "psnr", "brain") or []
        lines.append(f"- {name} - {best} (the best trivial way): {_gap(own, other)}{between}")
        ways = _baselines({name: models[name]})
        near = max(ways, key=lambda way: _mean(ways[way]))
        if near != best:
            other = _over_seeds([ways[near]], "psnr", "brain") or []
            lines.append(f"- {name} - {near} (the best of its own sources): {_gap(own, other)}")
        if name == names[0]:
            for rival in names[1:]:
                other = _over_seeds(learned[rival], "psnr", "brain") or []
                lines.append(f"- {name} - {rival}: {_gap(own, other)}")
            lines += _why_not(name, models, learned)
    return lines


def _why_not(
    name: str, models: Mapping[str, list[dict[str, Any]]], learned: Mapping[str, list[MethodRow]]
) -> list[str]:
    """Where mustgan is not above its best single source: what it had less of, and less to win."""
    if not name.startswith("mustgan") or len(models) < 2:
        return []
    singles = {one: mean(map(_mean, learned[one])) for one in models if one != name}
    best = max(singles, key=lambda one: singles[one])
    if mean(map(_mean, learned[name])) > singles[best]:
        return []
    lines, images = [], models[name][0]["images"]
    joint = images - next(
        (int(line.split()[1]) for line in _fused(models[name][0]) if line.startswith("After ")), 0
    )
    lines.append(
        f"  - Why not above {best}: in the same minutes its networks saw {images} images and the "
        f"joint one, behind the place of fusion, {joint} of them; {best} saw "
        f"{models[best][0]['images']}."
    )
    regression = {
        one: _mean(row)
        for one in (name, best)
        for row in _rows(models[one][:1], "baseline")
        if row.name == "linear regression"
    }
    if len(regression) == 2:
        gain = regression[name] - regression[best]
        lines.append(
            f"  - How much the further sources hold beyond {_sources(best)}: linear regression "
            f"gains {gain:+.2f} dB from them."
        )
    return lines


def _fused(value: Mapping[str, Any]) -> list[str]:
    return list(PairedResult.model_validate(value["result"]).fusion)


def _mean(row: MethodRow) -> float:
    score = row.score("psnr", "brain")
    return score.mean if score is not None else float("-inf")


def _gap(own: Values, other: Values) -> str:
    return _number(patient_mean(differences(own, other)), 2)


def _told(models: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """What else the results say: fusion, uncertainty, images and parameters."""
    lines = []
    for model, values in models.items():
        for value in values:
            result = PairedResult.model_validate(value["result"])
            text = f"{value['images']} images, {value['parameters'] / 1e6:.2f} M parameters"
            if result.uncertainty is not None:
                cover = result.uncertainty.coverage
                text += f"; {result.uncertainty.level:.0%} intervals hold {_number(cover, 3)}"
                if result.uncertainty.coverage_lesion is not None:
                    text += f", in lesions {_number(result.uncertainty.coverage_lesion, 3)}"
            lines.append(f"- {model}, seed {result.seed}: {text}")
            lines += [f"  - {line}" for line in result.fusion]
    return lines
