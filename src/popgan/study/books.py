"""What each reader is asked, indexed for answering: trials by id, stimuli by id, blocks in order.

Made once from the key; holds no truth, so that nothing which is sent can be made from it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from popgan.study.database import setting
from popgan.study.schema import Block, ReaderPlan, Study


@dataclass(frozen=True)
class Question:
    """A trial without its truth.

    Attributes:
        id: the opaque id of the trial.
        block: where it belongs.
        number: place in the block, from 0.
        stimuli: ids under which its images are served.
    """

    id: str
    block: Block
    number: int
    stimuli: tuple[str, ...]


@dataclass(frozen=True)
class Book:
    """What one reader is asked.

    Attributes:
        alias: the reader.
        blocks: questions of each block in their order; practice first, blocks in order.
        questions: by the id of the trial.
        shown: id of a stimulus -> the block that shows it.
        files: id of a stimulus -> its file.
    """

    alias: str
    blocks: Mapping[Block, tuple[Question, ...]]
    questions: Mapping[str, Question] = field(repr=False)
    shown: Mapping[str, Block] = field(repr=False)
    files: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Progress:
    """How far a reader is in one block.

    Attributes:
        total: questions.
        done: complete answers.
        touched: whether any version of any answer was stored.
        open: whether it can be answered now.
        frozen: whether it can no longer be changed, because a later one has begun.
        begun: whether its images may be seen; a part after another begins when the reader says so.
    """

    total: int
    done: int
    touched: bool
    open: bool
    frozen: bool
    begun: bool = True

    @property
    def visible(self) -> bool:
        """Whether the reader may see its trials and stimuli."""
        return (self.open and self.begun) or self.frozen


def make_books(study: Study) -> dict[str, Book]:
    """The book of every reader."""
    files = {stimulus.case: stimulus.file for stimulus in study.key.stimuli}
    order: list[Block] = ["practice", *study.design.blocks]
    return {plan.alias: _book(plan, order, files) for plan in study.key.readers}


def _book(plan: ReaderPlan, order: list[Block], files: Mapping[str, str]) -> Book:
    blocks: dict[Block, tuple[Question, ...]] = {}
    found: dict[str, str] = {}
    shown: dict[str, Block] = {}
    for block in order:
        trials = plan.trials.get(block, [])
        if not trials:
            continue
        blocks[block] = tuple(
            Question(trial.id, block, number, tuple(trial.stimuli))
            for number, trial in enumerate(trials)
        )
        for trial in trials:
            for stimulus, case in zip(trial.stimuli, trial.cases, strict=True):
                found[stimulus], shown[stimulus] = files[case], block
    questions = {question.id: question for block in blocks.values() for question in block}
    return Book(plan.alias, blocks, questions, shown, found)


def progress(connection: sqlite3.Connection, book: Book) -> dict[Block, Progress]:
    """How far a reader is in every block."""
    rows = connection.execute(
        "SELECT block, count(*), sum(complete) FROM latest WHERE reader = ? GROUP BY block",
        (book.alias,),
    )
    stored = {block: (count, complete) for block, count, complete in rows}
    consented = connection.execute(
        "SELECT consented FROM person WHERE alias = ?", (book.alias,)
    ).fetchone()[0]
    begun = {block for block in book.blocks if setting(connection, begun_name(book, block))}
    return progress_of(book, stored, consented is not None, begun)


def begun_name(book: Book, block: Block) -> str:
    """The setting that says when a reader began a block."""
    return f"begun/{book.alias}/{block}"


def progress_of(
    book: Book,
    stored: Mapping[Block, tuple[int, int]],
    consented: bool,
    begun: Collection[Block] = (),
) -> dict[Block, Progress]:
    """The rules: a block opens after consent when all before it are complete, and freezes when a
    later one has begun: by the reader's word, or by its first answer. Only then are its images
    shown, unless nothing but practice comes before it.

    Args:
        book: of the reader.
        stored: block -> trials with any version, trials with a complete answer.
        consented: whether the reader agreed to take part.
        begun: blocks that the reader said to begin.
    """
    started = {b for b in book.blocks if b in begun or stored.get(b, (0, 0))[0]}
    order = list(book.blocks)
    found: dict[Block, Progress] = {}
    reachable = consented
    for place, block in enumerate(order):
        touched, done = stored.get(block, (0, 0))
        total = len(book.blocks[block])
        frozen = any(later in started for later in order[place + 1 :])
        free = not set(order[:place]) - {"practice"}
        can = reachable and not frozen
        found[block] = Progress(total, done, touched > 0, can, frozen, free or block in started)
        reachable = reachable and done == total
    return found
