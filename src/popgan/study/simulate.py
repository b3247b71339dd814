"""Draw the answers of a study's own design from a reader model, to rehearse the analysis."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path

from popgan.errors import UserError
from popgan.evidence.readers.answers import Answers, Case
from popgan.evidence.readers.reader_model import ReaderModel
from popgan.evidence.readers.simulate import simulate
from popgan.study.rehearsal import rehearsal_path, save_rehearsal
from popgan.study.schema import Study

MOST_STUDIES = 1000


@dataclass(frozen=True)
class Script:
    """How simulated readers answer.

    Attributes:
        d_prime: how well they tell synthetic from real.
        shift: of the scores of synthetic images, in logits.
        readers: how many answer; all that the design has if None.
        missing: share of answers that are never given.
        seed: of all random numbers; study number k has seed + k - 1.
        studies: how many are simulated.
    """

    d_prime: float = 0.5
    shift: float = -0.3
    readers: int | None = None
    missing: float = 0.0
    seed: int = 0
    studies: int = 1

    def check(self, study: Study) -> None:
        """Refuse what cannot be simulated.

        Raises:
            UserError: which value.
        """
        most = study.design.readers
        for option, value, low, high in (
            ("--dprime", self.d_prime, -10.0, 10.0),
            ("--shift", self.shift, -20.0, 20.0),
            ("--readers", most if self.readers is None else self.readers, 1, most),
            ("--missing", self.missing, 0.0, 0.95),
            ("--studies", self.studies, 1, MOST_STUDIES),
        ):
            if not (math.isfinite(value) and low <= value <= high):
                raise UserError(
                    f"{option} {value:g} is not possible", do=f"give {low:g} to {high:g}"
                )


def rehearse(study: Study, script: Script) -> list[Path]:
    """Simulate and write answers; those of an earlier rehearsal are replaced.

    Raises:
        UserError: a value that is not possible, or a full disk.
    """
    script.check(study)
    for number in range(1, MOST_STUDIES + 1):
        rehearsal_path(study.places, number).unlink(missing_ok=True)
    return [
        save_rehearsal(
            study,
            simulated(study, script, script.seed + number - 1),
            asdict(script) | {"seed": script.seed + number - 1},
            number=number,
        )
        for number in range(1, script.studies + 1)
    ]


def simulated(study: Study, script: Script, seed: int) -> Answers:
    """Answers of one simulated study."""
    design = study.design
    plans = study.key.readers[: script.readers]
    block = design.blocks[0]
    model = ReaderModel(
        d_prime=script.d_prime,
        shift=dict.fromkeys(design.synthetic, script.shift),
        missing=script.missing,
    )
    first = {plan.alias: [t for t in plan.trials[block] if not t.repeat] for plan in plans}
    again = {plan.alias: [t for t in plan.trials[block] if t.repeat] for plan in plans}
    return simulate(
        [
            Case(stimulus.case, stimulus.source, stimulus.cluster)
            for stimulus in study.key.stimuli
            if not stimulus.practice
        ],
        model,
        readers=[plan.alias for plan in plans],
        kind=design.kind,
        repeats={alias: [trial.cases[0] for trial in trials] for alias, trials in again.items()},
        pairs={
            alias: [(t.cases[0], t.cases[-1]) for t in trials] for alias, trials in first.items()
        },
        seed=seed,
    )
