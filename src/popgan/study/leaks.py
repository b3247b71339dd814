"""The leak test: can it be told which image is real without looking at the anatomy?

The channel (bytes, headers, time, names, order) must tell nothing: names and orders are drawn
without regard to the truth, so under this hypothesis every way of calling as many images real is
equally likely. The test compares the true labels with shuffled ones and is exact for any number
of images; all channels together raise a false alarm in at most 5 % of clean studies. Tells in the
pixels are named as warnings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from popgan import provenance
from popgan.errors import UserError
from popgan.seeds import numpy_rng
from popgan.study.channel import ORDER, judged_trials, tables
from popgan.study.classifier import Shuffled, Table, judge, together
from popgan.study.png import decode_png
from popgan.study.probe import Reply, ask_server
from popgan.study.schema import Study
from popgan.study.tells import Tell, find_tells

LEVEL = 0.05
"""Probability of a false alarm of all channels together."""
SHUFFLES = 399
MOST_ROWS = 800
"""Rows of a table that are looked at, at random where there are more."""

_SEED = "study leak test"
_NEIGHBOURS = "neighbours in the order"


class Channel(BaseModel):
    """One channel, by the more suspicious of the two classifiers.

    Attributes:
        name: what was looked at.
        auc: cross-validated, its bias taken off; 0.5 is chance.
        low, high: interval; all channels' intervals together are right with 95 %.
        rows: what it rests on.
        leaks: whether the interval leaves out 0.5.
        note: in words, where there is nothing to measure.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    auc: float
    low: float
    high: float
    rows: int
    leaks: bool
    note: str = ""


class LeakTest(BaseModel):
    """RUN/study/leak-test.json.

    Attributes:
        design: hash of the design.
        level: probability of a false alarm of all channels together.
        chance: probability of a deviation as large as the largest, if nothing leaks.
        channels: what must not tell.
        tells: what readers are there to find, named as warnings.
        created: UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    version: int = 1
    design: str
    level: float = LEVEL
    chance: float
    channels: list[Channel]
    tells: list[Tell]
    created: str

    @property
    def leaking(self) -> list[Channel]:
        """Channels that leak."""
        return [channel for channel in self.channels if channel.leaks]

    def refuse(self, where: object) -> None:
        """Raise if a channel leaks.

        Raises:
            UserError: which one.
        """
        if self.leaking:
            worst = max(self.leaking, key=lambda one: abs(one.auc - 0.5))
            names = ", ".join(one.name for one in self.leaking)
            raise UserError(
                f"leaks which images are real through {names} (AUC {worst.auc:.2f}, "
                f"{worst.low:.2f} .. {worst.high:.2f})",
                where=where,
                do="create the study anew; if only latency is named, test again on a quiet machine",
            )


def find_leaks(study: Study, *, served: bool = True) -> LeakTest:
    """Look for leaks of a study.

    Args:
        study: on the disk.
        served: whether the server is asked for the images, too.

    Raises:
        UserError: a stimulus is missing or was not encoded by popgan.
    """
    images = _images(study)
    replies = ask_server(study) if served else []
    found = channel_leaks(study, replies)
    judged = [s for s in study.key.stimuli if not s.practice]
    tells = find_tells(
        [images[s.file] for s in judged],
        np.array([s.source == "real" for s in judged]),
        [s.cluster for s in judged],
        study.design.seed,
    )
    channels, chance = found
    return LeakTest(
        design=study.design.hash(),
        chance=chance,
        channels=channels,
        tells=tells,
        created=provenance.now(),
    )


def channel_leaks(
    study: Study, replies: Sequence[Reply] = (), shuffles: int = SHUFFLES
) -> tuple[list[Channel], float]:
    """The channels of a study, and how likely the largest deviation is by chance.

    Args:
        study: on the disk.
        replies: of the server.
        shuffles: labellings to compare with.
    """
    cases = sorted(s.case for s in study.key.stimuli if not s.practice)
    place = {case: i for i, case in enumerate(cases)}
    real = {s.case: s.source == "real" for s in study.key.stimuli}
    truth = np.array([real[case] for case in cases])
    units = _units(study, place)
    rng = numpy_rng(study.design.seed, _SEED)
    labels = np.column_stack([truth, *(_shuffled(truth, units, rng) for _ in range(shuffles))])
    runs = _first_labels(study, place, labels, rng)
    found = [_neighbours(runs)]
    looked = tables(study, cases, replies)
    for table in looked:
        rows = labels[table.cases]
        if study.design.kind == "2afc" and table.name == ORDER:
            rows = np.concatenate(
                [np.stack([left, ~left], 1).reshape(-1, 1 + shuffles) for left in runs]
            )
        kept = _kept(len(rows), rng)
        thinned = Table(table.name, table.features[kept], table.cases[kept])
        found += judge(thinned, rows[kept], units[table.cases[kept]], rng)
    limit, chance = together(found, LEVEL)
    names = [*(table.name for table in looked), _NEIGHBOURS]
    return [
        _channel(name, [one for one in found if one.name == name], limit) for name in names
    ], chance


def _channel(name: str, found: Sequence[Shuffled], limit: float) -> Channel:
    if not found or max(one.spread for one in found) < 1e-12:
        note = "the same everywhere" if not found else "balanced by design"
        return Channel(name=name, auc=0.5, low=0.5, high=0.5, rows=0, leaks=False, note=note)
    worst = max(found, key=lambda one: one.deviations[0])
    half = min(0.5, limit * worst.spread)
    low, high = max(0.0, worst.centred - half), min(1.0, worst.centred + half)
    return Channel(
        name=name,
        auc=min(1.0, max(0.0, worst.centred)),
        low=low,
        high=high,
        rows=worst.rows,
        leaks=bool(worst.deviations[0] > limit),
    )


def _units(study: Study, place: dict[str, int]) -> NDArray[np.intp]:
    """What each case cannot be parted from when labels are shuffled: its pair, or itself."""
    units = np.arange(len(place), dtype=np.intp)
    if study.design.kind == "2afc":
        for _, _, trial, _ in judged_trials(study):
            units[[place[case] for case in trial.cases]] = place[min(trial.cases)]
    return units


def _shuffled(
    truth: NDArray[np.bool_], units: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Labels as they might as well have been: pairs turned round, or cases shuffled."""
    if len(np.unique(units)) == len(units):
        return rng.permutation(truth)
    turned = rng.random(len(units)) < 0.5
    return truth ^ turned[units]


