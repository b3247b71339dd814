"""The section on an ablation: seeds are replicates, ties are ties, and doubts are said."""

import json
import re
import typing

import made_experiments as made
import numpy as np
import pytest
from report_fixtures import HOSTILE, bare, heads, plan
from test_audit import section, words
from test_report import Outline

from popgan.evidence.experiments.designs import design
from popgan.evidence.experiments.factorial import factorial
from popgan.evidence.experiments.results import Replicate, Variant
from popgan.report.ablation_figures import contrast_drawings, effect_drawing
from popgan.report.ablation_sensitivity import importance_table, pair_drawing, sensitivity_view
from popgan.report.ablation_tables import (
    KINDS,
    anova_table,
    contrast_table,
    design_words,
    effect_table,
    runs_table,
)
from popgan.report.ablation_view import ablation_view
from popgan.report.guard import assert_self_contained
from popgan.report.shareable import report_html, write_report
from popgan.report.tuning_words import between, shown
from popgan.report.words import number

LITTLE = {"filmstrip": [], "gallery": heads(4, seed=1)}
"""Of what is not tested here, so that pages are made fast."""


@pytest.fixture(scope="module")
def result():
    return made.ablated()


@pytest.fixture(scope="module")
def html(result):
    return report_html(bare(ablation=result, other_ablations=["wide"], **LITTLE))


def said_in(table):
    """Name of each row -> everything its cells say."""
    return {
        row.name: [" ".join(filter(None, [c.value, c.text, *c.parts, c.remark])) for c in row.cells]
        for row in table.rows
    }


def small(**changes):
    """A study without its slow parts."""
    nothing = {"factorial": None, "sensitivity": None, "anova": []}
    return made.ablated(**(nothing | changes))


def test_the_page_is_well_formed_loads_nothing_and_links_to_the_section(html):
    outline = Outline(html)
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in outline.all("a")} <= set(ids)
    assert '<a href="#ablation">What each part is worth</a>' in html
    assert_self_contained(html)
    assert all(len(svg["aria-label"]) > 30 for svg in outline.all("svg"))
    assert "Other ablations of this run: wide." in words(section(html, "ablation"))


def test_budget_replicates_and_cautions_are_said(html, result):
    said = words(section(html, "ablation"))
    assert result.budget in said
    assert "5 seeds a variant; images are no replicates" in said
    assert result.cautions[0] in said
    gone = next(variant for variant in result.variants if variant.impossible)
    assert f"no prior: {gone.impossible}. The default is without it anyway." in said
    assert "test split was not touched" in said


def test_every_contrast_is_printed_with_all_its_figures(result):
    rows = said_in(contrast_table(result))
    assert set(rows) == {c.variant for c in result.contrasts}
    for c in result.contrasts:
        n, mean, gap, g, worse, tests, follows = rows[c.variant]
        assert n.split()[0] == str(c.n)
        assert ("failed" in n) == (c.failed > 0)
        assert mean == f"{c.mean:.3f} {c.base} {c.base_mean:.3f}"
        assert gap.startswith(shown(c.difference, sign=True))
        assert between(c.low, c.high, sign=True) in gap
        assert g == shown(c.g, 2, sign=True)
        assert worse == f"{c.worse:.2f}"
        assert tests.endswith(f"exact {c.p_exact:.3g},\nleast {c.p_exact_least:.3g}")
        assert follows == c.words


def test_only_differences_that_outlive_the_correction_are_named(result):
    view = ablation_view(small(), plan())
    clear = [c for c in result.contrasts if c.p_holm <= 0.05]
    assert 0 < len(clear) < len(result.contrasts)
    assert view.finding.startswith(f"{len(clear)} contrasts of {len(result.contrasts)} show")
    order = sorted(clear, key=lambda c: -abs(c.difference))
    assert [line.split(":")[0] for line in view.shown] == [c.variant for c in order]
    assert "not the same as none" in view.finding
    assert "cannot give less than p = 0.0625" in view.caution
    # An interval that excludes 0 without the correction is no finding.
    (unsure,) = [c for c in result.contrasts if c.low > 0 and c.p_holm > 0.05]
    assert unsure.variant not in " ".join(view.shown)


