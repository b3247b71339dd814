"""Is an input like those that a model was trained on? Two rules, both conformal, neither certain.

1. Anything unusual. The nonconformity of a visit is the largest robust z of its traits, that is
   |x - median| / (1.4826 MAD + a small floor) over the other visits. A visit is unusual if its
   nonconformity is above that of EVERY training visit, each measured against all others, the new
   one among them (full conformal prediction, Vovk et al. 2005). Of n + 1 visits of one kind any is
   as likely as another to be the largest, so an input like the training ones is called unusual at
   most once in n + 1 times, whatever the distribution.
2. The wrong contrast. By what lies beside what, which no change of histogram can hide, it is
   nearer to another contrast of the training cohort than to the one that it is passed as, and more
   so than that of any training visit when left out. Nearer by the distance of Mahalanobis to the
   median of each contrast, with a common, shrunken covariance. Again at most about once in n + 1
   for each pair of contrasts, and far less where the two are told apart well.

Measured on 49 patients with T1w, T1wCE and FLAIR, 34 of them for training, at 64 and 128 pixels.
FLAIR files passed as T1w, and brought to the standard scale of T1w: 15 of 15 found by rule 2; T1w
as FLAIR: 14 of 15. T1w passed as T1wCE resembles it too much: one in five. Right contrasts called
wrong: 1 %. Rule 1 found every doubled slice distance and every inverted scan, but for those whose
histogram had been matched, and called 3 to 8 % of the right scans unusual.

What is like the training inputs by these numbers can still be one that the model fails on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from popgan.evidence.paired.traits import BESIDE, LEVELS, NAMES, TEXTURE, Traits, logarithms
from popgan.wording import counted

Floats = NDArray[np.float64]
Array = NDArray[Any]

FEWEST = 9
"""Training visits from which on anything is judged: below, one right input in ten would be called
unusual."""
MOST = 200
"""Training visits that are kept; more would make no rule sharper."""
_TOLD = 3  # traits that a warning names, at most
_RIDGE = 0.3  # added to the correlations of traits: little is known of them from few visits
_FARTHEST = 10.0  # robust z beyond which being further makes no difference to a distance
_ALONE = slice(0, len(LEVELS) + len(BESIDE))  # traits that may each be unusual
_KIND = slice(len(LEVELS), len(LEVELS) + len(BESIDE) + len(TEXTURE))  # those that tell contrasts
_FLOORS = (*([0.02] * (len(LEVELS) - 1)), 0.002, *([0.02] * len(BESIDE)))  # of _ALONE
_GEOMETRY = ("slice distance", "voxel size in the plane")
_GEOMETRY_FLOOR = 0.05  # log mm: 5 %


class Domain(BaseModel):
    """What inputs a model knows: traits of its training visits, without their names."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    schema_version: Literal[1] = 1
    visits: list[Traits] = Field(max_length=MOST)
    heights: tuple[float, float] | None = Field(
        default=None, description="lowest and highest slice of training, 0 bottom to 1 top"
    )

    @model_validator(mode="after")
    def _alike(self) -> Self:
        if any(set(visit.contrasts) != set(self.contrasts) for visit in self.visits):
            raise ValueError("visits differ in their contrasts")
        sizes = {len(numbers) for visit in self.visits for numbers in visit.contrasts.values()}
        if sizes - {len(NAMES)}:
            raise ValueError(f"a contrast has {len(NAMES)} traits")
        return self

    @classmethod
    def learn(
        cls, visits: Sequence[Traits], *, heights: tuple[float, float] | None = None
    ) -> Domain:
        """Keep the traits of training visits, in an order that tells nothing.

        Args:
            visits: of the training split, with all contrasts of the cohort, the target among them:
                they tell what each contrast is not.
            heights: lowest and highest slice that the traits are of, 0 bottom to 1 top.
        """
        ordered = sorted(visits, key=lambda visit: sorted(visit.contrasts.items()))
        places = np.linspace(0, len(ordered) - 1, min(MOST, len(ordered))).round().astype(int)
        return cls(visits=[ordered[i] for i in places], heights=heights)

    @property
    def contrasts(self) -> list[str]:
        """Contrasts that are known."""
        return list(self.visits[0].contrasts) if self.visits else []

    def judge(self, traits: Traits) -> list[str]:
        """What is unlike training, one line each; empty if nothing is.

        Args:
            traits: of the input, with the contrasts that it is passed as; unknown ones are ignored.
        """
        if len(self.visits) < FEWEST:
            seen = counted(len(self.visits), "training visit", "training visits")
            return [f"{seen}: too few to tell whether a scan is like them"]
        return [*self._unusual(traits), *self._wrong(traits)]

    def _unusual(self, traits: Traits) -> list[str]:
        """Rule 1."""
        names = [name for name in self.contrasts if name in traits.contrasts]
        known, floors, words = _table([*self.visits, traits], names)
        if not known.shape[1]:
            return []
        score = _left_out(known, floors)
        bar = float(score[:-1].max())
        if score[-1].max() <= bar:
            return []
        worst = [i for i in np.argsort(-score[-1]) if score[-1, i] > bar][:_TOLD]
        return [
            f"{words[i][0]} {words[i][1](known[-1, i])}, in training "
            f"{_range(words[i][1](known[:-1, i].min()), words[i][1](known[:-1, i].max()))}"
            for i in worst
        ]

    def _wrong(self, traits: Traits) -> Iterator[str]:
        """Rule 2."""
        known = np.array([[v.contrasts[c][_KIND] for c in self.contrasts] for v in self.visits])
        whole = _Fit(known)
        for place, name in enumerate(self.contrasts):
            if name not in traits.contrasts:
                continue
            excess = whole.nearer(np.array(traits.contrasts[name][_KIND]), place)
            if excess.max() <= 0:
                continue
            # The most that any other contrast was nearer to a training visit, left out.
            left = [_Fit(np.delete(known, i, axis=0)) for i in range(len(known))]
            own = [fit.nearer(visit[place], place) for fit, visit in zip(left, known, strict=True)]
            certain = np.where(excess > np.max(own, axis=0), excess, 0)
            if certain.max() > 0:
                yield f"{name} looks like {self.contrasts[certain.argmax()]} rather than {name}"


