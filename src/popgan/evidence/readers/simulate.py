"""Answers drawn from a stated reader model, to rehearse a study and to test its analysis.

Authenticity and forced choice follow equal-variance signal detection: an image gives a reader the
evidence of being synthetic x = +-d'/2 + noise of variance 1, and is called synthetic where x > c.
Scores follow the cumulative logit model: logit P(score > k) = -cut(k) + leniency + shift, exactly,
for every reader and source. The noise of both has four parts, whose shares add up to 1: the patient
(images of one patient are alike), the image (readers agree about it), what a reader always sees in
that image, and what changes from look to look. Agreement and repeatability follow from the shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.evidence.readers.answers import (
    CRITERIA,
    Answers,
    Case,
    Choice,
    Judgement,
    Rating,
)
from popgan.evidence.readers.reader_model import ReaderModel, Traits, traits
from popgan.seeds import numpy_rng

__all__ = ["ReaderModel", "Traits", "simulate", "traits"]

Floats = NDArray[np.float64]


def simulate(
    cases: Sequence[Case],
    model: ReaderModel,
    *,
    readers: Sequence[str],
    kind: str = "likert+authenticity",
    repeats: Mapping[str, Sequence[str]] | None = None,
    pairs: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    seed: int,
    reader_seed: int | None = None,
) -> Answers:
    """Draw the answers of a whole study.

    A reader's answers depend on the seed, the alias and the names of the cases, not on their order.

    Args:
        cases: all images, repeats not counted.
        model: how readers answer.
        readers: aliases.
        kind: "likert+authenticity" or "2afc".
        repeats: reader -> names of the cases that are shown again; in "2afc", of the real image
            of the pair. None: nothing is repeated.
        pairs: for "2afc", reader -> (left, right) names of each trial, one real, one synthetic.
        seed: of all random numbers.
        reader_seed: of the readers' traits, to have the same readers judge other images; None:
            the seed.

    Raises:
        UserError: an unknown kind or case, or no pairs where they are needed.
    """
    if kind not in {"likert+authenticity", "2afc"}:
        raise UserError(f"{kind} is no kind of study", do="use likert+authenticity or 2afc")
    ordered = sorted(cases, key=lambda case: case.name)
    noise = _Noise(ordered, model, seed)
    again = {reader: sorted(set((repeats or {}).get(reader, ()))) for reader in readers}
    ratings: list[Rating] = []
    judgements: list[Judgement] = []
    choices: list[Choice] = []
    planned: dict[str, int] = {}
    for reader in readers:
        own = traits(model, reader, seed if reader_seed is None else reader_seed)
        one = _Reader(reader, model, own, noise, seed)
        if kind == "2afc":
            trials = list((pairs or {}).get(reader, ()))
            if not trials:
                raise UserError(f"no pairs for reader {reader}")
            choices += one.choices(trials, again[reader])
            blocks = {"2afc": len(trials) + len(again[reader])}
        else:
            ratings += one.ratings(again[reader])
            judgements += one.judgements(again[reader])
            blocks = dict.fromkeys(("likert", "authenticity"), len(ordered) + len(again[reader]))
        planned = {name: max(n, planned.get(name, 0)) for name, n in blocks.items()}
    return Answers(
        cases={case.name: case for case in ordered},
        readers=tuple(readers),
        ratings=tuple(ratings),
        judgements=tuple(judgements),
        choices=tuple(choices),
        planned=planned,
    )


class _Noise:
    """What all readers share: the effects of patients and images, block by block."""

    def __init__(self, cases: Sequence[Case], model: ReaderModel, seed: int) -> None:
        self.cases, self.model = cases, model
        self.index = {case.name: i for i, case in enumerate(cases)}
        names = sorted({case.cluster for case in cases})
        place = {name: i for i, name in enumerate(names)}
        member = np.array([place[case.cluster] for case in cases], dtype=np.int64)
        rng = numpy_rng(seed, "simulated readers: images")
        self.evidence = np.sqrt(model.patient) * rng.standard_normal(len(names))[member]
        self.evidence += np.sqrt(model.image) * rng.standard_normal(len(cases))
        self.quality = np.sqrt(model.patient) * _with_halo(rng, len(names), model.halo)[member]
        self.quality += np.sqrt(model.image) * _with_halo(rng, len(cases), model.halo)

    def place(self, better: float) -> Floats:
        """Mean evidence of each case for a reader who is better than the mean by so much.

        The middle between real images and the mean of the models is 0, where c counts from.
        """
        models = sorted({case.source for case in self.cases if not case.is_real})
        middle = float(np.mean([self.model.detects(name) for name in models])) if models else 0.0
        real = -(middle + better) / 2
        return np.array(
            [
                real if case.is_real else real + better + self.model.detects(case.source)
                for case in self.cases
            ]
        )

    def numbers(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Indices of cases by name."""
        unknown = [name for name in names if name not in self.index]
        if unknown:
            raise UserError(f"no case is named {unknown[0]}")
        return np.array([self.index[name] for name in names], dtype=np.int64)


