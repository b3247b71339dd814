"""Simulated cohorts: patients with several slices each, and generators of all kinds."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from popgan.evidence.privacy.cases import Cases

SIDE = 32
_BASIS = np.random.default_rng(7).normal(size=(40, 1, SIDE, SIDE))


def _fields() -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    fields = gaussian_filter(_BASIS, (0, 0, 2, 2))
    return fields / fields.std(axis=(2, 3), keepdims=True)


FIELDS = _fields()


def draw(latent: np.ndarray) -> np.ndarray:
    """Images N x 1 x 32 x 32 of latents N x 40."""
    return np.tanh(0.25 * np.tensordot(latent, FIELDS, 1)).astype(np.float32)


def embed(images: np.ndarray) -> np.ndarray:
    """Features N x 64: means of tiles."""
    return images.reshape(len(images), 8, SIDE // 8, 8, SIDE // 8).mean((2, 4)).reshape(-1, 64)


def people(count: int, slices: int, rng: np.random.Generator) -> np.ndarray:
    """Latents of patients with slices that resemble each other, (count * slices) x 40."""
    own = rng.normal(size=(count, 1, 40))
    return (0.8 * own + 0.6 * rng.normal(size=(count, slices, 40))).reshape(-1, 40)


def cases(count: int, slices: int, rng: np.random.Generator, name: str) -> Cases:
    images = draw(people(count, slices, rng))
    names = [f"{name}{i:03d}" for i in range(count) for _ in range(slices)]
    return Cases(images, embed(images), names)


def honest(count: int, rng: np.random.Generator) -> np.ndarray:
    return draw(rng.normal(size=(count, 40)))


def memorised(
    train: Cases, count: int, rng: np.random.Generator, noise: float = 0.05
) -> np.ndarray:
    picked = train.images[rng.integers(len(train.images), size=count)]
    noisy = picked + noise * rng.normal(size=picked.shape)
    return np.clip(noisy, -1, 1).astype(np.float32)


@pytest.fixture(scope="session")
def world() -> SimpleNamespace:
    """The functions above; modules beside tests cannot be imported by name."""
    return SimpleNamespace(
        draw=draw, embed=embed, people=people, cases=cases, honest=honest, memorised=memorised
    )
