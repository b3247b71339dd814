"""A cohort: the slices of a group of subjects, split by subject, opened from a run folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.design import design
from popgan.cohort.fingerprint import read_fingerprint
from popgan.cohort.manifest import Manifest
from popgan.cohort.options import IngestOptions
from popgan.cohort.pictures import strips
from popgan.cohort.preparation import read_record
from popgan.cohort.slice_maps import LabelMaps, open_maps
from popgan.cohort.source import source_hash
from popgan.cohort.splits import SPLITS, check_disjoint
from popgan.cohort.store import LABEL_MAPS, decode, open_store
from popgan.errors import UserError
from popgan.files import read_json, sha256_file
from popgan.progress import Reporter

_AGAIN = "run ingest again"


@dataclass(frozen=True)
class SliceInfo:
    """One slice of the store.

    Attributes:
        subject: pseudonym.
        split: train, tuning or test.
        height: 0 bottom to 1 top of the brain; 0.5 where it is not known (pictures).
        position_mm: position along RAS z in the scanner's space.
        label: class label, or None.
        visit: number of the subject's visit.
        mapped: whether there is a label map for it.
    """

    subject: str
    split: str
    height: float
    position_mm: float
    label: str | None
    visit: int = 0
    mapped: bool = False


@dataclass(frozen=True)
class Cohort:
    """A cohort on disk. Made by `from_folder`, opened again by `open`.

    Attributes:
        run: the run folder.
        contrasts: names of the channels.
        height, width: of a slice, pixels.
        spacing: mm a row, a column and a slice.
        affine: 4 x 4 of a stored slice as a volume X x Y x 1 in RAS+ (see `cohort.geometry`).
        hash: SHA-256 of the manifest.
        fingerprint: the cohort in numbers.
        slices: one entry a row of the store.
        label_map: kind of label map that is kept beside the slices, or None.
        only_mapped: whether splits leave out slices that have no label map; see `mapped`.
    """

    run: Path
    contrasts: list[str]
    height: int
    width: int
    spacing: tuple[float, float, float]
    affine: NDArray[np.float64]
    hash: str
    fingerprint: dict[str, Any]
    slices: list[SliceInfo]
    label_map: str | None
    _store: NDArray[np.uint16] = field(repr=False)
    _manifest: Manifest = field(repr=False)
    _maps: NDArray[np.uint8] | None = field(repr=False)
    only_mapped: bool = False

    @classmethod
    def from_folder(
        cls,
        source: str | Path,
        run: str | Path,
        *,
        options: IngestOptions | None = None,
        reporter: Reporter | None = None,
        workers: int | None = None,
        strict: bool = False,
    ) -> Cohort:
        """Ingest a folder of scans into a run folder.

        Args:
            source: BIDS data set, folders `subject/contrast.nii.gz`, or pictures.
            run: run folder, made if need be.
            options: choices; the defaults if None.
            reporter: where progress goes.
            workers: processes that open files, each within limits; None takes the cores there
                are, as far as memory goes; 0 opens files in this process. The result does not
                depend on it.
            strict: whether a file that cannot be used is an error.

        Raises:
            UserError: see `popgan.cohort.build.build`.
        """
        from popgan.cohort.build import build

        build(
            Path(source),
            Path(run),
            options=options or IngestOptions(),
            reporter=reporter or Reporter(),
            workers=workers,
            strict=strict,
        )
        return cls.open(run)

    @classmethod
    def open(cls, run: str | Path) -> Cohort:
        """Open the cohort of a run folder and verify its hashes.

        Raises:
            UserError: there is none, or a file is not the one the manifest names.
        """
        run = Path(run)
        dataset = run / "dataset"
        path = dataset / "manifest.json"
        if not path.exists():
            raise UserError("holds no cohort", where=run, do="run ingest first")
        manifest = Manifest.read(path)
        store_path = run / "cache" / "slices.npy"
        store = open_store(store_path, manifest.shape)
        if len(manifest.slices) != manifest.shape[0]:
            raise UserError("does not list every slice of the store", where=path, do=_AGAIN)
        _verify(store_path, manifest.store)
        _verify(dataset / "fingerprint.json", manifest.fingerprint)
        maps = open_maps(run, manifest)
        if manifest.label_map is not None:
            _verify(run / "cache" / LABEL_MAPS, manifest.label_map.store)
        mapped = manifest.label_map.valid if manifest.label_map else [False] * len(manifest.slices)
        cohort = cls(
            run=run,
            contrasts=manifest.contrasts,
            height=manifest.shape[2],
            width=manifest.shape[3],
            spacing=manifest.spacing,
            affine=np.array(manifest.affine, dtype=np.float64),
            hash=sha256_file(path),
            fingerprint=read_fingerprint(dataset, manifest.slices, store),
            slices=[
                SliceInfo(r.subject, r.split, r.height, r.position_mm, r.label, r.visit, known)
                for r, known in zip(manifest.slices, mapped, strict=True)
            ],
            label_map=manifest.label_map.name if manifest.label_map else None,
            _store=store,
            _manifest=manifest,
            _maps=maps,
        )
        cohort.check_splits()
        return cohort

    @staticmethod
    def source_hash(source: str | Path, options: IngestOptions | None = None) -> str:
        """A cheap hash of a folder's listing and the options; see `popgan.cohort.source`."""
        return source_hash(Path(source), options or IngestOptions())

    @property
    def skull(self) -> bool | None:
        """Whether the slices show skulls; None where scans differ or cannot be told."""
        kinds = {scan.kind for scan in self._manifest.scans}
        return {"head": True, "brain": False}.get(kinds.pop()) if len(kinds) == 1 else None

    def indices(self, split: str) -> NDArray[np.intp]:
        """Rows of the store that belong to a split, ascending."""
        _check_name(split)
        rows = [i for i, info in enumerate(self.slices) if info.split == split]
        return np.array([i for i in rows if self.slices[i].mapped or not self.only_mapped], np.intp)

    def mapped(self) -> Cohort:
        """The same cohort, but its splits hold those slices alone that have a label map."""
        return replace(self, only_mapped=True)

    def images(self, split: str) -> NDArray[np.float32]:
        """Images of a split, float32 N x C x H x W in [-1, 1] (-1 = no signal)."""
        return decode(self._store[self.indices(split)])

    def batch(self, split: str, places: NDArray[np.integer]) -> NDArray[np.float32]:
        """Some images of a split, by their place in `images(split)`; reads no others."""
        return decode(self._store[self.indices(split)[places]])

    def subjects(self, split: str) -> list[str]:
        """Pseudonym of each slice of `images(split)`, in its order."""
        return [self.slices[i].subject for i in self.indices(split)]

    def labels(self, split: str) -> list[str | None]:
        """Class label of each slice of `images(split)`, in its order."""
        return [self.slices[i].label for i in self.indices(split)]

    def covariates(self, split: str) -> tuple[list[str], NDArray[np.float32]]:
        """Covariates of each slice of `images(split)`, in its order.

        Returns:
            Names of the K numbers, and the numbers, N x K; NaN where a value is missing. A column
            of numbers is itself; one of two words is 0 or 1 (`sex=M`), one of more is one-hot.
            K is 0 where ingest was not asked for covariates.
        """
        rows = self.indices(split)
        record = self._manifest.covariates
        if record is None:
            return [], np.empty((len(rows), 0), np.float32)
        names, numbers = design(record)
        lines = [numbers[self.slices[i].subject, self.slices[i].visit] for i in rows]
        return names, np.array(lines, np.float32).reshape(len(rows), len(names))

    @property
    def words(self) -> dict[str, list[str]]:
        """Words of each covariate that has words, in the order of their numbers in `covariates`."""
        record = self._manifest.covariates
        return {c.name: list(c.levels) for c in record.columns if c.levels} if record else {}

    @property
    def label_names(self) -> dict[int, str]:
        """What the values of the label map are called, where a table beside the maps says so."""
        return dict(self._manifest.label_map.names) if self._manifest.label_map else {}

    def masks(
        self, split: str, places: NDArray[np.integer], labels: Sequence[int]
    ) -> NDArray[np.float32]:
        """Masks of some images, by their place in `images(split)`; see `LabelMaps.masks`."""
        return self.label_maps(self.indices(split)[places]).masks(labels)

    def label_maps(self, rows: NDArray[np.integer]) -> LabelMaps:
        """Label maps of some slices, by their rows in the store (`indices`); reads no others.

        Raises:
            UserError: the cohort has no label maps.
        """
        record = self._manifest.label_map
        if record is None or self._maps is None:
            raise UserError("holds no label maps", where=self.run, do="see ingest --label-map")
        valid = np.array([self.slices[i].mapped for i in rows], np.bool_)
        return LabelMaps(np.asarray(self._maps[rows]), valid, tuple(record.values))

    def quality(self) -> dict[str, Any]:
        """Quality control: indices of every scan, files set aside, doubles; by pseudonym.

        Raises:
            UserError: it is missing or damaged.
        """
        return dict(read_json(self.run / "dataset" / "qc.json"))

    def preparation(self) -> dict[str, Any]:
        """What was done to every scan and why; see `popgan.cohort.preparation.read_record`."""
        return read_record(self.run)

    def strips(self) -> dict[tuple[str, int, str], tuple[Path, list[str]]]:
        """Pictures of every scan's preparation; see `popgan.cohort.pictures`. Real patients."""
        return strips(self.run)

    def image(self, row: int) -> NDArray[np.float32]:
        """One image by its row in the store, C x H x W in [-1, 1]."""
        return decode(self._store[row : row + 1])[0]

    def check_splits(self) -> None:
        """Verify the split manifest: its hash, and that no subject is in two splits.

        Raises:
            UserError: it was changed, or a subject is in two splits.
        """
        path = self.run / "dataset" / "splits.json"
        _verify(path, self._manifest.splits)
        splits = read_json(path)["splits"]
        check_disjoint(splits, where=path)
        own: dict[str, list[str]] = {name: [] for name in SPLITS}
        for subject, split in {(info.subject, info.split) for info in self.slices}:
            own[split].append(subject)
        check_disjoint(own, where=path)
        if any(sorted(own[name]) != sorted(splits.get(name, [])) for name in SPLITS):
            raise UserError("does not agree with the slices", where=path, do=_AGAIN)


def _check_name(split: str) -> None:
    if split not in SPLITS:
        raise UserError(f"there is no split {split!r}", do=f"take one of {', '.join(SPLITS)}")


def _verify(path: Path, expected: str) -> None:
    """Compare a file's hash with the manifest's."""
    if not path.exists():
        raise UserError("does not exist", where=path, do=_AGAIN)
    if sha256_file(path) != expected:
        raise UserError("was changed since ingest (its hash differs)", where=path, do=_AGAIN)
