"""Differences of models on one reference: truth in closed form, coverage, false alarms, Holm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from popgan.evidence.compare.pairs import Contender, mean_of, pairs
from popgan.evidence.compare.results import Pair
from popgan.evidence.compare.scores import Reference, Scored, score_coverage, score_kid
from popgan.evidence.compare.words import budget_sentence
from popgan.evidence.fidelity.kid import kid

SUBJECTS, SLICES, DRAWN, FEATURES = 20, 6, 300, 16


@dataclass(frozen=True)
class World:
    """Independent normal features; subjects differ, slices of one differ less.

    Real features have mean 0 and variance 1; a model's have its own mean in all of them.
    """

    rng: np.random.Generator

    def reference(self) -> Reference:
        heads = np.repeat(self.rng.normal(0, 0.8, (SUBJECTS, FEATURES)), SLICES, 0)
        features = heads + self.rng.normal(0, 0.6, heads.shape)
        names = [f"s{i:02}" for i in range(SUBJECTS) for _ in range(SLICES)]
        return Reference.of(features, names, seed=0)

    def drawn(self, mean: float, count: int = DRAWN) -> NDArray[np.float64]:
        return np.asarray(self.rng.normal(mean, 1, (count, FEATURES)))

    def model(self, reference: Reference, mean: float, count: int = DRAWN) -> Scored:
        return score_kid(reference, self.drawn(mean, count), seed=0)


def true_kid(mean: float) -> float:
    """MMD^2 for the kernel (x.y / d + 1)^3, from the tensors of the first three moments."""
    d = FEATURES

    def expected(a: float, b: float) -> float:
        across, one, other = a * b * d, a * a * d, b * b * d
        second = d + one + other + across**2
        third = across**3 + 3 * (one + other) * across + (3 * d + 6) * across
        return third / d**3 + 3 * second / d**2 + 3 * across / d + 1

    return expected(mean, mean) + expected(0, 0) - 2 * expected(mean, 0)


def contenders(*groups: tuple[Scored, ...]) -> list[Contender]:
    return [
        Contender(f"model {i}", tuple(range(len(scored))), scored)
        for i, scored in enumerate(groups)
    ]


def compared(seed: int, first: float, second: float) -> Pair:
    world = World(np.random.default_rng(seed))
    reference = world.reference()
    models = [(world.model(reference, mean),) for mean in (first, second)]
    return pairs(contenders(*models), "kid", SUBJECTS)[0]


def trainings(seed: int, means: tuple[float, float], count: int) -> Pair:
    """Two recipes of which every training has a mean of its own."""
    world = World(np.random.default_rng(seed))
    reference = world.reference()
    groups = [
        tuple(world.model(reference, world.rng.normal(mean, 0.1), 150) for _ in range(count))
        for mean in means
    ]
    return pairs(contenders(*groups), "kid", SUBJECTS)[0]


def test_the_difference_is_that_of_both_distances() -> None:
    world = World(np.random.default_rng(0))
    reference = world.reference()
    drawn = [world.drawn(mean) for mean in (0.2, 0.5)]
    scored = [score_kid(reference, features, 0) for features in drawn]
    (pair,) = pairs(contenders(*((one,) for one in scored)), "kid", SUBJECTS)
    expected = kid(reference.features, drawn[0]) - kid(reference.features, drawn[1])
    assert pair.difference.value == pytest.approx(expected)


def test_the_distance_to_a_subject_alone_differs_between_models_as_kid_does() -> None:
    world = World(np.random.default_rng(1))
    reference = world.reference()
    drawn = [world.drawn(mean) for mean in (0.2, 0.5)]
    one, other = (score_kid(reference, features, 0).of_subjects for features in drawn)
    assert one is not None and other is not None
    for subject in (0, 7):
        own = reference.features[reference.owners == subject]
        expected = kid(own, drawn[0]) - kid(own, drawn[1])
        assert one[subject] - other[subject] == pytest.approx(expected)


def test_intervals_of_differences_hold_the_truth() -> None:
    truth, held = true_kid(0.3) - true_kid(0.5), 0
    for seed in range(120):
        found = compared(seed, 0.3, 0.5).difference
        assert found.low is not None and found.high is not None
        held += found.low <= truth <= found.high
    assert held / 120 >= 0.90


def test_equal_models_are_ties_and_seldom_anything_else() -> None:
    alarms = [not compared(seed, 0.3, 0.3).tie for seed in range(120)]
    assert sum(alarms) / 120 <= 0.09


def test_a_worse_model_is_found_and_the_better_one_named() -> None:
    pair = compared(2, 0.1, 0.9)
    assert not pair.tie and pair.better == "model 0" and pair.unit == "held-out subjects"
    assert pair.superiority.value is not None and pair.superiority.value > 0.7
    assert pair.exact is None
    assert "model 0 is better than model 1" in pair.sentence
    assert "about these weights" in pair.sentence
    turned = compared(2, 0.9, 0.1)
    assert turned.better == "model 1"


def test_the_difference_is_known_better_than_two_distances() -> None:
    world = World(np.random.default_rng(3))
    reference = world.reference()
    made = contenders(*((world.model(reference, mean, 3000),) for mean in (0.5, 0.55)))
    (pair,) = pairs(made, "kid", SUBJECTS)
    alone = [mean_of(group, SUBJECTS) for group in made]
    widths = [(one.high or 0) - (one.low or 0) for one in (*alone, pair.difference)]
    assert widths[2] < 0.5 * min(widths[:2])


def test_the_same_images_are_a_tie_without_a_test() -> None:
    world = World(np.random.default_rng(4))
    reference = world.reference()
    one = world.model(reference, 0.3)
    (pair,) = pairs(contenders((one,), (one,)), "kid", SUBJECTS)
    assert pair.tie and pair.better is None and pair.difference.value == 0
    assert pair.superiority.value == 0.5


def test_trainings_are_the_replicates_and_their_spread_counts() -> None:
    pair = trainings(5, (0.2, 0.6), 5)
    assert pair.unit == "trainings" and pair.better == "model 0"
    assert pair.exact is not None and pair.exact.p == pair.smallest_p == 0.0625
    assert "cannot be less than 0.062" in pair.sentence
    assert pair.superiority.value == 1.0 and "5 and 5 trainings" in pair.difference.method


def test_every_number_of_a_pair_says_what_was_varied_and_how_many() -> None:
    world = World(np.random.default_rng(11))
    reference = world.reference()
    groups = [
        tuple(world.model(reference, mean, 60) for _ in range(count))
        for mean, count in ((0.2, 3), (0.5, 4))
    ]
    made = contenders(*groups, (world.model(reference, 0.7, 60),))
    several, single, _ = pairs(made, "kid", SUBJECTS)
    for found in (several.difference, several.effect, several.superiority, several.test):
        assert (found.n, found.of) == (7, "trainings")
    for method in (several.difference.method, several.test.method):
        assert "trainings" in method and f"{SUBJECTS} held-out subjects" in method
    for found in (single.difference, single.effect, single.superiority, single.test):
        assert (found.n, found.of) == (SUBJECTS, "held-out subjects")
    means = [mean_of(group, SUBJECTS) for group in made]
    assert [(one.n, one.of) for one in means] == [
        *((count, "trainings") for count in (3, 4)),
        (SUBJECTS, "held-out subjects"),
    ]


def test_intervals_between_recipes_hold_the_truth_with_five_trainings() -> None:
    # A training's own mean is normal about its recipe's.
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    truth = [
        float(weights @ [true_kid(mean + 0.1 * x) for x in nodes]) / float(weights.sum())
        for mean in (0.3, 0.5)
    ]
    held = 0
    for seed in range(60):
        found = trainings(seed, (0.3, 0.5), 5).difference
        assert found.low is not None and found.high is not None
        held += found.low <= truth[0] - truth[1] <= found.high
    assert held / 60 >= 0.88


def test_recipes_alike_but_for_their_seeds_are_seldom_told_apart() -> None:
    alarms = [not trainings(seed, (0.4, 0.4), 4).tie for seed in range(60)]
    assert sum(alarms) / 60 <= 0.1


def test_trainings_of_other_seeds_are_permuted_not_flipped() -> None:
    world = World(np.random.default_rng(6))
    reference = world.reference()
    groups = [tuple(world.model(reference, mean, 100) for _ in range(4)) for mean in (0.2, 0.8)]
    made = [Contender("a", (0, 1, 2, 3), groups[0]), Contender("b", (4, 5, 6, 7), groups[1])]
    (pair,) = pairs(made, "kid", SUBJECTS)
    assert pair.exact is not None and "permutations" in pair.exact.method
    assert pair.smallest_p == pytest.approx(2 / 70)


def test_one_training_against_several_speaks_of_weights_only() -> None:
    world = World(np.random.default_rng(7))
    reference = world.reference()
    several = tuple(world.model(reference, 0.5, 100) for _ in range(3))
    (pair,) = pairs(contenders((world.model(reference, 0.2),), several), "kid", SUBJECTS)
    assert pair.unit == "held-out subjects" and pair.exact is None


def test_holm_is_over_all_pairs_and_the_p_value_is_students() -> None:
    world = World(np.random.default_rng(8))
    reference = world.reference()
    made = contenders(*((world.model(reference, mean),) for mean in (0.2, 0.3, 0.45, 0.8)))
    found = pairs(made, "kid", SUBJECTS)
    raw = [pair.test.p for pair in found]
    expected = multipletests(raw, method="holm")[1]
    assert [pair.test.p_holm for pair in found] == pytest.approx(list(expected))
    assert [pair.tie for pair in found] == [p > 0.05 for p in expected]
    for pair in found:
        assert pair.difference.high is not None and pair.difference.value is not None
        assert pair.test.statistic is not None
        freedom = float(pair.test.method.split("with ")[1].split(" ")[0])
        error = (pair.difference.high - pair.difference.value) / scipy.stats.t.ppf(0.975, freedom)
        t = pair.difference.value / error
        assert pair.test.statistic == pytest.approx(t, rel=0.01)
        assert pair.test.p == pytest.approx(2 * scipy.stats.t.sf(abs(t), freedom), rel=0.1)


def two_dimensional(rng: np.random.Generator, count: int, spread: float) -> NDArray[np.float64]:
    return np.asarray(rng.normal(0, spread, (count, 2)))


def test_more_coverage_is_better() -> None:
    rng = np.random.default_rng(9)
    names = [f"s{i // 6}" for i in range(120)]
    reference = Reference.of(two_dimensional(rng, 120, 1.0), names, seed=0)
    wide, narrow = (
        score_coverage(reference, two_dimensional(rng, 300, spread), 0) for spread in (1.0, 0.15)
    )
    assert wide is not None and narrow is not None
    (pair,) = pairs(contenders((wide,), (narrow,)), "clipped_coverage", 20)
    assert pair.better == "model 0" and pair.effect.value is None and pair.effect.reason
    few = Reference.of(two_dimensional(rng, 8, 1.0), names[:8], seed=0)
    assert score_coverage(few, two_dimensional(rng, 300, 1.0), 0) is None


def test_unequal_budgets_are_told() -> None:
    equal, said = budget_sentence([("a", 1000, 60.0), ("b", 4000, 62.0)])
    assert equal and "training time (within 10 %)" in said
    equal, said = budget_sentence([("a", 1000, 60.0), ("b", 4000, 262.0)])
    assert equal is False and "NOT equal" in said and "1,000 to 4,000" in said
    assert budget_sentence([("a", 1000, None), ("b", 1000, 5.0)])[0] is True
    assert budget_sentence([("a", 1000, 60.0)]) == (None, "")
