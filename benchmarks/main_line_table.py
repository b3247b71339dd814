"""The measured cells of the main line as a Markdown table; words and figures, no measuring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def table(settings: Mapping[str, Any], cells: Mapping[str, Any]) -> str:
    """A page of Markdown: what was run where, the figures, the stations, the scores."""
    run, training, quality = (cells[name]["value"] for name in ("run", "training", "quality"))
    record = cells["run"]
    machine, versions = record["machine"], record["versions"]
    phantom = f", {settings['subjects']} phantom subjects" if settings["subjects"] else ""
    lines = [
        f"# Main line on {settings['cohort']}",
        "",
        f"{machine['cpu']}, cores used: {machine['cores']}, {machine['memory_gib']} GiB, "
        f"{machine['system']}; popgan {versions['popgan']} (commit {record['commit']}), torch "
        f"{versions['torch']}, Python {versions['python']}; {record['created']}{phantom}.",
        "",
        f"    {settings['command']}",
        "",
        *_rows(("measure", "value"), _speed_rows(cells)),
        "",
        *_rows(("station", "seconds", "peak GiB"), _station_rows(run)),
        "",
        f"Training: {training['images']} images, threads {training['threads']}, "
        f"{training['precision']}. Peak GiB is the resident memory of all processes of the run.",
        "",
        *_rows(("score", "value (95 % interval)", "floor", "mean image"), _score_rows(quality)),
        "",
        f"{quality['n_synthetic']} synthetic images against {quality['n_reference']} of "
        f"{quality['n_reference_subjects']} held-out subjects, features of "
        f"{quality['backbone']['backbone']} at {quality['backbone']['input_size']} pixels. "
        f"Verdict: {quality['verdict']}.",
    ]
    return "\n".join(lines) + "\n"


def _speed_rows(cells: Mapping[str, Any]) -> list[tuple[str, str]]:
    run, training = cells["run"]["value"], cells["training"]["value"]
    generation = cells["generation"]["value"]
    sides = " / ".join(training["sides"])
    return [
        (f"training, images/s at {sides} px, steps alone", _series(training["probe"])),
        (f"training, images/s at {sides} px, in the run", _series(training["log"])),
        (
            f"generation, images/s at {training['sides'][-1]} px",
            f"{generation['images_per_second']:.0f}",
        ),
        ("ingest, scans/s", f"{run['scans_per_second']} ({run['scans']} scans)"),
        ("whole run, seconds", f"{run['seconds']:.0f}"),
        ("peak memory, GiB", f"{max(run['peak_gib'].values())}"),
    ]


def _station_rows(run: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (name, f"{seconds:.1f}", f"{run['peak_gib'].get(name, '-')}")
        for name, seconds in run["stations"].items()
    ]


def _score_rows(quality: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (
            name,
            f"{score['value']:.3g}{_interval(score['low'], score['high'])}",
            f"{score['floor']:.3g}{_interval(score['floor_low'], score['floor_high'])}",
            f"{score['ceilings']['mean image']:.3g}",
        )
        for name, score in quality["scores"].items()
    ]


def _series(values: list[float | None]) -> str:
    return " / ".join("-" if value is None else f"{value:.0f}" for value in values)


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({low:.3g} to {high:.3g})"


def _rows(names: tuple[str, ...], rows: list[Any]) -> list[str]:
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]
