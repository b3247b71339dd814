"""Times and images."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans import tiny_plan
from popgan.errors import UserError
from popgan.planning.budget import (
    images_needed,
    images_within,
    parse_budget,
    refuse_short,
    seconds_needed,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("6m", 360), ("1h30m", 5400), ("2d", 172800), ("0.5h", 1800), (" 6M ", 360)],
)
def test_times_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["soon", "", "6", "m", "-6m", "6m!", "1s", "99999d", "6 m x"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match=r"6m|10 seconds"):
        parse_budget(text)


@given(
    seconds=st.floats(10, 1e6),
    share=st.floats(0.01, 0.99),
    low=st.floats(1, 1e4),
    high=st.floats(1, 1e4),
    batch=st.integers(2, 64),
)
def test_images_fill_the_time_to_within_a_batch(
    seconds: float, share: float, low: float, high: float, batch: int
) -> None:
    images = images_within(seconds, [share, 1 - share], [low, high], batch)
    assert images % batch == 0
    if not images:  # less than half a batch fits
        assert seconds <= 0.51 * batch * (share / low + (1 - share) / high)
        return
    train = tiny_plan(train__images=images, train__level_shares=[share, 1 - share]).train
    needed = seconds_needed(train, [low, high])
    assert abs(needed - seconds) <= batch / min(low, high) * 0.51


def test_a_time_for_fewer_than_ten_batches_is_refused_and_enough_is_named() -> None:
    train = tiny_plan(train__level_shares=[0.0, 1.0], train__batch=8).train
    speeds, sustained = [1.0, 4.0], 0.88
    assert images_needed(train) == 8
    images = images_within(sustained * 20, train.level_shares, speeds, 8)
    with pytest.raises(UserError, match=rf"{images} images can be trained on, and 80 are") as short:
        refuse_short("20s", images, train, speeds, sustained)
    enough = float(str(short.value).split("grant ")[1].split("s ")[0])
    images = images_within(sustained * enough, train.level_shares, speeds, 8)
    assert 80 <= images <= 96
    refuse_short("enough", images, train, speeds, sustained)
