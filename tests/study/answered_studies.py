"""A study that was created, answered and locked, as if readers had been there."""

from __future__ import annotations

import itertools
import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from popgan.evidence.readers.answers import Answers, Case
from popgan.evidence.readers.reader_model import ReaderModel
from popgan.evidence.readers.simulate import simulate
from popgan.study.clock import Stamp
from popgan.study.database import changing
from popgan.study.frozen import digests, freeze
from popgan.study.records import set_locked
from popgan.study.schema import Block, Study, Trial
from study.small_studies import SECRET, register

__all__ = ["SECRET", "register"]


def simulated(study: Study, seed: int = 0, **model: Any) -> Answers:
    """Answers of a stated reader model to a study's own trials."""
    blocks = [_block(study, block, seed, ReaderModel(**model)) for block in study.design.blocks]
    return replace(
        blocks[0],
        judgements=blocks[-1].judgements,
        planned={name: blocks[0].planned[name] for name in study.design.blocks},
    )


def _block(study: Study, block: Block, seed: int, model: ReaderModel) -> Answers:
    """Each block has repeats of its own; answers do not depend on what else is asked."""
    asked = {plan.alias: plan.trials[block] for plan in study.key.readers}
    real = {s.case for s in study.key.stimuli if s.source == "real"}

    def shown(trial: Trial) -> str:
        return next((case for case in trial.cases if case in real), trial.cases[0])

    pairs = {
        alias: [(t.cases[0], t.cases[1]) for t in trials if not t.repeat]
        for alias, trials in asked.items()
        if block == "2afc"
    }
    return simulate(
        [Case(s.case, s.source, s.cluster) for s in study.key.stimuli if not s.practice],
        model,
        readers=list(asked),
        kind=study.design.kind,
        repeats={alias: [shown(t) for t in trials if t.repeat] for alias, trials in asked.items()},
        pairs=pairs or None,
        seed=seed,
    )


def answer(study: Study, answers: Answers, *, locked: bool = True, remark: str = "") -> None:
    """Put answers into the study's database as the server would, and lock it."""
    rows = list(_rows(study, answers))
    minutes = itertools.count()
    with changing(study) as connection:
        freeze(connection, digests(study), _moment(0))
        for reader, block, trial, values, seconds in rows:
            content = values | ({"remark": remark} if remark else {})
            when = _moment(next(minutes))
            number = connection.execute(
                "INSERT INTO answer (reader, block, trial, uuid, content, complete, shown_ms,"
                " client_time, received, monotonic, clock_back) VALUES (?,?,?,?,?,1,?,?,?,0,0)",
                (reader, block, trial, str(uuid.uuid4()), json.dumps(content), seconds, when, when),
            ).lastrowid
            connection.execute(
                "INSERT INTO latest VALUES (?,?,?,?,1,?)", (reader, block, trial, number, seconds)
            )
        if locked:
            stamp = Stamp("2026-11-21T10:00:00.000+00:00", 0.0, False)
            set_locked(connection, None, True, by="coordinator", stamp=stamp)


def _moment(minute: int) -> str:
    day, rest = divmod(minute, 1440)
    return f"2026-11-{3 + day:02d}T{rest // 60:02d}:{rest % 60:02d}:00.000+00:00"


def _rows(study: Study, answers: Answers):
    """(reader, block, trial, values, milliseconds) of every answer."""
    places = {
        (plan.alias, block, tuple(sorted(trial.cases)), trial.repeat): trial
        for plan in study.key.readers
        for block, trials in plan.trials.items()
        for trial in trials
    }
    for rating in answers.ratings:
        trial = places[rating.reader, "likert", (rating.case,), rating.repeat]
        yield rating.reader, "likert", trial.id, dict(rating.scores), int(1000 * rating.seconds)
    for judged in answers.judgements:
        trial = places[judged.reader, "authenticity", (judged.case,), judged.repeat]
        values = {"real": judged.says_real, "confidence": judged.confidence}
        yield judged.reader, "authenticity", trial.id, values, int(1000 * judged.seconds)
    for choice in answers.choices:
        cases = tuple(sorted((choice.real, choice.synthetic)))
        trial = places[choice.reader, "2afc", cases, choice.repeat]
        values = {"choice": "left" if choice.left_chosen else "right"}
        values |= {"confidence": choice.confidence}
        yield choice.reader, "2afc", trial.id, values, int(1000 * choice.seconds)


def answered(run: Path, study: Study, **model: Any) -> Study:
    """Register, answer and lock a study of a run."""
    register(study)
    answer(study, simulated(study, **model))
    return Study.open(run)
