"""An ablation trains every variant alike, loses nothing, and says what its trainings say."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.evidence.experiments.contrasts import contrasts
from popgan.evidence.experiments.factorial import factorial
from popgan.evidence.experiments.results import AblationResult, Sensitivity
from popgan.progress import Reporter
from popgan.training.probe import Measured
from popgan.tuning import ablation_begin
from popgan.tuning import trial as trial_module
from popgan.tuning.ablation import ablate, begin, conclude, join, title
from popgan.tuning.ablation_study import AblationPlaces, AblationStudy
from popgan.tuning.cells import Cell, Ended
from popgan.tuning.crew import Crew
from popgan.tuning.planner import Planner
from tuning.tiny_ablations import TINY, options, short, trainer
from tuning.tiny_searches import Made, cheap, heads, made, own_run

_ = (heads, own_run, cheap, made, short)
pytestmark = pytest.mark.usefixtures("cheap", "short")


class Told(Reporter):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)

    def warning(self, text: str) -> None:
        self.said.append(f"warning: {text}")


def test_every_variant_gets_the_same_seeds_and_the_results_are_those_of_the_runs(
    own_run: Path, made: Made
) -> None:
    told = Told()
    found = ablate(own_run, options(budget="10m"), reporter=told)
    variants = [one.name for one in found.variants if not one.impossible]
    assert variants[0] == "default" and {"no EMA", "paper", "no growing"} <= set(variants)
    assert [(run.variant, run.seed) for run in found.runs] == [
        (name, seed) for seed in (0, 1) for name in variants
    ]
    kids = {(run.variant, run.seed): run.kid for run in found.runs}
    (averaging,) = [one for one in found.contrasts if one.variant == "no EMA"]
    gaps = [(kids["no EMA", s] or 0) - (kids["default", s] or 0) for s in (0, 1)]
    assert averaging.difference == pytest.approx(np.mean(gaps))
    assert averaging.difference == pytest.approx(0.2, abs=0.02)
    assert found.contrasts == contrasts(found.variants, found.runs)
    assert [row.term for row in found.anova] == ["variant", "seed", "rest"]
    assert "Only 2 seeds: intervals are wide" in found.cautions
    assert not any("Not complete" in text for text in found.cautions)

    places = AblationPlaces(own_run, "popgan")
    assert AblationResult.model_validate_json(places.results.read_text()) == found
    with places.runs.open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["variant"] for row in rows] == [run.variant for run in found.runs]
    assert [row["coverage"] for row in rows] == ["0.8"] * len(rows)
    assert [row["diversity"] for row in rows] == ["1.0"] * len(rows)
    with places.contrasts.open() as handle:
        assert len(list(csv.DictReader(handle))) == len(found.contrasts)
    with places.points.open() as handle:
        curves = [
            (row["variant"], int(row["seed"]), row["share"]) for row in csv.DictReader(handle)
        ]
    assert curves == [(run.variant, run.seed, at) for run in found.runs for at in ("0.5", "1.0")]
    assert told.said[0] == found.budget
    assert any(text.startswith("note: no prior cannot be trained") for text in told.said)
    assert sum(text.startswith("seed ") for text in told.said) == len(found.runs)
    # Private: discriminators. Shared: nothing but results.
    assert {path.name for path in places.folder.iterdir()} == {
        *("study.yaml", "results.json", "runs.csv", "contrasts.csv", "points.csv"),
    }


def test_the_same_seconds_are_fewer_images_for_a_slower_variant(
    own_run: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(self: Planner, plan: Plan, *_: Any, **__: Any) -> Measured:
        speeds = [800.0, 400.0] if plan.train.diversity == 0 else [400.0, 200.0]
        return Measured(speeds, 1.0, speeds)

    monkeypatch.setattr(Planner, "_measured", measured)
    found = ablate(own_run, options(budget="10m", seeds=1))
    images = {run.variant: run.images for run in found.runs}
    assert images["no likeness matching"] == pytest.approx(2 * images["default"], abs=8)
    assert images["no EMA"] == images["no decay of the rates"] == images["default"]
    low, high = min(images.values()), max(images.values())
    assert f"are {low:,} to {high:,} images" in found.budget
    assert f"{found.seconds:g} s of training for each of {len(found.runs)}" in found.budget


def test_an_interrupted_study_goes_on_and_trains_nothing_twice(own_run: Path, made: Made) -> None:
    left = [15]

    def stop(plan: Plan) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    made.before = stop
    with pytest.raises(KeyboardInterrupt):
        ablate(own_run, options(budget="10m"))
    place = AblationPlaces(own_run, "popgan").results
    half = AblationResult.model_validate_json(place.read_text())
    assert len(half.runs) == 14 and half.cautions[0].startswith("Not complete: 14 of ")
    compared = [one for one in half.contrasts if one.n]
    assert len(compared) >= 10, "a study that is interrupted has compared all variants"
    whole = ablate(own_run)
    assert len({folder for folder, _ in made.trained}) == len(made.trained) == len(whole.runs)
    assert whole.runs[:14] == half.runs
    ablate(own_run, options(budget="10m"))
    assert len(made.trained) == len(whole.runs)


def test_a_cell_of_a_dead_worker_is_trained_by_the_next(own_run: Path, made: Made) -> None:
    one = trainer(own_run, budget="10m", seeds=1)
    claim = one.cells.claim()
    assert claim is not None
    claim.lock.close()  # it dies
    held = one.cells.claim()  # adopted by a worker that lives
    assert held is not None and held.cell == claim.cell
    other = one.cells.claim()
    assert other is not None and other.cell.variant != "default"
    other.lock.close()
    held.lock.close()
    join(own_run, "popgan")
    found = conclude(one.places, one.study, one.cohort)
    assert len(made.trained) == len(found.runs) == len(one.study.cells())
    assert all(run.kid is not None for run in found.runs)


def test_a_variant_that_kills_its_workers_is_failed_and_the_rest_goes_on(
    own_run: Path, made: Made
) -> None:
    def die(plan: Plan) -> None:
        if plan.train.lr_end == 1.0 and plan.train.lr_generator != 0.0001:
            raise SystemError("killed")

    made.before = die
    one = trainer(own_run, budget="10m", seeds=1)
    for _ in range(3):
        with pytest.raises(SystemError):
            one.run()
    one.run()
    found = conclude(one.places, one.study, one.cohort)
    (failed,) = [run for run in found.runs if run.kid is None]
    assert failed.variant == "no decay of the rates" and "died 3 times" in failed.reason
    assert "1 training has no score" in found.cautions
    (contrast,) = [one for one in found.contrasts if one.variant == failed.variant]
    assert contrast.words.startswith("the only training failed: its worker died 3 times")


def test_a_variant_that_takes_too_long_for_the_budget_is_listed_with_what_is_enough(
    own_run: Path,
) -> None:
    def paper_of(budget: str) -> Any:
        study = trainer(own_run, f"of-{budget}", budget=budget).study
        return next(one for one in study.variants if one.name == "paper"), study

    paper, study = paper_of("60s")
    assert re.match(r"its least number of steps takes [\d.]+ s here, and a", paper.impossible)
    assert "paper" not in [cell.variant for cell in study.cells()]
    enough = paper.impossible.partition("grant --budget ")[2].removesuffix(" or more")
    paper, study = paper_of(enough)
    assert not paper.impossible and "paper" in [cell.variant for cell in study.cells()]


def test_parts_are_what_was_asked_for(own_run: Path, made: Made) -> None:
    names = ["EMA", "likeness matching", "R2"]
    wanted = options(budget="10m", parts=["factorial"], factors=names)
    found = ablate(own_run, wanted, name="design")
    assert found.factorial is not None and found.factorial.factors == names
    assert found.factorial.cells == 8 and found.factorial.missing == 0
    study = AblationStudy.load(AblationPlaces(own_run, "design").definition)
    assert found.factorial == factorial(names, study.levels, found.runs)
    effects = {" x ".join(one.factors): one for one in found.factorial.effects}
    assert effects["EMA"].effect == pytest.approx(-0.2, abs=0.02) and effects["EMA"].p < 1e-6
    assert {one.kind for one in found.variants} == {"default", "factorial"}
    assert found.contrasts == [] and found.anova == []

    bare = ablate(own_run, options(budget="10m", parts=["in"], seeds=1), name="in")
    assert {one.kind for one in bare.variants} == {"default", "bare", "in"}
    (averaging,) = [one for one in bare.contrasts if one.variant == "bare with EMA"]
    assert averaging.base == "bare"
    assert averaging.difference == pytest.approx(-0.2, abs=0.02)


def test_a_design_without_a_cell_is_warned_of_before_and_tells_main_effects_after(
    own_run: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["dropout", "augmentation", "EMA", "likeness matching", "R2"]
    stuck, slow = "design: dropout, EMA, R2", ablation_begin._too_slow

    def too_slow(one: Any, *rest: Any) -> Any:
        return ("it takes too long", 0.0) if one.name == stuck else slow(one, *rest)

    monkeypatch.setattr(ablation_begin, "_too_slow", too_slow)
    told = Told()
    wanted = options(budget="10m", parts=["factorial"], factors=names)
    found = ablate(own_run, wanted, name="design", reporter=told)
    warning = f"1 cell of the design cannot be trained ({stuck!r}), so 10 effects of 15"
    assert any(text.startswith(f"note: {warning}") for text in told.said)
    assert any(text.startswith(warning) for text in found.cautions)
    design = found.factorial
    assert design is not None and (design.missing, design.lost) == (2, [stuck])
    assert [one.factors for one in design.effects] == [[name] for name in names]
    assert "on the assumption that the interactions untold are none" in design.note


def test_trials_fill_the_space_after_all_variants(
    own_run: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown: list[int] = []

    def sensitivity(settings: Any, kids: Any, space: Any, spread: Any, *, seed: int) -> Sensitivity:
        grown.append(len(kids))
        assert not kids or len(spread.values) == 2
        nothing: dict[str, Any] = dict.fromkeys(("r2", "r2_low", "r2_high", "noise"))
        lists: dict[str, Any] = {"importances": [], "slices": [], "pairs": []}
        return Sensitivity(n=len(kids), failed=0, **nothing, **lists)

    monkeypatch.setattr("popgan.tuning.ablation_outcome.sensitivity", sensitivity)
    wanted = options(budget="10m", parts=["sensitivity"], trials=20)
    found = ablate(own_run, wanted)
    assert found.sensitivity is not None and found.sensitivity.n == 20
    # A forest takes seconds: not after each.
    assert grown[-1] == 20 and 8 in grown and len([count for count in grown if count > 8]) < 5
    assert [run.variant for run in found.runs] == ["default", "default"]
    plans = [plan for _, plan in made.trained]
    assert [plan.seed for plan in plans] == [0, 1, *range(20)]
    assert {plan.train.loss for plan in plans[2:]} == {"rpgan", "logistic", "lsgan", "wgan-gp"}
    study = AblationStudy.load(AblationPlaces(own_run, "popgan").definition)
    assert all(one.default is not None for one in study.space)
    assert all(set(one) <= {dim.name for dim in study.space} for one in study.trials)


def test_few_trials_are_no_forest_and_say_so(own_run: Path, made: Made) -> None:
    found = ablate(own_run, options(budget="10m", parts=["sensitivity"], trials=3))
    assert found.sensitivity is not None and found.sensitivity.r2 is None
    assert "too few for a forest" in found.sensitivity.caution
    table = AblationPlaces(own_run, "popgan").sensitivity.read_text()
    assert table.startswith("what,name,value,second,")


def test_a_score_bought_with_coverage_or_variety_is_pointed_at(own_run: Path, made: Made) -> None:
    one = trainer(own_run, budget="10m", seeds=1)
    while (claim := one.cells.claim()) is not None:
        loses = claim.cell.variant == "no likeness matching"
        ended = Ended(
            cell=claim.cell.name,
            state="complete",
            kid=0.5,
            coverage=0.5 if claim.cell.variant == "no R2" else 0.8,
            diversity=0.6 if loses else 1.1,
            worker="here:1" if loses else "there:2",
        )
        one.cells.tell(claim, ended)
    found = conclude(one.places, one.study, one.cohort)
    text = " ".join(found.cautions)
    assert "80% of the default's coverage of the tuning split (0.80)" in text
    assert "which the KID may not show: no R2 (0.50)" in text
    assert "may not show: no likeness matching (0.60)" in text
    assert "2 machines trained" in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"parts": ["inside"]}, "--parts inside: no such part"),
        ({"parts": ["factorial"], "factors": ["nonsense"]}, "--factors nonsense: no part"),
        ({"factors": ["EMA"]}, "--factors is for the part factorial"),
        ({"trials": 5}, "--trials is for the part sensitivity"),
        ({"seeds": 0}, "--seeds 0 is not possible"),
        ({"workers": 0}, "--workers 0 is not possible"),
        ({"budget": "soon"}, "budget 'soon' is not a time"),
        ({"recipe": "mustgan"}, "recipe 'mustgan' cannot be ablated"),
        ({"preset": "nope"}, "unknown preset 'nope'"),
        ({"budget": "11s"}, "budget 11s is too short"),
        ({"overrides": {"train.nope": 1}}, "--set train.nope"),
    ],
)
def test_what_is_not_possible_is_one_line(own_run: Path, changes: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        ablate(own_run, options(**changes))
    assert not AblationPlaces(own_run, "popgan").definition.exists()


def test_a_study_begun_otherwise_or_for_another_cohort_is_refused(
    own_run: Path, made: Made
) -> None:
    one = trainer(own_run, budget="10m")
    with pytest.raises(UserError, match=r"begun otherwise .*seeds 3, was 2") as error:
        ablate(own_run, options(budget="10m", seeds=3))
    assert "add --name NEW" in str(error.value)
    with pytest.raises(UserError, match="parts in, was out"):
        ablate(own_run, options(budget="10m", parts=["in"]))
    with pytest.raises(UserError, match=r"overrides train.batch=4, was network.channels=.16, 16."):
        ablate(own_run, options(budget="10m", overrides={"train.batch": 4}))
    same = options(budget="10m", parts=["out"], trials=40, workers=3)
    assert begin(one.places, same, Reporter()) == one.study
    other = one.study.model_copy(update={"cohort": "f" * 64})
    other.save(one.places.definition)
    for go_on in (lambda: ablate(own_run), lambda: join(own_run, "popgan")):
        with pytest.raises(UserError, match="belongs to another cohort"):
            go_on()
    with pytest.raises(UserError, match="holds no study 'nothing' to join"):
        join(own_run, "nothing")


def test_one_seed_is_warned_of(own_run: Path, made: Made) -> None:
    told = Told()
    begin(AblationPlaces(own_run, "one"), options(budget="10m", seeds=1), told)
    assert "warning: with one seed nothing can be told from chance; take --seeds 5" in told.said


def test_workers_are_processes_that_join_the_ablation(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def popen(command: list[str], **_: Any) -> Any:
        started.append(command)
        raise KeyboardInterrupt

    monkeypatch.setattr("popgan.tuning.crew.subprocess.Popen", popen)
    with pytest.raises(KeyboardInterrupt):
        Crew(AblationPlaces(own_run, "x"), 2, 1, Reporter())
    assert started[0][3:] == ["--quiet", "ablate", str(own_run), "--name", "x", "--join"]


def default_alone(run: Path) -> Any:
    """A study cut down to one training of the default."""
    one = trainer(run, budget="60s", seeds=1)
    kept = one.study.variants[:1]
    one.study.model_copy(update={"variants": kept, "seconds": 0.8}).save(one.places.definition)
    return trainer(run, budget="60s", seeds=1)


def test_trainings_are_real_and_an_interrupted_one_goes_on_from_its_last_tick(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, original = [9], trial_module._Training._ended

    def interrupt(self: Any, state: Any) -> bool:
        left[0] -= state.images > 0
        if left[0] == 0:
            raise KeyboardInterrupt
        return original(self, state)

    one = default_alone(own_run)
    (cell,) = one.cells.cells
    log = one.cells.folder(cell) / "log.csv"
    monkeypatch.setattr(trial_module._Training, "_ended", interrupt)
    with pytest.raises(KeyboardInterrupt):
        one.run()
    assert not list(one.cells.records())
    before = log.read_text().splitlines()
    assert len(before) == 10
    one.run()
    after = log.read_text().splitlines()
    assert after[:10] == before and len(after) == 21
    found = conclude(one.places, one.study, one.cohort)
    (run,) = found.runs
    points = run.points
    assert points[-3].share >= 0.9 and points[-1].share == 1
    assert len(points) >= 4, "ticks of the learning curve that come after the top level is in"
    assert run.kid == pytest.approx(np.mean([p.kid for p in points[-3:]]))
    # What is done keeps its plan and log, and no checkpoint.
    assert {path.name for path in log.parent.iterdir()} >= {"plan.yaml", "log.csv"}
    assert not (log.parent / "checkpoints").exists()


def test_scores_come_from_the_feature_network(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from popgan.evidence.features import FeatureExtractor

    used: list[Any] = []
    look = FeatureExtractor.__call__

    def seen(self: Any, images: Any, **more: Any) -> Any:
        used.append(self.identity)
        return look(self, images, **more)

    def untrained(job: Any, state: Any, reporter: Any) -> None:
        state.images = job.plan.train.images
        state.guard.scores.append(job.measure(state))

    default_alone(own_run)
    monkeypatch.setattr("popgan.stations.snapshots.FeatureExtractor", FeatureExtractor)
    monkeypatch.setattr(FeatureExtractor, "__call__", seen)
    for module in ("popgan.stations.snapshots", "popgan.tuning.scale"):
        monkeypatch.setattr(f"{module}.IMAGES", 8)
    monkeypatch.setattr(trial_module, "run", untrained)
    found = ablate(own_run)
    (run,) = found.runs
    assert run.kid is not None and 0.1 < run.kid < 5 and len(run.points) == 1
    assert "efficientnet" in str(used).lower()


def test_a_line_says_how_far_a_training_is_from_the_default() -> None:
    cell = Cell("000", "no EMA", {"train.ema_half_life": 1.0}, 3)
    ended = Ended(cell="000", state="complete", kid=0.5)
    assert title(cell, ended, 0.4) == "seed 3  KID 0.5000  no EMA (+0.1000 to the default)"
    assert title(cell, ended, None) == "seed 3  KID 0.5000  no EMA"
    failed = Ended(cell="000", state="failed", reason="NaN")
    trial = Cell("000", "", {"train.batch": 4}, 0)
    assert title(trial, failed, 0.4) == "seed 0           -  trial: batch 4: NaN"
    assert TINY
