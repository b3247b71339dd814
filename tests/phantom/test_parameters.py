"""Subjects are drawn one by one and vary as people do."""

import numpy as np

from popgan.phantom.parameters import draw_subject

POPULATION = [draw_subject(0, index) for index in range(300)]


def test_a_subject_can_be_drawn_alone_and_again():
    assert draw_subject(0, 17) == POPULATION[17]
    assert draw_subject(1, 17) != POPULATION[17]


def test_no_two_subjects_are_alike():
    assert len({(p.age, p.scale, p.rotation) for p in POPULATION}) == 300


def test_numbers_stay_within_what_people_have():
    for p in POPULATION:
        assert 20 <= p.age <= 85
        assert all(0.7 < side < 1.15 for side in p.scale)
        assert max(map(abs, p.rotation)) <= 15
        assert 4 <= p.skull <= 8
        assert -4 <= p.ventricles <= 10
        assert all(0.88 <= factor <= 1.12 for factor in p.t1 + p.t2)


def test_ventricles_widen_with_age_and_men_have_larger_heads():
    age = np.array([p.age for p in POPULATION])
    assert np.corrcoef(age, [p.ventricles for p in POPULATION])[0, 1] > 0.4
    size = np.array([np.prod(p.scale) for p in POPULATION])
    men = np.array([p.sex == "M" for p in POPULATION])
    assert size[men].mean() > 1.05 * size[~men].mean()
    assert 0.35 < men.mean() < 0.65