def test_contrasts_without_a_test_are_not_said_to_show_no_difference(result):
    gone = result.contrasts[-1].model_copy(update={"p": None, "p_holm": None})
    assert result.contrasts[-1].p_holm > 0.05
    part = result.model_copy(update={"contrasts": [*result.contrasts[:-1], gone]})
    finding = ablation_view(part, plan()).finding
    tested = len(result.contrasts) - 1
    clear = sum(c.p_holm <= 0.05 for c in result.contrasts)
    assert finding.startswith(f"{clear} contrasts of {tested} show")
    assert f"Of the other {tested - clear} contrast" in finding
    assert finding.endswith("1 more contrast could not be tested.")


def test_the_contrasts_are_drawn_by_kind_and_a_far_one_gets_an_axis_of_its_own(result):
    far, near = contrast_drawings(result)
    assert "The published cell" in far.svg
    assert "paper minus default +0.705" in far.svg
    for title in ("One part out of the default", "One part into the bare model"):
        assert title in near.svg
    assert "paper minus" not in near.svg
    assert "axis of its own" in near.caption
    assert "n = 4 to 5 seeds" in near.caption
    equal = [c for c in result.contrasts if c.variant not in ("paper", "bare")]
    (alone,) = contrast_drawings(result.model_copy(update={"contrasts": equal}))
    assert "axis of its own" not in alone.caption


def test_every_kind_of_variant_has_a_heading():
    kinds = typing.get_args(Variant.model_fields["kind"].annotation)
    assert set(KINDS) == set(kinds) - {"default"}


def test_each_group_names_its_base(result):
    _, near = contrast_drawings(result)
    assert "one part out of the default: default; one part into the bare model: bare" in (
        near.caption
    )


def test_one_seed_shows_nothing_and_says_so():
    view = ablation_view(small(seeds=1), plan())
    assert "nothing can be told from chance" in view.finding
    assert view.shown == []
    assert view.caution == ""
    assert "single trainings, no interval" in view.forests[0].caption
    assert {cells[2].split(" ", 1)[1] for cells in said_in(view.tables[0]).values()} == {
        "no interval"
    }


def test_two_seeds_do_not_squeeze_the_axis():
    drawings = contrast_drawings(small(seeds=2))
    assert "An arrow: the interval goes on beyond the axis" in drawings[-1].caption
    assert "n = 1 to 2 seeds" in drawings[-1].caption


def test_a_contrast_that_came_to_nothing_is_a_row_of_dashes(result):
    names = ("mean", "base_mean", "difference", "low", "high", "g", "worse", "p", "p_exact")
    nothing = dict.fromkeys((*names, "p_exact_least", "p_holm"))
    gone = result.contrasts[0].model_copy(update={"n": 0, "failed": 5, "words": "all failed"})
    gone = gone.model_copy(update=nothing)
    changed = result.model_copy(update={"contrasts": [gone, *result.contrasts[1:]]})
    row = said_in(contrast_table(changed))["paper"]
    assert row[0] == "0 5 failed"
    assert row[2].startswith("–")
    assert row[-1] == "all failed"
    assert "paper minus" not in "".join(drawing.svg for drawing in contrast_drawings(changed))
    only = result.model_copy(update={"contrasts": [gone]})
    assert contrast_drawings(only) == []


def test_every_training_is_printed_and_failures_have_their_reason(result):
    rows = said_in(runs_table(result))
    for run in result.runs:
        kids = rows[run.variant][0].split()
        assert len(kids) == 5
        assert kids[result.seeds.index(run.seed)] == shown(run.kid)
    images = [run.images for run in result.runs if run.variant == "default"]
    assert rows["default"][1] == f"{number(min(images))} to {number(max(images))}"
    assert rows["bare with augmentation"][3] == "seed 25: out of memory"
    assert "no prior" not in rows