class _Fit:
    """Where each contrast lies among appearances, and how they scatter about it."""

    def __init__(self, known: Floats) -> None:
        self.centres = np.median(known, axis=0)
        apart = (known - self.centres).reshape(-1, known.shape[2])
        self.scale = 1.4826 * np.median(np.abs(apart), axis=0) + 1e-4
        apart = np.clip(apart / self.scale, -4, 4)  # an odd visit must not make all others near
        spread = apart.T @ apart / len(apart) + _RIDGE * np.eye(apart.shape[1])
        self.precision = np.linalg.inv(spread)

    def nearer(self, numbers: Floats, place: int) -> Floats:
        """By how much each contrast is nearer than the one at `place`, -1 to 1.

        A share of both distances, so that a visit unlike everything is like nothing else either.
        """
        apart = np.clip((numbers - self.centres) / self.scale, -_FARTHEST, _FARTHEST)
        distance = np.einsum("ci,ij,cj->c", apart, self.precision, apart)
        return np.asarray((distance[place] - distance) / (distance[place] + distance + 1e-9))


def _left_out(known: Floats, floors: Floats) -> Floats:
    """Robust z of each row against all other rows, rows x traits."""
    found = np.empty_like(known)
    for i, own in enumerate(known):
        others = np.delete(known, i, axis=0)
        middle = np.median(others, axis=0)
        scale = 1.4826 * np.median(np.abs(others - middle), axis=0) + floors
        found[i] = np.abs(own - middle) / scale
    return found


def _table(visits: Sequence[Traits], names: Sequence[str]) -> tuple[Floats, Floats, list[Any]]:
    """Traits that all visits have: visits x traits, their floors, and (words, how to print)."""
    columns = [[visit.contrasts[name][_ALONE] for visit in visits] for name in names]
    known = np.concatenate([np.array(c) for c in columns], axis=1) if columns else None
    floors = [*_FLOORS] * len(names)
    words = [(f"{name}: {trait} is", _plain) for name in names for trait in NAMES[_ALONE]]
    parts = [] if known is None else [known]
    for place, trait in enumerate(_GEOMETRY):
        values = [logarithms(visit)[place] for visit in visits]
        there = [value for value in values if value is not None]
        if len(there) == len(visits):
            parts.append(np.array(there)[:, None])
            floors.append(_GEOMETRY_FLOOR)
            words.append((f"{trait} is", _millimetres))
    table = np.concatenate(parts, axis=1) if parts else np.empty((len(visits), 0))
    return table, np.array(floors), words


def _range(least: str, most: str) -> str:
    return least if least == most else f"{least} to {most}"


def _plain(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 0.1 else f"{value:.2f}"


def _millimetres(value: float) -> str:
    return f"{np.exp(value):.2g} mm"
