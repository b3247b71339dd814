"""Counts for the flow diagram of a reader study, and what has to be said about its size."""

from __future__ import annotations

from collections.abc import Sequence

from popgan.evidence.readers.answers import CRITERIA, REAL, Answers, Choice, Judgement, Rating
from popgan.evidence.readers.results import BlockFlow, Flow
from popgan.evidence.readers.tables import (
    NONE,
    authenticity_table,
    choice_table,
    known,
    score_table,
)
from popgan.wording import counted

FEW_READERS = 3
FEW_PATIENTS = 10


def flow(answers: Answers) -> Flow:
    """Who was invited, started and completed, and what became of every answer."""
    blocks = [
        _block(answers, name, given)
        for name, given in (
            ("likert", answers.ratings),
            ("authenticity", answers.judgements),
            ("2afc", answers.choices),
        )
        if given or name in answers.planned
    ]
    sources = sorted({case.source for case in answers.cases.values()})
    of = {s: [case for case in answers.cases.values() if case.source == s] for s in sources}
    started = {reader for block in blocks for reader, n in block.by_reader.items() if n}
    return Flow(
        invited=len(answers.readers),
        started=len(started),
        cases={source: len(cases) for source, cases in of.items()},
        clusters={source: len({case.cluster for case in cases}) for source, cases in of.items()},
        blocks=blocks,
    )


def _block(
    answers: Answers, name: str, given: Sequence[Rating] | Sequence[Judgement] | Sequence[Choice]
) -> BlockFlow:
    usable = [one for one in given if _usable(answers, one)]
    by_reader = {reader: sum(one.reader == reader for one in usable) for reader in answers.readers}
    planned = answers.planned.get(name, 0)
    return BlockFlow(
        block=name,
        started=sum(n > 0 for n in by_reader.values()),
        completed=sum(0 < planned <= n for n in by_reader.values()),
        planned=planned * len(answers.readers),
        given=len(given),
        analysed=sum(one.repeat == 0 for one in usable),
        repeats=sum(one.repeat > 0 for one in usable),
        unusable=len(given) - len(usable),
        missing=sum(max(0, planned - n) for n in by_reader.values()),
        by_reader=by_reader,
    )


def _usable(answers: Answers, one: Rating | Judgement | Choice) -> bool:
    if isinstance(one, Choice):
        return known(answers, one)
    return one.case in answers.cases and one.reader in answers.readers


def warnings(answers: Answers, counts: Flow) -> list[str]:
    """What a reader of the results has to know about the study, a sentence each."""
    found = []
    if counts.started == 0:
        return ["Nobody has answered yet, so nothing was measured."]
    if counts.started < FEW_READERS:
        found.append(
            f"Only {counted(counts.started, 'reader', 'readers')} answered: what is said about "
            f"readers in general needs {FEW_READERS} or more, and better 5."
        )
    silent = [
        reader
        for reader in answers.readers
        if not any(block.by_reader[reader] for block in counts.blocks)
    ]
    if silent:
        found.append(f"No answer came from {', '.join(silent)}.")
    found += _left_out(answers)
    patients, images = counts.clusters.get(REAL, 0), counts.cases.get(REAL, 0)
    if not images:
        found.append("There are no real images, so nothing can be compared with them.")
    elif patients == 1 and images > 1:
        found.append(
            "All real images are of one patient: nothing can be said about other patients, "
            "so numbers of real images have no interval."
        )
    elif patients < FEW_PATIENTS:
        found.append(
            f"The real images are of {counted(patients, 'patient', 'patients')} only; their "
            "intervals are wide, and right only roughly."
        )
    for block in counts.blocks:
        if block.missing and block.planned:
            share = block.missing / block.planned
            found.append(
                f"{block.missing} of {block.planned} answers ({share:.0%}) of the block "
                f"{block.block} are missing; the measures take them as missing at random."
            )
        if block.unusable:
            found.append(
                f"{counted(block.unusable, 'answer', 'answers')} of the block {block.block} "
                "belong to no case or reader of the study and were left out."
            )
    return found


def _left_out(answers: Answers) -> list[str]:
    """Who gave too few answers of a block to be put together with other readers."""
    found = []
    for name, table in (
        ("likert", score_table(answers, CRITERIA[0])),
        ("authenticity", authenticity_table(answers)),
        ("2afc", choice_table(answers, "correct")),
    ):
        given = dict(zip(table.readers, (table.values != NONE).sum(axis=0).tolist(), strict=True))
        steady = table.steady()
        few = [f"{who} ({n})" for who, n in given.items() if n and who not in steady]
        if few:
            found.append(
                f"Block {name}: left out of means over readers, differences, comparisons of "
                f"models and agreement, because they gave fewer than half as many first answers "
                f"as the reader with most ({max(given.values())}): {', '.join(few)}. Rows of "
                "single readers show them."
            )
    return found
