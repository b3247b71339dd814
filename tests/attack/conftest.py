"""Tiny generators of all recipes, and simulated patients of 16 x 16 pixels."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from plans import recipe_plan
from popgan.config.schema import Plan
from popgan.evidence.privacy.cases import Cases
from popgan.recipes.table import find_recipe
from popgan.seeds import derive

SIDE, WAYS = 16, 30


def _fields() -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    fields = gaussian_filter(np.random.default_rng(3).normal(size=(WAYS, SIDE, SIDE)), (0, 2, 2))
    return fields / fields.std(axis=(1, 2), keepdims=True)


FIELDS = _fields()


def embed(images: np.ndarray) -> np.ndarray:
    """Features N x 16 C: means of tiles."""
    count, channels = images.shape[:2]
    return images.reshape(count, channels, 4, 4, 4, 4).mean((3, 5)).reshape(count, -1)


def patients(count: int, name: str, *, slices: int = 3, seed: int = 0, contrasts: int = 1) -> Cases:
    """Patients whose slices resemble each other; another seed gives other people."""
    rng = np.random.default_rng(derive(seed, name))
    own = 0.9 * rng.normal(size=(count, 1, WAYS)) + 0.44 * rng.normal(size=(count, slices, WAYS))
    images = np.tanh(0.25 * np.tensordot(own.reshape(-1, WAYS), FIELDS, 1) - 0.3)
    images = np.repeat(images[:, None], contrasts, 1).astype(np.float32)
    owners = [f"{name}{i:03d}" for i in range(count) for _ in range(slices)]
    return Cases(images, embed(images), owners)


def generator(plan: Plan, seed: int = 0) -> torch.nn.Module:
    """An untrained generator, as `load_generator` gives it, whose levels all draw something."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = find_recipe(plan.recipe).generator(plan)
        for weight in network.parameters():
            if weight.dim() > 1 and not weight.any():
                torch.nn.init.normal_(weight, std=0.03)
    return network.requires_grad_(False).eval()


@pytest.fixture(scope="session")
def world() -> SimpleNamespace:
    """The functions above; modules beside tests cannot be imported by name."""
    return SimpleNamespace(
        embed=embed, patients=patients, generator=generator, recipe_plan=recipe_plan
    )
