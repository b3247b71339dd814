"""Before a translator is planned: do the contrasts of every visit lie on one another?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort
from popgan.cohort.manifest import Manifest
from popgan.cohort.splits import SPLITS
from popgan.errors import UserError
from popgan.evidence.paired.registration import check_pair
from popgan.progress import Reporter
from popgan.stations.pairs import channels_of, visit_places
from popgan.wording import counted

SHOWN = 3  # doubtful visits that are named
OTHERS = 7  # visits that a pair is compared with, to tell two heads from one


def check_cohort(cohort: Cohort, sources: list[str], target: str, reporter: Reporter) -> None:
    """Refuse a cohort whose pairs are none, and say where contrasts were on differing grids.

    Args:
        cohort: the cohort.
        sources, target: contrasts of the translator.
        reporter: shows progress, and is told.

    Raises:
        UserError: there is a single training subject, or a visit whose source and target are not
            registered.
    """
    if len(set(cohort.subjects("train"))) < 2:
        raise UserError(
            f"a single training subject has {', '.join([*sources, target])}: what is learnt from "
            "it holds for nobody else",
            where=cohort.run,
            do="add subjects who have all of them",
        )
    _tell_grids(cohort, [*sources, target], reporter)
    wrong, doubtful, count = _unregistered(cohort, sources, target, reporter)
    for words in doubtful[:SHOWN]:
        # Of small images, or of one head under two names, this is easily said wrongly.
        reporter.warning(f"{words}: look whether its files belong to one subject")
    if wrong:
        more = f" (and {len(wrong) - 1} more of {counted(count, 'visit', 'visits')})"
        raise UserError(
            f"{wrong[0]}{more if len(wrong) > 1 else ''}: a pair that does not lie on one another "
            "teaches blur",
            where=cohort.run,
            do="register the contrasts of each visit to its first one and ingest again, or leave "
            "those subjects out",
        )


def _unregistered(
    cohort: Cohort, sources: list[str], target: str, reporter: Reporter
) -> tuple[list[str], list[str], int]:
    """A clause for each visit that is moved, for each that may be two heads; how many there are."""
    channels, goal = channels_of(cohort, sources), channels_of(cohort, [target])[0]
    own = [(split, places) for split in SPLITS for places in visit_places(cohort, split)]
    chosen = np.unique(np.linspace(0, len(own) - 1, OTHERS + 1).astype(int))
    others = {int(k): _unit(cohort, *own[k])[:, goal] for k in chosen}
    wrong: list[str] = []
    doubtful: list[str] = []
    with reporter.task("comparing contrasts", len(own)) as task:
        for number, (split, places) in enumerate(own):
            images = _unit(cohort, split, places)
            against = [stack for k, stack in others.items() if k != number]
            for name, channel in zip(sources, channels, strict=True):
                found = check_pair(images[:, channel], images[:, goal], others=against[:OTHERS])
                if found.verdict != "registered":
                    subject = cohort.subjects(split)[places[0]]
                    kind = wrong if found.verdict == "moved" else doubtful
                    kind.append(f"{subject}: {found.words(name, target)}")
                    break
            task.advance(1)
    return wrong, doubtful, len(own)


def _unit(cohort: Cohort, split: str, places: NDArray[np.intp]) -> NDArray[np.float32]:
    """Slices of a visit in unit intensities, n x C x H x W."""
    return (cohort.batch(split, places) + np.float32(1)) / np.float32(2)


def _tell_grids(cohort: Cohort, contrasts: list[str], reporter: Reporter) -> None:
    """Say how many visits had contrasts on differing grids: they were resampled by ingest."""
    manifest = Manifest.read(cohort.run / "dataset" / "manifest.json")
    grids: dict[tuple[str, int], set[object]] = {}
    for scan in manifest.scans:
        if scan.contrast in contrasts:
            # Shapes and spacings are those before the scans were brought onto one grid.
            grids.setdefault((scan.subject, scan.visit), set()).add((scan.shape, scan.spacing))
    differing = sum(len(found) > 1 for found in grids.values())
    if differing:
        reporter.message(
            f"note: in {counted(differing, 'visit', 'visits')} the contrasts had differing grids; "
            f"they were resampled onto that of {cohort.contrasts[0]}"
        )