def _first_labels(
    study: Study, place: dict[str, int], labels: NDArray[np.bool_], rng: np.random.Generator
) -> list[NDArray[np.bool_]]:
    """Of every reader and block: trials x labellings of the first image shown.

    In pairs that is the left one, and what is drawn at random is the side. As many real images
    are on the left as on the right, so sides are shuffled among the trials of a block; that they
    are as many is looked at as a channel of its own.
    """
    found = []
    for plan in study.key.readers:
        for block in study.design.blocks:
            shown = labels[[place[trial.cases[0]] for trial in plan.trials.get(block, [])]]
            if study.design.kind == "2afc":
                others = (rng.permutation(shown[:, 0]) for _ in range(labels.shape[1] - 1))
                shown = np.column_stack([shown[:, 0], *others])
            found.append(shown)
    return found


def _kept(count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return np.sort(rng.permutation(count)[:MOST_ROWS])


def _neighbours(runs: Sequence[NDArray[np.bool_]]) -> Shuffled:
    """Share of trials that are of the same kind as the one before: a pattern in the order."""
    alike = np.sum([(shown[1:] == shown[:-1]).sum(0) for shown in runs], axis=0)
    pairs = sum(max(0, len(shown) - 1) for shown in runs)
    return Shuffled(_NEIGHBOURS, pairs, alike / max(1, pairs))


def _images(study: Study) -> dict[str, NDArray[np.uint16]]:
    found = {}
    for stimulus in study.key.stimuli:
        path = study.places.stimuli / stimulus.file
        try:
            found[stimulus.file] = decode_png(path.read_bytes())
        except OSError as error:
            raise UserError(f"cannot be read ({error.strerror})", where=path) from error
        except ValueError as error:
            raise UserError(
                f"is not as popgan wrote it ({error})", where=path, do="create the study anew"
            ) from error
    return found
