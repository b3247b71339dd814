"""What the phantom is made of: relaxation times and proton density of tissues.

T1 and T2 in milliseconds, proton density relative to CSF. Values for CSF, grey and white matter
and fat are means of published relaxometry; muscle follows Stanisz et al. (MRM 54, 507-512, 2005).
Cortical bone gives almost no signal because its T2 is below a millisecond. Lesions are mixed as
tissues of their own, so that every sequence shows them as their relaxation times say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from popgan.errors import UserError

Name = Literal[
    "wm",
    "gm",
    "csf",
    "bone",
    "marrow",
    "fat",
    "muscle",
    "ms",
    "oedema",
    "tumour",
    "necrosis",
]
ORDER: tuple[Name, ...] = ("wm", "gm", "csf", "bone", "marrow", "fat", "muscle")
"""Order of the channels of a healthy head's tissue fractions; the remainder is air."""
LESIONS: tuple[Name, ...] = ("ms", "oedema", "tumour", "necrosis")
"""The channels that follow `ORDER` in a head with lesions; `tumour` is its enhancing part."""
ALL = ORDER + LESIONS
FIELDS = (1.5, 3.0)
# Gadolinium chelates in tissue at 37 C, per second and mmol/l (Rohrer et al., Invest Radiol 40,
# 715-724, 2005): r1 at 1.5 and 3 T, and r2.
_R1, _R2 = (4.5, 4.1), 5.5
UPTAKE: dict[Name, float] = {"muscle": 0.08, "gm": 0.03, "wm": 0.015, "marrow": 0.03}
"""Contrast agent (mmol/l) minutes after injection: blood vessels in tissue with a barrier, and
leakage where there is none. A tumour's own uptake is a property of the tumour."""


@dataclass(frozen=True)
class Tissue:
    """Relaxation times (ms) and proton density (CSF = 1) of one tissue at one field."""

    t1: float
    t2: float
    pd: float

    def scaled(self, t1: float, t2: float) -> Tissue:
        """The tissue with its relaxation times multiplied by factors > 0."""
        return Tissue(self.t1 * t1, self.t2 * t2, self.pd)

    def with_agent(self, concentration: float, *, field: float = 3.0) -> Tissue:
        """The tissue with contrast agent (mmol/l): relaxation rates grow in proportion to it."""
        rate1 = 1 / self.t1 + _R1[_column(field)] * concentration / 1000
        rate2 = 1 / self.t2 + _R2 * concentration / 1000
        return Tissue(1 / rate1, 1 / rate2, self.pd)


# T1 of tumours at 3 T: grown with the field as that of tumours at large (0.926 s * B0^0.217). T2 of
# multiple sclerosis: lesions are brighter than cortex on FLAIR, which 100 ms would not make them.
_TABLE: dict[Name, tuple[Tissue, Tissue]] = {
    "wm": (Tissue(560, 72, 0.77), Tissue(830, 69, 0.77)),
    "gm": (Tissue(1100, 95, 0.86), Tissue(1330, 99, 0.86)),
    "csf": (Tissue(4280, 2030, 1.0), Tissue(4160, 2100, 1.0)),
    "bone": (Tissue(250, 0.5, 0.05), Tissue(300, 0.5, 0.05)),
    "marrow": (Tissue(330, 120, 0.45), Tissue(400, 100, 0.45)),
    "fat": (Tissue(290, 165, 1.0), Tissue(370, 130, 1.0)),
    "muscle": (Tissue(1010, 44, 0.80), Tissue(1410, 50, 0.80)),
    "ms": (Tissue(1200, 130, 0.85), Tissue(1400, 130, 0.85)),
    "oedema": (Tissue(1500, 120, 0.92), Tissue(1743, 120, 0.92)),
    "tumour": (Tissue(1400, 100, 0.90), Tissue(1627, 100, 0.90)),
    "necrosis": (Tissue(2000, 150, 0.88), Tissue(2325, 150, 0.88)),
}


def tissue(name: str, *, field: float = 3.0) -> Tissue:
    """Parameters of a tissue.

    Args:
        name: see `ALL`.
        field: field strength in tesla, 1.5 or 3.

    Raises:
        UserError: another field strength or an unknown tissue.
    """
    column = _column(field)
    return _TABLE[known(name)][column]


def known(name: str, *, where: str | None = None) -> Name:
    """The name of a tissue, checked; `where` tells what it was read from.

    Raises:
        UserError: no tissue has this name.
    """
    for choice in get_args(Name):
        if name == choice:
            return choice
    raise UserError(
        f"the phantom has no tissue {name!r}",
        where=where,
        do=f"choose among {', '.join(get_args(Name))}",
    )


def _column(field: float) -> int:
    if field not in FIELDS:
        raise UserError(
            f"tissue values are known at 1.5 and 3 T, not at {field:g} T", do="give 1.5 or 3"
        )
    return FIELDS.index(field)
