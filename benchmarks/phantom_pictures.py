"""The pictures of docs/phantom.md: one phantom with one thing changed from panel to panel.

    python benchmarks/phantom_pictures.py NAME [-o FILE.png]

NAME is contrasts, slices, fields, ages, ms, tumour, artefacts or subjects. Every panel is
computed by the phantom; nothing is retouched. Brightness: 0 to a multiple of the median of white
matter in the same panel, the same multiple for all panels of a contrast.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from popgan.phantom import Protocol, Study, Subject, at_age, draw, simulate
from popgan.phantom.artefacts import Artefacts, Ghosting, Gibbs, Motion, Spikes, ThickSlices
from popgan.phantom.tissue import Name

HERE = Path(__file__).resolve().parent
IMAGES = HERE.parent / "docs" / "images"
BRIGHT = {"T1w": 1.5, "T1wCE": 1.5, "T2w": 3.2, "PDw": 1.6, "FLAIR": 2.1}
ALL = ("T1w", "T2w", "PDw", "FLAIR", "T1wCE")
MARGIN, LINE = 18, 15

Panel = tuple[str, NDArray[np.float64]]


def grey(subject: Subject, contrast: str) -> NDArray[np.float64]:
    """A scan in [0, 1]."""
    data = subject.scans[contrast].astype(float)
    white = subject.fraction("wm") > 0.95
    return np.clip(data / (BRIGHT[contrast] * np.median(data[white])), 0, 1)


def axial(volume: NDArray[np.float64], z: int) -> NDArray[np.float64]:
    """As radiologists look at it: the subject's right on the left, the nose up."""
    return np.flipud(volume[::-1, :, z].T)[4:-10, 18:-18]


def sagittal(volume: NDArray[np.float64], x: int) -> NDArray[np.float64]:
    """Nose to the left."""
    return np.flipud(volume[x].T)[:, ::-1]


def at(mm: float) -> int:
    """Index of a height (mm) in a volume of 1 mm."""
    return round(mm + 96)


def study(**options: object) -> Study:
    """1 mm, T1w unless asked otherwise."""
    return Study(**{"spacing": 1.0, **options})  # type: ignore[arg-type]


def contrasts() -> list[list[Panel]]:
    """One subject in every contrast, at two heights."""
    plan = study(contrasts=ALL)
    made = simulate(draw(0, 0, plan), plan)
    return [[(name, axial(grey(made, name), at(z))) for name in ALL] for z in (8, 32)]


def slices() -> list[list[Panel]]:
    """One subject from below upward, and from the side."""
    plan = study(contrasts=("T1w", "T2w"))
    made = simulate(draw(0, 1, plan), plan)
    rows = []
    for name in plan.contrasts:
        image = grey(made, name)
        row = [(f"{name}, z = {z} mm", axial(image, at(z))) for z in (-56, -36, -22, 14, 48)]
        rows.append([*row, (f"{name}, sagittal", sagittal(image, 108))])
    return rows


def fields() -> list[list[Panel]]:
    """The same head at both fields."""
    someone, rows = draw(0, 3), []
    for tesla in (1.5, 3.0):
        plan = study(contrasts=ALL[:4], protocol=Protocol(tesla))
        made = simulate(someone, plan)
        rows.append([(f"{name}, {tesla:g} T", axial(grey(made, name), at(10))) for name in ALL[:4]])
    return rows


def ages() -> list[list[Panel]]:
    """The same person at three ages."""
    row = []
    for age in (25, 50, 80):
        image = grey(simulate(at_age(draw(0, 0), age), study()), "T1w")
        row += [
            (f"{age} years", axial(image, at(12))),
            (f"{age} years", axial(image, at(44))),
        ]
    return [row[:6]]


def ms() -> list[list[Panel]]:
    """The same brain with lesions of multiple sclerosis and without."""
    plan = study(contrasts=ALL[:4], lesions="ms")
    ill = draw(0, 6, plan)
    rows = []
    for name, someone in (("ms", ill), ("healthy", dataclasses.replace(ill, lesions=None))):
        made = simulate(someone, plan)
        if name == "ms":
            z = fullest(made)
            mask = axial(made.lesion_mask().astype(float), z)
        row = [(f"{contrast}, {name}", axial(grey(made, contrast), z)) for contrast in ALL[:4]]
        rows.append([*row, ("lesions" if name == "ms" else "none", mask * (name == "ms"))])
    return rows


