"""How bright a tissue is in a sequence: closed forms of the steady-state signal.

Pure functions of a tissue and of sequence settings; times in ms, angles in degrees; the result
is relative to the equilibrium magnetisation of CSF. Inversion makes it signed (magnetisation may
still be inverted when it is read), so that a mixed voxel cancels as a real one does; the scanner
takes the magnitude.
"""

from __future__ import annotations

import math

from popgan.phantom.tissue import Tissue


def spin_echo(tissue: Tissue, *, tr: float, te: float) -> float:
    """Spin echo: PD (1 - 2 exp(-(TR - TE/2)/T1) + exp(-TR/T1)) exp(-TE/T2).

    The refocusing pulse turns over what has recovered by TE/2; without that, for TE much shorter
    than TR, the middle is the textbook's 1 - exp(-TR/T1).
    """
    recovered = 1 - 2 * math.exp(-(tr - te / 2) / tissue.t1) + math.exp(-tr / tissue.t1)
    return tissue.pd * recovered * math.exp(-te / tissue.t2)


def flair(tissue: Tissue, *, tr: float, te: float, ti: float) -> float:
    """Inversion-recovery spin echo, signed.

    PD (1 - 2 exp(-TI/T1) + 2 exp(-(TR - TE/2)/T1) - exp(-TR/T1)) exp(-TE/T2): the periodic state
    of inversion, TI, excitation, TE/2, refocusing, recovery. For short TE the last two terms
    become the textbook's + exp(-TR/T1).
    """
    late = 2 * math.exp(-(tr - te / 2) / tissue.t1) - math.exp(-tr / tissue.t1)
    return tissue.pd * (1 - 2 * math.exp(-ti / tissue.t1) + late) * math.exp(-te / tissue.t2)


def spoiled_gradient_echo(tissue: Tissue, *, tr: float, te: float, angle: float) -> float:
    """Spoiled gradient echo (SPGR, FLASH) in the steady state (Ernst equation).

    T2 stands in for T2*: field inhomogeneity is not modelled.
    """
    flip = math.radians(angle)
    decay = math.exp(-tr / tissue.t1)
    steady = math.sin(flip) * (1 - decay) / (1 - math.cos(flip) * decay)
    return tissue.pd * steady * math.exp(-te / tissue.t2)


def mprage(
    tissue: Tissue,
    *,
    tr: float,
    ti: float,
    angle: float,
    echo_spacing: float,
    pulses: int,
    te: float = 0.0,
) -> float:
    """Inversion-prepared gradient-echo train in its periodic state; signed.

    Longitudinal magnetisation goes through inversion, a delay TA, `pulses` excitations and
    recovery until the next inversion. Each step is affine in the magnetisation, hence so is the
    whole period, and its fixed point is the periodic state (after Mugler and Brookeman, MRM 15,
    152-157, 1990, and Deichmann et al., NeuroImage 12, 112-127, 2000). The signal is that of the
    excitation in the middle of the train, where the centre of k-space is read at TI.

    Args:
        tissue: the tissue.
        tr: from inversion to inversion.
        ti: from inversion to the middle of the train.
        angle: flip angle of the excitations.
        echo_spacing: between excitations.
        pulses: excitations in the train.
        te: echo time; T2 stands in for T2*.

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
    return tissue.pd * steady * math.sin(flip) * math.exp(-te / tissue.t2)
