"""Every variant is a plan that differs from its base in one part; what cannot be is said."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from popgan.cohort.cohort import Cohort
from popgan.config.preset import Preset, changed, load_preset
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.evidence.experiments.results import Variant
from popgan.tuning.design import design_cells, doubts, factors_of
from popgan.tuning.parts import find_parts, parts_of
from popgan.tuning.planner import Planner
from popgan.tuning.variants import Default, default_variant
from tuning.tiny_searches import heads

_ = heads
RECIPES = ["popgan", "cgan", "stylegan2", "r3gan", "dcgan"]
_made: dict[str, Default] = {}
ALWAYS = {"no prior", "no growing", "no dropout", "no augmentation", "no EMA", "paper"}


def default(run: Path, recipe: str = "popgan", *, preset: Any = None, **held: Any) -> Default:
    """The preset `standard` of a recipe on a tiny cohort; made once, as are its plans."""
    key = repr((recipe, preset, held))
    if key not in _made:
        _made[key] = _default(run, recipe, preset, held)
    return _made[key]


def _default(run: Path, recipe: str, preset: Any, held: dict[str, Any]) -> Default:
    overrides = {name.replace("__", "."): value for name, value in held.items()}
    if recipe == "cgan":
        overrides["network.condition"] = ["height"]  # these heads have no label
    study = SimpleNamespace(name="x", recipe=recipe, overrides=overrides, seconds=60.0, threads=1)
    preset = preset or load_preset("standard", recipe)
    planner = Planner(study, Cohort.open(run), run / "none.json", preset)  # type: ignore[arg-type]
    return Default(recipe, lambda setting: planner.draft(setting, 0, 10**6), list(overrides))


def undropped() -> Preset:
    """The preset `standard` without dropout."""
    standard = load_preset("standard", "popgan")
    return changed(standard, {"network.dropout": 0.0}, reason="of a test", tuned=False)


def by_name(variants: list[Variant]) -> dict[str, Variant]:
    found = {one.name: one for one in variants}
    assert len(found) == len(variants)
    return found


def values(plan: Plan) -> dict[str, Any]:
    return plan.model_dump(exclude={"decisions"})


def has(one: Default, plan: Plan) -> set[str]:
    return {part.name for part in parts_of(one.recipe) if part.has(plan)}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_variant_is_a_plan_of_its_own_and_the_others_say_why_not(
    heads: Path, recipe: str
) -> None:
    one = default(heads, recipe)
    known = by_name([default_variant(), one.paper(), *one.out(), *one.bare()])
    assert set(known) >= ALWAYS
    for variant in known.values():
        if variant.impossible:
            assert variant.about, variant.name
            continue
        plan = one.draft(variant.setting)
        base = variant.base or ("bare" if variant.kind == "in" else "default")
        if variant.name != "default":
            assert values(plan) != values(one.draft(known[base].setting)), variant.name
            assert not known[base].impossible


@pytest.mark.parametrize("recipe", RECIPES)
def test_one_part_is_out_or_in_and_no_other(heads: Path, recipe: str) -> None:
    one = default(heads, recipe)
    out, bare = by_name(one.out()), by_name(one.bare())
    for standing in one.parts:
        without = out[f"no {standing.name}"]
        if standing.present:
            base = out[without.base].setting if without.base else {}
            lost = has(one, one.draft(base)) - has(one, one.draft(without.setting))
            gained = has(one, one.draft(without.setting)) - has(one, one.draft(base))
            # Without the prior, levels grow.
            assert (lost, gained) == (
                {standing.name},
                {"growing"} if standing.name == "prior" else set(),
            )
        else:
            assert without.impossible.startswith("the default")
    assert has(one, one.draft(bare["bare"].setting)) == set()
    alone = [v for v in bare.values() if v.kind == "in"]
    assert len(alone) >= 6
    for variant in alone:
        base = bare[variant.base or "bare"].setting
        gained = has(one, one.draft(variant.setting)) - has(one, one.draft(base))
        assert len(gained) == 1 and next(iter(gained)).split()[-1] in variant.name


def test_beside_the_prior_nothing_grows_so_growing_is_compared_without_it(heads: Path) -> None:
    one = default(heads)
    assert one.plan.train.init == "phantom" and one.plan.train.level_shares[-1] == 1
    known = by_name(one.out())
    growing = known["no growing"]
    assert growing.base == "no prior" and "from random weights" in growing.about
    plan = one.draft(growing.setting)
    assert plan.train.init == "scratch" and plan.train.level_shares == [0.0, 1.0]
    assert one.draft(known["no prior"].setting).train.level_shares[0] > 0.2
    # The prior's weights were made with pixel norm: without it they mean nothing.
    assert known["no pixel norm"].base == "no prior"
    prior = by_name(one.bare())["bare with prior"]
    assert prior.base == "bare with pixel norm"
    assert one.draft(prior.setting).train.init == "phantom"


def test_without_a_prior_growing_is_compared_with_the_default(heads: Path) -> None:
    known = by_name(default(heads, train__init="scratch").out())
    assert known["no growing"].base == "" and not known["no growing"].impossible
    assert "set by the user" in known["no prior"].impossible
    fits = by_name(default(heads, network__channels=[16, 16]).out())
    assert "too little would be taken over" in fits["no prior"].impossible


def test_a_part_that_the_default_lacks_is_put_in_instead(heads: Path) -> None:
    one = default(heads, preset=undropped())
    known = by_name(one.out())
    assert known["no dropout"].impossible == "the default has none (network.dropout 0.0)"
    assert known["no dropout"].about == "instead 'dropout 0.3' is trained"
    put = known["dropout 0.3"]
    assert put.kind == "added" and "published" in put.about
    assert one.draft(put.setting).network.dropout == 0.3  # type: ignore[union-attr]


def test_the_published_cell_is_cut_to_the_slices_and_says_so(heads: Path) -> None:
    one = default(heads)
    paper = one.paper()
    plan = one.draft(paper.setting)
    assert plan.train.lr_generator == plan.train.lr_discriminator == 0.0001
    assert plan.train.shuffle_buffer == 6000
    assert plan.network.dropout == 0.3  # type: ignore[union-attr]
    slices = len(Cohort.open(heads).indices("train"))
    assert plan.train.batch == slices // 2 * 2 < 256
    assert f"train.batch {plan.train.batch} instead of 256: only {slices}" in paper.about
    other = default(heads, "stylegan2").paper()
    assert "no dropout" in other.about and "network.dropout" not in other.setting
    assert "nothing would change" in default(heads, "dcgan").paper().impossible


def test_what_set_holds_cannot_be_varied(heads: Path) -> None:
    one = default(heads, train__lr_end=0.2, train__init="phantom")
    known = by_name(one.out())
    rates = known["no decay of the rates"]
    assert rates.impossible == "nothing would change: --set holds train.lr_end"
    assert "--set holds train.init" in known["no prior"].impossible
    assert known["no pixel norm"].impossible.startswith("its base, 'no prior', cannot be trained")
    assert "physics prior" in known["no growing"].impossible
    held = default(heads, train__batch=4).paper()
    assert "train.batch 4 instead of 256: held by --set" in held.about


def test_a_part_that_set_holds_in_the_default_is_not_called_taken_out(heads: Path) -> None:
    one = default(heads, train__ema_half_life=500.0)
    without = by_name(one.out())["no EMA"]
    assert "--set holds train.ema_half_life" in without.impossible
    bare = by_name(one.bare())["bare"]
    assert not bare.impossible and bare.about.endswith("with EMA, which cannot be taken out")
    assert "EMA" in has(one, one.draft(bare.setting))
    assert by_name(one.bare())["bare with EMA"].impossible


def test_a_part_that_is_lacking_is_told_by_the_value_that_says_so(heads: Path) -> None:
    one = default(heads, augmentation__method="none")
    lacking = by_name(one.out())["no augmentation"]
    assert lacking.impossible == "the default has none (augmentation.method none)"


def test_averaging_is_taken_out_of_a_preset_that_gives_it_as_a_share(heads: Path) -> None:
    standard = load_preset("standard", "popgan")
    preset = changed(standard, {"preset.ema_share": 0.05}, reason="of a test", tuned=True)
    one = default(heads, preset=preset)
    assert one.plan.train.ema_half_life == 50_000
    without = by_name(one.out())["no EMA"]
    assert one.draft(without.setting).train.ema_half_life == 1.0


def test_a_design_varies_what_matters_and_trains_nothing_twice(heads: Path) -> None:
    one = default(heads)
    factors = factors_of(one, [])
    names = [factor.name for factor in factors]
    assert names == ["prior", "dropout", "augmentation", "EMA", "likeness matching"]
    others = [default_variant(), one.paper(), *one.out()]
    cells, levels = design_cells(one, factors, others)
    assert len(levels) == 16 and len(cells) < 16 and "default" in levels
    known = by_name([*others, *cells])
    for name, level in levels.items():
        plan = one.draft(known[name].setting)
        assert {part for part, on in level.items() if on} == has(one, plan) & set(names)
    settings = [str(sorted(v.setting.items())) for v in [*others, *cells] if not v.impossible]
    assert len(settings) == len(set(settings))


def test_a_cell_that_cannot_be_trained_is_warned_of_where_it_costs_effects(heads: Path) -> None:
    one = default(heads)
    factors = factors_of(one, [])
    cells, levels = design_cells(one, factors, [default_variant()])
    variants = [default_variant(), *cells]
    assert doubts(variants, levels) == [] == doubts(variants, {})
    stuck = [
        v.model_copy(update={"impossible": "no time"}) if v.name == cells[2].name else v
        for v in [*variants, one.paper().model_copy(update={"impossible": "no time"})]
    ]
    (text,) = doubts(stuck, levels)
    assert text.startswith(f"1 cell of the design cannot be trained ({cells[2].name!r}), so 10 ")
    assert "10 effects of 15 cannot be told, and 5 main effects only on the assumption" in text
    # Four factors are tried in full: there are cells to spare.
    cells, levels = design_cells(one, factors[:4], [default_variant()])
    stuck = [cells[2].model_copy(update={"impossible": "no time"}), *cells[3:]]
    assert doubts(stuck, levels) == []


def test_a_design_takes_parts_that_the_default_lacks(heads: Path) -> None:
    one = default(heads, preset=undropped())
    factors = factors_of(one, find_parts("popgan", ["DROPOUT", "ema", "likeness-matching"]))
    assert [factor.name for factor in factors] == ["dropout", "EMA", "likeness matching"]
    cells, levels = design_cells(one, factors, [default_variant(), *one.out()])
    # Full: eight cells, of which these are trained anyway.
    assert len(levels) == 8 and len(cells) == 4
    assert levels["dropout 0.3"] == dict.fromkeys(levels["dropout 0.3"], True)
    assert levels["default"] == {"dropout": False, "EMA": True, "likeness matching": True}


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["growing", "EMA", "R2"], "growing: cannot be varied beside the physics prior"),
        (["EMA", "R2"], "3 to 8 factors, and there are 2 factors"),
    ],
)
def test_a_design_that_is_not_possible_is_one_line(
    heads: Path, names: list[str], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        factors_of(default(heads), names)


def test_unknown_parts_and_recipes_are_one_line() -> None:
    with pytest.raises(UserError, match="--factors style mixing: no part of recipe popgan"):
        find_parts("popgan", ["style mixing"])
    with pytest.raises(UserError, match="given twice"):
        find_parts("popgan", ["EMA", "ema"])
    with pytest.raises(UserError, match="'pix2pix' cannot be ablated"):
        parts_of("pix2pix")
