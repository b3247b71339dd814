"""Curves of losses and of the discriminator's accuracies, a panel a model, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from popgan.evidence.compare.results import Curve
from popgan.files import atomic_path
from quality_figures import STYLE

LOSSES = (
    ("loss_generator", "generator", "#1f6f8b"),
    ("loss_discriminator", "discriminator", "#b5541c"),
)
ACCURACIES = (
    ("accuracy_real", "real judged real", "#1f6f8b"),
    ("accuracy_fake", "made judged made", "#b5541c"),
)
COLUMNS = 4


def figures(cells: Mapping[str, Any], folder: Path) -> list[str]:
    """Draw what there is; returns the names of the files."""
    found = curves(cells)
    if not found:
        return []
    _draw(found, LOSSES, "loss", folder / "paper_table-losses.svg")
    _draw(found, ACCURACIES, "share judged right", folder / "paper_table-accuracies.svg")
    return ["paper_table-losses.svg", "paper_table-accuracies.svg"]


def curves(cells: Mapping[str, Any]) -> dict[str, Curve]:
    """By model: those that draw first."""
    compared = cells.get("compared", {}).get("value", {"models": []})
    found = {model["name"]: model["curve"] for model in compared["models"] if model["curve"]}
    for name, record in cells.items():
        if name.startswith("curve/"):
            found[name.split("/")[2]] = record["value"]["curve"]
    return {name: Curve.model_validate(curve) for name, curve in found.items()}


def _draw(
    found: Mapping[str, Curve], lines: tuple[tuple[str, str, str], ...], title: str, path: Path
) -> None:
    columns = min(COLUMNS, len(found))
    rows = -(-len(found) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(2.6 * columns + 0.4, 2.1 * rows + 0.5), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(rows, columns, squeeze=False, sharey=title != "loss")
        for axes in panels.flat[len(found) :]:
            axes.set_axis_off()
        for axes, (name, curve) in zip(panels.flat, found.items(), strict=False):
            _panel(axes, name, curve, lines)
            if title != "loss":
                axes.set_ylim(-0.02, 1.02)
                axes.axhline(0.5, color="#888888", linewidth=0.7, linestyle=":")
        for axes in panels[:, 0]:
            axes.set_ylabel(title)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=2, frameon=False)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, metadata={"Date": None})


def _panel(axes: Axes, name: str, curve: Curve, lines: tuple[tuple[str, str, str], ...]) -> None:
    """One model; what was not logged leaves a gap."""
    thousands = [images / 1000 for images in curve.images]
    for field, label, colour in lines:
        values = [float("nan") if v is None else v for v in getattr(curve, field)]
        axes.plot(thousands, values, color=colour, linewidth=1.3, marker=".", markersize=3,
                  label=label)  # fmt: skip
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_title(name, loc="left", fontsize=9)
    axes.set_xlabel("thousand images shown", fontsize=8)
    axes.tick_params(labelsize=8)
