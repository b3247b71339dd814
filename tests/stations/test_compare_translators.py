"""Which translators are pairs: current evaluations of the same patients, seeds as one side."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from popgan.evidence.compare.results import TranslatorPair
from popgan.evidence.paired.results import MethodRow, PairedResult, PatientMean, Score
from popgan.stations import compare_translators as station
from popgan.stations.contenders import Entrant

PATIENTS = [24.0, 22.5, 25.5, 23.1, 26.2, 24.8, 23.9]


def paired(psnr: float, *, target: str = "FLAIR", slices: int = 70) -> PairedResult:
    """A translator that is so much better for every patient, and a little more for each next."""
    numbers = [value + psnr * (1 + 0.1 * i) for i, value in enumerate(PATIENTS)]
    scores = []
    for metric, values in (("psnr", numbers), ("ssim", [value / 40 for value in numbers])):
        mean = sum(values) / len(values)
        found = PatientMean(mean=mean, low=mean - 1, high=mean + 1, patients=[*values])
        scores.append(Score(metric=metric, region="brain", value=found))  # type: ignore[arg-type]
    return PairedResult(
        model="own",
        sources=["T1w"],
        target=target,
        normalisation="the same for all",
        n_patients=len(PATIENTS),
        n_slices=slices,
        n_patients_with_lesion=0,
        image_shape=[64, 64],
        seed=0,
        rows=[MethodRow(name="own", kind="model", scores=scores)],
        comparisons=[],
    )


def entrant(name: str, result: PairedResult | None, *, kind: str = "", seed: int = 0) -> Entrant:
    plan: Any = SimpleNamespace(recipe="pix2pix", preset="quick", seed=seed)
    model: Any = SimpleNamespace(name=name, evaluation=result)
    return Entrant(model, plan, weights="w" + name, kind=kind or name)


@pytest.fixture(autouse=True)
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(model: Any) -> Any:
        return model.evaluation and SimpleNamespace(paired=model.evaluation)

    monkeypatch.setattr(station, "load_evaluation", load)


def of_psnr(found: list[TranslatorPair]) -> list[TranslatorPair]:
    return [pair for pair in found if pair.metric == "psnr"]


def test_seeds_of_a_recipe_are_one_side_and_a_double_counts_once() -> None:
    found, notes = station.paired_translators(
        [
            entrant("a0", paired(0.2), kind="a", seed=0),
            entrant("a1", paired(0.6), kind="a", seed=1),
            entrant("a9", paired(9.0), kind="a", seed=1),
            entrant("b", paired(1.4)),
        ]
    )
    (pair,) = of_psnr(found)
    assert (pair.first, pair.second) == ("pix2pix quick (a0)", "pix2pix quick (b)")
    assert pair.trainings == (2, 1)
    # Means of 0.2 and 0.6 less 1.4, times 1, 1.1 ... 1.6; the double has no part in it.
    assert pair.difference.value == pytest.approx((0.4 - 1.4) * 1.3)
    assert pair.better == "pix2pix quick (b)" and pair.test.p == pytest.approx(2 / 2**7)
    assert any(note.startswith("a9 repeats seed 1") for note in notes)
    assert any("Trained once: pix2pix quick (b)." in note for note in notes)


def test_only_the_same_patients_and_slices_are_compared_and_others_are_named() -> None:
    found, notes = station.paired_translators(
        [
            entrant("a", paired(0)),
            entrant("b", paired(1)),
            entrant("fewer", paired(5, slices=69)),
            entrant("new", None),
        ]
    )
    assert {pair.first for pair in found} == {"pix2pix quick (a)"}
    assert {pair.second for pair in found} == {"pix2pix quick (b)"}
    assert "In no pair, without a current evaluation: new." in notes
    assert "In no pair, measured on other numbers of patients or slices: fewer." in notes


def test_without_a_rival_there_is_no_pair_and_nothing_to_say() -> None:
    assert station.paired_translators([]) == ([], [])
    assert station.paired_translators([entrant("a", paired(0))]) == ([], [])
    apart = [entrant("a", paired(0)), entrant("b", paired(1, target="T2w"))]
    assert station.paired_translators(apart) == ([], [])
