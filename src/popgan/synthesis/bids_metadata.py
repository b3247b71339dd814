"""The words of a synthetic BIDS data set: descriptions and sidecars."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan._version import __version__
from popgan.config.masks import MaskLabel
from popgan.errors import UserError
from popgan.files import read_json
from popgan.synthesis.drawn_for import DrawnFor
from popgan.synthesis.participants import cell
from popgan.wording import counted

BIDS_VERSION = "1.10.0"
DESCRIPTION = "dataset_description.json"
OWN_FILES = re.compile(
    r"dataset_description\.json|README|\.bidsignore|participants\.(tsv|json)|dseg\.tsv"
    r"|RELEASE\.md|SHA256SUMS|audit\.json"
    r"|sub-syn\d+/anat/sub-syn\d+_[^/]*desc-synthetic_[^/]+\.(nii\.gz|json)"
)
"""Files of a synthetic data set or a release; a folder that holds others is not replaced."""

# Contrast -> (entities before desc-, suffix). BIDS has no suffix for anything else; see `_names`.
_BIDS_NAMES = {
    "T1w": ("", "T1w"),
    "T2w": ("", "T2w"),
    "PDw": ("", "PDw"),
    "FLAIR": ("", "FLAIR"),
    "T1wCE": ("ce-gadolinium_", "T1w"),
    "T2starw": ("", "T2starw"),
}


@dataclass(frozen=True)
class Source:
    """What every file of one data set shares."""

    model: str
    seed: int
    plan_hash: str
    weights_hash: str
    skull_stripped: bool
    thickness: float
    margins: bool = False
    drawn: DrawnFor = field(default_factory=DrawnFor)


def former_set(folder: Path) -> str | None:
    """What set is in a folder, in words, before another takes its place; None without one."""
    if not is_synthetic(folder):
        return None
    seed = read_json(folder / DESCRIPTION).get("Seed")
    count = sum(1 for _ in folder.glob("sub-syn*"))
    return f"{counted(count, 'image', 'images')}, seed {seed}"


def is_synthetic(folder: Path) -> bool:
    """Whether popgan has written the data set in this folder, so that it may be replaced.

    The file alone proves nothing: every BIDS data set has it, patients' scans included.
    """
    try:
        found = read_json(folder / DESCRIPTION)
    except UserError:
        return False
    if not isinstance(found, dict) or found.get("Synthetic") is not True:
        return False
    made_by = found.get("GeneratedBy")
    return isinstance(made_by, list) and any(
        isinstance(entry, dict) and entry.get("Name") == "popgan" for entry in made_by
    )


def bids_name(contrast: str) -> tuple[str, str]:
    """Entities and suffix of a contrast: "T1wCE" -> ("ce-gadolinium_", "T1w").

    A contrast unknown to BIDS keeps its own name, reduced to letters and digits.
    """
    if contrast in _BIDS_NAMES:
        return _BIDS_NAMES[contrast]
    return "", re.sub(r"[^A-Za-z0-9]", "", contrast) or "MRI"


def known_to_bids(contrast: str) -> bool:
    """Whether BIDS has a name for a contrast."""
    return contrast in _BIDS_NAMES


_DESCRIPTION = (
    "Synthetic MR image made by a generative model; it shows no person. "
    "For research only, not for diagnosis."
)
_MARGINS = (
    " Heads of its training data were masked with a margin around the brain, so that skull and "
    "scalp may show."
)


def sidecar(source: Source, index: int, label: str | None, place: int) -> dict[str, Any]:
    """The JSON sidecar of one image.

    Args:
        source: of the data set.
        index: of the image in the seed's stream of samples.
        label: its class.
        place: which of the images of the set it is.
    """
    drawn = source.drawn
    asked = {"ConditionsAsked": dict(drawn.asked)} if drawn.asked else {}
    own = {"Conditions": drawn.of(place)} if drawn.columns else {}
    truncation = {} if drawn.truncation is None else {"Truncation": drawn.truncation}
    return {
        "Synthetic": True,
        "Description": _DESCRIPTION + (_MARGINS if source.margins else ""),
        "Model": source.model,
        "Seed": source.seed,
        "Index": index,
        "Label": label,
        **own,
        **asked,
        **truncation,
        "SpatialReference": "orig",
        "SkullStripped": source.skull_stripped,
        "SliceThickness": round(source.thickness, 4),
        "IntensityRange": [0, 1],
        "PlanSHA256": source.plan_hash,
        "WeightsSHA256": source.weights_hash,
        "GeneratedBy": [{"Name": "popgan", "Version": __version__}],
    }


def mask_sidecar(shared: Mapping[str, Any], masks: Sequence[MaskLabel]) -> dict[str, Any]:
    """The JSON sidecar of a label map, by that of its image."""
    left_out = ("IntensityRange", "Label", "SkullStripped")
    kept = {name: value for name, value in shared.items() if name not in left_out}
    return kept | {
        "Description": "Label map drawn by a generative model together with its image: as "
        "synthetic as the image; nobody has outlined it or looked at it.",
        "Manual": False,
        "LabelMap": {str(mask.value): mask.name for mask in masks},
    }


def write_label_table(part: Path, masks: Sequence[MaskLabel], colours: Sequence[str]) -> None:
    """dseg.tsv: what the values of all label maps are called; colours as #rrggbb."""
    lines = ["index\tname\tcolor"]
    pairs = zip(masks, colours, strict=True)
    lines += [f"{mask.value}\t{cell(mask.name)}\t{colour}" for mask, colour in pairs]
    (part / "dseg.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def check_codes(
    images: NDArray[np.float32], codes: NDArray[np.uint8] | None, masks: Sequence[MaskLabel]
) -> NDArray[np.uint8] | None:
    """Codes as they came, after checking that they are those of the images' masks.

    Raises:
        ValueError: codes without masks, masks without codes, another shape, or unknown codes.
    """
    if (codes is None) != (not masks):
        raise ValueError("label maps come if, and only if, masks are announced")
    if codes is not None and codes.shape != (len(images), *images.shape[2:]):
        raise ValueError(f"label maps {codes.shape} do not fit images {images.shape}")
    if codes is not None and codes.max(initial=0) > len(masks):
        raise ValueError(f"label maps hold code {codes.max()}, there are {len(masks)} labels")
    return codes


