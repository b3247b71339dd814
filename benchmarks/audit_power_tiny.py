"""Tiny runs for the false alarms of the audit: generators that know none of the audited patients.

A run shuffles the phantoms of a pool into four groups: those a tiny GAN is trained with, "members",
"others" and a reference set. The GAN has seen neither members nor others, so the two differ by
chance alone, whatever the GAN is like: every "failed" is a false alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import popgan
from popgan.cohort import Cohort
from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.evidence.features import FeatureExtractor, cached_features
from popgan.evidence.privacy.audit import audit
from popgan.evidence.privacy.cases import Cases
from popgan.evidence.privacy.results import PrivacyAudit
from popgan.recipes.table import find_recipe
from popgan.seeds import numpy_rng
from popgan.synthesis.sample import sample
from popgan.training.loop import one_step, threads
from popgan.training.sampler import Sampler

GROUPS = {"trained": 60, "members": 120, "others": 120, "reference": 80}
"""Patients of each group; 99 others are the least with which 1 % false positives can be counted."""
IMAGES = 2000  # shown in a training of some seconds, from the prior
DRAWN = 300


@dataclass(frozen=True)
class Pool:
    """All slices of a cohort of phantoms, whatever its splits."""

    cohort: Cohort
    cache: Path
    extractor: FeatureExtractor

    @cached_property
    def images(self) -> NDArray[np.float32]:
        """N x C x H x W in [-1, 1]."""
        return np.concatenate([self.cohort.images(split) for split in self.splits])

    @cached_property
    def subjects(self) -> NDArray[np.str_]:
        """N names."""
        return np.array([name for split in self.splits for name in self.cohort.subjects(split)])

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """N x D."""
        return cached_features(self.images, self.extractor, self.cache)

    @property
    def splits(self) -> tuple[str, ...]:
        """All of them."""
        return ("train", "tuning", "test")

    def groups(self, seed: int) -> dict[str, NDArray[np.bool_]]:
        """Which slices belong to each group; no patient is in two."""
        names = numpy_rng(seed, "groups of the audit").permutation(np.unique(self.subjects))
        found, start = {}, 0
        for group, count in GROUPS.items():
            found[group] = np.isin(self.subjects, names[start : start + count])
            start += count
        return found

    def cases(self, of: NDArray[np.bool_]) -> Cases:
        """Some slices as the audit takes them."""
        return Cases(self.images[of], self.features[of], self.subjects[of].tolist())


class Some:
    """Some images as a source of training."""

    def __init__(self, images: NDArray[np.float32]) -> None:
        self._images = torch.from_numpy(images)

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, indices: np.ndarray) -> Tensor:
        """Images by index."""
        return self._images[torch.from_numpy(indices)]

    def condition(self, indices: np.ndarray) -> Tensor | None:
        """Nothing is told."""
        return None


def tiny_plan(cohort: Cohort, seed: int) -> Plan:
    """popgan's quick preset for some seconds, from the prior where it fits."""
    overrides: dict[str, Any] = {
        "train.images": IMAGES,
        "train.snapshots": 0,
        "train.threads": 1,
    }
    return popgan.make_plan(
        cohort, recipe="popgan", preset="quick", budget=None, seed=seed, overrides=overrides
    )


def draw_from(images: NDArray[np.float32], plan: Plan, count: int) -> NDArray[np.float32]:
    """Train on images, and draw from the averaged generator."""
    recipe = find_recipe(plan.recipe)
    state, source = recipe.start(plan, best_device()), Some(images)
    phases, sampler = (
        recipe.phases(plan),
        Sampler(len(source), plan.seed, plan.train.shuffle_buffer),
    )
    with threads(1):
        while state.images < plan.train.images:
            one_step(plan, phases, state, sampler, source)
        drawn = sample(state.average.eval(), plan, seed=plan.seed, count=count)
        return np.concatenate(list(drawn))


def tiny_run(pool: Pool, seed: int) -> PrivacyAudit:
    """One audit of a generator that has seen nobody of the audit."""
    groups = pool.groups(seed)
    plan = tiny_plan(pool.cohort, seed)
    images = draw_from(pool.images[groups["trained"]], plan, DRAWN)
    with threads(1):
        return audit(
            images,
            pool.extractor(images),
            pool.cases(groups["members"]),
            pool.cases(groups["others"]),
            pool.extractor,
            reference=pool.cases(groups["reference"]),
            seed=seed,
        ).shared