def test_the_analysis_of_variance_is_printed_with_its_intervals(result):
    rows = said_in(anova_table(result.anova))
    assert rows["variant"][4] == "0.99 0.98 to 0.99"
    assert rows["seed"][1:4] == ["0.0062", "2.06", "0.10 p 0.10"]
    assert rows["rest"][2:] == ["–", "–", "–", "–"]


def test_effects_have_their_aliases_and_interactions_their_names(result):
    rows = said_in(effect_table(result.factorial))
    assert rows["growing"] == ["−0.083 −0.095 to −0.071", "< 0.001 p < 0.001", "none"]
    assert rows["growing × EMA"][2] == "augmentation × likeness matching × dropout"
    drawing = effect_drawing(result.factorial)
    assert "Two parts together" in drawing.svg
    assert "Left of the dotted line the part helps" in drawing.caption
    assert "1 training has no score" in design_words(result.factorial)
    three = result.factorial.model_copy(update={"resolution": 3, "missing": 0, "note": "too few."})
    assert "mixed with interactions of two. No training is missing. Too few." in design_words(three)
    assert effect_drawing(result.factorial.model_copy(update={"effects": []})) is None


def test_a_lost_cell_is_missing_on_the_page_and_what_is_then_assumed_is_said():
    factors = list("abcde")
    cells = {f"cell {i}": cell for i, cell in enumerate(design(factors))}
    rng = np.random.default_rng(0)
    runs = [
        Replicate(variant=name, seed=seed, kid=0.2 + 0.01 * rng.normal(), images=1, seconds=1)
        for name in cells
        for seed in range(5)
        if name != "cell 7"
    ]
    found = factorial(factors, cells, runs)
    said = design_words(found)
    assert "No training is missing" not in said
    assert "as planned, main effects and interactions of two are free of each other" in said
    assert "5 trainings have no score. 1 cell has none with any seed." in said
    assert "told on the assumption that the interactions untold are none" in said
    assert "(lack of fit, p = " in said
    table = effect_table(found)
    assert "on the assumption that the interactions untold are none" in table.caption
    assert {row.cells[2].remark for row in table.rows} == {"interactions untold assumed to be none"}
    assert "rest on the assumption that is named above" in effect_drawing(found).caption
    whole = made.ablated().factorial
    assert "assum" not in design_words(whole) + effect_table(whole).caption
    assert "assum" not in effect_drawing(whole).caption


def test_shares_are_the_forests_and_whiskers_are_scatter(html, result):
    said = words(section(html, "ablation"))
    assert "share of the variance of KID" not in said
    view = sensitivity_view(result.sensitivity)
    caption = view.bars.caption
    assert "share of the variance of the forest's prediction" in caption
    assert "weaker values come out too small" in caption
    assert "Whiskers: scatter of the share" in caption and "over resampled trials" in caption
    assert "no interval for the true share" in caption
    assert "95\u202f% interval" not in caption + view.table.caption
    assert "forest's prediction; weaker values come out too small" in view.table.caption
    assert "of the forest's prediction only together" in view.pairs[0].caption


def test_importances_have_intervals_ranks_and_a_forest_behind_them(html, result):
    said = words(section(html, "ablation"))
    found = result.sensitivity
    assert "R² = 0.62 of the variance (95 % bootstrap interval 0.44 to 0.75)" in said
    assert "Seeds alone explain 9 % of the variance" in said
    assert "3 others without a score are not in it" in said
    rows = importance_table(found).rows
    assert [row.codes[0] for row in rows[: len(found.importances)]] == [
        one.name for one in found.importances
    ]
    assert [cell.value for cell in rows[0].cells] == ["46\u202f%", "1 to 2", "37\u202f%"]
    assert rows[0].cells[0].remark == "28 to 62\u202f%"
    assert rows[-1].codes == [found.pairs[-1].first, found.pairs[-1].second]


