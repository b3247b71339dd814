"""Error maps of a translator for the private report: three test patients, chosen by rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.evidence.paired.baselines import Baseline
from popgan.evidence.paired.regions import brain_mask
from popgan.evidence.paired.results import PairedResult
from popgan.evidence.paired.uncertainty import Calibration
from popgan.report.paired_content import PatientPictures, SlicePictures
from popgan.stations.calibration import load_calibration
from popgan.stations.model import Model
from popgan.stations.paired import trivial_ways
from popgan.stations.pairs import VisitPairs, translator_of, visits
from popgan.stations.translated import unit
from popgan.synthesis.translate import Translated, Translator
from popgan.training.loop import threads

Rank = Literal["best", "median", "worst"]


def patient_pictures(model: Model, cohort: Cohort, result: PairedResult) -> list[PatientPictures]:
    """The best, the median and the worst test patient by PSNR in the brain.

    Args:
        model: the translator that was measured.
        cohort: its cohort.
        result: the measurements.
    """
    plan = model.plan()
    patients = list(dict.fromkeys(cohort.subjects("test")))
    value = result.rows[0].score("psnr", "brain")
    if value is None or len(value.patients) != len(patients):
        return []
    chosen = ranked(value.patients)
    wanted = {patients[place]: (rank, place) for rank, place in chosen}
    of_patient: dict[str, list[VisitPairs]] = {}
    for visit in visits(cohort, "test", plan):
        if visit.subject in wanted:
            of_patient.setdefault(visit.subject, []).append(visit)
    painter = _Painter(
        Translator.load(model.weights_path, plan),
        load_calibration(model),
        cohort,
        plan,
        outlined=result.n_patients_with_lesion > 0,
    )
    found = []
    with threads(plan.train.threads):
        ways = trivial_ways(cohort, plan)
        for name, (rank, place) in wanted.items():
            shown = painter.slices(of_patient[name])
            own = of_patient[name][0]
            found.append(
                PatientPictures(
                    rank=rank,
                    pseudonym=name,
                    psnr=value.patients[place] or 0.0,
                    slices=shown,
                    baselines=_trivial(ways, own, result, place) if rank == "median" else (),
                )
            )
    return found


def ranked(values: list[float | None]) -> list[tuple[Rank, int]]:
    """Places of the best, the median and the worst value; each place once.

    Of an even number the lower one of the middle is the median; of two there is none, and of one
    only the best.
    """
    known = [place for place, value in enumerate(values) if value is not None]
    order = sorted(known, key=lambda place: -(values[place] or 0.0))
    if not order:
        return []
    found: list[tuple[Rank, int]] = [("best", order[0])]
    if len(order) > 2:
        found.append(("median", order[len(order) // 2]))
    return found + ([("worst", order[-1])] if len(order) > 1 else [])


def middle(count: int) -> int:
    """The slice in the middle of a volume."""
    return count // 2


def _trivial(
    ways: list[Baseline], visit: VisitPairs, result: PairedResult, place: int
) -> list[tuple[str, float | None, NDArray[np.float32]]]:
    """What each trivial way makes of the middle slice, with the patient's PSNR."""
    sources, heights = unit(visit.sources), visit.heights.tolist()
    found = []
    for way in ways:
        score = result.row(way.name).score("psnr", "brain")
        image = way(sources, heights)[middle(len(visit.places))]
        found.append((way.name, score.patients[place] if score else None, image))
    return found


@dataclass(frozen=True)
class _Painter:
    """Translates visits and picks their slices; `outlined`: whether labels outline lesions."""

    translator: Translator
    calibration: Calibration | None
    cohort: Cohort
    plan: Plan
    outlined: bool

    def slices(self, own: list[VisitPairs]) -> list[SlicePictures]:
        """The middle slice of the first visit, and the slice with most lesion of all visits."""
        first = middle(len(own[0].places))
        lesions = [self._lesions(visit) for visit in own]
        most, visit, row = max(
            (int(plane.sum()), -v, -k)
            for v, planes in enumerate(lesions)
            for k, plane in enumerate(planes)
        )
        wanted = [("Middle slice", 0, first)]
        if most and (visit, row) != (0, -first):
            wanted.append(("Slice with most lesion", -visit, -row))
        elif most:
            wanted = [("Middle slice, which has most lesion as well", 0, first)]
        # Passes with dropout are drawn for each slice by its place in the volume, so whole volumes
        # go in, and half widths are those of the measurement.
        passes = self.calibration.passes if self.calibration else 0
        made = {
            v: self.translator(own[v].sources, passes=passes, seed=self.plan.seed)
            for v in sorted({v for _, v, _ in wanted})
        }
        return [self._slice(title, own[v], made[v], k, lesions[v][k]) for title, v, k in wanted]

    def _lesions(self, visit: VisitPairs) -> NDArray[np.bool_]:
        """Outlined pixels of a visit's slices."""
        if not self.outlined:
            return np.zeros(visit.target.shape, np.bool_)
        maps = self.cohort.label_maps(self.cohort.indices("test")[visit.places])
        return np.asarray((maps.codes > 0) & maps.valid[:, None, None])

    def _slice(
        self,
        title: str,
        visit: VisitPairs,
        made: Translated,
        row: int,
        lesion: NDArray[np.bool_],
    ) -> SlicePictures:
        half = None
        if self.calibration is not None and made.spread is not None:
            known = unit(np.concatenate([visit.sources[row], visit.target[row, None]]))
            # Widths are calibrated in the brain, and mean nothing in the air around it.
            half = self.calibration.apply(made.spread[row]) * brain_mask(known[None])[0]
        names = translator_of(self.plan).sources
        return SlicePictures(
            title=title,
            sources=[(name, unit(visit.sources[row, k])) for k, name in enumerate(names)],
            truth=unit(visit.target[row]),
            translation=unit(made.images[row]),
            half_width=half,
            lesion=lesion if self.outlined else None,
        )
