"""What the prior is told for a cohort."""

from __future__ import annotations

import pytest

from popgan.prior.kinds import CONTRASTS, KINDS, has_skull, kind_of, mixture


def test_a_known_contrast_is_its_own_kind() -> None:
    told = mixture(["FLAIR"], skull=False)
    assert dict(zip(KINDS, told, strict=True))["FLAIR brain"] == 1
    assert sum(told) == 1


def test_unknown_skull_is_half_of_each() -> None:
    told = dict(zip(KINDS, mixture(["T1w"], skull=None), strict=True))
    assert told["T1w"] == told["T1w brain"] == 0.5


def test_an_unknown_contrast_counts_as_all_of_them() -> None:
    told = dict(zip(KINDS, mixture(["swi"], skull=True), strict=True))
    for contrast in CONTRASTS:
        assert told[kind_of(contrast, skull=True)] == pytest.approx(1 / len(CONTRASTS))


@pytest.mark.parametrize("skull", [True, False, None])
@pytest.mark.parametrize("contrasts", [["T1w"], ["T1w", "FLAIR"], ["T2w", "odd"], ["odd"]])
def test_the_shares_sum_to_one(contrasts: list[str], skull: bool | None) -> None:
    assert sum(mixture(contrasts, skull=skull)) == pytest.approx(1)


def test_the_name_of_a_kind_tells_whether_there_is_a_skull() -> None:
    assert [has_skull(kind_of("T2w", skull=skull)) for skull in (True, False)] == [True, False]
