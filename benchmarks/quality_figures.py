"""Curves of KID over minutes as SVG, one figure a cohort."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from popgan.files import atomic_path
from quality_table import values

COLOURS = {"scratch": "#b5541c", "phantom": "#1f6f8b", "phantom, third": "#7fb2c2"}
WORDS = {
    "scratch": "from scratch",
    "phantom": "from the phantom prior",
    "phantom, third": "prior, a third of the time",
}
STYLE: Any = {"svg.hashsalt": "popgan", "font.size": 10, "axes.spines.top": False}
STYLE["axes.spines.right"] = False


def figures(cells: Mapping[str, Any], folder: Path) -> list[str]:
    """Draw what there is; returns the names of the files."""
    found = values(cells, "prior")
    names = []
    for cohort in sorted({name.split(" ")[0] for name in found}):
        curves = {
            (start, seed): value["points"]
            for start in COLOURS
            for seed, value in sorted(found.get(f"{cohort} {start}", {}).items())
            if value.get("points")
        }
        if not curves:
            continue
        scale = cells.get(f"scale/{cohort}", {}).get("value")
        names.append(f"quality-prior-{cohort}.svg")
        _draw(cohort, curves, scale, folder / names[-1])
    return names


def _draw(cohort: str, curves: Mapping[tuple[str, int], Any], scale: Any, path: Path) -> None:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        told = set()
        for (start, _), points in curves.items():
            axes.errorbar(
                [point["minutes"] for point in points],
                [point["kid"] for point in points],
                yerr=[point["error"] for point in points],
                color=COLOURS[start],
                marker="o",
                markersize=3,
                linewidth=1.4,
                elinewidth=0.7,
                label=None if start in told else WORDS[start],
            )
            told.add(start)
        known = {} if scale is None else {n: scale[n]["value"] for n in ("mean image", "blurred")}
        for name, value in known.items():
            axes.axhline(value, color="#888888", linewidth=0.8, linestyle=":")
            words = "slices blurred by 0.8 px" if name == "blurred" else name
            axes.annotate(words, (0.01, value), xycoords=("axes fraction", "data"), ha="left",
                          va="bottom", color="#666666", fontsize=8)  # fmt: skip
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(left=0)
        axes.set_xlabel("minutes of two threads")
        axes.set_ylabel("KID to the test split (bars: standard error)")
        axes.set_title(cohort, loc="left")
        axes.legend(frameon=False)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, metadata={"Date": None})
