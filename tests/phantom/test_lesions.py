"""Lesions have the volume asked for, lie where they do in people, and show as physics says."""

import dataclasses

import numpy as np
import pytest
import torch

from popgan.errors import UserError
from popgan.phantom import Study, draw, simulate
from popgan.phantom.lesions import MultipleSclerosis, Tumour, draw_lesions
from popgan.phantom.mixing import push_aside
from popgan.phantom.template import load_template
from popgan.phantom.warp import grid_points, jacobian

CONTRASTS = ("T1w", "T2w", "FLAIR", "T1wCE")


@pytest.fixture(scope="module")
def template():
    return load_template()


def scanned(kind, index, **changes):
    study = Study(contrasts=CONTRASTS, lesions=kind)
    someone = draw(0, index, study)
    if changes:
        ill = dataclasses.replace(someone.lesions, **changes)
        someone = dataclasses.replace(someone, lesions=ill)
    return simulate(dataclasses.replace(someone, noise=0.5, bias=0.0), study)


@pytest.fixture(scope="module")
def ms():
    return scanned("ms", 4)


@pytest.fixture(scope="module")
def tumour():
    return scanned("tumour", 2)


def millilitres(subject, *names):
    return float(sum(subject.fraction(name).sum() for name in names)) * 8 / 1000


@pytest.mark.parametrize("volume", [2.0, 15.0])
def test_ms_lesions_have_the_volume_asked_for(volume):
    made = scanned("ms", 4, volume=volume)
    assert millilitres(made, "ms") == pytest.approx(volume, rel=0.01)
    assert made.lesion_mask().sum() * 8 / 1000 == pytest.approx(volume, rel=0.25)


@pytest.mark.parametrize(("volume", "necrosis", "oedema"), [(8.0, 0.5, 5.0), (40.0, 0.2, 30.0)])
def test_tumours_have_the_volumes_asked_for(volume, necrosis, oedema):
    made = scanned("tumour", 2, volume=volume, necrosis=necrosis, oedema=oedema)
    assert millilitres(made, "tumour", "necrosis") == pytest.approx(volume, rel=0.01)
    assert millilitres(made, "necrosis") == pytest.approx(necrosis * volume, rel=0.02)
    assert millilitres(made, "oedema") == pytest.approx(oedema, rel=0.02)
    total = volume + oedema
    assert made.lesion_mask().sum() * 8 / 1000 == pytest.approx(total, rel=0.15)


def test_ms_lesions_prefer_the_ventricles(template):
    depth = template.depth
    distances = []
    for index in range(12):
        for one in draw_lesions("ms", 0, index, template).lesions:
            place = np.rint((np.array(one.centre) - depth.origin) / depth.spacing).astype(int)
            distances.append(float(depth.values[0][tuple(place)]))
    white = depth.values[0][template.tissues.values[0, ::2, ::2, ::2] > 0.7]
    assert np.median(distances) < 0.6 * np.median(white)
    assert max(distances) > 15  # but not all of them


def test_ms_is_dark_in_t1w_and_bright_in_t2w_and_flair(ms):
    sick, white, grey = ms.fraction("ms") > 0.9, ms.fraction("wm") > 0.95, ms.fraction("gm") > 0.9
    value = {c: [np.median(ms.scans[c][m]) for m in (sick, white, grey)] for c in CONTRASTS}
    assert sick.sum() > 20
    assert value["T1w"][0] < 0.75 * value["T1w"][1]
    assert value["T2w"][0] > 1.3 * value["T2w"][1]
    assert value["FLAIR"][0] > 1.3 * value["FLAIR"][1]


def test_the_rim_of_a_tumour_enhances_and_its_necrosis_does_not(tumour):
    rim, dead = tumour.fraction("tumour") > 0.9, tumour.fraction("necrosis") > 0.9
    gain = {
        name: np.median(tumour.scans["T1wCE"][m]) / np.median(tumour.scans["T1w"][m])
        for name, m in (("rim", rim), ("dead", dead))
    }
    assert gain["rim"] > 1.5
    assert gain["dead"] == pytest.approx(1, abs=0.1)


def test_necrosis_lies_within_the_rim_and_the_rim_within_oedema(tumour):
    from scipy import ndimage

    def spread(name):
        where = np.argwhere(tumour.fraction(name) > 0.5)
        return np.linalg.norm(where - where.mean(axis=0), axis=1).max()

    dead, rim = (tumour.fraction(name) > 0.5 for name in ("necrosis", "tumour"))
    around = ndimage.binary_dilation(dead) & ~dead
    assert tumour.fraction("tumour")[around].mean() + tumour.fraction("necrosis")[
        around
    ].mean() == pytest.approx(1, abs=0.05)
    assert spread("necrosis") < spread("tumour") < spread("oedema")
    assert rim.any()


def test_fractions_stay_fractions(ms, tumour):
    for made in (ms, tumour):
        assert made.fractions.min() >= 0
        assert made.fractions.sum(axis=0).max() <= 1.001


def test_far_from_a_lesion_the_brain_is_the_same(ms):
    well = simulate(dataclasses.replace(ms.parameters, lesions=None), Study(contrasts=CONTRASTS))
    touched = ms.fraction("ms") > 0
    assert touched.any()
    for contrast in CONTRASTS:
        ill, calm = (one.scans[contrast][~touched].astype(np.int32) for one in (ms, well))
        # A sum over one tissue more may differ in its last bit, and then a voxel is rounded up.
        changed = np.abs(ill - calm)
        assert changed.max() <= 1
        assert (changed > 0).mean() < 1e-4


def test_a_tumour_pushes_the_ventricles_aside_and_shrinks_nothing_but_them(tumour):
    calm = dataclasses.replace(tumour.parameters.lesions, mass=0.0)
    still = simulate(dataclasses.replace(tumour.parameters, lesions=calm))
    sick = tumour.lesion_mask() + still.lesion_mask() > 0
    moved = np.abs(tumour.fraction("csf") - still.fraction("csf"))[~sick]
    assert (moved > 0.4).sum() > 80
    # Nothing is lost but what is displaced from the head: the skull stays where it is.
    np.testing.assert_array_equal(tumour.fraction("bone"), still.fraction("bone"))


@pytest.mark.parametrize("index", range(6))
def test_mass_effect_folds_nothing(template, index):
    ill = dataclasses.replace(draw_lesions("tumour", 0, index, template), mass=0.6)
    shape, spacing = (70, 88, 70), 2.0
    points = grid_points((-70.0, -108.0, -60.0), spacing, shape)
    from popgan.phantom.template import FAR
    from popgan.phantom.warp import sample

    depth = -(sample(template.distance, points)[0] + FAR)
    pushed = push_aside(points.reshape(-1, 3), depth.reshape(-1), ill).reshape(*shape, 3)
    field = torch.movedim(pushed - points, -1, 0).numpy()
    inside = depth.numpy() > 2
    assert jacobian(field, spacing)[inside].min() > 0
    assert np.abs(field).max() > 1


def test_groups_are_drawn_in_thirds_and_alone(template):
    kinds = [draw_lesions("mixed", 0, index, template) for index in range(60)]
    counts = [sum(isinstance(k, t) for k in kinds) for t in (type(None), MultipleSclerosis, Tumour)]
    assert min(counts) >= 10
    assert draw_lesions("mixed", 0, 17, template) == kinds[17]
    with pytest.raises(UserError, match=r"no lesions of kind 'stroke'.*none, ms, tumour, mixed"):
        draw_lesions("stroke", 0, 0, template)
