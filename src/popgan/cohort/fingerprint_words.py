"""The fingerprint of a cohort in a few lines, for whoever is about to train on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from popgan.wording import counted

_SHOWN = 6  # classes that are named


def cohort_rows(numbers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and words of what is worth knowing; what an older version did not measure is left out.

    Args:
        numbers: a fingerprint; see `popgan.cohort.fingerprint`.
    """
    rows = [
        ("subjects", _subjects(numbers)),
        ("images", _images(numbers)),
        ("scans", _scans(numbers)),
        ("grey values", _each(numbers, "intensity", _grey)),
        ("noise", _each(numbers, "noise", lambda name, entry: _noise(name, entry, numbers))),
        ("classes", _classes(numbers.get("balance", {}))),
        ("doubles", _doubles(numbers.get("doubles"))),
    ]
    return [(name, words) for name, words in rows if words]


def _subjects(numbers: Mapping[str, Any]) -> str:
    splits = numbers["splits"]
    parts = [f"{splits[name]['subjects']} {what}" for name, what in _USES.items() if name in splits]
    train = splits.get("train", {}).get("slices")
    words = f"{numbers['subjects']}: {', '.join(parts)}; {numbers['slices']} slices"
    return words if train is None else f"{words}, {train} to train on"


_USES = {"train": "to train on", "tuning": "to tune to", "test": "to test on"}


def _images(numbers: Mapping[str, Any]) -> str:
    size = f"{numbers['height']} x {numbers['width']} pixels"
    words = f"{', '.join(numbers['contrasts'])}; {size}"
    if not numbers.get("spacing_known"):
        return f"{words}; the size of a pixel is not known"
    down, across, through = numbers["spacing_mm"]
    return f"{words} of {down:.3g} x {across:.3g} mm; slices {through:.3g} mm apart"


def _scans(numbers: Mapping[str, Any]) -> str:
    native = numbers.get("native", {})
    kinds = ", ".join(f"{name} {count}" for name, count in numbers.get("kinds", {}).items())
    words = f"{counted(numbers['scans'], 'scan', 'scans')} ({kinds})"
    if "shape" in native and "picture" not in numbers.get("kinds", {}):
        shape = " x ".join(f"{axis['median']:.0f}" for axis in native["shape"])
        sides = " x ".join(f"{axis['median']:.3g}" for axis in native["spacing_mm"])
        words += f", {shape} voxels of {sides} mm in the middle"
    if native.get("mixed"):
        words += f"; {native['grids']} different grids"
    return words


def _each(numbers: Mapping[str, Any], field: str, words: Any) -> str:
    """What is said of every contrast, in a row."""
    found = numbers.get(field, {})
    return "; ".join(words(name, found[name]) for name in numbers["contrasts"] if name in found)


def _grey(name: str, entry: Mapping[str, Any]) -> str:
    return (
        f"{name} mean {entry['mean']:.2f}, SD {entry['sd']:.2f} of 0 to 1, "
        f"{entry['zero_share']:.0%} without signal"
    )


def _noise(name: str, entry: Mapping[str, Any], numbers: Mapping[str, Any]) -> str:
    words = (
        f"{name} {entry['median']:.2g} of the range within the head "
        f"({entry['min']:.2g} to {entry['max']:.2g})"
    )
    if air := numbers.get("air", {}).get(name):
        none = air["zero_share"] > 0.99
        words += ", air removed" if none else f", {air['sd']:.2g} in the air"
    if (snr := numbers.get("quality", {}).get(name, {}).get("snr")) is not None:
        words += f", signal to noise {snr['median']:.0f}"
    return words


def _classes(balance: Mapping[str, Any]) -> str:
    classes = balance.get("classes", {})
    if not classes:
        return ""
    order = sorted(classes, key=lambda name: (-classes[name]["slices"], name))
    parts = [
        f"{name} {counted(classes[name]['slices'], 'slice', 'slices')} of "
        + counted(classes[name]["subjects"], "subject", "subjects")
        for name in order[:_SHOWN]
    ]
    words = ", ".join(parts) + (f" and {len(order) - _SHOWN} more" if len(order) > _SHOWN else "")
    if balance.get("unlabelled"):
        words += f"; {counted(balance['unlabelled'], 'slice', 'slices')} without a label"
    if balance.get("ratio"):
        words += f"; to train on, the largest is {balance['ratio']:.2g} times the smallest"
    return words


def _doubles(found: Mapping[str, int] | None) -> str:
    if found is None:
        return ""
    if not found["identical"] and not found["alike"]:
        return "no two subjects look like one"
    same = counted(found["identical"], "pair of subjects", "pairs of subjects")
    near = counted(found["alike"], "pair that looks", "pairs that look")
    return f"{same} with the same pixels, {near} like one head"
