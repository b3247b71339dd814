"""What a log tells of the health of a training."""

from __future__ import annotations

import pytest
import torch

from plans import tiny_plan
from popgan.config.training import TrainPlan
from popgan.training.log import COLUMNS, Row
from popgan.training.monitor import COLLAPSED, EXPLODED, NOT_FINITE, SATURATED, judge, variety

HEALTHY = {
    "accuracy_real": 0.8,
    "accuracy_fake": 0.8,
    "grad_generator": 10.0,
    "grad_discriminator": 2.0,
    "variety": 0.8,
    "loss_generator": 1.5,
}


SURE = {"accuracy_real": 1.0, "accuracy_fake": 0.99}


def length(images: int, loss: str = "rpgan") -> TrainPlan:
    return tiny_plan(train__images=images, train__loss=loss).train


def rows(*changes: dict[str, float]) -> list[Row]:
    """Rows at 10, 20, ... images that are healthy but for the changes."""
    return [
        {**dict.fromkeys(COLUMNS, 0.0), **HEALTHY, **change, "images": 10.0 * (index + 1)}
        for index, change in enumerate(changes)
    ]


def test_a_healthy_log_is_left_alone() -> None:
    log = rows(*[{}] * 6)
    assert all(judge(log[:n], length(60)) is None for n in range(1, 7))


def test_one_update_that_was_not_finite_is_enough() -> None:
    finding = judge(rows({"broken": 1, "loss_generator": float("nan")}), length(100))
    assert finding is not None
    assert (finding.kind, finding.certain) == (NOT_FINITE, True)


def test_a_gradient_is_judged_by_what_it_used_to_be() -> None:
    usual = [{}] * 4
    assert judge(rows(*usual, {"grad_generator": 500.0}), length(100)) is None
    finding = judge(rows(*usual, {"grad_generator": 1001.0}), length(100))
    assert finding is not None
    assert (finding.kind, finding.certain) == (EXPLODED, True)
    assert "generator" in finding.text
    assert "100 times" in finding.text
    assert judge(rows({}, {"grad_generator": 1e9}), length(100)) is None, "too early to know"


def test_a_discriminator_that_errs_again_has_not_exploded() -> None:
    idle = {**SURE, "grad_discriminator": 0.01}
    assert judge(rows({}, *[idle] * 9, {"grad_discriminator": 2.0}), length(200)) is None
    finding = judge(rows(*[{}] * 3, *[idle] * 9, {"grad_discriminator": 201.0}), length(200))
    assert finding is not None
    assert (finding.kind, finding.certain) == (EXPLODED, True)


def test_a_sure_discriminator_is_believed_when_the_generator_is_lost() -> None:
    strong = rows(*[{**SURE, "loss_generator": 3 + 0.1 * i} for i in range(8)])
    assert judge(strong, length(100)) is None
    for losses, certain in (
        ([5, 6, 6.5, 7], False),
        ([5, 7, 8.5, 9], True),
        ([9, 9.5, 8.9, 9.2], False),
    ):
        log = rows(*[{**SURE, "loss_generator": value} for value in losses])
        finding = judge(log, length(100))
        assert finding is not None
        assert (finding.kind, finding.certain) == (SATURATED, certain)
        assert "train.gamma" in finding.advice
    # A critic's values have no scale, and its gradient does not vanish.
    assert judge(log, length(100).model_copy(update={"loss": "wgan-gp"})) is None


def found(losses: list[float], loss: str = "logistic") -> list[tuple[bool, bool]]:
    """At each tick of a sure discriminator whether a finding is certain, and whether it is news."""
    return found_in(rows(*[{**SURE, "loss_generator": value} for value in losses]), loss)


def found_in(log: list[Row], loss: str = "logistic") -> list[tuple[bool, bool]]:
    """The same of a whole log."""
    findings = [judge(log[: n + 1], length(10**4, loss)) for n in range(len(log))]
    assert all(one is None or one.kind == SATURATED for one in findings)
    return [(one.certain, one.news) if one else (False, False) for one in findings]


@pytest.mark.parametrize(
    "losses",
    [[9.0] * 100, [20 + index % 2 * 3 + 0.1 * index for index in range(100)]],
    ids=["constant", "jumping"],
)
def test_a_lost_generator_is_believed_although_its_loss_does_not_climb_tick_by_tick(
    losses: list[float],
) -> None:
    assert [certain for certain, _ in found(losses)].index(True) == 5


