"""A preregistration promises what `analyse` does for the design at hand, and nothing else."""

from __future__ import annotations

from popgan.study.preregistration import Hashes, as_markdown
from popgan.study.promises import analysis_plan, hypotheses, outcomes
from popgan.study.registered import standings
from study.planned_studies import a_design

TWO = {"a": 12, "b": 12}


def texts(**changes: object) -> str:
    """All promises of a design."""
    design = a_design(**changes)
    return "\n".join([*hypotheses(design), *outcomes(design), *analysis_plan(design)])


def test_pairs_promise_no_comparison_of_models_and_nothing_that_pairs_do_not_have() -> None:
    said = texts(kind="2afc", synthetic=TWO)
    for word in ("H2", "H3", "Friedman", "criterion", "ROC", "Agreement between", "ICC", "Holm"):
        assert word not in said
    assert "share of trials in which the left image was chosen" in said
    assert "each model's images alone is exploratory" in said
    assert "models" not in standings(a_design(kind="2afc", synthetic=TWO))


def test_several_models_name_their_families_and_blocks() -> None:
    said = texts(synthetic=TWO)
    assert "The 10 tests (5 criteria x 2 models) are one family" in said
    assert "for each criterion one Friedman test over models" in said
    assert "put together at random" in said and "Holm's method over criteria" in said
    assert "corrected by Holm's method within a criterion" in said
    one = texts()
    assert "The 5 tests, one a criterion, are one family" in one
    assert "H3" not in one and "Friedman" not in one


def test_one_reader_is_registered_as_one() -> None:
    for kind in ("likert+authenticity", "2afc"):
        said = texts(readers=1, kind=kind)
        assert "for this one reader and other images" in said
        assert "Nothing is claimed about other readers" in said
        for word in ("across readers", "Obuchowski", "Agreement between", "ICC(2,1)", "left out"):
            assert word not in said
    assert "Obuchowski" in texts(readers=2)


def test_readers_who_did_not_finish_are_promised_what_is_done_about_them() -> None:
    said = texts(readers=3)
    assert "fewer than half as many first answers in a part as the reader with most" in said
    assert "if two or more readers finished" in said


def test_intervals_are_told_as_they_are_made() -> None:
    said = texts()
    assert "Every interval" not in said
    assert "count clusters by the design effect" in said and "sandwich variance" in said
    assert "H2 speaks for these readers alone" in said


def test_without_going_back_no_change_of_answers_is_promised() -> None:
    assert "may be changed" in texts(back=True)
    assert "may be changed" not in texts(back=False) and "cannot go back" in texts(back=False)


def test_without_repeats_no_agreement_with_oneself_is_promised() -> None:
    assert "themselves on the repeats" in texts()
    assert "themselves on the repeats" not in texts(repeats=0)


def test_every_promise_stands_in_the_paper() -> None:
    design = a_design(synthetic=TWO)
    paper = as_markdown(design, Hashes("d" * 64, "k" * 64, "s" * 64))
    assert all(text in paper for text in [*hypotheses(design), *analysis_plan(design)])


def test_agreement_is_registered_only_where_some_is_measured() -> None:
    assert standings(a_design(kind="2afc"))["agreement"] == "descriptive"
    assert "agreement" not in standings(a_design(kind="2afc", repeats=0))
    assert "agreement" not in standings(a_design(readers=1, repeats=0))
    assert "agreement" in standings(a_design(repeats=0))
