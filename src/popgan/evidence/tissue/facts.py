"""What the tissue network is worth: its Dice on real and simulated images, beside its weights.

`dice.json` is written by benchmarks/tissue.py, which measures it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from popgan.evidence.tissue.results import DiceFacts, Segmenter
from popgan.evidence.tissue.weights import SHA256
from popgan.files import read_json

FILE = Path(__file__).resolve().parent / "dice.json"
NOTE = (
    "A small U-Net trained on simulated heads alone. Outlines of real T1-weighted images were "
    "checked against tissue maps; those of other contrasts against simulated ones, and T2w and "
    "FLAIR for agreement with T1w of the same slices."
)


@cache
def segmenter_facts(contrast: str) -> Segmenter:
    """The network, and its Dice in one contrast."""
    rows = [DiceFacts.model_validate(row) for row in read_json(FILE)]
    return Segmenter(
        weights_sha256=SHA256, dice=[row for row in rows if row.contrast == contrast], note=NOTE
    )
