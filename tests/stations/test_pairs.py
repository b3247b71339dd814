"""Pairs of a cohort: which slices lie beside which, and in which order their channels come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from plans import recipe_plan
from popgan.cohort import Cohort, IngestOptions
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.networks.mustgan import NO_PLACE
from popgan.recipes.mustgan import shown_place
from popgan.recipes.table import find_recipe
from popgan.stations.pairs import (
    CohortPairs,
    neighbours,
    slice_distance,
    training_images,
    translator_of,
    visit_places,
    visits,
)
from popgan.stations.tuning_pairs import PairedScale, ShownPairs, settle_fusion
from popgan.synthesis.translate import BATCH, Translator
from popgan.training.growth import Stage
from popgan.training.processes import ALONE
from popgan.training.state import TrainState
from translated_runs import write_pairs

ORDER = ["FLAIR", "T1w", "T2w"]  # of channels, other than the plan's


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    folder = tmp_path_factory.mktemp("pairs")
    options = IngestOptions(contrasts=ORDER, resolution=16, slices=6, keep_skull=True)
    options = options.model_copy(update={"bias_field": "off"})
    scans = write_pairs(folder / "scans", 8, lesions=False)
    return Cohort.from_folder(scans, folder / "run", options=options, workers=0)


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """A single tuning subject, and a single slice of each."""
    folder = tmp_path_factory.mktemp("lone")
    options = IngestOptions(contrasts=ORDER, resolution=16, slices=1, keep_skull=True)
    options = options.model_copy(update={"bias_field": "off"})
    scans = write_pairs(folder / "scans", 4, lesions=False)
    return Cohort.from_folder(scans, folder / "run", options=options, workers=0)


def plan_for(cohort: Cohort, recipe: str = "pix2pix", **changes: Any) -> Plan:
    return recipe_plan(recipe, **{"data__contrasts": ORDER, **changes})


def start(plan: Plan) -> TrainState:
    return find_recipe(plan.recipe).start(plan, torch.device("cpu"))


def test_a_pair_is_sources_with_neighbours_and_then_the_target(cohort: Cohort) -> None:
    plan = plan_for(cohort, network__neighbours=1)
    pairs, images = training_images(plan, cohort), cohort.images("train")
    assert isinstance(pairs, CohortPairs) and len(pairs) == len(images)
    places = visit_places(cohort, "train")[1]
    below, here, above = places[1:4]
    pair = pairs.batch(np.array([here]))[0].numpy()
    assert pair.shape == (2 * 3 + 1, 16, 16)
    for channel, (contrast, place) in enumerate(
        [(name, place) for name in (1, 2) for place in (below, here, above)]
    ):
        assert np.array_equal(pair[channel], images[place, contrast])
    assert np.array_equal(pair[-1], images[here, 0])


def test_a_cohort_too_large_for_memory_gives_the_same_pairs(
    cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = translator_of(plan_for(cohort, network__neighbours=2))
    chosen = np.array([5, 0, 7, 5])
    wanted = CohortPairs(cohort, "train", shape).batch(chosen)
    monkeypatch.setattr("popgan.stations.pairs.RESIDENT_BYTES", 0)
    assert torch.equal(CohortPairs(cohort, "train", shape).batch(chosen), wanted)


def test_neighbours_never_leave_their_visit(cohort: Cohort) -> None:
    around = neighbours(cohort, "train", 2)
    owners = cohort.subjects("train")
    for place, row in enumerate(around):
        assert row[2] == place
        assert {owners[beside] for beside in row} == {owners[place]}
    for places in visit_places(cohort, "train"):
        first, last = places[0], places[-1]
        assert list(around[first][:3]) == [first] * 3 and list(around[last][2:]) == [last] * 3
    heights = [cohort.slices[row].position_mm for row in cohort.indices("train")]
    assert all(np.diff([heights[place] for place in row]).min() >= 0 for row in around)


def test_slices_are_as_far_apart_as_the_scans_say(cohort: Cohort) -> None:
    positions = [
        cohort.slices[cohort.indices("train")[place]].position_mm
        for place in visit_places(cohort, "train")[0]
    ]
    assert slice_distance(cohort) == pytest.approx(np.median(np.diff(positions)))


def test_volumes_are_translated_as_pairs_are(cohort: Cohort) -> None:
    """The planes that a volume's slice gets are those that it was trained with."""
    plan = plan_for(cohort, network__neighbours=1, train__precision="fp32")
    generator = start(plan).generator.eval()
    pairs = CohortPairs(cohort, "test", translator_of(plan))
    for visit in visits(cohort, "test", plan):
        made = Translator(generator, plan)(visit.sources).images
        with torch.no_grad():
            wanted = generator(pairs.batch(visit.places)[:, :-1]).clamp(-1, 1)[:, 0].numpy()
        assert np.allclose(made, wanted, atol=1e-5)
        assert np.array_equal(visit.target, pairs.batch(visit.places)[:, -1].numpy())


def test_a_slice_does_not_depend_on_how_many_are_translated() -> None:
    plan = recipe_plan("pix2pix", network__norm="instance")
    generator = start(plan).generator.eval()
    stack = np.random.default_rng(0).uniform(-1, 1, (2 * BATCH + 3, 2, 16, 16)).astype(np.float32)
    translator = Translator(generator, plan)
    whole, part = translator(stack, passes=2), translator(stack[: BATCH + 1], passes=2)
    assert np.array_equal(whole.images[: BATCH + 1], part.images)
    assert whole.spread is not None and part.spread is not None
    assert np.array_equal(whole.spread[: BATCH + 1], part.spread)
    assert whole.spread.min() >= 0 and whole.spread.max() > 0


