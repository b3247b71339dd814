"""The section on a search: every number is the result's, ties are ties, nothing private leaks."""

import json
import math
import re

import made_experiments as made
import pytest
from report_fixtures import HOSTILE, bare, heads, plan
from test_audit import section, words
from test_report import Outline

from popgan.evidence.experiments.choice import Finalist, choose_final
from popgan.report.experiments_data import experiment_data
from popgan.report.guard import PrivateContentError, assert_self_contained, assert_shareable_data
from popgan.report.shareable import report_html, write_report
from popgan.report.tuning_axes import log_places
from popgan.report.tuning_facts import difference, ranked, score, searched, ties
from popgan.report.tuning_figures import finals_drawing, learning_curves
from popgan.report.tuning_slices import search_slices
from popgan.report.tuning_tables import best_table, ended_table, finals_table, space_table
from popgan.report.tuning_view import tune_view
from popgan.report.tuning_words import decimals, short_names, shown, told

LITTLE = {"filmstrip": [], "gallery": heads(4, seed=1)}
"""Of what is not tested here, so that pages are made fast."""


@pytest.fixture(scope="module")
def result():
    return made.tuned()


@pytest.fixture(scope="module")
def html(result):
    return report_html(bare(tune=result, other_tunes=["wide"], **LITTLE))


def quick(result):
    """The same without figures of trials, which take most of the time."""
    bare_trials = [trial.model_copy(update={"points": []}) for trial in result.trials]
    return result.model_copy(update={"space": [], "trials": bare_trials})


def said_in(table):
    """Everything a table says, cell by cell."""
    return [
        [
            row.name,
            *(" ".join(filter(None, [c.value, c.text, *c.parts, c.remark])) for c in row.cells),
        ]
        for row in table.rows
    ]


def test_the_page_is_well_formed_loads_nothing_and_links_to_the_section(html):
    outline = Outline(html)
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in outline.all("a")} <= set(ids)
    assert '<a href="#tuning">How the parameters were found</a>' in html
    assert_self_contained(html)
    assert all(len(svg["aria-label"]) > 30 for svg in outline.all("svg"))
    assert "Other searches of this run: wide." in words(section(html, "tuning"))
    # The checklist finds out how the model was chosen.
    assert '<a href="#tuning">How each value was set</a>' in html
    assert 'id="tuning"' not in report_html(bare(**LITTLE))


def test_the_verdict_says_what_was_tried_and_what_it_came_to(html, result):
    said = words(section(html, "tuning"))
    chosen, default = result.finals.candidates[1], result.finals.candidates[0]
    assert f"Chosen: trial {chosen.trial}" in said
    assert f"mean KID of {chosen.mean:.3f}, the default {default.mean:.3f}" in said
    gap = f"{chosen.mean - default.mean:.3f}".replace("-", "−")
    span = f"{chosen.low:.3f} to {chosen.high:.3f}".replace("-", "−")
    assert f"difference {gap} (95 % interval {span})" in said
    states = [trial.state for trial in searched(result)]
    for state in set(states):
        assert f"{states.count(state)} {state}" in said
    assert f"{len(states)} trials of 3 min each searched {len(result.space)} values" in said
    assert f"varies by {result.spread.sd:.3f}" in said
    assert "optimistic" in said
    assert "test split was not touched" in said


def test_every_final_is_printed_seed_by_seed(result):
    table = finals_table(result)
    assert len(table.rows) == 4
    for row, candidate in zip(said_in(table), result.finals.candidates, strict=True):
        assert all(f"{value:.3f}" in row[3] for value in candidate.values)
        assert row[1].startswith(f"{candidate.mean:.3f}")
        assert row[4].startswith(f"{candidate.searched:.3f}")
        if candidate.low is not None:
            assert shown(candidate.low, sign=True) in row[2]
            assert shown(candidate.high, sign=True) in row[2]
    assert [row.own for row in table.rows] == [False, True, False, False]


def test_a_final_that_could_not_be_chosen_says_why(result):
    default, first, *others = result.finals.candidates
    lost = first.model_copy(update={"reason": "loses coverage 0.10, at least 0.30"})
    held = result.finals.model_copy(update={"candidates": [default, lost, *others], "chosen": 0})
    rows = finals_table(made.tuned(finals=held)).rows
    assert rows[1].about == "not for choice: loses coverage 0.10, at least 0.30"
    assert [row.about for row in rows[2:]] == ["", ""]