class _Reader:
    """One simulated reader."""

    def __init__(
        self, alias: str, model: ReaderModel, own: Traits, noise: _Noise, seed: int
    ) -> None:
        self.alias, self.model, self.noise, self.traits = alias, model, noise, own
        self.rng = numpy_rng(seed, f"simulated reader {alias}")
        self.fresh = np.sqrt(max(0.0, 1 - model.patient - model.image - model.view))
        count = len(noise.cases)
        self.stable = noise.place(own.better) + noise.evidence
        self.stable += np.sqrt(model.view) * self.rng.standard_normal(count)
        self.seen = noise.quality + np.sqrt(model.view) * _with_halo(self.rng, count, model.halo)

    def evidence(self, numbers: NDArray[np.int64]) -> Floats:
        """The evidence of being synthetic at one look at each of these cases."""
        return self.stable[numbers] + self.fresh * self.rng.standard_normal(len(numbers))

    def looks(self, again: Sequence[str]) -> list[tuple[NDArray[np.int64], int]]:
        """Cases and number of repeat: all of them once, then the repeated ones."""
        return [(np.arange(len(self.noise.cases)), 0), (self.noise.numbers(again), 1)]

    def judgements(self, again: Sequence[str]) -> list[Judgement]:
        found = []
        for numbers, repeat in self.looks(again):
            distance = self.evidence(numbers) - self.traits.criterion
            sure = 1 + np.searchsorted(self.model.sure, np.abs(distance), side="right")
            given, seconds = self.given(len(numbers)), self.times(len(numbers))
            found += [
                Judgement(
                    self.alias,
                    self.noise.cases[i].name,
                    bool(distance[j] <= 0),
                    int(sure[j]),
                    repeat,
                    float(seconds[j]),
                )
                for j, i in enumerate(numbers)
                if given[j]
            ]
        return found

    def ratings(self, again: Sequence[str]) -> list[Rating]:
        from scipy.special import log_ndtr

        found = []
        shift = np.array([self.model.shift.get(case.source, 0.0) for case in self.noise.cases])
        for numbers, repeat in self.looks(again):
            fresh = self.fresh * _with_halo(self.rng, len(numbers), self.model.halo)
            total = self.seen[numbers] + fresh
            # Normal noise of variance 1, turned into logistic noise of the same rank: that makes
            # the odds ratio the same at every cut, whatever the shares of the noise are.
            latent = (
                log_ndtr(total) - log_ndtr(-total) + shift[numbers][:, None] + self.traits.leniency
            )
            scores = 1 + np.searchsorted(self.model.cuts, latent, side="left")
            given, seconds = self.given(len(numbers)), self.times(len(numbers))
            found += [
                Rating(
                    self.alias,
                    self.noise.cases[i].name,
                    dict(zip(CRITERIA, map(int, scores[j]), strict=True)),
                    repeat,
                    float(seconds[j]),
                )
                for j, i in enumerate(numbers)
                if given[j]
            ]
        return found

    def choices(self, trials: Sequence[tuple[str, str]], again: Sequence[str]) -> list[Choice]:
        repeated = set(again)
        second = [trial for trial in trials if repeated & set(trial)]
        return [*self._choices(trials, 0), *self._choices(second, 1)]

    def _choices(self, trials: Sequence[tuple[str, str]], repeat: int) -> list[Choice]:
        left = self.noise.numbers([trial[0] for trial in trials])
        right = self.noise.numbers([trial[1] for trial in trials])
        distance = self.evidence(right) - self.evidence(left) + self.model.left_bias
        sure = 1 + np.searchsorted(self.model.sure, np.abs(distance), side="right")
        given, seconds = self.given(len(trials)), self.times(len(trials))
        found = []
        for j, names in enumerate(trials):
            sides = [self.noise.cases[i].is_real for i in (left[j], right[j])]
            if sides[0] == sides[1]:
                raise UserError(f"the pair {names[0]}, {names[1]} is not one real, one synthetic")
            chosen = bool(distance[j] > 0)
            if given[j]:
                real, synthetic = names if sides[0] else names[::-1]
                right_answer = chosen == sides[0]
                found.append(
                    Choice(
                        self.alias,
                        real,
                        synthetic,
                        right_answer,
                        int(sure[j]),
                        chosen,
                        repeat,
                        float(seconds[j]),
                    )
                )
        return found

    def given(self, count: int) -> NDArray[np.bool_]:
        return self.rng.random(count) >= self.model.missing

    def times(self, count: int) -> Floats:
        spread = self.model.spread_of_seconds
        return np.round(self.traits.pace * np.exp(spread * self.rng.standard_normal(count)), 1)


def _with_halo(rng: np.random.Generator, count: int, halo: float) -> Floats:
    """Standard normal numbers, count x criteria, that correlate by `halo` between criteria."""
    common = rng.standard_normal((count, 1))
    own = rng.standard_normal((count, len(CRITERIA)))
    return np.sqrt(halo) * common + np.sqrt(1 - halo) * own