def write_description(
    part: Path,
    source: Source,
    contrasts: Sequence[str],
    count: int,
    source_hash: str | None,
    provenance: Mapping[str, Any],
    masks: Sequence[MaskLabel] = (),
) -> None:
    """dataset_description.json, README and, where BIDS lacks a suffix, .bidsignore."""
    wishes = source.drawn.briefly()
    description = {
        "Name": f"Synthetic brain MRI made by the model {source.model}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "Synthetic": True,
        "GeneratedBy": [
            {
                "Name": "popgan",
                "Version": __version__,
                "Description": f"Samples of the generative model {source.model}, "
                f"seed {source.seed}{'; ' if wishes else ''}{wishes}",
            }
        ],
        "SourceDatasets": [{"Version": f"sha256:{source_hash or 'unknown'}"}],
        "Model": source.model,
        "Seed": source.seed,
        **source.drawn.of_set(),
        "PlanSHA256": source.plan_hash,
        "WeightsSHA256": source.weights_hash,
        "Provenance": dict(provenance),
    }
    _write_json(part / DESCRIPTION, description)
    text = _README.format(
        count=count,
        model=source.model,
        seed=source.seed,
        contrasts=", ".join(contrasts),
        masks=_README_MASKS if masks else "",
        drawn=source.drawn.lines(source.model, source.seed),
        privacy=UNTESTED,
    )
    (part / "README").write_text(text, encoding="utf-8")
    unknown = [bids_name(name)[1] for name in contrasts if name not in _BIDS_NAMES]
    if unknown:
        lines = "".join(f"*_{suffix}.nii.gz\n*_{suffix}.json\n" for suffix in unknown)
        (part / ".bidsignore").write_text(lines, encoding="utf-8")


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")


_README_MASKS = """\
- *_desc-synthetic_dseg.nii.gz: the label map that the model drew together with the image, on the
  same grid; dseg.tsv names its labels, 0 is none. It is as synthetic as the image: nobody has
  outlined it.
"""

UNTESTED = """\
- The images are not known to be anonymous: until the model has passed a privacy audit, an image
  may resemble a training image. Handle them under the rules of the training data.
"""
"""What the README says of privacy where nothing else is known."""

_README = """\
SYNTHETIC DATA: {count} images that show no person

Every image here was made by the generative model "{model}" (seed {seed}); none was acquired by a
scanner. Contrasts: {contrasts}.

What the files are
- sub-synNNNN: one synthetic image a "subject". Images are independent of each other: they are not
  slices of one volume.
- *_desc-synthetic_*.nii.gz: one slice as a volume of thickness one, in the average geometry of the
  training images (coordinates are comparable, but belong to no scanner).
{masks}- Intensities are stored as integers 0..4095 and scaled to 0..1 on reading; 0 is background.
- The sidecar beside each image and participants.tsv give its seed and index, and what it was drawn
  for; dataset_description.json has the hashes of weights, plan and training cohort.

What the images were drawn for
{drawn}
Use
- For research and method development. Not for diagnosis, and not as a substitute for patients'
  images when a clinical claim is tested.
{privacy}- Keep the marks that say "synthetic" when you convert or pass on these files.
"""
