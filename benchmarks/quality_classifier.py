"""Does a classifier that learnt tumours from real slices see them in conditional samples, too?

Tumours are more frequent at some heights of the head, so a classifier could do well by telling
heights apart. Slices are therefore matched: at every height there are as many with a tumour as
without. Each held-out slice gets synthetic twins of its label and its height, and the share of
twins that are classified rightly is held against that of the real slices. Two classifiers
judge: a logistic regression on the features of EfficientNet-Lite0 and a small convolutional
network. Controls: the height alone, and a logistic regression that learnt from permuted labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from popgan.cohort import Cohort
from popgan.config.condition import encode
from popgan.device import best_device
from popgan.errors import UserError
from popgan.evidence.features import FeatureExtractor, cached_features
from popgan.seeds import numpy_rng
from popgan.stations.model import Model
from popgan.synthesis.sample import BATCH, draw_images, latents, load_generator
from quality_network import NetworkClassifier

TWINS = 8  # synthetic images a held-out slice
BINS = 20  # of height, within which slices are matched
PERMUTATIONS = 20
RESAMPLES = 5000
FEWEST = 20  # matched slices of a split

Predict = Callable[[NDArray[Any]], NDArray[np.bool_]]


def matched(
    present: NDArray[np.bool_], heights: NDArray[np.float64], *, bins: int, seed: int
) -> NDArray[np.intp]:
    """Slices of which equally many show a tumour and show none, at every height.

    Args:
        present: N, whether a slice shows a tumour.
        heights: N, 0 .. 1.
        bins: of height.
        seed: decides which of too many are left out.

    Returns:
        Their indices, ascending.
    """
    place = np.minimum((heights * bins).astype(int), bins - 1)
    kept: list[int] = []
    for number in range(bins):
        sides = [np.flatnonzero((place == number) & (present == side)) for side in (False, True)]
        count = min(map(len, sides))
        for side, rows in enumerate(sides):
            order = numpy_rng(seed, "matched", 2 * number + side).permutation(len(rows))
            kept += rows[order[:count]].tolist()
    return np.array(sorted(kept), np.intp)


def ratio_interval(
    real: NDArray[Any], twins: NDArray[Any], subjects: Sequence[str], *, seed: int
) -> dict[str, float]:
    """Accuracies and their ratio, with 95 % intervals by resampling subjects.

    A subject's twins go with its slices. That the generator was trained once is not in the
    intervals.

    Args:
        real: N, share rightly classified of each real slice (0 or 1).
        twins: N, the same of its twins.
        subjects: N names.
        seed: of the resampling.
    """
    names, member = np.unique(np.asarray(subjects), return_inverse=True)
    sums = np.stack([np.bincount(member, weights) for weights in (real, twins, np.ones(len(real)))])
    drawn = numpy_rng(seed, "subjects").integers(len(names), size=(RESAMPLES, len(names)))
    right, alike, count = sums[:, drawn].sum(2)
    found = {"real": right / count, "synthetic": alike / count, "ratio": alike / right}
    points = {"real": np.mean(real), "synthetic": np.mean(twins)}
    points["ratio"] = points["synthetic"] / points["real"]
    result = {}
    for name, values in found.items():
        low, high = np.percentile(values, (2.5, 97.5))
        result[name] = round(float(points[name]), 4)
        result[f"{name}_low"], result[f"{name}_high"] = round(float(low), 4), round(float(high), 4)
    return result


class Split:
    """The matched slices of one split of a cohort: images, features, labels, heights, subjects."""

    def __init__(self, cohort: Cohort, name: str, extractor: FeatureExtractor, seed: int) -> None:
        rows = cohort.indices(name)
        heights = np.array([cohort.slices[row].height for row in rows])
        present = np.array([label == "present" for label in cohort.labels(name)])
        kept = matched(present, heights, bins=BINS, seed=seed)
        if len(kept) < FEWEST:
            raise UserError(f"{len(kept)} slices of the {name} split can be matched", do="add some")
        images = cohort.images(name)
        self.images = images[kept]
        self.features = cached_features(images, extractor, cohort.run / "cache")[kept]
        self.present, self.heights = present[kept], heights[kept]
        self.subjects = [cohort.subjects(name)[i] for i in kept]


def fit_features(split: Split) -> Pipeline:
    """Logistic regression on features; its penalty by cross-validation over subjects."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    grid = {"logisticregression__C": [10.0**power for power in range(-5, 2)]}
    search = GridSearchCV(model, grid, cv=GroupKFold(5))
    search.fit(split.features, split.present, groups=split.subjects)
    return search.best_estimator_


def twins_of(model: Model, split: Split, *, count: int, seed: int) -> NDArray[np.float32]:
    """Synthetic images of each slice's label and height, slice after slice, N * count images."""
    plan = model.plan()
    columns = {
        "label": np.repeat(np.where(split.present, "present", "absent"), count).tolist(),
        "height": np.repeat(split.heights, count).tolist(),
    }
    told = torch.from_numpy(encode(plan.data.conditions, columns))
    generator = load_generator(model.weights_path, plan)
    drawn = []
    for start in range(0, len(told), BATCH):
        part = told[start : start + BATCH]
        z = latents(plan, seed, range(start, start + len(part)))
        drawn.append(draw_images(generator, z, plan, condition=part))
    return np.concatenate(drawn)


def judge(model: Model, cohort: Cohort, *, seed: int, twins: int = TWINS) -> dict[str, Any]:
    """Accuracies of both classifiers on held-out real slices and on their twins, and controls.

    Args:
        model: trained with the conditions label and height.
        cohort: its cohort, whose labels are "present" and "absent".
        seed: of matching, twins, classifiers and intervals.
        twins: synthetic images a held-out slice.

    Raises:
        UserError: too few slices can be matched.
    """
    extractor = FeatureExtractor(device=best_device())
    train, test = (Split(cohort, name, extractor, seed) for name in ("train", "test"))
    images = twins_of(model, test, count=twins, seed=seed)
    features = extractor(images)
    logistic = fit_features(train)
    network = NetworkClassifier(train.images, train.present, seed=seed)

    def right(
        predict: Predict, real: NDArray[Any], fake: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        wanted = np.repeat(test.present, twins)
        return (
            (predict(real) == test.present).astype(float),
            (predict(fake) == wanted).reshape(-1, twins).mean(1),
        )

    scores = {
        "logistic regression on features": right(logistic.predict, test.features, features),
        "convolutional network": right(network.predict, test.images, images),
    }
    permuted = []
    for number in range(PERMUTATIONS):
        order = numpy_rng(seed, "permuted", number).permutation(len(train.present))
        chance = clone(logistic).fit(train.features, train.present[order])
        permuted.append([x.mean() for x in right(chance.predict, test.features, features)])
    alone = make_pipeline(StandardScaler(), LogisticRegression())
    alone.fit(_height(train), train.present)
    return {
        "slices": {"train": len(train.present), "test": len(test.present), "twins": len(images)},
        "subjects": {name: len(set(s.subjects)) for name, s in (("train", train), ("test", test))},
        "classifiers": {
            name: ratio_interval(*pair, test.subjects, seed=seed) for name, pair in scores.items()
        },
        "permuted": {
            name: [round(float(f(column)), 4) for f in (np.mean, np.min, np.max)]
            for name, column in zip(("real", "synthetic"), zip(*permuted, strict=True), strict=True)
        },
        "height_alone": round(float(np.mean(alone.predict(_height(test)) == test.present)), 4),
    }


def _height(split: Split) -> NDArray[np.float64]:
    return np.stack([split.heights, split.heights**2], 1)
