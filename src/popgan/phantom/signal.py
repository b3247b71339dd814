"""How bright a tissue is in a sequence: closed forms of the steady-state signal.

Pure functions of a tissue and of sequence settings; times in ms, angles in degrees; the result
is relative to the equilibrium magnetisation of CSF. MPRAGE is signed (magnetisation may still be
inverted when the centre of k-space is read), so that a mixed voxel cancels as a real one does;
the scanner takes the magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from popgan.phantom.tissue import Tissue


def spin_echo(tissue: Tissue, *, tr: float, te: float) -> float:
    """Spin echo: PD (1 - exp(-TR/T1)) exp(-TE/T2)."""
    return tissue.pd * -math.expm1(-tr / tissue.t1) * math.exp(-te / tissue.t2)


def flair(tissue: Tissue, *, tr: float, te: float, ti: float) -> float:
    """Inversion-recovery spin echo: PD |1 - 2 exp(-TI/T1) + exp(-TR/T1)| exp(-TE/T2)."""
    recovered = 1 - 2 * math.exp(-ti / tissue.t1) + math.exp(-tr / tissue.t1)
    return tissue.pd * abs(recovered) * math.exp(-te / tissue.t2)


def spoiled_gradient_echo(tissue: Tissue, *, tr: float, te: float, angle: float) -> float:
    """Spoiled gradient echo (SPGR, FLASH) in the steady state (Ernst equation).

    T2 stands in for T2*: field inhomogeneity is not modelled.
    """
    flip = math.radians(angle)
    decay = math.exp(-tr / tissue.t1)
    steady = math.sin(flip) * (1 - decay) / (1 - math.cos(flip) * decay)
    return tissue.pd * steady * math.exp(-te / tissue.t2)


def mprage(
    tissue: Tissue, *, tr: float, ti: float, angle: float, echo_spacing: float, pulses: int
) -> float:
    """Inversion-prepared gradient-echo train in its periodic state; signed.

    Longitudinal magnetisation goes through inversion, a delay TA, `pulses` excitations and
    recovery until the next inversion. Each step is affine in the magnetisation, hence so is the
    whole period, and its fixed point is the periodic state (after Mugler and Brookeman, MRM 15,
    152-157, 1990, and Deichmann et al., NeuroImage 12, 112-127, 2000). The signal is that of the
    excitation in the middle of the train, where the centre of k-space is read at TI.

    Args:
        tissue: the tissue; T2 decay at the short echo time is left out.
        tr: from inversion to inversion.
        ti: from inversion to the middle of the train.
        angle: flip angle of the excitations.
        echo_spacing: between excitations.
        pulses: excitations in the train.

    Raises:
        ValueError: the train does not fit between inversion and the next inversion.
    """
    before = ti - pulses * echo_spacing / 2
    after = tr - before - pulses * echo_spacing
    if before < 0 or after < 0:
        raise ValueError("the train of excitations does not fit into TR around TI")
    flip = math.radians(angle)
    decay = math.exp(-echo_spacing / tissue.t1)
    factor = decay * math.cos(flip)

    def recover(time: float) -> tuple[float, float]:
        return math.exp(-time / tissue.t1), -math.expm1(-time / tissue.t1)

    def train(count: int) -> tuple[float, float]:
        power = factor**count
        return power, (1 - decay) * (1 - power) / (1 - factor)

    period = [(-1.0, 0.0), recover(before), train(pulses), recover(after)]
    gain, shift = 1.0, 0.0
    for a, b in period:
        gain, shift = a * gain, a * shift + b
    steady = shift / (1 - gain)
    for a, b in (period[0], period[1], train(pulses // 2)):
        steady = a * steady + b
    return tissue.pd * steady * math.sin(flip)


SEQUENCES: dict[str, Callable[[Tissue], float]] = {
    "T1w": lambda tissue: mprage(tissue, tr=2300, ti=900, angle=9, echo_spacing=7, pulses=176),
    "T2w": lambda tissue: spin_echo(tissue, tr=4000, te=95),
    "PDw": lambda tissue: spin_echo(tissue, tr=3300, te=20),
    "FLAIR": lambda tissue: flair(tissue, tr=9000, te=120, ti=2500),
}
"""The sequence of each contrast the phantom offers."""

SETTINGS: dict[str, dict[str, float | str]] = {
    "T1w": {
        "RepetitionTime": 2.3,
        "InversionTime": 0.9,
        "FlipAngle": 9,
        "EchoTime": 0.003,
        "ScanningSequence": "GR",
    },
    "T2w": {"RepetitionTime": 4.0, "EchoTime": 0.095, "ScanningSequence": "SE"},
    "PDw": {"RepetitionTime": 3.3, "EchoTime": 0.02, "ScanningSequence": "SE"},
    "FLAIR": {
        "RepetitionTime": 9.0,
        "InversionTime": 2.5,
        "EchoTime": 0.12,
        "ScanningSequence": "SE",
    },
}
"""The same settings as BIDS sidecar fields; times in seconds, angles in degrees."""
