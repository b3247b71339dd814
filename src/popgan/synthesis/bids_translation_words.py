"""The words of a data set of translated volumes: description, README, sidecars, labels of ids."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from popgan._version import __version__
from popgan.synthesis.bids_metadata import BIDS_VERSION

INPUTS = "InputsSHA256"
"""Key of a sidecar: hash of everything that an image depends on."""


@dataclass(frozen=True)
class About:
    """What all volumes of a data set share.

    Attributes:
        model: name of the model.
        recipe: kind of the model.
        weights: SHA-256 of its weights.
        plan: SHA-256 of its plan's values.
        sources: contrasts that the model translates from.
        target: the contrast that it makes.
    """

    model: str
    recipe: str
    weights: str
    plan: str
    sources: tuple[str, ...]
    target: str


def labels_of(ids: Iterable[str], key: str) -> dict[str, str]:
    """Labels for names of files, without their key, for a source's own ids: letters and digits.

    Ids that come to the same label get a hash of themselves behind it.

    Args:
        ids: as the source has them: "sub-01", "Patient 7".
        key: "sub" or "ses".
    """
    plain = {own: re.sub(r"[^A-Za-z0-9]", "", own.removeprefix(f"{key}-")) for own in set(ids)}
    # Some file systems take "a" and "A" for the same.
    taken = [label.lower() for label in plain.values()]
    return {
        own: label if label and taken.count(label.lower()) == 1 else f"{label}x{_short(own)}"
        for own, label in plain.items()
    }


def _short(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]


def shared(about: About) -> dict[str, Any]:
    """What every sidecar says."""
    return {
        "Synthetic": True,
        "Model": about.model,
        "Recipe": about.recipe,
        "WeightsSHA256": about.weights,
        "PlanSHA256": about.plan,
        "SpatialReference": "orig",
        "GeneratedBy": [{"Name": "popgan", "Version": __version__}],
    }


def image_words(about: About) -> str:
    """What an image is."""
    return (
        f"Synthetic {about.target} image, translated from other contrasts of the same visit by a "
        "generative model; no scanner has acquired it. For research only, not for diagnosis: what "
        "it shows, lesions included, may be made up, and what is there may be missing."
    )


UNCERTAIN = (
    "How uncertain the synthetic image beside it is, voxel by voxel, in the same grey values; see "
    "Uncertainty for what it means. For research only, not for diagnosis."
)
"""What a map of half widths is."""


def description(about: About) -> dict[str, Any]:
    """The content of dataset_description.json."""
    sources = ", ".join(about.sources)
    return {
        "Name": f"Synthetic {about.target} images, translated from {sources}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "Synthetic": True,
        "Translation": {"Sources": list(about.sources), "Target": about.target},
        "GeneratedBy": [
            {
                "Name": "popgan",
                "Version": __version__,
                "Description": f"Translated by the generative model {about.model}",
            }
        ],
        "SourceDatasets": [{"Version": "the scans whose SHA-256 each sidecar states"}],
        "Model": about.model,
        "Recipe": about.recipe,
        "WeightsSHA256": about.weights,
        "PlanSHA256": about.plan,
    }


def readme(about: About) -> str:
    """The content of README."""
    return _README.format(target=about.target, sources=", ".join(about.sources), model=about.model)


_README = """\
SYNTHETIC DATA: images that no scanner has acquired. Not for diagnosis.

Every image here was made by the generative model "{model}", which translates {sources} into
{target}. A model of this kind can make up what is not there, lesions included, and leave out what
is. No decision about a patient may rest on it.

What the files are
- *_desc-synthetic_*.nii.gz: the translated volume. It lies voxel upon voxel on the first source of
  its visit (same shape, same position). What is outside the field that the model knows, outside
  the brain where brains were extracted, and in slices that show hardly anything, is background.
- *_desc-uncertainty_*.nii.gz: how uncertain it is, in the same grey values. The sidecar says
  whether it is half the width of an interval calibrated on other patients, or only the spread of
  passes with dropout.
- Grey values are like those of the scans that the model was trained on (their median range); MRI
  has no unit, so they are not those that this patient's scan would have had.
- The sidecar of each image says what it was made of, and warns where the sources are unlike what
  the model was trained on.
- Subjects and visits have the ids of the source, so handle this folder like the source itself.

Use
- For research and method development. Keep the marks that say "synthetic" when you convert or pass
  on these files.
"""
