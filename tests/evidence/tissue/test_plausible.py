"""Which outlines are plausible: a rule from real training images, held against junk."""

from __future__ import annotations

import numpy as np

from popgan.evidence.tissue.figures import CHECKS, LIKENESS, checks_of, coarse
from popgan.evidence.tissue.plausible import NOTHING, Nearest, Ranges, reliability
from popgan.evidence.tissue.segment import Outlines


def brains(count: int, seed: int) -> np.ndarray:
    """Round brains of varying size: fluid, grey rim, white core."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64] - 31.5
    codes = np.zeros((count, 64, 64), np.uint8)
    for one, size in zip(codes, rng.uniform(18, 26, count), strict=True):
        radius = np.hypot(x * rng.uniform(0.95, 1.1), y)
        one[radius < size] = 1
        one[radius < size - 2] = 2
        one[radius < size - rng.uniform(7, 9)] = 3
    return codes


def figures(codes: np.ndarray, certainty: float = 0.9) -> dict[str, np.ndarray]:
    values = np.random.default_rng(len(codes)).normal(certainty, 0.01, len(codes))
    found = checks_of(Outlines("T1w", codes, values.astype(np.float32)))
    train = brains(200, 0)
    nearest = Nearest(coarse(train), np.array([str(i // 8) for i in range(200)]))
    own = [str(i // 8) for i in range(len(codes))] if np.array_equal(codes, train) else None
    return found | {LIKENESS: nearest.distance(coarse(codes), own)}


def broken() -> dict[str, np.ndarray]:
    """One implausible brain of each kind."""
    usual = brains(1, 3)[0]
    two, holes, noise, no_white = (usual.copy() for _ in range(4))
    two[:, 30:34] = 0
    holes[26:38, 26:38] = 0
    mixed = np.random.default_rng(0).integers(2, 4, usual.shape).astype(np.uint8)
    noise[usual > 0] = mixed[usual > 0]
    no_white[usual == 3] = 2
    small = np.zeros_like(usual)
    small[30:34, 30:34] = 2
    stripes = usual.copy()
    stripes[usual > 0] = 2
    stripes[:, ::3][usual[:, ::3] > 0] = 3
    kinds = {
        "stripes": stripes,
        "two": two,
        "holes": holes,
        "noise": noise,
        "no white": no_white,
        "small": small,
    }
    return kinds | {"nothing": np.zeros_like(usual)}


def test_each_kind_of_broken_outline_is_found() -> None:
    ranges = Ranges.learnt(figures(brains(200, 0)))
    for kind, codes in broken().items():
        assert not ranges.passed(figures(codes[None])).any(), kind
    assert not ranges.passed(figures(brains(20, 5), certainty=0.5)).any()


def test_real_images_that_the_rule_never_saw_pass() -> None:
    ranges = Ranges.learnt(figures(brains(200, 0)))
    assert ranges.passed(figures(brains(300, 1))).mean() > 0.95


def test_the_rule_comes_from_training_images_alone() -> None:
    train, real = figures(brains(200, 0)), figures(brains(40, 1))
    drawn = figures(np.concatenate([brains(30, 2), np.stack(list(broken().values()))]))
    subjects = [str(i // 8) for i in range(40)]
    found = reliability(
        Ranges.learnt(train), train=train, real=real, synthetic=drawn, subjects=subjects, seed=0
    )
    assert found.synthetic.value == 30 / 37
    assert found.synthetic.low < 30 / 37 < found.synthetic.high
    assert not found.reliable
    assert found.real.n_subjects == 5
    assert found.real.n_real == 40
    assert {check.name for check in found.checks} == set(CHECKS)
    assert min(check.share_synthetic for check in found.checks) < 1
    better = reliability(
        Ranges.learnt(train),
        train=train,
        real=drawn,
        synthetic=real,
        subjects=(["a", "b"] * 19)[:37],
        seed=0,
    )
    assert [(c.low, c.high) for c in better.checks] == [(c.low, c.high) for c in found.checks]


def test_a_texture_without_anatomy_is_told_by_its_likeness_alone() -> None:
    ranges = Ranges.learnt(figures(brains(200, 0)))
    stripes = figures(broken()["stripes"][None])
    stripes["borders"][:] = ranges.low["borders"]  # as if it were as smooth as a brain
    failed = [name for name in CHECKS if not ranges.within(name, stripes)[0]]
    assert failed == [LIKENESS]


def test_likeness_is_the_distance_to_the_nearest_outline_of_somebody_else() -> None:
    codes = brains(12, 4)
    codes[11] = 0
    maps, owners = coarse(codes), np.array(list("aaabbbcccddd"))
    found = Nearest(maps, owners).distance(maps, list(owners))
    for i in range(11):
        others = maps[owners != owners[i]]
        expected = np.linalg.norm(others - maps[i], axis=1).min() / np.sqrt(
            (maps[i] ** 2).sum() + 1
        )
        assert abs(found[i] - expected) < 1e-3
    assert found[11] == NOTHING
    assert np.abs(Nearest(maps, owners).distance(maps[:3])).max() < 1e-3


def test_coarse_outlines_are_means_over_cells_whatever_the_size() -> None:
    codes = brains(3, 6)
    even = coarse(codes).reshape(3, 3, 16, 16)
    expected = (codes == 2).reshape(3, 16, 4, 16, 4).mean((2, 4))
    assert np.allclose(even[:, 1], expected)
    odd = coarse(codes[:, :61, :50])
    assert odd.shape == (3, 768)
    assert odd.max() <= 1
