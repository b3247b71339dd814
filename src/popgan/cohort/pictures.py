"""Quality control to look at: one strip of small pictures a scan, in private/pictures.

They are made at ingest, where the pictures of the steps are at hand, and are files of their own:
a page of five thousand scans could not hold them all.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from popgan.errors import UserError
from popgan.files import atomic_path, disk_error, private_folder, read_json, write_json
from popgan.preparation.steps import StepPicture

FOLDER = "pictures"
"""Name of the folder in private/."""
TILE = 112
"""Side of a picture, pixels."""
_MOST = 12  # pictures of a scan
_INDEX = "index.json"


class StripWriter:
    """Writes the strips of a cohort: the prepared slice first, then its steps.

    Args:
        run: run folder.

    Raises:
        UserError: the folder cannot be written.
    """

    def __init__(self, run: Path) -> None:
        self._folder = private_folder(run) / FOLDER
        self._rows: list[dict[str, Any]] = []
        try:
            if self._folder.is_symlink():
                self._folder.unlink()
            elif self._folder.exists():
                shutil.rmtree(self._folder)
            self._folder.mkdir(mode=0o700)
        except OSError as error:
            explained = disk_error(self._folder, error)
            if explained is None:
                raise
            raise explained from error

    def add_visit(
        self,
        subject: str,
        visit: int,
        contrasts: Sequence[str],
        slices: NDArray[np.uint16],
        steps: Sequence[StepPicture],
    ) -> None:
        """Write the strips of one visit.

        Args:
            subject: pseudonym.
            visit: its number.
            contrasts: C names.
            slices: n x C x H x W as they are stored; the middle one is shown.
            steps: pictures of what was done before.

        Raises:
            UserError: the disk is full.
        """
        middle = (slices[len(slices) // 2] >> 8).astype(np.uint8)
        for contrast, prepared in zip(contrasts, middle, strict=True):
            own = [one for one in steps if one.contrast == contrast]
            self._add(subject, visit, contrast, prepared, own)

    def _add(
        self,
        subject: str,
        visit: int,
        contrast: str,
        prepared: NDArray[np.uint8],
        steps: Sequence[StepPicture],
    ) -> None:
        shown = [("prepared", prepared)]
        shown += [(one.title, one.pixels) for one in steps]
        shown = shown[:_MOST]
        name = f"{len(self._rows) + 1:06d}.png"
        strip = np.concatenate([_tile(pixels) for _, pixels in shown], axis=1)
        with atomic_path(self._folder / name, mode=0o600) as temporary:
            Image.fromarray(strip).save(temporary, format="PNG")
        self._rows.append(
            {
                "subject": subject,
                "visit": visit,
                "contrast": contrast,
                "file": name,
                "titles": [title for title, _ in shown],
            }
        )

    def finish(self) -> None:
        """Write the list of the strips."""
        write_json(self._folder / _INDEX, self._rows, mode=0o600)


def strips(run: Path) -> dict[tuple[str, int, str], tuple[Path, list[str]]]:
    """File and titles of each scan's strip, by pseudonym, visit and contrast.

    Those whose file is gone are left out, and a run folder of an older version has none.
    """
    folder = run / "private" / FOLDER
    try:
        rows = read_json(folder / _INDEX)
        there = {path.name for path in folder.glob("*.png")}
        return {
            (str(row["subject"]), int(row["visit"]), str(row["contrast"])): (
                folder / Path(str(row["file"])).name,
                [str(title) for title in row["titles"]],
            )
            for row in rows
            if row["file"] in there
        }
    except (UserError, KeyError, TypeError, ValueError):
        return {}


def _tile(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture on a black square, as large as fits."""
    rows, columns = pixels.shape
    factor = TILE / max(rows, columns)
    size = (max(1, round(columns * factor)), max(1, round(rows * factor)))
    scaled = Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BICUBIC)
    square = Image.new("L", (TILE, TILE))
    square.paste(scaled, ((TILE - size[0]) // 2, (TILE - size[1]) // 2))
    return np.asarray(square)
