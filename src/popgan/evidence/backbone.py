"""Which network features come from: chosen by the user, named beside every score."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from popgan.errors import UserError
from popgan.evidence import features, inception
from popgan.evidence.features import Extractor, FeatureExtractor

_NAMES = {features.BACKBONE: "EfficientNet-Lite0", inception.BACKBONE: "Inception-v3 (2015-12-05)"}
_DO = f"leave --features out, or give inception=FILE with FILE {inception.WEIGHTS_NAME}"


def extractor_of(choice: str | None) -> Extractor:
    """The network that a user names.

    Args:
        choice: None or "efficientnet-lite0" for the one that is always there, or "inception=FILE".

    Raises:
        UserError: another name, or weights that are missing or not the pinned ones.
    """
    if choice is None or choice == features.BACKBONE:
        return FeatureExtractor()
    name, _, file = choice.partition("=")
    if name != "inception":
        raise UserError(f"unknown feature network {name!r}", do=_DO)
    if not file:
        raise UserError("the weights of Inception are not given", do=_DO)
    return inception.InceptionExtractor(Path(file).expanduser())


def basis_of(identity: Mapping[str, Any]) -> str:
    """A network in words: "EfficientNet-Lite0 at 160 pixels, weights 579344248a93"."""
    name = str(identity.get("backbone", "an unnamed network"))
    words = _NAMES.get(name, name)
    if "input_size" in identity:
        words += f" at {identity['input_size']} pixels"
    if "weights_sha256" in identity:
        words += f", weights {str(identity['weights_sha256'])[:12]}"
    if "precision" in identity:
        words += f", {identity['precision']}"
    return words


def defines_fid(identity: Mapping[str, Any], contrasts: int) -> bool:
    """Whether a Frechet distance of these features is what everybody calls FID.

    Args:
        identity: of the extractor.
        contrasts: of the images; features of several are concatenated, which FID does not know.
    """
    known = identity.get("weights_sha256") == inception.WEIGHTS_SHA256
    return contrasts == 1 and known and identity.get("backbone") == inception.BACKBONE
