"""matplotlib figures as inline SVG that takes the page's colours and fonts.

A figure is drawn with marker colours, which are then replaced by the page's CSS variables: one
drawing serves light, dark and print. Text stays text, so that it is sharp, small and can be read
by machines.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

# Marker colour -> what the page uses in its place. Nothing else may be drawn in these colours.
INK, MUTED, GRID, PAPER = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04"
REAL, SYNTHETIC, THIRD, BAND = "#0a0b05", "#0a0b06", "#0a0b07", "#0a0b08"
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    PAPER: "var(--paper)",
    REAL: "var(--real)",
    SYNTHETIC: "var(--synthetic)",
    THIRD: "var(--third)",
    BAND: "var(--band)",
}
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "popgan",
    "font.size": 12,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 12,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


@dataclass(frozen=True)
class Drawing:
    """A figure of the page: its SVG, its heading and the sentence below it."""

    svg: Markup
    title: str
    caption: str


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure of `width` x `height` CSS pixels in the style of the page."""
    with matplotlib.rc_context(_STYLE):
        layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02)
        figure = Figure(figsize=(width / 72, height / 72), layout=layout)
        return figure, figure.add_subplot()


def to_svg(figure: Figure, name: str, alt: str) -> Markup:
    """The figure as an SVG element; `name` keeps its ids apart from other figures', `alt` says
    in words what it shows."""
    buffer = io.StringIO()
    with matplotlib.rc_context(_STYLE):
        FigureCanvasSVG(figure).print_svg(
            buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return Markup(_clean(buffer.getvalue(), name, str(escape(alt))))


def _clean(text: str, name: str, alt: str) -> str:
    """Strip what only a file of its own needs, and make ids, colours and size the page's."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r"<style[^>]*>.*?</style>", "", text, flags=re.S)
    view = re.search(r'viewBox="([^"]+)"', text)
    box = view.group(1) if view else "0 0 1 1"
    head = f'<svg class="drawing" role="img" aria-label="{alt}" viewBox="{box}">'
    text = re.sub(r"<svg[^>]*>", lambda _: head, text, count=1)
    # Groups exist for their ids only; what is referred to keeps its id, made unique on the page.
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    text = re.sub(
        r' id="([^"]+)"',
        lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "",
        text,
    )
    text = re.sub(r'xlink:href="#', f'href="#{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    return re.sub(r"\n\s*", "\n", text).strip()
