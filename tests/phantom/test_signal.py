"""Signals of sequences against limits, known optima, the Bloch equations and a real brain."""

import math

import nibabel as nib
import numpy as np
import pytest
from bloch import simulate
from hypothesis import given
from hypothesis import strategies as st

from popgan.phantom.protocol import SEQUENCES, Sequence
from popgan.phantom.signal import flair, mprage, spin_echo, spoiled_gradient_echo
from popgan.phantom.template import _FILE, _atlas_folder, load_template
from popgan.phantom.tissue import ALL, FIELDS, ORDER, Tissue, tissue

TISSUES = [tissue(name) for name in ORDER]
OTHERS = {
    "T1w spin echo": Sequence("spin_echo", 500, 15),
    "T1w SPGR": Sequence("spgr", 18, 10, angle=30),
}


def test_spin_echo_has_its_limits():
    some = Tissue(1000, 80, 0.8)
    assert spin_echo(some, tr=1e9, te=0) == pytest.approx(0.8)
    assert spin_echo(some, tr=0, te=0) == 0
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
    fluid, white = (abs(SEQUENCES["FLAIR"].signal(tissue(n))) for n in ("csf", "wm"))
    assert fluid < 0.25 * white
    # At the null point of long TR the signal is zero.
    fluid = Tissue(4000, 2000, 1)
    assert flair(fluid, tr=1e9, te=0, ti=4000 * math.log(2)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", [*SEQUENCES, *OTHERS])
def test_closed_forms_solve_the_bloch_equations(name, field):
    sequence = {**SEQUENCES, **OTHERS}[name]
    for kind in ALL:
        some = tissue(kind, field=field)
        repeats = 2000 if sequence.kind == "spgr" else 12
        expected = simulate(sequence, some, repeats=repeats)
        assert sequence.signal(some) == pytest.approx(expected, rel=1e-6, abs=1e-9), kind


def test_mprage_without_excitation_is_inversion_recovery():
    some = Tissue(1000, 80, 1)
    tiny = mprage(some, tr=3000, ti=800, angle=1e-4, echo_spacing=5, pulses=2)
    free = 1 - 2 * math.exp(-0.8) / (1 + math.exp(-3.0))
    assert tiny / math.sin(math.radians(1e-4)) == pytest.approx(free, rel=1e-6)


def test_a_train_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        mprage(TISSUES[0], tr=2300, ti=500, angle=9, echo_spacing=7, pulses=176)


@pytest.mark.parametrize("field", FIELDS)
def test_contrasts_have_their_order_at_both_fields(field):
    value = {
        c: {n: abs(SEQUENCES[c].signal(tissue(n, field=field))) for n in ALL} for c in SEQUENCES
    }
    t1, t2, pd, fl = (value[c] for c in ("T1w", "T2w", "PDw", "FLAIR"))
    assert t1["fat"] > t1["wm"] > t1["gm"] > t1["csf"] > t1["bone"]
    assert t2["csf"] > t2["gm"] > t2["wm"]
    assert pd["gm"] > pd["wm"]
    assert fl["gm"] > fl["wm"] > fl["csf"]
    # Lesions: dark in T1w, bright in T2w, brighter than all healthy brain in FLAIR.
    for name in ("ms", "oedema"):
        assert t1[name] < t1["gm"]
        assert t2["csf"] > t2[name] > t2["gm"]
        assert fl[name] > fl["gm"]
    assert t1["necrosis"] < t1["tumour"] < t1["wm"]
    assert t2["necrosis"] > t2["tumour"] > t2["wm"]
    assert fl["necrosis"] < fl["oedema"]


@pytest.mark.parametrize("field", FIELDS)
def test_contrast_agent_brightens_what_takes_it_up(field):
    rim = tissue("tumour", field=field)
    bright = rim.with_agent(0.4, field=field)
    assert SEQUENCES["T1wCE"].signal(bright) > 1.5 * SEQUENCES["T1wCE"].signal(rim)
    assert SEQUENCES["T1wCE"].signal(bright) > SEQUENCES["T1wCE"].signal(tissue("wm", field=field))
    assert rim.with_agent(0.0, field=field).t1 == pytest.approx(rim.t1)
    if field == 1.5:
        # The value of the literature for enhancing tumour.
        assert (bright.t1, bright.t2) == pytest.approx((400, 80), rel=0.04)


def test_simulated_mprage_agrees_with_the_real_brain_behind_the_atlas():
    maps = load_template().tissues.values
    real = np.asanyarray(nib.load(_atlas_folder() / _FILE.format(kind="t1")).dataobj)
    inside = real > 0
    signals = [SEQUENCES["T1w"].signal(tissue(name)) for name in ("wm", "gm", "csf")]
    made = np.abs(np.tensordot(np.array(signals, np.float32), maps, axes=1))
    r = np.corrcoef(made[inside], real[inside].astype(float))[0, 1]
    assert r > 0.97


@given(
    t1=st.floats(100, 5000),
    t2=st.floats(0.3, 3000),
    pd=st.floats(0, 1),
    tr=st.floats(1, 10000),
    te=st.floats(0, 1),
    ti=st.floats(0, 1),
    angle=st.floats(0.1, 90),
)
def test_no_signal_exceeds_the_proton_density(t1, t2, pd, tr, te, ti, angle):
    some, te = Tissue(t1, t2, pd), te * tr / 2
    for value in (
        spin_echo(some, tr=tr, te=te),
        spoiled_gradient_echo(some, tr=tr, te=te, angle=angle),
        flair(some, tr=tr, te=te, ti=ti * (tr - te)),
    ):
        assert abs(value) <= pd * (1 + 1e-9)


def test_tissue_is_known_at_two_fields_only():
    from popgan.errors import UserError

    assert tissue("wm", field=1.5).t1 < tissue("wm", field=3.0).t1
    with pytest.raises(UserError, match=r"1\.5 and 3 T"):
        tissue("wm", field=7)
    with pytest.raises(UserError, match=r"no tissue 'bonemarrow'.*choose among wm"):
        tissue("bonemarrow")
