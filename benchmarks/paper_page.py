"""The page of the paper's head-to-head: what it printed, what that is worth, and what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from popgan.evidence.compare.results import Comparison, Errors, UnpairedRow
from popgan.evidence.paired.results import MethodRow, PairedResult, PatientMean
from popgan.evidence.readers.results import Measure
from translation_table import baseline_name

PAIRED = (("mse", "brain", 5), ("mae", "brain", 4), ("psnr", "brain", 2), ("ssim", "brain", 3))


def page(
    cells: Mapping[str, Any],
    translated: Mapping[str, Any],
    minutes: float,
    drawn: Sequence[str],
) -> str:
    """The whole page as Markdown.

    Args:
        cells: of this benchmark.
        translated: cells of translation.py by name; None where there is none.
        minutes: granted to each model.
        drawn: names of the figures.
    """
    known = {name: value for name, value in translated.items() if value is not None}
    lines = ["# The paper's head-to-head", "", *_about(cells, minutes), *_cohorts(cells, known)]
    lines += _missing(cells)
    record = cells.get("compared")
    if record is not None:
        found = Comparison.model_validate(record["value"])
        lines += ["", *_facts(found, cells), "", *_unpaired(found), "", *_pairs(found)]
        lines += _inversions(found)
    if known:
        lines += ["", *_translators(known)]
    if drawn:
        lines += [
            "",
            "## Curves",
            "",
            "Losses of different recipes are different functions: only their course means anything,"
            " not their height. An accuracy of 0.5 is a discriminator that cannot tell.",
            "",
            *(f"![{name.split('-')[1].split('.')[0]}]({name})" for name in drawn),
        ]
    return "\n".join(lines).rstrip() + "\n"


def _about(cells: Mapping[str, Any], minutes: float) -> list[str]:
    commits = sorted({str(record["commit"]) for record in cells.values()})
    machines = sorted({str(record["machine"].get("cpu", "")) for record in cells.values()})
    told = f"{', '.join(machines)}; commits {', '.join(commits)}. " if cells else ""
    return [
        f"{told}Every model was granted {minutes:g} minutes of two threads, counted at speeds that "
        "were measured once (`benchmarks/paper_table.py`); models that draw start from scratch."
    ]


def _cohorts(cells: Mapping[str, Any], translated: Mapping[str, Any]) -> list[str]:
    """Whose slices of which size, as far as the files say it."""
    told = []
    if (record := cells.get("compared")) is not None:
        found = Comparison.model_validate(record["value"])
        sides = list(cells.get("speeds", {}).get("value", {}).get("snapshot_seconds", {}))
        size = f"{sides[0]} x {sides[0]} pixels, " if len(sides) == 1 else ""
        told.append(
            f"Models that draw: slices of {size}{found.train_images} of {found.train_subjects} "
            f"subjects to train with and {found.reference_images} of {found.reference_subjects} "
            f"held out; cohort {found.cohort[:12]} (`benchmarks/paper_table.py` says which scans)."
        )
    tasks: dict[str, list[str]] = {}
    for name, record in translated.items():
        result = PairedResult.model_validate(record["value"]["result"])
        size = " x ".join(map(str, result.image_shape))
        held = f"{result.n_slices} slices of {size} pixels of {result.n_patients} held-out patients"
        task = f"{held}; task {name.split('/')[0]} of `benchmarks/translation.py`"
        tasks.setdefault(task, []).append(name)
    for held, names in tasks.items():
        told.append(f"Models that translate ({len(names)}): {held}.")
    return ["", " ".join(told)] if told else []


def _missing(cells: Mapping[str, Any]) -> list[str]:
    """Models that gave nothing to compare."""
    lines = []
    for name, record in cells.items():
        value = record["value"]
        for word in ("refused", "failed"):
            if name.startswith("draw/") and word in value:
                lines.append(f"- {name.removeprefix('draw/')}: {word} ({value[word]})")
    return ["", *lines] if lines else []


def _facts(found: Comparison, cells: Mapping[str, Any]) -> list[str]:
    """Sizes, times, and the headline."""
    counted = {
        record["value"]["weights"]: record["value"]["minutes"]
        for name, record in cells.items()
        if name.startswith("draw/") and "weights" in record["value"]
    }
    lines = [
        "## Models that draw",
        "",
        f"{found.images} images of each against {found.reference_images} held-out images of "
        f"{found.reference_subjects} subjects; {found.train_images} images of "
        f"{found.train_subjects} subjects were trained with. KID of real against real "
        f"{_measure(found.floor, 4)}, of the mean image {found.mean_image or 0:.3f}.",
        "",
        "| model | weights of the generator | images shown | minutes counted | minutes of the wall "
        "| KID | clipped coverage |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found.models:
        wall = "-" if row.budget.seconds is None else f"{row.budget.seconds / 60:.1f}"
        lines.append(
            f"| {row.name} | {row.budget.parameters / 1e6:.2f} M | {row.budget.images:,} "
            f"| {counted.get(row.weights, 0):.1f} | {wall} | {_measure(row.kid, 4)} "
            f"| {_measure(row.clipped_coverage, 3)} |"
        )
    return lines


def _unpaired(found: Comparison) -> list[str]:
    table = found.unpaired
    if table is None:
        return []
    lines = [
        f"## {table.heading}",
        "",
        table.why,
        "",
        f"Intensities {table.intensity}; {table.mask}; pairing seed {table.pairing_seed}; "
        f"{found.frechet_title} of features of {found.basis}, from {found.matched} images a side "
        "(it is called FID with one network alone). Intervals are 95 %, over patients.",
        "",
        "| | MSE | MAE | PSNR, dB | PSNR to the nearest training image | to the nearest held-out "
        "image | Frechet | KID |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return [*lines, *map(_unpaired_line, table.rows)]


def _unpaired_line(row: UnpairedRow) -> str:
    name = row.name if row.kind == "model" else f"*{row.name}*"
    cells = [_measure(row.random.mse, 4), _measure(row.random.mae, 4)]
    cells += [_psnr(errors) for errors in (row.random, row.nearest_train, row.nearest_held_out)]
    cells += [f"{row.frechet:.1f}", _measure(row.kid, 4)]
    return f"| {name} | {' | '.join(cells)} |"


def _pairs(found: Comparison) -> list[str]:
    lines = ["## Which differ", ""]
    lines += [f"- {pair.sentence}" for pair in found.headline]
    lines += [f"- {note}" for note in found.notes]
    lines.append("- Student's t with Holm's correction over all pairs; above 0.05 it is a tie.")
    return lines


def _inversions(found: Comparison) -> list[str]:
    """What the unpaired numbers should have been: the best that a model can draw of a patient."""
    if not found.inversions:
        return []
    first = found.inversions[0].attack
    lines = [
        "",
        "## Inversion: how well each can draw people that it has never seen",
        "",
        f"A search for the latent vector that draws a real image best: {first.steps} steps, "
        f"{first.restarts} restart{'s' * (first.restarts != 1)} an image, {first.images} images of "
        f"{first.members} training and {first.others} held-out patients. PSNR in dB, higher is "
        "better; the mean image is what a collapsed model reaches, own images what the search "
        "reaches at best. Gap: error of held-out minus error of training patients (intensities "
        "0..1); above 0 the model draws its training patients better. Means over patients, 95 %.",
        "",
        "| | held out | training | mean image | own images | gap |",
        "|---|---|---|---|---|---|",
    ]
    for row in found.inversions:
        seen = row.attack.coverage
        reached = (seen.heldout_psnr, seen.train_psnr, seen.mean_image_psnr, seen.own_psnr)
        cells = [*(_measure(value, 2) for value in reached), _measure(row.attack.gap, 4)]
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return [*lines, "", *(f"- {row.name}: {row.attack.sentence}" for row in found.inversions)]


def _translators(cells: Mapping[str, Any]) -> list[str]:
    lines = [
        "## Models that translate: true pairs",
        "",
        "These have a true image for each of theirs, so the same words mean something else than "
        "above, and nothing here is ranked with anything there. In the brain, mean over held-out "
        "patients with 95 % interval (`benchmarks/translation.py`). Minutes are of two threads, as "
        "granted; the time on the wall that is kept counts from the last restart, so it is not "
        "shown.",
        "",
        "| | weights of the generator | images shown | minutes granted | MSE | MAE | PSNR, dB "
        "| SSIM |",
        "|---|---|---|---|---|---|---|---|",
    ]
    trivial: dict[str, MethodRow] = {}
    for name, record in cells.items():
        value = record["value"]
        result = PairedResult.model_validate(value["result"])
        for row in result.rows:
            if row.kind == "baseline":
                # "linear regression" of one source is not that of another.
                trivial[baseline_name(row.name, name.split("/")[1])] = row
        lines.append(
            f"| {name.split('/')[1]} | {value['parameters'] / 1e6:.2f} M | {value['images']:,} "
            f"| {record['asked']['minutes']:g} | {_paired(result.row(result.model))} |"
        )
    if trivial:
        best = max(trivial, key=lambda name: _brain(trivial[name]))
        lines.append(f"| *{best}, the best trivial way* | - | - | - | {_paired(trivial[best])} |")
    return lines


def _brain(row: MethodRow) -> float:
    value = row.score("psnr", "brain")
    return float("-inf") if value is None else value.mean


def _paired(row: MethodRow) -> str:
    return " | ".join(_mean(row.score(m, region), digits) for m, region, digits in PAIRED)


def _mean(found: PatientMean | None, digits: int) -> str:
    if found is None:
        return "-"
    return _with_ends(found.mean, found.low, found.high, digits)


def _measure(found: Measure | None, digits: int) -> str:
    if found is None or found.value is None:
        return "-"
    return _with_ends(found.value, found.low, found.high, digits)


def _psnr(errors: Errors) -> str:
    return "identical" if errors.psnr.value is None else _measure(errors.psnr, 2)


def _with_ends(value: float, low: float | None, high: float | None, digits: int) -> str:
    if low is None or high is None:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
