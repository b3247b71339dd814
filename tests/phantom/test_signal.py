"""Signals of sequences against limits, known optima and a step-by-step simulation."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popgan.phantom.signal import SEQUENCES, flair, mprage, spin_echo, spoiled_gradient_echo
from popgan.phantom.tissue import ORDER, Tissue, tissue

TISSUES = [tissue(name) for name in ORDER]
MPRAGE = {"tr": 2300, "ti": 900, "angle": 9, "echo_spacing": 7, "pulses": 176}


def test_spin_echo_has_its_limits():
    some = Tissue(1000, 80, 0.8)
    assert spin_echo(some, tr=1e9, te=0) == pytest.approx(0.8)
    assert spin_echo(some, tr=0, te=20) == 0
    assert spin_echo(some, tr=1e9, te=80) == pytest.approx(0.8 / math.e)
    assert spin_echo(some, tr=1000, te=0) == pytest.approx(0.8 * (1 - 1 / math.e))


@pytest.mark.parametrize("t1", [300, 830, 1330, 4160])
def test_gradient_echo_is_brightest_at_the_ernst_angle(t1):
    some, tr = Tissue(t1, 1e9, 1), 18
    ernst = math.degrees(math.acos(math.exp(-tr / t1)))
    signal = {a: spoiled_gradient_echo(some, tr=tr, te=0, angle=ernst + a) for a in (-2, 0, 2)}
    assert signal[0] > signal[-2]
    assert signal[0] > signal[2]


def test_flair_nulls_its_fluid_and_keeps_the_tissue():
    assert SEQUENCES["FLAIR"](tissue("csf")) < 0.25 * SEQUENCES["FLAIR"](tissue("wm"))
    # At the null point of long TR the signal is zero.
    fluid = Tissue(4000, 2000, 1)
    assert flair(fluid, tr=1e9, te=0, ti=4000 * math.log(2)) == pytest.approx(0, abs=1e-12)


def simulate(some, *, tr, ti, angle, echo_spacing, pulses):
    """Longitudinal magnetisation pulse by pulse until it repeats."""
    flip = math.radians(angle)
    before = ti - pulses * echo_spacing / 2
    after = tr - before - pulses * echo_spacing
    z = 1.0

    def wait(z, time):
        return 1 + (z - 1) * math.exp(-time / some.t1)

    for _ in range(60):
        z = wait(-z, before)
        for pulse in range(pulses):
            if pulse == pulses // 2:
                read = z
            z = wait(z * math.cos(flip), echo_spacing)
        z = wait(z, after)
    return some.pd * read * math.sin(flip)


@pytest.mark.parametrize("name", ORDER)
def test_mprage_agrees_with_a_simulation_pulse_by_pulse(name):
    assert mprage(tissue(name), **MPRAGE) == pytest.approx(simulate(tissue(name), **MPRAGE))


def test_mprage_without_excitation_is_inversion_recovery():
    some = Tissue(1000, 80, 1)
    tiny = mprage(some, tr=3000, ti=800, angle=1e-4, echo_spacing=5, pulses=2)
    free = 1 - 2 * math.exp(-0.8) / (1 + math.exp(-3.0))
    assert tiny / math.sin(math.radians(1e-4)) == pytest.approx(free, rel=1e-6)


def test_a_train_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        mprage(TISSUES[0], tr=2300, ti=500, angle=9, echo_spacing=7, pulses=176)


def test_contrasts_have_their_order():
    value = {c: {n: abs(SEQUENCES[c](tissue(n))) for n in ORDER} for c in SEQUENCES}
    t1, t2, pd, fl = (value[c] for c in ("T1w", "T2w", "PDw", "FLAIR"))
    assert t1["fat"] > t1["wm"] > t1["gm"] > t1["csf"] > t1["bone"]
    assert t2["csf"] > t2["gm"] > t2["wm"]
    assert pd["gm"] > pd["wm"]
    assert fl["gm"] > fl["wm"] > fl["csf"]


@given(
    t1=st.floats(100, 5000),
    t2=st.floats(0.3, 3000),
    pd=st.floats(0, 1),
    tr=st.floats(1, 10000),
    te=st.floats(0, 300),
    angle=st.floats(0.1, 90),
)
def test_no_signal_exceeds_the_proton_density(t1, t2, pd, tr, te, angle):
    some = Tissue(t1, t2, pd)
    for value in (
        spin_echo(some, tr=tr, te=te),
        spoiled_gradient_echo(some, tr=tr, te=te, angle=angle),
        flair(some, tr=tr, te=te, ti=tr / 3),
    ):
        assert 0 <= value <= pd * (1 + 1e-9)


def test_tissue_is_known_at_two_fields_only():
    assert tissue("wm", field=1.5).t1 < tissue("wm", field=3.0).t1
    with pytest.raises(ValueError, match="7"):
        tissue("wm", field=7)