@pytest.mark.parametrize(
    ("losses", "loss", "patience"),
    [
        ([7.0] * 100, "logistic", 2),
        ([30 - 0.1 * index for index in range(100)], "rpgan", 5),
        ([0.5] * 100, "lsgan", 2),
    ],
    ids=["below the threshold", "on its way back", "a loss without a scale"],
)
def test_a_suspicion_that_lasts_is_told_once_and_lived_with(
    losses: list[float], loss: str, patience: int
) -> None:
    answers = found(losses, loss)
    assert not any(certain for certain, _ in answers)
    assert [index for index, (_, news) in enumerate(answers) if news] == [2]
    log = rows(*[{**SURE, "loss_generator": value} for value in losses])
    assert held(log, loss) == [True] * patience + [False] * (100 - patience)


def held(log: list[Row], loss: str = "logistic", images: int = 10**4) -> list[bool]:
    """At each tick whether its checkpoint is none to go back to."""
    findings = [judge(log[: n + 1], length(images, loss)) for n in range(len(log))]
    return [one is not None and one.holds for one in findings]


@pytest.mark.parametrize("before", [0, 20], ids=["at once", "after a long suspicion"])
def test_no_checkpoint_of_a_lost_generator_is_one_to_go_back_to(before: int) -> None:
    losses = [*[1.0] * 3, *[7.0] * before, *[9.0] * 30]
    log = rows(*[{**(SURE if loss > 1 else {}), "loss_generator": loss} for loss in losses])
    last = 3 + before
    certain = [certain for certain, _ in found_in(log)].index(True)
    assert last + 4 <= certain <= last + 5
    assert held(log)[:last] == [*[False] * 3, *([True, True] + [False] * 18 if before else [])]
    assert all(held(log)[last : certain + 1])


def test_a_collapse_beside_a_sure_discriminator_holds_the_checkpoint_as_well() -> None:
    sure, same = {**SURE, "loss_generator": 7.0}, {"variety": 0.01}
    log = rows(*[{}] * 12, sure, {**sure, **same}, {**sure, **same}, {**sure, **same})
    assert held(log, images=160)[12:] == [True, True, True, True]
    finding = judge(log, length(160, "logistic"))
    assert finding is not None and (finding.kind, finding.certain) == (COLLAPSED, True)


def test_a_new_streak_is_told_again_and_a_short_one_not_at_all() -> None:
    losses = [7.0, 7.0, 1.0, 7.0, 7.0, 7.0, 7.0, 1.0, 7.0, 7.0, 7.0]
    assert [index for index, (_, news) in enumerate(found(losses)) if news] == [5, 10]


def test_patience_begins_anew_where_training_has_gone_back_to() -> None:
    lost = rows(*[{**SURE, "loss_generator": 9.0 + index} for index in range(6)])
    certain = {since: judge(lost, length(10**4, "logistic"), since) for since in (0, 20, 30)}
    assert [one is not None and one.certain for one in certain.values()] == [True, True, False]
    same = rows(*[{}] * 10, *[{"variety": 0.01}] * 3)
    one = judge(same, length(100), since=110)
    assert one is not None and not one.certain and one.lasted == 2


def test_sameness_counts_when_it_lasts_and_not_in_the_beginning() -> None:
    same = {"variety": 0.01}
    assert judge(rows(*[same] * 6), length(1000)) is None, "within the first tenth"
    log = rows(*[{}] * 10, same, same, same)
    findings = [judge(log[:n], length(100)) for n in (11, 12, 13)]
    assert [one is not None and one.certain for one in findings] == [False, False, True]
    assert [one is not None and one.news for one in findings] == [True, False, False]
    finding = judge(log, length(100))
    assert finding is not None
    assert finding.kind == COLLAPSED


def test_what_was_not_measured_is_no_sign() -> None:
    assert (
        judge(rows(*[{"variety": float("nan"), "kid_tuning": float("nan")}] * 9), length(90))
        is None
    )


def test_variety_is_a_share_of_what_real_images_have() -> None:
    generator = torch.Generator().manual_seed(0)
    head = torch.randn(1, 1, 8, 8, generator=generator)
    reals = head + 0.5 * torch.randn(40, 1, 8, 8, generator=generator)
    alike = head + 0.05 * torch.randn(40, 1, 8, 8, generator=generator)
    assert variety(reals, reals) == pytest.approx(1)
    assert variety(head.expand(40, -1, -1, -1), reals) == pytest.approx(0, abs=1e-5)
    # Independent noise of variance s^2 on a head of variance v leaves r = v / (v + s^2).
    v = float(head.var())
    expected = (1 - v / (v + 0.05**2)) / (1 - v / (v + 0.5**2))
    assert variety(alike, reals) == pytest.approx(expected, rel=0.1)