def test_a_wider_gap_takes_neighbours_from_farther_away() -> None:
    plan = recipe_plan("pix2pix", network__neighbours=1)
    generator = start(plan).generator.eval()
    stack = np.random.default_rng(0).uniform(-1, 1, (12, 2, 16, 16)).astype(np.float32)
    translator = Translator(generator, plan)
    thin = translator(stack, gap=2).images[::2]
    assert np.allclose(thin[1:-1], translator(stack[::2]).images[1:-1], atol=1e-6)


def test_what_a_translator_cannot_do_is_said_in_a_line() -> None:
    plan = recipe_plan("pix2pix")
    translator = Translator(start(plan).generator, plan)
    stack = np.zeros((2, 2, 16, 16), np.float32)
    with pytest.raises(UserError, match="cannot do without T1w"):
        translator(stack, missing=["T1w"])
    with pytest.raises(UserError, match="FLAIR is no source"):
        translator(stack, missing=["FLAIR"])
    with pytest.raises(UserError, match="sources are T1w, T2w"):
        translator(stack[:, :1])
    with pytest.raises(UserError, match="2 passes are needed"):
        translator(stack, passes=1)
    must = recipe_plan("mustgan", network__dropout=0.0)
    able = Translator(start(must).generator, must)
    assert able(stack, missing=["T1w"]).images.shape == (2, 16, 16)
    with pytest.raises(UserError, match="no source is left"):
        able(stack, missing=["T1w", "T2w"])
    with pytest.raises(UserError, match="no dropout"):
        able(stack, passes=4)
    with pytest.raises(UserError, match="does not translate"):
        translator_of(recipe_plan("popgan"))


def test_the_error_is_that_of_patients_and_not_of_slices(cohort: Cohort) -> None:
    plan = plan_for(cohort)
    scale, translator = PairedScale(plan, cohort), Translator(start(plan).average, plan)
    by_hand: dict[str, list[np.ndarray]] = {}
    for visit in visits(cohort, "tuning", plan):
        made = translator(visit.sources).images
        inside = np.maximum(visit.sources.max(1), visit.target) > -0.9
        error = np.abs(made - visit.target)[inside] / 2
        by_hand.setdefault(visit.subject, []).append(error)
    wanted = [np.concatenate(own).mean() for own in by_hand.values()]
    assert scale.errors(translator) == pytest.approx(wanted, rel=1e-5)
    score = scale(start(plan))
    assert score.value == pytest.approx(np.mean(wanted), rel=1e-5)
    assert scale.choose([score]).images == 0


def test_of_a_single_tuning_subject_the_last_snapshot_is_taken(lone: Cohort) -> None:
    """Without a second subject nobody knows how sure a difference is."""
    scale = PairedScale(plan_for(lone), lone)
    score = scale(start(plan_for(lone)))
    assert score.without_subjects == []
    better = score.model_copy(update={"value": 0.01})
    later = score.model_copy(update={"images": 1000, "value": 0.04321})
    choice = scale.choose([better, later])
    assert choice.images == 1000
    assert "0.04321" in choice.text and "standard error of the difference unknown" in choice.text


def test_streams_are_fused_where_the_tuning_split_says(cohort: Cohort) -> None:
    plan = plan_for(cohort, "mustgan", train__images=160)
    state = start(plan)
    scale = PairedScale(plan, cohort)
    settle = settle_fusion(plan, scale, ALONE)
    assert settle is not None
    judged = Translator(state.average, plan)
    wanted = int(np.argmin([scale.errors(judged, place).mean() for place in range(3)]))
    state.images = 100
    settle(state)
    assert int(state.generator.chosen) == -1, "places still compete"
    state.images = 112
    settle(state)
    assert int(state.generator.chosen) == int(state.average.chosen) == wanted
    (event,) = state.guard.events
    assert plan.network.fusion[wanted] in event.text and "bottleneck 0." in event.text
    settle(state)
    assert len(state.guard.events) == 1
    single = plan_for(cohort, "mustgan", network__fusion=["bottleneck"])
    assert settle_fusion(single, scale, ALONE) is None


def test_pictures_of_patients_stay_private(cohort: Cohort, tmp_path: Path) -> None:
    plan = plan_for(cohort, network__neighbours=1)
    shown = ShownPairs(plan, cohort, tmp_path / "pairs")
    shown(start(plan), Stage(0, 1.0))
    (path,) = (tmp_path / "pairs").iterdir()
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0


def test_while_streams_learn_theirs_is_the_translation_that_is_shown(
    cohort: Cohort, tmp_path: Path
) -> None:
    """The joint network is random until its first step."""
    plan = plan_for(cohort, "mustgan", train__images=160)
    state = start(plan)
    assert shown_place(start(plan_for(cohort)), plan) is None
    for images, place in ((8, NO_PLACE), (80, NO_PLACE), (88, None)):
        state.images = images
        assert shown_place(state, plan) == place
    judged = Translator(state.average, plan)
    (visit, *_) = visits(cohort, "tuning", plan)
    x = torch.from_numpy(visit.sources)
    with torch.no_grad():
        stream = state.average.stream(x, 2).clamp(-1, 1)[:, 0].numpy()
    assert np.allclose(judged(visit.sources, place=NO_PLACE).images, stream, atol=1e-5)
    assert not np.allclose(judged(visit.sources).images, stream, atol=1e-2)


def test_slices_of_a_single_visit_are_no_sign_of_collapse(lone: Cohort, tmp_path: Path) -> None:
    """A lone tuning subject with one slice: the grid is drawn, the monitor is told nothing."""
    assert len(set(lone.subjects("tuning"))) == 1
    plan = plan_for(lone, network__neighbours=1)
    assert ShownPairs(plan, lone, tmp_path / "pairs")(start(plan), Stage(0, 1.0)) is None
    assert len(list((tmp_path / "pairs").iterdir())) == 1
