"""Which images a release holds: drawn, searched for copies, mended and audited as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort
from popgan.errors import NotMeasurableError, UserError
from popgan.evidence.features import FeatureExtractor
from popgan.evidence.privacy.copies import shows_copies
from popgan.evidence.privacy.results import AuditResult, CopySearch, Flag, PrivateDetails
from popgan.evidence.privacy.selected import of_selected
from popgan.planning.masks import with_maps
from popgan.progress import Reporter
from popgan.stations.audit import audit_images
from popgan.stations.audit_sides import Sides, both_sides, features_of
from popgan.stations.audited import AUDIT_VERSION, StoredAudit
from popgan.stations.draw import Wish, draw_set
from popgan.stations.model import Model
from popgan.stations.untouched import digests, require_untouched
from popgan.synthesis.bids import to_stored
from popgan.wording import counted

ROUNDS = 12
"""Times that a set is mended and audited again before it is given up."""
MOST_DROPPED = 0.5
"""Images left out, as a share of those wanted, beyond which nothing is released."""


@dataclass(frozen=True)
class Chosen:
    """A set with the audit of just these images; whether that allows a release is not asked here.

    Attributes:
        images: n x C x H x W in [-1, 1]. codes: n x H x W of their labels, if there are any.
        indices: n, ascending, within the seed's stream.
        audit: of these very images. private: its part that names patients.
        dropped: flags of images that were left out, by their index in the stream.
        equal: indices of images that were left out because they equal a real one.
    """

    images: NDArray[np.float32]
    codes: NDArray[np.uint8] | None
    indices: list[int]
    audit: StoredAudit
    private: PrivateDetails
    dropped: list[Flag]
    equal: list[int]


class _Pool:
    """Images drawn so far, with their features and their places in the stream."""

    def __init__(
        self, model: Model, sides: Sides, seed: int, wish: Wish, reporter: Reporter
    ) -> None:
        self._model, self._sides, self._reporter = model, sides, reporter
        self._seed, self._wish, self._next = seed, wish, 0
        self.images: NDArray[np.float32] = np.empty(0, np.float32)
        self.codes: NDArray[np.uint8] | None = None
        self.features: NDArray[np.floating] = np.empty(0, np.float32)
        self.indices: list[int] = []

    def draw(self, count: int) -> None:
        """The next images of the stream."""
        first = self._next
        images, codes = draw_set(
            self._model,
            count,
            seed=self._seed,
            first=first,
            wish=self._wish,
            reporter=self._reporter,
        )
        features = features_of(
            self._model, images, self._sides.extractor, "features of synthetic", self._reporter
        )
        self._next = first + count
        if self.indices:
            self.images = np.concatenate([self.images, images])
            self.features = np.concatenate([self.features, features])
            if codes is not None and self.codes is not None:
                codes = np.concatenate([self.codes, codes])
        else:
            self.images, self.features = images, features
        self.codes = codes
        self.indices += range(first, first + count)

    def leave_out(self, places: set[int]) -> None:
        """Remove images by their place."""
        kept = [i for i in range(len(self.indices)) if i not in places]
        self.images, self.features = self.images[kept], self.features[kept]
        self.codes = None if self.codes is None else self.codes[kept]
        self.indices = [self.indices[i] for i in kept]

    def real(self, known: set[str]) -> set[int]:
        """Places of images that are, as they would be stored, real ones."""
        found = digests(to_stored(self.images))
        return {place for place, digest in enumerate(found) if digest in known}


def choose(
    model: Model,
    cohort: Cohort,
    known: StoredAudit,
    n: int,
    seed: int,
    wish: Wish,
    accept: str | None,
    reporter: Reporter,
) -> Chosen:
    """Draw, leave out what is flagged, draw again, until an audit of the whole flags nothing.

    A first draw that shows copies is not mended: its audit is handed back, and it failed.

    Args:
        model: a trained model. cohort: its cohort.
        known: the model's audit: its controls of the generator hold for this set, too.
        n: images wanted. seed, wish: of the stream they are taken from.
        accept: reason of an override, to be recorded.
        reporter: shows progress.

    Raises:
        UserError: too many images had to be left out, or see `audit_images`.
    """
    splits = require_untouched(model, cohort)
    cohort = with_maps(cohort, model.plan())
    extractor = FeatureExtractor()
    try:
        sides = both_sides(model, cohort, extractor, reporter, 2 * n)
    except NotMeasurableError as error:
        raise UserError(str(error)) from error
    pool = _Pool(model, sides, seed, wish, reporter)
    made = _mended(pool, model, cohort, sides, n, reporter)
    shared = made.result.shared
    audited = StoredAudit(
        version=AUDIT_VERSION,
        weights=known.weights,
        cohort=known.cohort,
        features=extractor.identity,
        n=n,
        seed=seed,
        splits=splits,
        result=shared if shows_copies(made.first) else of_selected(shared, made.first),
        overtrained=known.overtrained,
        first_draw=made.first,
        dropped=len({flag.synthetic for flag in made.flags}) + len(made.equal),
        accepted=accept,
        train_subjects=sides.train.patients,
        heldout_subjects=sides.heldout.patients,
        reference_subjects=sides.reference.patients if sides.reference else 0,
    )
    return Chosen(
        images=pool.images,
        codes=pool.codes,
        indices=pool.indices,
        audit=audited,
        private=made.result.private,
        dropped=made.flags,
        equal=made.equal,
    )


@dataclass(frozen=True)
class _Mended:
    """What came of mending: the audit of the images that are left, and what was found before.

    Attributes:
        result: of just the images in the pool.
        first: the search of the first draw, before any image was left out.
        flags, equal: as in `Chosen`.
    """

    result: AuditResult
    first: CopySearch
    flags: list[Flag]
    equal: list[int]


def _mended(
    pool: _Pool, model: Model, cohort: Cohort, sides: Sides, n: int, reporter: Reporter
) -> _Mended:
    """Fill the pool with n images of which none is flagged, unless the first draw shows copies."""
    real = {digest for digest in _stored(cohort) if digest is not None}
    flags: list[Flag] = []
    equal: list[int] = []
    first: CopySearch | None = None
    out = 0
    for _ in range(ROUNDS):
        pool.draw(n - len(pool.indices))
        bad = same = pool.real(real)
        equal += sorted(pool.indices[place] for place in same)
        # The first draw is searched as it came, real images and all: it speaks for the generator.
        if first is None or not same:
            result = audit_images(
                model, cohort, pool.images, features=pool.features, sides=sides, reporter=reporter
            )
            first = first or result.shared.copies
            found = [flag for flag in result.private.flags if flag.synthetic not in same]
            bad = same | {flag.synthetic for flag in found}
            flags += [f.model_copy(update={"synthetic": pool.indices[f.synthetic]}) for f in found]
            if not bad or shows_copies(first):
                return _Mended(result, first, flags, equal)
        out += len(bad)
        if out > max(1, MOST_DROPPED * n):
            break
        resemble = counted(len(bad), "image resembles", "images resemble")
        reporter.message(f"{resemble} training images too much: left out, others are drawn")
        pool.leave_out(bad)
    raise UserError(
        f"nothing is released: {counted(out, 'image', 'images')} had to be left out for {n}, and "
        "still some resemble training images",
        do="train with more patients, for fewer images, or with more augmentation; then audit",
    )


def _stored(cohort: Cohort) -> list[str | None]:
    """Digests of all real images, as a release would store them."""
    return [
        digest
        for split in ("train", "tuning", "test")
        for digest in digests(to_stored(cohort.images(split)))
    ]
