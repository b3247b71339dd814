"""Translators against each other, patient by patient: differences, sign flips, Holm, the words.

Both sides make the same contrast of the same test patients in one order, so each patient is a pair
and no model's numbers need a floor: this is the best evidence that a comparison has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from popgan.evidence.compare import effects
from popgan.evidence.compare.results import TranslatorMetric, TranslatorPair
from popgan.evidence.paired.patients import (
    LEAST,
    Values,
    differences,
    patient_mean,
    sign_flip,
    smallest_p,
)
from popgan.evidence.readers.holm import holm, with_holm
from popgan.evidence.readers.results import Measure, Test
from popgan.wording import counted

ALPHA = 0.05
PATIENTS = "held-out patients"
METRICS: tuple[TranslatorMetric, ...] = ("psnr", "ssim")
"""Of both more is better."""
TITLES: dict[TranslatorMetric, str] = {"psnr": "PSNR", "ssim": "SSIM"}
FORMS: dict[TranslatorMetric, str] = {"psnr": "{:+.2f}", "ssim": "{:+.4f}"}
_METHOD = "cluster bootstrap of patients, widened by Student's t, 95 %"


@dataclass(frozen=True)
class Side:
    """A translator, or trainings of one recipe that differ in their seed alone.

    Attributes:
        title: its name.
        target: the contrast that it makes.
        numbers: of each metric, for each training a number a patient, in one order for all sides.
    """

    title: str
    target: str
    numbers: Mapping[TranslatorMetric, Sequence[Values]]

    @property
    def trainings(self) -> int:
        """How many there are."""
        return max(map(len, self.numbers.values()), default=0)

    def patients(self, metric: TranslatorMetric) -> list[float | None]:
        """A number a patient, mean over trainings; None where one of them has none."""
        columns = zip(*self.numbers.get(metric, ()), strict=True)
        return [_mean(column) for column in columns]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def translator_pairs(sides: Sequence[Side], *, seed: int = 0) -> list[TranslatorPair]:
    """All pairs of sides that make the same contrast, with Holm's correction over all of a metric.

    Args:
        sides: measured on the same patients in the same order.
        seed: of intervals, and of flips where there are too many to try.
    """
    found: list[TranslatorPair] = []
    for metric in METRICS:
        made = [
            pair
            for first, second in combinations(sides, 2)
            if first.target == second.target
            and (pair := _pair(first, second, metric, seed)) is not None
        ]
        corrected = with_holm([pair.test for pair in made])
        # Holm's p cannot be less than what the smallest possible p of every pair would give.
        least = iter(holm([pair.smallest_p for pair in made if pair.smallest_p is not None]))
        for pair, test in zip(made, corrected, strict=True):
            reach = None if pair.smallest_p is None else next(least)
            found.append(_judged(pair, test, reach, len(made)))
    return found


def _pair(first: Side, second: Side, metric: TranslatorMetric, seed: int) -> TranslatorPair | None:
    """A pair before Holm; None where there is no patient of whom both have a number."""
    gaps = differences(first.patients(metric), second.patients(metric))
    mean = patient_mean(gaps, seed=seed)
    if mean is None:
        return None
    known = [gap for gap in gaps if gap is not None]
    n, few = len(known), None if len(known) >= LEAST else f"fewer than {LEAST} {PATIENTS}"
    return TranslatorPair(
        first=first.title,
        second=second.title,
        target=first.target,
        metric=metric,
        trainings=(first.trainings, second.trainings),
        difference=Measure(
            value=mean.mean,
            low=mean.low,
            high=mean.high,
            n=n,
            of=PATIENTS,
            method=_METHOD,
            reason=few,
        ),
        share=effects.share_of_units([(gap > 0) + 0.5 * (gap == 0) for gap in known], PATIENTS),
        test=Test(
            statistic=mean.mean,
            p=sign_flip(gaps, seed=seed),
            n=n,
            of=PATIENTS,
            method="sign flips of patients, two-sided",
            reason=few,
        ),
        smallest_p=None if few else smallest_p(n),
        tie=True,
        better=None,
        sentence="",
    )


def _judged(pair: TranslatorPair, test: Test, reach: float | None, count: int) -> TranslatorPair:
    """A pair after Holm's correction: a tie or not, and in words."""
    gap = pair.difference.value or 0.0
    tie = test.p_holm is None or test.p_holm > ALPHA or gap == 0
    better = None if tie else pair.first if gap > 0 else pair.second
    method = f"{test.method}; Holm over {counted(count, 'pair', 'pairs')} of this metric"
    judged = pair.model_copy(
        update={
            "test": test.model_copy(update={"method": method}),
            "smallest_p_holm": reach,
            "tie": tie,
            "better": better,
        }
    )
    return judged.model_copy(update={"sentence": sentence(judged)})


def sentence(pair: TranslatorPair) -> str:
    """What a pair amounts to: which is better, or that no difference was shown."""
    found = f"{_gap(pair)}; {_share(pair)}{_p(pair)}"
    if pair.tie:
        return f"{pair.first} and {pair.second}: a tie, no difference was shown ({found})."
    other = pair.second if pair.better == pair.first else pair.first
    return f"{pair.better} makes {pair.target} better than {other} ({found})."


def _gap(pair: TranslatorPair) -> str:
    title, form, found = TITLES[pair.metric], FORMS[pair.metric], pair.difference
    text = f"{title} of {pair.first} {form.format(found.value or 0)}"
    text += " dB" if pair.metric == "psnr" else ""
    if found.low is not None and found.high is not None:
        text += f" ({form.format(found.low)} to {form.format(found.high)})"
    return f"{text} against {pair.second}"


def _share(pair: TranslatorPair) -> str:
    wins = (pair.share.value or 0) * pair.share.n
    return f"better for {wins:g} of {counted(pair.share.n, 'patient', 'patients')}"


def _p(pair: TranslatorPair) -> str:
    if pair.test.p_holm is None:
        return "; too few for a test"
    p = pair.test.p_holm
    return f"; p = {p:.2g} after Holm" if p >= 1e-4 else "; p below 0.0001 after Holm"


def translator_notes(pairs: Sequence[TranslatorPair]) -> list[str]:
    """What the numbers of trainings and of patients do not allow to say."""
    single = dict.fromkeys(
        title
        for pair in pairs
        for title, trainings in zip((pair.first, pair.second), pair.trainings, strict=True)
        if trainings == 1
    )
    notes = []
    if single:
        notes.append(
            f"Trained once: {', '.join(single)}. What differs may be the seed: patients are the "
            "unit here, so this holds for other patients and these weights."
        )
    notes += [note for metric in METRICS if (note := _hopeless(pairs, metric))]
    return notes


def _hopeless(pairs: Sequence[TranslatorPair], metric: TranslatorMetric) -> str:
    """That so few patients, or so many pairs, allow no verdict; "" where they do."""
    own = [pair for pair in pairs if pair.metric == metric]
    lost = [p for p in own if p.smallest_p_holm is None or p.smallest_p_holm > ALPHA]
    if not lost:
        return ""
    fewest = min(pair.difference.n for pair in lost)
    least = [pair.smallest_p_holm for pair in lost if pair.smallest_p_holm is not None]
    who = counted(fewest, "patient", "patients")
    many = counted(len(own), "pair", "pairs")
    some = "no difference" if len(lost) == len(own) else f"no difference in {len(lost)} of them"
    reach = f"p after Holm is at least {min(least):.2g}" if least else "there is no test"
    return f"{TITLES[metric]}: with {who} and {many} {some} can be shown, whatever it is: {reach}."
