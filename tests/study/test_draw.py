"""What draws the images of a study again is known only to who has its secret."""

from __future__ import annotations

from popgan.study.draw import SEEDS, generator_seeds, practice_seed
from popgan.study.order import Secret


def test_generator_seeds_follow_from_the_secret_and_are_too_many_to_try() -> None:
    one, other = Secret("1f" * 32), Secret("2e" * 32)
    seeds = [*generator_seeds(one), practice_seed(one)]
    assert seeds == [*generator_seeds(Secret("1f" * 32)), practice_seed(Secret("1f" * 32))]
    assert len(set(seeds)) == SEEDS + 1
    assert not set(seeds) & {*generator_seeds(other), practice_seed(other)}
    # Beyond the seeds of `generate`, exact in every reader of JSON, and of more than 40 bits.
    assert all(2**31 <= seed < 2**53 for seed in seeds)
    assert max(seeds) > 2**40


def test_no_design_holds_a_generator_seed() -> None:
    from study.planned_studies import a_design

    values = a_design().model_dump()
    assert "generator_seeds" not in values and values["generators"] == 3