def test_the_best_trials_are_in_order_and_the_default_is_always_among_them():
    result = made.tuned(trials=40)
    table = best_table(result)
    order = [trial.number for trial in ranked(result)]
    assert [row.name for row in table.rows][:10] == [
        f"{place}. trial {number}" for place, number in enumerate(order[:10], start=1)
    ]
    kids = {f"trial {trial.number}": score(trial, result) for trial in ranked(result)}
    for name, kid, *_ in said_in(table):
        assert kid.startswith(f"{kids[name.split('. ')[1]]:.3f}")
    assert [row.about for row in table.rows].count("default") == 1
    last = best_table(of_default(result, [8.0, 9.0, 9.5, 9.5])).rows[-1]
    assert (last.about, last.cells[0].value) == ("default", "9.000")


def of_default(result, kids):
    """The same search with other KIDs of the default, seed by seed; its final not begun."""
    search = [trial for trial in result.trials if trial.purpose != "final"]
    own = [trial for trial in search if trial.purpose in ("default", "seed spread")]
    new = {one.number: kid for one, kid in zip(own, kids, strict=True)}
    trials = [
        trial.model_copy(update={"kid": new.get(trial.number, trial.kid)}) for trial in search
    ]
    return result.model_copy(update={"trials": trials, "finals": None, "asked": len(search)})


def test_the_default_is_ranked_by_its_mean_as_it_is_for_the_finals(result):
    first, second = ranked(result)[:2]
    lucky = of_default(result, [first.kid - 0.1, 0.5, 0.5, 0.5])
    assert ranked(lucky)[:2] == [first, second]
    row = next(row for row in best_table(lucky).rows if row.own)
    assert row.cells[0].value == f"{(first.kid - 0.1 + 1.5) / 4:.3f}"
    assert row.cells[0].remark == "mean of 4 seeds"
    assert "means over its 4 seeds" in best_table(lucky).caption
    assert f"Best so far: trial {first.number}," in tune_view(quick(lucky), plan()).sentence
    good = of_default(result, [0.01, 0.02, 0.02, 0.03])
    said = tune_view(quick(good), plan())
    assert said.headline == "The default stays"
    begun = good.model_copy(update={"asked": 99})
    assert "trial 0, the default, KID 0.020, mean of 4 seeds." in (
        tune_view(quick(begun), plan()).sentence
    )
    one = result.space[2:3]
    (slice_of_batch,) = search_slices(good.model_copy(update={"space": one}))
    assert "best 0.020" in str(slice_of_batch.svg)


def test_a_mean_of_the_default_ties_within_less_than_a_single_training(result):
    best = ranked(result)[0].kid
    wide = result.spread.model_copy(update={"tie": 0.1})
    for above, tie in ((0.078, True), (0.080, False)):  # 0.1 * sqrt((1 + 1 / 4) / 2) = 0.079
        changed = of_default(result, [best + above] * 4).model_copy(update={"spread": wide})
        assert (0 in ties(changed)) is tie
    assert "of the default and another, less than 0.079" in best_table(changed).caption


def test_ties_are_called_ties_and_only_where_the_spread_is_known(result):
    wide = result.spread.model_copy(update={"tie": 0.05})
    tied = result.model_copy(update={"spread": wide})
    best = ranked(result)[0].kid
    bounds = {t.number: 0.05 * math.sqrt(5 / 8) if t.purpose == "default" else 0.05
              for t in ranked(result)}  # fmt: skip
    expected = {t.number for t in ranked(result)[1:] if score(t, result) - best < bounds[t.number]}
    assert ties(tied) == expected
    assert expected
    marked = [row.name for row in best_table(tied).rows if row.cells[1].value == "tie"]
    assert {int(name.split()[-1]) for name in marked} == expected
    assert "tie with the best" in tune_view(quick(tied), plan()).spread
    unknown = result.model_copy(update={"spread": None})
    assert ties(unknown) == set()
    assert {row.cells[1].value for row in best_table(unknown).rows} == {"best", "–"}
    assert "no tie can be told" in tune_view(quick(unknown), plan()).spread


