"""What is shown of a search: every training once, and a progress that knows of the final."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from popgan.cli.tune import told
from popgan.cohort.cohort import Cohort
from popgan.progress import Task
from popgan.stations.experiments import load_tune
from popgan.tuning.search import Lines, complete, conclude, progress, train
from popgan.tuning.storage import SEARCH, Storage
from tuning.tiny_searches import Made, Told, cheap, heads, made, own_run, study, trial

_ = (heads, own_run, cheap, made)
pytestmark = pytest.mark.usefixtures("cheap")


class Bar(Task):
    """Counts.

    Attributes:
        total, start: as it began.
        done: start, and what was moved on since.
    """

    def __init__(self, total: float | None, start: float) -> None:
        self.total, self.start, self.done = total, start, start

    def advance(self, steps: float = 1, **figures: object) -> None:
        """See `Task.advance`."""
        self.done += steps


class Shown(Told):
    """Keeps what was said, and how far the search was."""

    bar: Bar

    @contextmanager
    def task(self, name: str, total: float | None, start: float = 0) -> Iterator[Task]:
        """See `Reporter.task`."""
        if name != "tuning":
            yield Task()
            return
        self.bar = Bar(total, start)
        yield self.bar


def test_progress_counts_the_final_and_goes_on_where_it_was(own_run: Path, made: Made) -> None:
    places, definition, _ = study(own_run, rungs=[])
    first, second, third = Shown(), Shown(), Shown()

    def stop(plan: Any) -> None:
        if plan.seed == definition.search_seed(3):
            raise KeyboardInterrupt

    made.before = stop
    with pytest.raises(KeyboardInterrupt):
        train(places, definition, 1, first)
    assert (first.bar.total, first.bar.start, first.bar.done) == (5 + 2 * 2, 0, 3)
    made.before = lambda plan: None
    found = train(places, definition, 1, second)
    assert len(found.trials) == 9, "there is a final"
    assert (second.bar.total, second.bar.start, second.bar.done) == (9, 3, 9)
    assert [text[:9] for text in first.said] == [f"trial   {number}" for number in range(3)]
    final = [f"final: trial   {number}" for number in range(4)]
    lines = [text.partition("  KID")[0] for text in second.said]
    assert lines == ["trial   3", "trial   4", *final]
    train(places, definition, 1, third)
    assert third.said == [] and (third.bar.start, third.bar.done) == (9, 9)


def test_a_search_that_ended_in_its_first_final_training_is_told_as_unfinished(
    own_run: Path, made: Made
) -> None:
    places, definition, _ = study(own_run, rungs=[])

    def stop(plan: Any) -> None:
        if plan.seed == definition.final_seed(0):
            raise KeyboardInterrupt

    made.before = stop
    with pytest.raises(KeyboardInterrupt):
        train(places, definition, 1, Shown())
    left = load_tune(own_run, definition.name)
    assert left is not None and not left.searching
    assert all(one.state == "complete" and one.purpose != "final" for one in left.trials)
    assert not complete(left, definition)
    assert not complete(conclude(places, definition, Cohort.open(own_run)), definition)
    assert not places.preset.exists()
    assert told(left)[-1] == (
        "the best are still to be trained anew with fresh seeds: the same command goes on"
    )
    early = left.model_copy(update={"trials": left.trials[:-1]})
    assert told(early)[-1] == "the search is not complete: the same command goes on"
    alone = [one for one in left.trials if not one.setting]
    ended = left.model_copy(update={"trials": alone, "asked": len(alone)})
    assert told(ended)[-1] == "nothing but the default was tried: the default stays"
    made.before = lambda plan: None
    found = train(places, definition, 1, Shown())
    assert complete(found, definition) and found.finals is not None
    assert told(found)[-1] == found.finals.reason and places.preset.exists()


def test_a_final_that_is_smaller_than_it_might_have_been_leaves_nothing_to_wait_for(
    own_run: Path,
) -> None:
    places, definition, _ = study(own_run, trials=2, spread=1)
    storage, shown = Storage(places, definition), Shown()
    storage.enqueue_defaults()
    with progress(storage, definition, shown) as lines:
        for number, kid in enumerate((0.3, 0.5)):
            claim = storage.claim(SEARCH, 2)
            assert claim is not None
            purpose = "sampled" if number else "default"
            storage.tell(claim, trial(number, kid, purpose=purpose), {})
            lines.show()
            assert (shown.bar.total, shown.bar.done) == (6, [1, 6][number])
    assert Lines(storage, definition, shown).total == 2
