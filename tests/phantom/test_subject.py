"""A subject can be made alone and made again with one thing changed."""

import dataclasses

import numpy as np
import pytest
import torch

import popgan.phantom
from popgan.errors import UserError
from popgan.phantom import Protocol, Study, at_age, axial_slices, draw, make_subject, simulate
from popgan.phantom.streaming import stream, workers_for

COARSE = 4.0
MOVED = {"ventricles", "atrophy", "gap", "cortex", "scale"}  # by age


def test_a_subject_is_the_same_alone_and_in_a_stream():
    study = Study(contrasts=("T1w", "FLAIR"), spacing=COARSE, lesions="mixed", sites=3)
    streamed = list(stream(4, lambda one: one, seed=5, study=study, workers=2))
    alone = make_subject(5, 2, contrasts=("T1w", "FLAIR"), spacing=COARSE, lesions="mixed", sites=3)
    for contrast, data in alone.scans.items():
        np.testing.assert_array_equal(data, streamed[2].scans[contrast])
    assert [one.parameters.index for one in streamed] == [0, 1, 2, 3]
    later = next(stream(1, lambda one: one, seed=5, study=study, first=2, workers=1))
    np.testing.assert_array_equal(later.scans["T1w"], alone.scans["T1w"])


@pytest.mark.parametrize("lesions", ["ms", "tumour"])
def test_the_threads_of_torch_change_nothing(lesions):
    made = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        made.append(make_subject(1, 3, lesions=lesions, spacing=COARSE))
    np.testing.assert_array_equal(made[0].scans["T1w"], made[1].scans["T1w"])
    np.testing.assert_array_equal(made[0].fractions, made[1].fractions)


def test_the_field_changes_the_scan_and_not_the_head():
    weak, strong = (make_subject(0, 1, field=f, spacing=COARSE) for f in (1.5, 3.0))
    np.testing.assert_array_equal(weak.fractions, strong.fractions)
    assert weak.parameters == strong.parameters
    grey, white = (strong.fraction(name) > 0.95 for name in ("gm", "wm"))
    ratio = [
        np.median(s.scans["T1w"][grey]) / np.median(s.scans["T1w"][white]) for s in (weak, strong)
    ]
    assert ratio[0] != pytest.approx(ratio[1], abs=0.02)


def test_the_same_person_at_thirty_and_at_eighty():
    young, old = (make_subject(0, 4, age=age, spacing=COARSE) for age in (30, 80))
    assert (young.parameters.age, old.parameters.age) == (30, 80)
    assert old.fraction("csf").sum() > 1.2 * young.fraction("csf").sum()
    assert old.fraction("gm").sum() < young.fraction("gm").sum()
    for same in ("rotation", "folding", "warp", "t1", "sex", "skull"):
        assert getattr(young.parameters, same) == getattr(old.parameters, same)
    assert old.fraction("wm").sum() < 1.01 * young.fraction("wm").sum()


def test_an_adults_skull_does_not_grow():
    young, old = (make_subject(0, 4, age=age, spacing=COARSE) for age in (22, 84))

    def cavity(subject):
        return sum(subject.fraction(name).sum() for name in ("csf", "gm", "wm"))

    assert cavity(old) == pytest.approx(cavity(young), rel=0.015)
    assert old.fraction("bone").sum() == pytest.approx(young.fraction("bone").sum(), rel=0.03)


def test_growing_older_and_younger_again_changes_nothing():
    someone = draw(0, 7)
    back = at_age(at_age(someone, someone.age + 2), someone.age)
    for name, value in dataclasses.asdict(someone).items():
        assert getattr(back, name) == (pytest.approx(value) if name in MOVED else value)


def test_sites_differ_in_noise_scale_and_timing_and_one_site_is_plain():
    study = Study(spacing=COARSE, sites=3)
    made = [simulate(draw(0, index, study), study) for index in range(4)]
    assert [one.site.name for one in made] == ["site-01", "site-02", "site-03", "site-01"]
    assert len({one.sequences["T1w"].tr for one in made[:3]}) == 3
    levels = [np.median(one.scans["T1w"][one.fraction("wm") > 0.9]) for one in made[:3]]
    assert max(levels) > 1.15 * min(levels)
    plain = simulate(draw(0, 0))
    assert plain.site.gain == plain.site.noise == 1
    # Whose head it is does not depend on where it is scanned.
    np.testing.assert_array_equal(
        made[0].fractions, simulate(draw(0, 0), Study(spacing=COARSE)).fractions
    )


def test_skull_stripping_leaves_zeros_and_the_brain_as_it_was():
    whole, bare = (make_subject(0, 1, skull=s, spacing=COARSE) for s in (True, False))
    assert (bare.scans["T1w"] == 0).mean() > 0.6
    brain = bare.fraction("wm") > 0.9
    np.testing.assert_array_equal(bare.scans["T1w"][brain], whole.scans["T1w"][brain])


def test_labels_and_masks_say_what_prevails():
    made = make_subject(0, 2, lesions="tumour", spacing=COARSE)
    labels = made.labels()
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
    assert (labels[made.fraction("wm") > 0.6] == 3).all()
    assert (labels[made.lesion_mask() == 1] == 4).mean() > 0.9
    assert made.fraction("ms").sum() == 0


def test_axial_slices_lie_in_the_brain():
    made = make_subject(0, 0, spacing=COARSE, contrasts=("T1w", "T2w"))
    slices = axial_slices(made, 6)
    assert slices.shape == (6, 2, *made.scans["T1w"].shape[:2])
    assert all((one[0] > 300).mean() > 0.15 for one in slices)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"contrasts": ("T9w",)}, "no contrast 'T9w'"),
        ({"lesions": "stroke"}, "no lesions of kind 'stroke'"),
        ({"sites": 0}, "0 sites"),
        ({"artefacts": 1.5}, "artefacts in 1.5"),
        ({"artefacts": float("nan")}, "artefacts in nan"),
        ({"field": 7}, "not at 7 T"),
        ({"age": 8}, "8 years"),
        ({"spacing": 0.2}, "0.2 mm"),
    ],
)
def test_impossible_subjects_are_one_clear_line(options, says):
    with pytest.raises(UserError, match=says):
        make_subject(0, 0, **options)


def test_workers_are_bounded_by_memory(monkeypatch):
    import psutil

    from popgan.phantom import streaming as module

    monkeypatch.setattr(module, "usable_cores", lambda: 64)
    full = psutil.virtual_memory()._replace(available=3 * 2**30)
    monkeypatch.setattr(module.psutil, "virtual_memory", lambda: full)
    assert workers_for(Study(spacing=1.0)) < workers_for(Study(spacing=2.0)) <= 8


def test_every_name_of_the_package_can_be_had():
    for name in popgan.phantom.__all__:
        assert getattr(popgan.phantom, name) is not None
    assert dir(popgan.phantom) == sorted(popgan.phantom.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = popgan.phantom.nothing
    assert Protocol().field == 3.0