def test_trials_that_cannot_be_chosen_are_shown_as_what_they_are(result, html):
    rows = {row[0]: row for row in said_in(ended_table(result))}
    gone = [trial for trial in searched(result) if trial.state != "complete"]
    assert {trial.state for trial in gone} == {"pruned", "infeasible", "failed", "out of memory"}
    assert set(rows) == {f"trial {trial.number}" for trial in gone}
    for trial in gone:
        assert rows[f"trial {trial.number}"][1].startswith(f"{trial.state} {told(trial.reason)}")
    pruned = next(trial for trial in gone if trial.state == "pruned")
    assert f"{pruned.points[-1].kid:.3f}" in rows[f"trial {pruned.number}"][3]
    best = " ".join(row.name for row in best_table(result).rows)
    assert not any(re.search(rf"trial {trial.number}\b", best) for trial in gone)
    assert "stopped or failed" in section(html, "tuning")


def test_the_space_shows_range_default_and_what_was_chosen(result):
    table = space_table(result)
    rows = {row.codes[0]: [cell.value or cell.text for cell in row.cells] for row in table.rows}
    setting = result.finals.candidates[1].setting
    assert rows["train.batch"] == ["4, 8, 16, 32", "8", str(setting["train.batch"])]
    assert rows["preset.gamma_at_64"][0] == "0.02 to 5 (log scale)"
    assert rows["preset.low_levels"][1] == "–"  # nobody knows the default
    assert "only if train.loss is rpgan" in {row.cells[0].remark for row in table.rows}


def test_a_value_without_meaning_under_a_setting_is_a_dash(result):
    finals = result.finals
    other = finals.candidates[1].model_copy(update={"setting": {"train.loss": "hinge"}})
    changed = [finals.candidates[0], other, *finals.candidates[2:]]
    told_of = result.model_copy(
        update={"finals": finals.model_copy(update={"candidates": changed})}
    )
    rows = {row.codes[0]: row.cells[-1].value for row in space_table(told_of).rows}
    assert (rows["train.loss"], rows["train.r2"], rows["train.batch"]) == ("hinge", "–", "8")


def test_a_default_that_stays_is_no_success_and_says_why():
    view = tune_view(quick(made.tuned(chosen=0)), plan())
    assert (view.tone, view.headline) == ("unknown", "The default stays")
    assert view.sentence.startswith("A tie, the interval includes 0;")
    assert view.warnings == []


def test_a_choice_without_an_interval_is_not_green():
    single = made.tuned(seeds=1)
    view = tune_view(quick(single), plan())
    assert view.tone == "mixed"
    assert "no interval" in view.sentence
    assert finals_drawing(single) is not None
    finals = made.tuned().finals
    open_end = finals.candidates[1].model_copy(update={"low": -0.1, "high": 0.01})
    held = finals.model_copy(update={"candidates": [finals.candidates[0], open_end]})
    view = tune_view(quick(made.tuned(finals=held)), plan())
    assert view.tone == "mixed"
    assert "The interval holds 0: no difference was shown" in view.sentence


def test_where_different_seeds_failed_the_difference_is_that_of_the_means_in_its_interval():
    seeds = [101, 102, 103, 104, 105]
    first = Finalist(None, {}, 0.2, [0.20, 0.21, 0.205, 0.15, None])
    other = Finalist(5, {"train.batch": 4}, 0.09, [None, 0.148, 0.150, 0.149, 0.152])
    finals = choose_final(seeds, first, [other])
    default, one = finals.candidates
    assert difference(one, finals) == pytest.approx(one.mean - default.mean)
    assert difference(one, finals) == pytest.approx((one.low + one.high) / 2)
    result = quick(made.tuned(finals=finals))
    gap = shown(one.mean - default.mean, sign=True)
    assert said_in(finals_table(result))[1][2].startswith(gap)
    chosen = result.model_copy(update={"finals": finals.model_copy(update={"chosen": 1})})
    assert f"difference {gap} (" in tune_view(chosen, plan()).sentence
    assert f"{gap} to the default" in str(finals_drawing(result).svg)
    assert f"difference {shown(default.mean - one.mean)}" in finals.reason


def test_finals_that_failed_leave_a_gap():
    finals = made.tuned().finals
    default, one = finals.candidates[0], finals.candidates[1]
    gone = one.model_copy(update={"values": [None, *one.values[1:]]})
    held = finals.model_copy(update={"candidates": [default, gone]})
    row = said_in(finals_table(made.tuned(finals=held)))[1]
    assert "2 of 3 seeds" in row[1]
    assert row[3].split()[0] == "–"
    nothing = one.model_copy(update={"values": [None] * 3, "mean": None, "low": None, "high": None})
    held = finals.model_copy(update={"candidates": [default, nothing], "chosen": 0})
    row = said_in(finals_table(made.tuned(finals=held)))[1]
    assert row[1].split() == ["–", "0", "of", "3", "seeds"]
    assert row[2].split() == ["–", "no", "interval"]


