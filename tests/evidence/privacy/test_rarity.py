"""The bound of flagged images: 299 without a flag, asked for last, told in two different ways."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom

from popgan.evidence.privacy.bounds import rate_at_most, share
from popgan.evidence.privacy.overall import overall
from popgan.evidence.privacy.rarity import COPIES_AT_MOST, are_rare, images_needed
from popgan.evidence.privacy.results import (
    Attack,
    Control,
    CopySearch,
    Neighbours,
    PrivacyAudit,
    Verdict,
)
from popgan.evidence.privacy.verdict import ATTACKS, verdict
from popgan.evidence.readers.results import Measure


def search(flags: int, images: int, p: float = 1.0, clear: int = 0) -> CopySearch:
    return CopySearch(
        measures=[],
        flagged=rate_at_most(flags, images, "synthetic images"),
        clear=clear,
        expected=1.0,
        p=p,
        train_subjects=300,
        heldout_subjects=300,
        heldout_images=1200,
        blur=0.0,
        sentence=f"{flags} of {images}.",
    )


def near(value: float, half: float) -> Measure:
    low, high = value - half, value + half
    return Measure(value=value, low=low, high=high, n=600, of="patients", method="made up")


def parts(high: float = 0.55, found: int = 160) -> tuple[Neighbours, list[Attack], list[Control]]:
    """Everything but the copy search as an honest generator has it."""
    attacks = [
        Attack(
            name=name,  # type: ignore[arg-type]
            aggregate="mean",
            members=300,
            others=300,
            auc=near(0.5, high - 0.5),
            p=0.5,
            tpr=share(3, 300, "members"),
            p_tpr=0.5,
            epsilon=near(0.1, 0.1),
            control=near(0.5, 0.05),
        )
        for name in sorted(ATTACKS)
    ]
    nearness = Neighbours(
        ratio=near(1, 0.1), share=near(0.5, 0.1), p=0.5, subjects=300, images=9, sentence="Alike."
    )
    planted = share(found, 160, "planted images")
    return nearness, attacks, [Control(kind="all copies", copies=True, found=planted)]


def judged(copies: CopySearch, **others: Any) -> Verdict:
    return verdict(copies, *parts(**others))


def test_the_images_needed_are_the_fewest_of_which_none_flagged_excludes_the_limit() -> None:
    """Oracle: the chance that images of which 1 % are copies show none must not exceed 5 %."""
    sizes = np.arange(1, 1000)
    enough = binom.pmf(0, sizes, COPIES_AT_MOST) <= 0.05
    assert images_needed() == sizes[enough].min() == 299
    assert not are_rare(search(0, 298)) and are_rare(search(0, 299))


@pytest.mark.parametrize("flags", [1, 4, 13])
def test_with_flags_it_takes_more_images(flags: int) -> None:
    sizes = np.arange(flags + 1, 4000)
    needed = int(sizes[binom.cdf(flags, sizes, COPIES_AT_MOST) <= 0.05].min())
    assert needed > images_needed()
    assert not are_rare(search(flags, needed - 1)) and are_rare(search(flags, needed))


@pytest.mark.parametrize(
    ("images", "level"), [(10, "no power"), (298, "no power"), (299, "passed")]
)
def test_too_few_images_pass_nothing_and_say_how_many_would(images: int, level: str) -> None:
    found = judged(search(0, images))
    assert found.level == level
    if level == "passed":
        assert found.reasons[0] == f"0 of {images}."
    else:
        assert "too few images were searched" in found.sentence
        most = {10: "25.887%", 298: "1.001%"}[images]
        assert found.reasons[0].startswith(f"{images} images were searched: up to {most} of")
        assert "299 or more with none flagged" in found.reasons[0] and "-n" in found.reasons[0]


def test_many_flags_that_chance_might_explain_are_no_pass() -> None:
    """20 of 1000 flagged, 18 of them true copies, p = 0.13: that had been passed."""
    found = judged(search(20, 1000, p=0.13))
    assert found.level == "no power"
    # Oracle: the share at which 20 flags or fewer still have a chance of 5 %.
    most = brentq(lambda share: binom.cdf(20, 1000, share) - 0.05, 0.02, 0.04)
    assert f"so many images were flagged that up to {most:.3%}" in found.sentence
    assert found.reasons[0].startswith("20 of 1000 images were flagged")
    assert "p = 0.13" in found.reasons[0] and "must be looked at" in found.reasons[0]
    assert "too few images" not in found.sentence + found.reasons[0]


def test_the_bound_is_asked_for_last() -> None:
    few = search(0, 10)
    assert judged(search(9, 10, clear=1)).level == "failed"
    blind = judged(few, found=100)
    assert blind.level == "no power" and "misses planted copies" in blind.sentence
    small, enough = judged(few, high=0.7), judged(search(0, 299), high=0.7)
    assert small.level == enough.level == "too few subjects to test"
    assert small.sentence == enough.sentence
    assert small.reasons[:-1] == enough.reasons and "10 images were searched" in small.reasons[-1]


def test_a_control_that_failed_comes_before_the_bound() -> None:
    copies = search(0, 10)
    nearness, attacks, controls = parts()
    result = PrivacyAudit(
        synthetic=10,
        copies=copies,
        neighbours=nearness,
        attacks=attacks,
        controls=controls,
        worst_patient=copies.flagged,
        verdict=verdict(copies, nearness, attacks, controls),
    )
    missed: Any = SimpleNamespace(
        detected=False, outcome="not reproduced", sentence="It learnt nothing."
    )
    found = overall(result, missed)
    assert found.level == "no power" and "no copy of the generator could" in found.sentence
    assert found.reasons == ["It learnt nothing."]
    learnt: Any = SimpleNamespace(detected=True, outcome="detected", sentence="It was found out.")
    found = overall(result, learnt)
    assert found.sentence == result.verdict.sentence and found.level == "no power"
    assert found.reasons == [*result.verdict.reasons, "It was found out."]