def test_a_poor_forest_is_warned_of_and_none_is_said_to_be_missing():
    nothing = {"slices": [], "pairs": [], "importances": []}
    poor = sensitivity_view(made.sensitivity(**nothing, r2=0.12))
    assert "less than 0.3 of the variance" in poor.warnings[0]
    said = sensitivity_view(made.sensitivity(**nothing, r2=0.12, caution="few trials"))
    assert said.warnings == ["Few trials."]
    assert (poor.bars, poor.table) == (None, None)
    none = made.sensitivity(**nothing, r2=None, r2_low=None, r2_high=None, noise=None)
    view = sensitivity_view(none)
    assert "too few for a forest" in view.about
    assert view.warnings == []


def test_a_heat_map_frames_the_lowest_cell_and_says_where_it_is():
    pair = made.sensitivity(n=4).pairs[1]
    low = min(min(row) for row in pair.grid)
    row = next(place for place, values in enumerate(pair.grid) if low in values)
    column = pair.grid[row].index(low)
    drawing = pair_drawing(pair, 0, 3)
    at = f"{pair.first} {pair.first_at[row]:g} and {pair.second} {pair.second_at[column]}"
    assert f"lowest at {at}" in drawing.svg
    assert all(f"{kid:.3f}" in drawing.svg for values in pair.grid for kid in values)
    wide = pair.model_copy(
        update={"second_at": list(range(20)), "grid": [[0.3] * 20 for _ in pair.first_at]}
    )
    assert "0.300</text>" not in pair_drawing(wide, 1, 3).svg


def test_a_study_without_design_and_sensitivity_says_nothing_of_them():
    said = section(report_html(bare(ablation=small(), **LITTLE)), "ablation")
    for heading in ("Parts together", "Which values matter", "Analysis of variance"):
        assert heading not in said
    empty = small(runs=[], contrasts=[], variants=[], budget="", cautions=[], tuning_subjects=0)
    said = words(section(report_html(bare(ablation=empty, **LITTLE)), "ablation"))
    assert "No variant can be held against its base yet" in said
    assert "Every training was granted 3 min." in said


def test_another_cohort_is_warned_of_and_hostile_names_stay_text():
    found = small(cohort="ab" * 32, cautions=[HOSTILE])
    view = ablation_view(found, plan())
    assert "other data" in view.warnings[0]
    variants = [one.model_copy(update={"name": HOSTILE}) for one in found.variants[:1]]
    variants += [one.model_copy(update={"impossible": "in /a/b/c.nii"}) for one in found.variants]
    hostile = found.model_copy(update={"variants": variants, "contrasts": found.contrasts[:1]})
    html = report_html(bare(ablation=hostile, **LITTLE))
    assert "script" not in {tag for tag, _ in Outline(html).tags}
    assert "/a/b" not in html


def test_the_search_points_to_which_values_matter_where_that_is_known():
    search = made.tuned(trials=6)
    search = search.model_copy(update={"space": search.space[:1]})
    study = small(sensitivity=made.sensitivity(n=4, slices=[], pairs=[]))
    html = report_html(bare(tune=search, ablation=study, **LITTLE))
    assert '<a href="#sensitivity">' in section(html, "tuning")
    assert 'id="sensitivity"' in section(html, "ablation")
    html = report_html(bare(tune=search, **LITTLE))
    assert "do not say how much a value matters" in section(html, "tuning")


def test_the_data_beside_the_page_are_the_result_unrounded(tmp_path, result):
    shown_on = bare(ablation=small(), **LITTLE)
    write_report(tmp_path / "r.html", shown_on, data=tmp_path / "r.json")
    data = json.loads((tmp_path / "r.json").read_text())["ablation"]
    assert data["contrasts"] == [c.model_dump(mode="json") for c in result.contrasts]
    assert [run["kid"] for run in data["runs"]] == [run.kid for run in result.runs]
    assert not re.search(r"/(?:home|root|tmp)/", (tmp_path / "r.html").read_text())