def test_the_page_says_beside_a_final_what_its_intervals_leave_out(html):
    said = words(section(html, "tuning"))
    assert "not corrected for the number of candidates, nor for one of them having been" in said
    assert "patients and latent vectors are those of the search" in said
    assert "popgan evaluate or popgan compare" in said
    assert "with fresh seeds, and scored on the same tuning patients" in said


def test_a_search_that_has_just_begun_renders():
    early = made.tuned(trials=5, finals=None, spread=None)
    running = early.trials[4].model_copy(update={"state": "running", "kid": None, "points": []})
    early = early.model_copy(update={"trials": [*early.trials[:1], running]})
    view = tune_view(early, plan())
    assert (view.headline, view.tone) == ("Nothing is chosen yet", "unknown")
    assert "Best so far: trial 0" in view.sentence
    assert "1 complete, 1 running" in view.searched
    empty = made.tuned(trials=4, finals=None, spread=None).model_copy(
        update={"trials": [], "space": [], "rungs": []}
    )
    said = words(section(report_html(bare(tune=empty, **LITTLE)), "tuning"))
    assert "No trial has begun" in said
    assert "Nothing is chosen yet" in said


def test_a_search_that_ended_without_a_final_says_why_the_default_stays():
    ended = of_default(made.tuned(), [0.1] * 4)
    trials = ended.trials
    view = tune_view(ended, plan())
    assert view.headline == "The default stays"
    assert "No trial had a lower KID than the default" in view.sentence
    own = [trial for trial in trials if trial.purpose in ("default", "seed spread")]
    alone = ended.model_copy(update={"trials": own, "asked": len(own)})
    assert "Nothing but the default was tried" in tune_view(alone, plan()).sentence
    begun = ended.model_copy(update={"asked": len(trials) + 1})
    assert tune_view(begun, plan()).headline == "Nothing is chosen yet"


def test_a_search_whose_final_has_not_begun_does_not_say_that_the_default_stays():
    whole = quick(made.tuned())
    search = searched(whole)
    waiting = whole.model_copy(update={"trials": search, "finals": None, "asked": len(search)})
    begun = waiting.model_copy(update={"trials": whole.trials[: len(search) + 1]})
    for result in (waiting, begun):
        view = tune_view(result, plan())
        assert (view.headline, view.tone) == ("Nothing is chosen yet", "unknown")
        assert "its best are still to be trained anew with fresh seeds" in view.sentence
        assert "the same command goes on" in view.sentence
        assert f"Best so far: trial {ranked(result)[0].number}," in view.sentence
    early = waiting.model_copy(update={"asked": len(search) + 1})
    assert tune_view(early, plan()).sentence.startswith("The search is not complete.")


def test_kids_at_or_below_zero_and_equal_ones_can_be_drawn(result):
    def changed(kid):
        trials = [
            trial.model_copy(
                update={
                    "kid": None if trial.kid is None else kid(trial.kid),
                    "points": [p.model_copy(update={"kid": kid(p.kid)}) for p in trial.points],
                }
            )
            for trial in result.trials
        ]
        return result.model_copy(update={"trials": trials, "space": result.space[:1]})

    for kid in (lambda value: value - 0.4, lambda value: 0.25):
        assert learning_curves(changed(kid)) is not None
        assert len(search_slices(changed(kid))) == 1


def test_a_slice_holds_only_trials_that_have_the_value(result):
    wanted = ("train.lr_discriminator", "train.r2", "train.loss")
    space = [one for one in result.space if one.name in wanted]
    drawings = search_slices(result.model_copy(update={"space": space}))
    found = {drawing.name: str(drawing.svg) for drawing in drawings}
    assert list(found) == ["lr discriminator", "loss", "r2"]
    complete = [t for t in ranked(result) if t.purpose != "default"]
    hinge = [t for t in complete if t.setting.get("train.loss", "rpgan") != "rpgan"]
    assert hinge
    assert f"{len(complete)} trials" in found["lr discriminator"]
    assert f"{len(complete) - len(hinge)} trials" in found["r2"]


