"""A phantom's head has what a head has, where a head has it."""

import dataclasses

import numpy as np
import pytest

from popgan.errors import UserError
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
    # Skin and fat are thinner than a voxel here and may share one, or two between them.
    first = [int(np.argmax(layer > 0.05)) for layer in layers.values()]
    assert first == sorted(first)
    assert first[0] >= 3  # air above the head
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


def test_a_missing_atlas_is_one_clear_line_and_ellipsoids_do_without(monkeypatch):
    from popgan.phantom import template

    assert template._atlas().values.shape == (3, 197, 233, 189)
    monkeypatch.setattr(template.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"nilearn.*not installed.*pip install"):
        template._atlas()
    assert template._ellipsoids().values.shape[0] == 3


def test_a_thicker_cortex_is_taken_from_white_matter_and_nothing_else():
    thin, thick = (make(dataclasses.replace(SUBJECT, cortex=mm)) for mm in (-0.5, 0.5))
    assert litres(thick, "gm") > 1.1 * litres(thin, "gm")
    assert litres(thick, "wm") < litres(thin, "wm")
    both = ("wm", "gm", "csf")
    assert litres(thick, *both) == pytest.approx(litres(thin, *both), rel=0.01)


def test_asymmetry_is_what_tells_the_sides_apart():
    def agreement(asymmetry):
        calm = dataclasses.replace(SUBJECT, asymmetry=asymmetry, folding=0.0, warp=3.0)
        white = make(calm)[ORDER.index("wm")]
        return np.corrcoef(white.ravel(), white[::-1].ravel())[0, 1]

    assert agreement(0.0) > agreement(0.6) + 0.05


def test_a_brain_alone_has_nothing_around_it(fractions):
    bare = head(
        SUBJECT, load_template(), origin=ORIGIN, spacing=SPACING, shape=SHAPE, skull=False
    ).numpy()
    assert litres(bare, "bone", "marrow", "fat", "muscle") == 0
    assert litres(bare, "wm", "gm") == pytest.approx(litres(fractions, "wm", "gm"), rel=0.02)
    assert litres(bare, "csf") < litres(fractions, "csf")


def test_eyes_sinuses_and_spinal_canal_lie_where_they_belong():
    plain = dataclasses.replace(
        SUBJECT, scale=(1, 1, 1), warp=0.0, ventricles=0.0, rotation=(0, 0, 0), shift=(0, 0, 0)
    )
    made = make(plain)

    def at(x, y, z):
        index = [round((p - o) / SPACING) for p, o in zip((x, y, z), ORIGIN, strict=True)]
        return dict(zip(ORDER, made[:, *index], strict=True))

    for side in (-1, 1):
        assert at(33 * side, 60, -37)["csf"] > 0.9  # vitreous
        assert at(29 * side, 48, -62) == dict.fromkeys(ORDER, 0)  # maxillary sinus
        assert at(26 * side, 38, -37)["fat"] > 0.5  # orbit
    assert at(9, -48, -88)["csf"] > 0.4  # beside the cord
    assert at(0, -48, -88)["muscle"] > 0.5  # cord: no brain
    assert at(0, 36, -92)["muscle"] > 0.5  # tongue


def test_the_voxel_size_changes_partial_volume_but_not_volumes():
    sizes = {}
    for spacing in (2.0, 4.0):
        shape = tuple(round(side / spacing) for side in (216, 240, 192))
        made = head(SUBJECT, load_template(), origin=ORIGIN, spacing=spacing, shape=shape).numpy()
        sizes[spacing] = {n: made[i].sum() * spacing**3 / 1e6 for i, n in enumerate(ORDER)}
    for name in ("wm", "gm", "csf", "muscle"):
        assert sizes[4.0][name] == pytest.approx(sizes[2.0][name], rel=0.04)
