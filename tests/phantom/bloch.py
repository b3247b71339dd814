"""An oracle for signals: the Bloch equations solved numerically, pulse by pulse.

The magnetisation is a vector in the rotating frame. Between pulses it obeys
dM/dt = -Mxy/T2 + (M0 - Mz)/T1, solved by a matrix exponential; pulses are rotations; spoilers
destroy what is transverse. A sequence is repeated until it repeats itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.linalg import expm

from popgan.phantom.protocol import Sequence
from popgan.phantom.tissue import Tissue

Step = tuple[str, float]


def simulate(sequence: Sequence, some: Tissue, *, repeats: int = 40) -> float:
    """Signal at the echo, in the periodic state."""
    events = list(_EVENTS[sequence.kind](sequence))
    matrices = {step: _matrix(step, some) for step in set(events)}
    state = np.array([0.0, 0.0, some.pd, 1.0])
    read = 0.0
    for _ in range(repeats):
        for step in events:
            if step[0] == "read":
                read = state[1]
            else:
                state = matrices[step] @ state
    return float(read)


def _matrix(step: Step, some: Tissue) -> np.ndarray:
    """A step as an affine map of (Mx, My, Mz, 1)."""
    name, amount = step
    result = np.eye(4)
    if name == "wait":
        slope = np.diag([-1 / some.t2, -1 / some.t2, -1 / some.t1, 0.0])
        slope[2, 3] = some.pd / some.t1
        return expm(slope * amount)
    if name == "spoil":
        result[0, 0] = result[1, 1] = 0
        return result
    angle = np.radians(amount)
    cos, sin = np.cos(angle), np.sin(angle)
    if name == "x":  # turns z into y
        result[1:3, 1:3] = [[cos, sin], [-sin, cos]]
    elif name == "y":
        result[np.ix_([0, 2], [0, 2])] = [[cos, sin], [-sin, cos]]
    return result


def _echo(te: float) -> Iterator[Step]:
    yield from [("x", 90.0), ("wait", te / 2), ("y", 180.0), ("wait", te / 2), ("read", 0.0)]


def _spin_echo(s: Sequence) -> Iterator[Step]:
    yield from _echo(s.te)
    yield from [("wait", s.tr - s.te), ("spoil", 0.0)]


def _flair(s: Sequence) -> Iterator[Step]:
    yield from [("x", 180.0), ("spoil", 0.0), ("wait", s.ti)]
    yield from _echo(s.te)
    yield from [("wait", s.tr - s.ti - s.te), ("spoil", 0.0)]


def _spgr(s: Sequence) -> Iterator[Step]:
    yield from [("x", s.angle), ("wait", s.te), ("read", 0.0), ("wait", s.tr - s.te)]
    yield ("spoil", 0.0)


def _mprage(s: Sequence) -> Iterator[Step]:
    before = s.ti - s.pulses * s.echo_spacing / 2
    yield from [("x", 180.0), ("spoil", 0.0), ("wait", before)]
    for pulse in range(s.pulses):
        yield from [("x", s.angle), ("wait", s.te)]
        if pulse == s.pulses // 2:
            yield ("read", 0.0)
        yield from [("wait", s.echo_spacing - s.te), ("spoil", 0.0)]
    yield ("wait", s.tr - before - s.pulses * s.echo_spacing)


_EVENTS: dict[str, Callable[[Sequence], Iterator[Step]]] = {
    "spin_echo": _spin_echo,
    "flair": _flair,
    "spgr": _spgr,
    "mprage": _mprage,
}