def test_another_cohort_and_another_plan_are_warned_of(result):
    view = tune_view(quick(result), plan())
    asked = result.finals.candidates[1].setting
    (warning,) = view.warnings
    assert f"train.batch is 32, chosen was {asked['train.batch']}" in warning
    assert "train.loss" not in warning  # the same in both
    (first, _) = tune_view(quick(made.tuned(cohort="ab" * 32)), plan()).warnings
    assert "other data" in first


@pytest.mark.parametrize(
    ("text", "shown_as"),
    [
        ("no file /data/people/smith/t1.nii", "no file …"),
        (r"no file C:\people\smith.nii here", "no file … here"),
        ("storage postgres://user:secret@host/db is gone", "storage … is gone"),
        ("134 images/s and 1/2, and/or", "134 images/s and 1/2, and/or"),
        ("is -3 at 60%", "is −3 at 60\u202f%"),
    ],
)
def test_reasons_lose_paths_and_addresses_and_nothing_else(text, shown_as):
    assert told(text) == shown_as


def test_neither_hosts_nor_paths_nor_hostile_names_get_out(tmp_path):
    result = made.tuned(trials=8, name=HOSTILE)
    broken = result.trials[6].model_copy(
        update={"state": "failed", "kid": None, "reason": f"{HOSTILE} in /secret/place/x.nii"}
    )
    result = result.model_copy(update={"trials": [*result.trials[:6], broken], "finals": None})
    write_report(
        tmp_path / "r.html",
        bare(tune=result.model_copy(update={"space": []}), **LITTLE),
        forbidden=["hospital", "/secret/place/x.nii"],
        data=tmp_path / "r.json",
    )
    html, data = (tmp_path / "r.html").read_text(), (tmp_path / "r.json").read_text()
    assert "script" not in {tag for tag, _ in Outline(html).tags}
    for text in (html, data):
        assert "hospital.example" not in text
        assert "/secret" not in text


def test_the_guard_still_refuses_a_name_in_a_reason(tmp_path):
    result = made.tuned(trials=5, finals=None)
    leaking = result.trials[4].model_copy(update={"state": "failed", "reason": "of SMITH1950"})
    with pytest.raises(PrivateContentError):
        write_report(
            tmp_path / "r.html",
            bare(tune=result.model_copy(update={"trials": [leaking]}), **LITTLE),
            forbidden=["smith1950"],
        )
    assert list(tmp_path.iterdir()) == []


def test_the_data_beside_the_page_are_the_result_unrounded(tmp_path, result):
    write_report(
        tmp_path / "r.html",
        bare(tune=result.model_copy(update={"space": []}), **LITTLE),
        data=tmp_path / "r.json",
    )
    data = json.loads((tmp_path / "r.json").read_text())["tune"]
    assert [trial["kid"] for trial in data["trials"]] == [trial.kid for trial in result.trials]
    assert data["finals"] == result.finals.model_dump(mode="json")
    assert "worker" not in data["trials"][0]
    point = experiment_data(result)["trials"][0]["points"][0]
    assert point == result.trials[0].points[0].model_dump()


def test_a_count_of_images_is_not_taken_for_a_patient():
    many = made.tuned(trials=4, finals=None)
    counted = many.trials[0].model_copy(update={"images": 152064, "planned": 152064})
    many = many.model_copy(update={"trials": [counted]})
    assert_shareable_data(experiment_data(many), ["152064"])


@pytest.mark.parametrize(
    ("spread", "digits"), [(None, 3), (0.021, 3), (0.21, 3), (0.0021, 4), (3e-7, 6), (0.0, 3)]
)
def test_decimals_follow_the_spread(spread, digits):
    assert decimals(spread) == digits


def test_a_score_that_rounds_to_nothing_has_no_sign():
    assert (shown(-0.0001), shown(-0.0001, sign=True)) == ("0.000", "0.000")
    assert (shown(None), shown(0.25, sign=True), shown(-0.25)) == ("–", "+0.250", "−0.250")


def test_names_are_short_where_they_stay_apart():
    found = short_names(["train.lr", "preset.lr", "train.batch", "augmentation.flip"])
    assert list(found.values()) == ["train.lr", "preset.lr", "batch", "augmentation flip"]


@pytest.mark.parametrize(("low", "high"), [(5e-4, 1e-2), (0.9, 1.1), (1e-6, 1e3), (31, 520)])
def test_a_logarithmic_axis_has_some_figures_and_not_too_many(low, high):
    places = log_places(low, high, 3)
    assert 2 <= len(places) <= 3
    assert all(0.9 * low <= place <= 1.1 * high for place in places)
