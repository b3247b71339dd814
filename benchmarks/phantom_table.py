"""The table of the phantom's benchmark, from its measured cells."""

from __future__ import annotations

from typing import Any

_TITLES = {
    "grey_ml": "grey matter, ml",
    "white_ml": "white matter, ml",
    "cavity_ml": "grey + white matter + fluid, ml",
    "grey_share": "grey / (grey + white)",
    "ventricles_ml": "lateral ventricles, ml",
    "ventricle_cm2": "lateral ventricles, largest axial area, cm2",
}


def table(cells: dict[str, Any]) -> str:
    """Markdown."""
    record = next(iter(cells.values()))
    machine, versions = record["machine"], record["versions"]
    lines = [
        "# The phantom",
        "",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['system']}; popgan {versions['popgan']} (commit {record['commit']}), torch "
        f"{versions['torch']}, Python {versions['python']}; {record['created']}. All heads but "
        "those of IXI are phantoms.",
        "",
        "    python benchmarks/phantom.py --data $POPGAN_DATA",
        "",
        "## Time of one subject, seconds of one core (wall seconds)",
        "",
        "Median of 7 subjects; range of CPU time in brackets. Writing is everything: scans, "
        "labels, fractions of every tissue, masks, gzip.",
        "",
        "| subject | making | writing |",
        "| --- | --- | --- |",
    ]
    for name, cell in cells.items():
        if isinstance(cell["value"], dict) and "making" in cell["value"]:
            value = cell["value"]
            lines.append(f"| {name} | {_time(value['making'])} | {_time(value['writing'])} |")
    if "template" in cells:
        lines.append(f"| atlas, once a process | {_time(cells['template']['value'])} | |")
    lines += ["", *_stream(cells), *_ixi(cells)]
    return "\n".join(lines) + "\n"


def _time(value: dict[str, float]) -> str:
    return (
        f"{value['cpu']:.2f} [{value['cpu_least']:.2f} to {value['cpu_most']:.2f}] "
        f"({value['wall']:.2f})"
    )


def _stream(cells: dict[str, Any]) -> list[str]:
    """Cost against the number of subjects, and the memory of a long stream."""
    lines = ["## Many subjects (2 mm, T1w, to 24 axial slices each)", ""]
    if "linearity" in cells:
        value = cells["linearity"]["value"]
        lines += [
            "| subjects | " + " | ".join(value) + " |",
            "| --- |" + " --- |" * len(value),
            "| CPU seconds a subject | " + " | ".join(f"{v:.3f}" for v in value.values()) + " |",
            "",
        ]
    if "stream" in cells:
        value = cells["stream"]["value"]
        lines += [
            f"{value['subjects']} subjects, streamed to {value['slices_gib']} GiB of slices: peak "
            f"memory {value['peak_gib']} GiB, {value['cpu']} CPU seconds, {value['wall']} s of "
            "wall time.",
            "",
        ]
    return lines


def _ixi(cells: dict[str, Any]) -> list[str]:
    """Phantoms beside people."""
    if "ixi" not in cells:
        return []
    value = cells["ixi"]["value"]
    lines = [
        f"## {value['subjects']} phantoms beside {value['subjects']} adults of IXI, same ages",
        "",
        "Mean (standard deviation between subjects; correlation with age). The phantom's ranges "
        "were set by these adults: this is a check of a fit, not a prediction.",
        "",
        "| measure | people | phantom |",
        "| --- | --- | --- |",
    ]
    for name, title in _TITLES.items():
        sides = [
            f"{_short(one['mean'])} ({_short(one['sd'], 2)}; {one['r_age']:+.2f})"
            for one in (value[name]["people"], value[name]["phantom"])
        ]
        lines.append(f"| {title} | {sides[0]} | {sides[1]} |")
    alike = value["ms_ssim"]
    lines += ["", "| MS-SSIM of two subjects at the same height, 64 x 64 | mean (SD) |"]
    lines += ["| --- | --- |"]
    lines += [f"| {name} | {one['mean']:.3f} ({one['sd']:.3f}) |" for name, one in alike.items()]
    lines += ["", "Lower is more diverse.", ""]
    return lines


def _short(value: float, digits: int = 3) -> str:
    """So many digits, but whole numbers in full."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.{digits}g}"
