"""Label maps as they are read from the store: codes, what they mean, and masks of single labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.manifest import Manifest
from popgan.cohort.store import LABEL_MAPS, open_store
from popgan.errors import UserError


@dataclass(frozen=True)
class LabelMaps:
    """Label maps of some slices.

    Attributes:
        codes: uint8 n x H x W on the grid of the slices; places in `values`.
        valid: n; where False nobody drew a map, and the codes mean nothing.
        values: the source's own value of each code; 0, no label, comes first.
    """

    codes: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    values: tuple[int, ...]

    def masks(self, labels: Sequence[int]) -> NDArray[np.float32]:
        """Membership of each label as channels, n x K x H x W: 1 inside, -1 outside.

        Args:
            labels: K of `values`.

        Raises:
            ValueError: one is not among `values`.
        """
        codes = np.array([self.values.index(label) for label in labels], np.uint8)
        inside = self.codes[:, None] == codes[:, None, None]
        return np.where(inside, np.float32(1), np.float32(-1))


def open_maps(run: Path, manifest: Manifest) -> NDArray[np.uint8] | None:
    """The store of label maps; None where there is none. Its hash is the caller's to verify.

    Raises:
        UserError: it is not of the shape that the manifest says.
    """
    record = manifest.label_map
    if record is None:
        return None
    if len(record.valid) != manifest.shape[0]:
        raise UserError(
            "does not say of every slice whether it has a label map",
            where=run / "dataset" / "manifest.json",
            do="run ingest again",
        )
    shape = (manifest.shape[0], *manifest.shape[2:])
    return open_store(run / "cache" / LABEL_MAPS, shape, dtype=np.uint8)
