"""A phantom's head has what a head has, where a head has it."""

import dataclasses

import numpy as np
import pytest

from popgan.phantom.anatomy import head
from popgan.phantom.parameters import draw_subject
from popgan.phantom.template import load_template
from popgan.phantom.tissue import ORDER

SPACING, ORIGIN, SHAPE = 3.0, (-108.0, -126.0, -96.0), (72, 80, 64)
SUBJECT = dataclasses.replace(draw_subject(0, 2), rotation=(0, 0, 0), shift=(0, 0, 0))


def make(subject, procedural=False):
    template = load_template(procedural=procedural)
    return head(subject, template, origin=ORIGIN, spacing=SPACING, shape=SHAPE).numpy()


@pytest.fixture(scope="module")
def fractions():
    return make(SUBJECT)


def litres(fractions, *names):
    return sum(fractions[ORDER.index(n)].sum() for n in names) * SPACING**3 / 1e6


def test_fractions_are_fractions(fractions):
    assert fractions.shape == (len(ORDER), *SHAPE)
    assert fractions.min() >= 0
    assert fractions.sum(axis=0).max() <= 1.01
    assert np.isfinite(fractions).all()


def test_brain_volumes_are_those_of_adults(fractions):
    assert 0.9 < litres(fractions, "wm", "gm") < 1.6
    assert 0.6 < litres(fractions, "gm") / litres(fractions, "wm") < 2.2
    assert 0.1 < litres(fractions, "csf") < 0.6


def test_from_the_vertex_inward_come_skin_fat_bone_fluid_and_brain(fractions):
    column = dict(zip(ORDER, fractions[:, 44, 34, ::-1], strict=True))
    layers = {
        "skin": column["muscle"],
        "fat": column["fat"],
        "skull": column["bone"] + column["marrow"],
        "brain": column["gm"] + column["wm"],
    }
    assert all(layer.max() > 0.2 for layer in layers.values())
    first = [int(np.argmax(layer > 0.15)) for layer in layers.values()]
    assert first == sorted(first)
    assert first[0] > 5  # air above the head
    assert first[-1] - first[0] >= 3  # 9 mm and more of skin, fat, bone and fluid


def test_air_surrounds_the_head(fractions):
    total = fractions.sum(axis=0)
    assert total[:4].max() == total[-4:].max() == total[:, :, -2:].max() == 0


def test_wider_ventricles_hold_more_fluid_in_the_middle_of_the_head():
    middle = np.s_[:, 28:44, 24:48, 30:42]
    fluid = {}
    for mm in (-1.0, 4.0):
        made = make(dataclasses.replace(SUBJECT, ventricles=mm))
        fluid[mm] = made[middle][ORDER.index("csf")].sum()
    assert fluid[4.0] > 1.4 * fluid[-1.0]


def test_atrophy_turns_cortex_into_fluid():
    young, old = (make(dataclasses.replace(SUBJECT, atrophy=a)) for a in (0.0, 1.0))
    assert litres(old, "csf") > 1.15 * litres(young, "csf")
    assert litres(old, "gm") < litres(young, "gm")


def test_the_two_halves_are_alike_but_not_the_same(fractions):
    white = fractions[ORDER.index("wm")]
    # The grid is symmetric about x = -1.5 mm: voxel i mirrors voxel 71 - i.
    agreement = np.corrcoef(white.ravel(), white[::-1].ravel())[0, 1]
    assert 0.6 < agreement < 0.995


def test_the_brain_of_ellipsoids_stands_in_for_the_atlas():
    made = make(SUBJECT, procedural=True)
    assert 0.8 < litres(made, "wm", "gm") < 1.8
    assert litres(made, "csf") > 0.05
    assert made.sum(axis=0).max() <= 1.01


def test_a_missing_atlas_is_noticed_without_an_error(monkeypatch):
    from popgan.phantom import template

    assert template._atlas() is not None
    monkeypatch.setattr(template.importlib.util, "find_spec", lambda name: None)
    assert template._atlas() is None