def tumour() -> list[list[Panel]]:
    """A tumour in every contrast, with its truth; and the same brain without."""
    plan = study(contrasts=ALL, lesions="tumour")
    ill = draw(0, 2, plan)
    made = simulate(ill, plan)
    well = simulate(dataclasses.replace(ill, lesions=None), plan)
    z = fullest(made)
    greys: dict[Name, float] = {"oedema": 0.35, "necrosis": 0.65, "tumour": 1.0}
    truth = sum(made.fraction(name) * value for name, value in greys.items())
    rows = []
    for name, one in (("tumour", made), ("healthy", well)):
        row = [(f"{contrast}, {name}", axial(grey(one, contrast), z)) for contrast in ALL]
        rows.append([*row, ("truth", axial(np.asarray(truth) * (one is made), z))])
    return rows


def artefacts() -> list[list[Panel]]:
    """The same scan, spoilt in every way."""
    someone = dataclasses.replace(draw(0, 5), noise=1.5)
    asked = {
        "none": Artefacts(),
        "Gibbs ringing": Artefacts(gibbs=Gibbs(0.4)),
        "ghosting": Artefacts(ghosting=Ghosting(2, 0.3)),
        "spike": Artefacts(spikes=Spikes(1, 0.5)),
        "motion": Artefacts(motion=Motion(2, 3.0, 2.0)),
        "thick slices, 6 mm": Artefacts(thick_slices=ThickSlices(6.0)),
    }
    made = {
        name: simulate(someone, study(spacing=1.5, protocol=Protocol(artefacts=wrong)))
        for name, wrong in asked.items()
    }
    made["bias and noise"] = simulate(
        dataclasses.replace(someone, bias=0.35, noise=8.0), study(spacing=1.5)
    )
    middle = round((10 + 96) / 1.5)
    low = round((12 + 108) / 1.5)
    row = [(name, flat(grey(one, "T1w"), middle)) for name, one in made.items()]
    side = [(name, sagittal(grey(one, "T1w"), low)) for name, one in made.items()]
    return [row, side]


def subjects() -> list[list[Panel]]:
    """Twelve subjects of one population."""
    made = [simulate(draw(0, index), Study()) for index in range(12)]
    panels = [
        (
            f"{one.parameters.age:.0f} {one.parameters.sex}",
            flat(grey(one, "T1w"), 53),
        )
        for one in made
    ]
    return [panels[:6], panels[6:]]


def flat(volume: NDArray[np.float64], z: int) -> NDArray[np.float64]:
    """An axial slice of any spacing, uncropped."""
    return np.flipud(volume[::-1, :, z].T)


def fullest(made: Subject) -> int:
    """The height with most lesion."""
    return int(made.lesion_mask().sum(axis=(0, 1)).argmax())


def sheet(rows: list[list[Panel]]) -> Image.Image:
    """Panels with their names, and what they are."""
    width = max(sum(panel.shape[1] + 4 for _, panel in row) for row in rows)
    heights = [max(panel.shape[0] for _, panel in row) + LINE for row in rows]
    page = Image.new("L", (width, sum(heights) + MARGIN), 0)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=11)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for name, panel in row:
            pen.text((left + 3, top + 1), name, fill=230, font=font)
            pixels = np.round(np.clip(panel, 0, 1) * 255).astype(np.uint8)
            page.paste(Image.fromarray(pixels), (left, top + LINE))
            left += panel.shape[1] + 4
        top += height
    pen.text((3, top + 3), "phantom: simulated, no person was scanned", fill=150, font=font)
    return page


PICTURES: dict[str, Callable[[], list[list[Panel]]]] = {
    "contrasts": contrasts,
    "slices": slices,
    "fields": fields,
    "ages": ages,
    "ms": ms,
    "tumour": tumour,
    "artefacts": artefacts,
    "subjects": subjects,
}


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=PICTURES)
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    out = options.out or IMAGES / f"phantom-{options.name}.png"
    sheet(PICTURES[options.name]()).save(out, optimize=True)
    print(out.name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
