"""Leaks that are planted into a clean study, for tests and for measuring the leak test's power."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from popgan.study.channel import judged_trials
from popgan.study.probe import Reply
from popgan.study.schema import Study, Trial
from study.planned_studies import sources


def is_real(study: Study) -> dict[str, bool]:
    return {case: source == "real" for case, source in sources(study).items()}


def with_trials(study: Study, change: Callable[[list[Trial]], list[Trial]]) -> Study:
    """The same study with the trials of every block changed."""
    plans = [
        plan.model_copy(
            update={
                "trials": {block: change(list(trials)) for block, trials in plan.trials.items()}
            }
        )
        for plan in study.key.readers
    ]
    return replace(study, key=study.key.model_copy(update={"readers": plans}))


def letters_for_real(study: Study) -> Study:
    """Ids of real stimuli begin with a letter."""
    real = is_real(study)

    def name(text: str, case: str) -> str:
        return ("abcdef" if real[case] else "012345")[int(text[0], 16) % 6] + text[1:]

    def change(trials: list[Trial]) -> list[Trial]:
        return [
            t.model_copy(update={"stimuli": [name(s, c) for s, c in zip(t.stimuli, t.cases)]})  # noqa: B905
            for t in trials
        ]

    return with_trials(study, change)


def real_first(study: Study) -> Study:
    """Real images tend to come early."""
    real, rng = is_real(study), np.random.default_rng(1)

    def change(trials: list[Trial]) -> list[Trial]:
        early = [0.5 * real[t.cases[0]] for t in trials]
        key = rng.random(len(trials)) - np.array(early)
        return [trials[i] for i in np.argsort(key)]

    return with_trials(study, change)


def by_turns(study: Study) -> Study:
    """Real and synthetic alternate, beginning with either."""
    real, turn = is_real(study), [0]

    def change(trials: list[Trial]) -> list[Trial]:
        kinds = [[t for t in trials if real[t.cases[0]] is k] for k in (True, False)]
        turn[0] += 1
        first, second = kinds if turn[0] % 2 else kinds[::-1]
        mixed = [t for pair in zip(first, second) for t in pair]  # noqa: B905
        both = min(len(first), len(second))
        return [*mixed, *first[both:], *second[both:]]

    return with_trials(study, change)


def repeats_of_real(study: Study) -> Study:
    """Only real images are shown again."""
    real = is_real(study)

    def change(trials: list[Trial]) -> list[Trial]:
        return [t for t in trials if not t.repeat or real[t.cases[0]]]

    return with_trials(study, change)


def left_is_real(study: Study) -> Study:
    """In pairs, the real image is on the left four times of five."""
    real, rng = is_real(study), np.random.default_rng(2)

    def side(trial: Trial) -> Trial:
        if real[trial.cases[0]] or rng.random() < 0.2:
            return trial
        turned = {"cases": trial.cases[::-1], "stimuli": trial.stimuli[::-1]}
        return trial.model_copy(update=turned)

    return with_trials(study, lambda trials: [side(trial) for trial in trials])


def longer_files(study: Study) -> Study:
    """Synthetic files have one byte more."""
    for stimulus in study.key.stimuli:
        if stimulus.source != "real":
            with (study.places.stimuli / stimulus.file).open("ab") as handle:
                handle.write(b"\0")
    return study


def older_files(study: Study) -> Study:
    """Real files were written first, within a second."""
    for stimulus in study.key.stimuli:
        path = study.places.stimuli / stimulus.file
        now = path.stat().st_mtime_ns + (0 if stimulus.source == "real" else 10**6)
        os.utime(path, ns=(now, now))
    return study


def replies(
    study: Study, *, slower: float = 0.0, header: bool = False, seed: int = 0
) -> list[Reply]:
    """What a server would say; synthetic images come `slower` by that share, or with a header."""
    real, rng = is_real(study), np.random.default_rng(seed)
    found = []
    for _, _, trial, _ in judged_trials(study):
        for case in trial.cases:
            base = 0.0 if real[case] else np.log1p(slower)
            seconds = tuple(np.exp(rng.normal(-7 + base, 0.15, 2)))
            head = "200\nx: y" if header and not real[case] else "200"
            found.append(Reply(case, seconds, head, 100))
    return found


LEAKS: dict[str, tuple[Callable[[Study], Study], str]] = {
    "letters": (letters_for_real, "stimulus ids"),
    "early": (real_first, "position and side"),
    "by turns": (by_turns, "neighbours in the order"),
    "repeats": (repeats_of_real, "repeats"),
    "longer": (longer_files, "length and header bytes"),
    "older": (older_files, "file dates and order"),
}
"""Name -> (how it is planted, the channel that must find it)."""
