"""Answers as tables: one row an image or pair, one column a reader, and clusters of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.answers import Answers, Choice
from popgan.evidence.readers.bootstrap import Clusters

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
NONE = 0
ENOUGH = 0.5
"""Readers with fewer answers than this share of those of the reader who gave most are shown, but
left out of whatever is over several readers: one who left after three images would leave three
complete ones, and take the interval from all others."""
LEVELS = 6
"""Of authenticity: 1 certainly real, 3 guessed real, 4 guessed synthetic, 6 certainly synthetic."""


@dataclass(frozen=True)
class Table:
    """The first answers to one question; what is no number 1, 2, ... is missing.

    Attributes:
        rows: names, sorted.
        sources: of each row: within it clusters are resampled.
        clusters: of each row: rows of one source and cluster are not independent.
        readers: columns.
        values: rows x readers, `NONE` where there is no answer.
    """

    rows: tuple[str, ...]
    sources: tuple[str, ...]
    clusters: tuple[str, ...]
    readers: tuple[str, ...]
    values: Integers

    def only(self, keep: Iterable[str]) -> Table:
        """The rows of some sources."""
        wanted = set(keep)
        return self.pick([i for i, source in enumerate(self.sources) if source in wanted])

    def answered(self) -> Table:
        """The rows and readers with an answer."""
        columns = np.flatnonzero((self.values != NONE).any(axis=0))
        there = self.pick(np.flatnonzero((self.values != NONE).any(axis=1)))
        return Table(
            there.rows,
            there.sources,
            there.clusters,
            tuple(self.readers[i] for i in columns),
            there.values[:, columns],
        )

    def steady(self) -> tuple[str, ...]:
        """The readers who gave enough answers to be put together with others, see `ENOUGH`."""
        given = (self.values != NONE).sum(axis=0)
        least = max(1.0, ENOUGH * float(given.max(initial=0)))
        return tuple(
            name for name, n in zip(self.readers, given.tolist(), strict=True) if n >= least
        )

    def by(self, readers: Iterable[str]) -> Table:
        """The answers of some readers, and the rows that they answered."""
        wanted = set(readers)
        columns = [i for i, name in enumerate(self.readers) if name in wanted]
        names = tuple(self.readers[i] for i in columns)
        kept = Table(self.rows, self.sources, self.clusters, names, self.values[:, columns])
        return kept.answered()

    def pick(self, rows: Sequence[int] | Integers) -> Table:
        """Some rows, in their order."""
        return Table(
            tuple(self.rows[i] for i in rows),
            tuple(self.sources[i] for i in rows),
            tuple(self.clusters[i] for i in rows),
            self.readers,
            self.values[np.asarray(rows, dtype=np.int64)],
        )

    def groups(self) -> tuple[list[str], Integers]:
        """Source of each cluster, and number of the cluster of each row."""
        keys = sorted(set(zip(self.sources, self.clusters, strict=True)))
        number = {key: i for i, key in enumerate(keys)}
        member = [number[key] for key in zip(self.sources, self.clusters, strict=True)]
        return [key[0] for key in keys], np.array(member, dtype=np.int64)

    def resampler(self, *, replicates: int, seed: int, purpose: str) -> Clusters:
        """Weights of the clusters."""
        return Clusters(self.groups()[0], replicates=replicates, seed=seed, purpose=purpose)

    def sums(self, cells: Floats) -> Floats:
        """Sums over the rows of each cluster; rows x ... in, clusters x ... out."""
        strata, member = self.groups()
        total = np.zeros((len(strata), *cells.shape[1:]))
        np.add.at(total, member, cells)
        return total

    def counts(self, levels: int) -> Floats:
        """Clusters x readers x levels: how often each answer was given."""
        return self.sums((self.values[..., None] == np.arange(1, levels + 1)).astype(float))


def score_table(answers: Answers, criterion: str, *, repeat: int = 0) -> Table:
    """Scores 1 .. 5 of one criterion."""
    given = {
        (rating.case, rating.reader): rating.scores[criterion]
        for rating in answers.ratings
        if rating.repeat == repeat and criterion in rating.scores
    }
    return _of_cases(answers, given)


def authenticity_table(answers: Answers, *, repeat: int = 0) -> Table:
    """Answer and confidence as one of `LEVELS`."""
    given = {
        (one.case, one.reader): (4 - one.confidence if one.says_real else 3 + one.confidence)
        for one in answers.judgements
        if one.repeat == repeat
    }
    return _of_cases(answers, given)


def says_synthetic(table: Table) -> Table:
    """The same table with the answer alone: 1 real, 2 synthetic."""
    values = np.where(table.values == NONE, NONE, np.where(table.values > LEVELS // 2, 2, 1))
    return Table(table.rows, table.sources, table.clusters, table.readers, values)


def choice_table(answers: Answers, what: str, *, repeat: int = 0) -> Table:
    """Forced choice, a row a pair: 2 where it is so, 1 where not.

    The source of a row is the synthetic image's, its cluster the real image's: images of one
    patient are what pairs have in common.

    Args:
        answers: of the study.
        what: "correct" or "left_chosen".
        repeat: 0 the first answers, 1 the repeats.
    """
    usable = [one for one in answers.choices if one.repeat == repeat and known(answers, one)]
    rows = sorted({(one.real, one.synthetic) for one in usable})
    number = {pair: i for i, pair in enumerate(rows)}
    column = {reader: i for i, reader in enumerate(answers.readers)}
    values = np.full((len(rows), len(answers.readers)), NONE, dtype=np.int64)
    for one in usable:
        values[number[one.real, one.synthetic], column[one.reader]] = 1 + bool(getattr(one, what))
    return Table(
        tuple(f"{real} {synthetic}" for real, synthetic in rows),
        tuple(answers.cases[synthetic].source for _, synthetic in rows),
        tuple(answers.cases[real].cluster for real, _ in rows),
        answers.readers,
        values,
    )


def known(answers: Answers, choice: Choice) -> bool:
    """Whether both cases and the reader of a choice belong to the study."""
    return {choice.real, choice.synthetic} <= set(
        answers.cases
    ) and choice.reader in answers.readers


def _of_cases(answers: Answers, given: dict[tuple[str, str], int]) -> Table:
    """A table of all cases; answers about others or by others are left out."""
    rows = sorted(answers.cases)
    number = {name: i for i, name in enumerate(rows)}
    column = {reader: i for i, reader in enumerate(answers.readers)}
    values = np.full((len(rows), len(answers.readers)), NONE, dtype=np.int64)
    for (case, reader), value in given.items():
        if case in number and reader in column:
            values[number[case], column[reader]] = value
    return Table(
        tuple(rows),
        tuple(answers.cases[name].source for name in rows),
        tuple(answers.cases[name].cluster for name in rows),
        answers.readers,
        values,
    )
