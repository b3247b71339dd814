"""Membership attacks: scores against brute force; memorising is found, honesty is not accused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gaussian_kde, multivariate_normal

from popgan.errors import UserError
from popgan.evidence.privacy.membership import attacks, domias, gan_leaks, monte_carlo


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def slices(rng, patients: int, each: int, name: str):
    own = np.repeat(rng.normal(size=(patients, 10)), each, 0)
    rows = own + 0.4 * rng.normal(size=own.shape)
    return rows, [f"{name}{i // each:03d}" for i in range(len(rows))]


def honest(rng, count: int) -> np.ndarray:
    return rng.normal(size=(count, 10)) * np.sqrt(1.16)


def run(rng, patients: int, synthetic=None, reference: bool = True):
    train, names = slices(rng, patients, 3, "t")
    heldout, others = slices(rng, patients, 3, "h")
    third = slices(rng, 60, 2, "r")[0] if reference else None
    made = honest(rng, 300) if synthetic is None else synthetic(train)
    return attacks(train, names, heldout, others, made, third)


def test_scores_are_those_of_brute_force(rng) -> None:
    x, s, r = rng.normal(size=(20, 4)), rng.normal(size=(50, 4)), rng.normal(size=(30, 4))
    to_s = np.linalg.norm(x[:, None] - s[None], axis=2)
    to_r = np.linalg.norm(x[:, None] - r[None], axis=2)
    assert gan_leaks(x, s) == pytest.approx(-to_s.min(1))
    assert gan_leaks(x, s, r) == pytest.approx(to_r.min(1) - to_s.min(1))
    assert monte_carlo(x, s) == pytest.approx((to_s <= np.median(to_s.min(1))).mean(1))
    assert monte_carlo(x, s, 0.7) == pytest.approx((to_s <= 0.7).mean(1))


@pytest.mark.parametrize("density", ["gaussian", "kernel"])
def test_density_ratios_are_those_of_scipy(rng, density) -> None:
    x, s, r = (rng.normal(size=(n, 2)) for n in (25, 400, 300))
    found = domias(x, s, r, components=2, density=density)
    if density == "kernel":
        expected = gaussian_kde(s.T).logpdf(x.T) - gaussian_kde(r.T).logpdf(x.T)
    else:
        one, two = (multivariate_normal(p.mean(0), np.cov(p.T)) for p in (s, r))
        expected = one.logpdf(x) - two.logpdf(x)
    assert found == pytest.approx(expected, abs=0.02)


def test_a_memorising_generator_gives_its_members_away(rng) -> None:
    found, exposed = run(
        rng, 100, lambda t: t[rng.integers(len(t), size=600)] + 0.1 * rng.normal(size=(600, 10))
    )
    best = max(found, key=lambda attack: attack.auc.value)
    assert len(found) == 8 and best.auc.low > 0.9 and best.p < 1e-6
    assert best.tpr.low > 0.5 and best.p_tpr < 1e-6 and best.epsilon.low > 1
    assert best.auc.low > best.control.high
    assert np.mean(list(exposed.values())) > 0.5


def test_one_memorised_patient_is_the_most_exposed(rng) -> None:
    def leaky(train):
        return np.concatenate([honest(rng, 300), np.repeat(train[9:12], 40, 0)])

    _, exposed = run(rng, 40, leaky)
    assert max(exposed, key=exposed.get) == "t003"


def test_honest_generators_hold_the_level() -> None:
    runs, rejected = 60, 0
    for seed in range(runs):
        found, _ = run(np.random.default_rng(seed), 20)
        rejected += min(attack.p for attack in found) * len(found) <= 0.05
    assert rejected <= 7  # 98 % point of binomial(60, 0.05)


def test_slices_are_not_subjects(rng) -> None:
    found, _ = run(rng, 10)
    assert all(attack.members == attack.others == 10 for attack in found)
    assert all(attack.auc.n == 20 and attack.tpr.value is None for attack in found)


def test_without_a_reference_two_attacks_remain(rng) -> None:
    found, _ = run(rng, 10, reference=False)
    assert {attack.name for attack in found} == {"GAN-Leaks", "Monte-Carlo"}


def test_a_patient_on_both_sides_is_refused(rng) -> None:
    x, names = slices(rng, 4, 2, "t")
    with pytest.raises(UserError, match="both members and others"):
        attacks(x, names, x, names, honest(rng, 20))
