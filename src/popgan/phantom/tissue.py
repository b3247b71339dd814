"""What the phantom is made of: relaxation times and proton density of tissues.

T1 and T2 in milliseconds, proton density relative to CSF. Values for CSF, grey and white matter
and fat are means of published relaxometry; muscle follows Stanisz et al. (MRM 54, 507-512, 2005).
Cortical bone gives almost no signal because its T2 is below a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Name = Literal["wm", "gm", "csf", "bone", "marrow", "fat", "muscle"]
ORDER: tuple[Name, ...] = ("wm", "gm", "csf", "bone", "marrow", "fat", "muscle")
"""Order of the channels of a subject's tissue fractions; the remainder is air."""
FIELDS = (1.5, 3.0)


@dataclass(frozen=True)
class Tissue:
    """Relaxation times (ms) and proton density (CSF = 1) of one tissue at one field."""

    t1: float
    t2: float
    pd: float

    def scaled(self, t1: float, t2: float) -> Tissue:
        """The tissue with its relaxation times multiplied by factors > 0."""
        return Tissue(self.t1 * t1, self.t2 * t2, self.pd)


_TABLE: dict[Name, tuple[Tissue, Tissue]] = {
    "wm": (Tissue(560, 72, 0.77), Tissue(830, 69, 0.77)),
    "gm": (Tissue(1100, 95, 0.86), Tissue(1330, 99, 0.86)),
    "csf": (Tissue(4280, 2030, 1.0), Tissue(4160, 2100, 1.0)),
    "bone": (Tissue(250, 0.5, 0.05), Tissue(300, 0.5, 0.05)),
    "marrow": (Tissue(330, 120, 0.45), Tissue(400, 100, 0.45)),
    "fat": (Tissue(290, 165, 1.0), Tissue(370, 130, 1.0)),
    "muscle": (Tissue(1010, 44, 0.80), Tissue(1410, 50, 0.80)),
}


def tissue(name: Name, *, field: float = 3.0) -> Tissue:
    """Parameters of a tissue.

    Args:
        name: see `ORDER`.
        field: field strength in tesla, 1.5 or 3.

    Raises:
        ValueError: another field strength.
    """
    if field not in FIELDS:
        raise ValueError(f"tissue values are known at 1.5 and 3 T, not at {field} T")
    return _TABLE[name][FIELDS.index(field)]
