"""Verb translate: whole volumes of new scans in another contrast, as a BIDS derivative.

No station of the main line: it works on scans of the user's own, writes beside them, and leaves the
run folder alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.whole import WholeReader, open_reader, whole_of_arrays
from popgan.cohort.whole_visits import Named, SetAside
from popgan.cohort.whole_work import WholeVisit
from popgan.errors import UserError
from popgan.files import read_json
from popgan.progress import Reporter, Task
from popgan.stations.model import Model, find_model
from popgan.stations.translate_jobs import Job, choose_jobs, digests_of, inputs_of
from popgan.stations.translate_model import Bench, about_model, check_contrasts, make_bench
from popgan.stations.translate_visit import TranslatedVolume, not_registered, translate_stack
from popgan.synthesis.bids_translation import Geometry, open_data_set, write_visit
from popgan.synthesis.bids_translation_words import INPUTS, About
from popgan.wording import counted


@dataclass(frozen=True)
class TranslatedFiles:
    """What there is of one visit.

    Attributes:
        subject, session: the source's own ids.
        image: the translated volume.
        half_width: its map of uncertainty, if one was wanted.
        sidecar: what is to be known about it, JSON.
        unchanged: whether it was there already, made of the same scans by the same model.
        warnings: where it may be worse than the evaluation says.
    """

    subject: str
    session: str | None
    image: Path
    half_width: Path | None
    sidecar: Path
    unchanged: bool = False
    warnings: tuple[str, ...] = ()


@dataclass
class Translations:
    """What became of the scans that were given.

    Attributes:
        folder: the data set.
        visits: translated visits, those from before included.
        left_alone: visits that have the target already.
        left_out: visits without the sources that are needed.
        set_aside: files and visits that cannot be used, with the reason.
        notes: remarks, one line each.
    """

    folder: Path
    visits: list[TranslatedFiles] = field(default_factory=list)
    left_alone: int = 0
    left_out: int = 0
    set_aside: list[SetAside] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def translate(
    model: Model | str | Path,
    scans: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    sources: Sequence[str] | None = None,
    target: str | None = None,
    uncertainty: bool = True,
    missing_only: bool = False,
    subjects: str | None = None,
    contrast_map: str | None = None,
    seed: int = 0,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> Translations:
    """Translate every visit of some scans; what is done already is skipped.

    Args:
        model: a trained translator, or the run folder whose only model it is.
        scans: folders (BIDS, subject/contrast.nii.gz, DICOM) and single volumes.
        out: folder of the data set, new or begun before.
        sources: contrasts to translate from; the first one that a visit has gives the grid. The
            model's, in its order, if None.
        target: the model's target; for whoever wants to be sure.
        uncertainty: write a map of half widths beside each volume.
        missing_only: leave visits alone that have the target.
        subjects, contrast_map: as for ingest.
        seed: of dropout.
        workers: processes that open files; 0 opens them in this one, None takes the cores.
        reporter: shows progress.

    Raises:
        UserError: the model is no trained translator of these contrasts, nothing can be
            translated, places lie within one another, or a full disk.
    """
    model = model if isinstance(model, Model) else find_model(model, trained=True)
    paths = (scans,) if isinstance(scans, str | Path) else tuple(scans)
    named = tuple(Path(path) for path in paths)
    folder, reporter = Path(out), reporter or Reporter()
    check_translation_places(model.run, named, folder)
    bench = make_bench(model, uncertainty=uncertainty, seed=seed, reporter=reporter)
    wanted = check_contrasts(bench.translator, sources, target)
    about = about_model(model)
    channels = bench.rules.options.channels
    asked = Named(named, subjects, contrast_map, tuple(channels) if channels else None)
    with open_reader(bench.rules, workers=workers, reporter=reporter) as reader:
        search = reader.find(asked)
        choice = choose_jobs(bench, search, wanted, folder, missing_only=missing_only)
        result = Translations(
            folder,
            left_alone=choice.left_alone,
            left_out=choice.left_out,
            set_aside=search.set_aside,
            notes=search.notes + choice.notes,
        )
        for note in result.notes:
            reporter.warning(note)
        if choice.jobs:
            open_data_set(folder, about)
            _run(bench, about, reader, choice.jobs, result, reporter)
    for item in result.set_aside:
        reporter.warning(f"set aside: {item.path} {item.reason}")
    _check_done(result, len(search.visits))
    return result


def translate_volume(
    model: Model | str | Path,
    volumes: Mapping[str, tuple[NDArray[np.floating], NDArray[np.floating]]],
    *,
    uncertainty: bool = True,
    simulated: bool = False,
    seed: int = 0,
) -> TranslatedVolume:
    """Translate one visit that is in memory.

    Args:
        model: a trained translator, or the run folder whose only model it is.
        volumes: voxels X x Y x Z and affine (4 x 4, to RAS+ mm) of each source by its contrast;
            the first gives the grid of the result.
        uncertainty: whether half widths are wanted.
        simulated: the volumes are phantoms, of nobody: their heads are kept as the model's were.
        seed: of dropout.

    Raises:
        UserError: see `translate`; or a volume that cannot be used.
    """
    model = model if isinstance(model, Model) else find_model(model, trained=True)
    bench = make_bench(model, uncertainty=uncertainty, seed=seed, reporter=Reporter())
    names = check_contrasts(bench.translator, list(volumes), None)
    visit = whole_of_arrays(
        {name: volumes[given] for name, given in zip(names, volumes, strict=True)},
        bench.rules,
        phantom=simulated,
    )
    if (apart := not_registered(bench, visit, names)) is not None:
        raise UserError(f"the {' volume '.join(apart)}")
    return translate_stack(bench, visit, names)


def check_translation_places(run: Path, scans: Sequence[Path], out: Path) -> None:
    """Refuse a data set among the files of a run or among the scans.

    Raises:
        UserError: it lies there.
    """
    if not scans:
        raise UserError("no scans given", do="name folders or files with scans")
    if out.resolve().is_relative_to(run.resolve()):
        raise UserError("lies inside the run folder", where=out, do="choose a folder outside of it")
    for path in scans:
        if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
            raise UserError(
                "lies inside the folder of scans", where=out, do="choose a folder outside of it"
            )


def _run(
    bench: Bench,
    about: About,
    reader: WholeReader,
    jobs: list[Job],
    result: Translations,
    reporter: Reporter,
) -> None:
    left = []
    for job in jobs:
        before = job.files.made_of()
        if before is not None and before == inputs_of(bench, about, job, digests_of(job)):
            said = [str(text) for text in read_json(job.files.sidecar).get("Warnings", [])]
            kept = tuple(text for text in said if text not in bench.remarks)
            result.visits.append(_told(job, bench, unchanged=True, warnings=kept))
        else:
            left.append(job)
    if len(left) < len(jobs):
        same = counted(len(jobs) - len(left), "visit", "visits")
        reporter.message(f"{same} unchanged, skipped")
    with reporter.task("translating", len(jobs), len(jobs) - len(left)) as task:
        visits = reader.read([(job.candidate, job.contrasts) for job in left])
        for job, visit in zip(left, visits, strict=True):
            aside = visit if isinstance(visit, SetAside) else _apart(bench, job, visit)
            if aside is not None:
                result.set_aside.append(aside)
                task.advance(1)
                continue
            assert isinstance(visit, WholeVisit)
            volume = _translate_one(bench, about, job, visit, task)
            for text in volume.warnings:
                reporter.warning(f"{job.files.image.name.split('_desc-')[0]}: {text}")
            result.visits.append(_told(job, bench, warnings=volume.warnings))
    result.visits.sort(key=lambda visit: visit.image)


def _apart(bench: Bench, job: Job, visit: WholeVisit) -> SetAside | None:
    """A visit whose sources do not lie on one another."""
    found = not_registered(bench, visit, job.contrasts)
    if found is None:
        return None
    own = job.candidate
    return SetAside(own.subject, own.session, own.scans[found[0]].path, found[1])


def _translate_one(
    bench: Bench, about: About, job: Job, visit: WholeVisit, task: Task
) -> TranslatedVolume:
    """Translate and write one visit."""
    count = len(visit.stack)

    def advance(slices: int) -> None:
        task.advance(slices / count)

    volume = translate_stack(bench, visit, job.contrasts, advance=advance)
    digests = digests_of(job)
    write_visit(
        job.files,
        volume.image,
        volume.half_width,
        Geometry(visit.file.affine, visit.file.stated),
        background=volume.background,
        brightest=volume.brightest,
        about=about,
        told=volume.facts
        | {"SourceSHA256": digests, INPUTS: inputs_of(bench, about, job, digests)},
    )
    return volume


def _told(
    job: Job, bench: Bench, *, unchanged: bool = False, warnings: tuple[str, ...] = ()
) -> TranslatedFiles:
    return TranslatedFiles(
        subject=job.candidate.subject,
        session=job.candidate.session,
        image=job.files.image,
        half_width=job.files.half_width if bench.uncertain else None,
        sidecar=job.files.sidecar,
        unchanged=unchanged,
        warnings=warnings,
    )


def _check_done(result: Translations, found: int) -> None:
    """Stop with one line if nothing came of it.

    Raises:
        UserError: no visit is translated, and none was left alone.
    """
    if result.visits or result.left_alone:
        return
    if not result.set_aside:
        raise UserError("there is nothing to translate", do="give folders or files with scans")
    first = result.set_aside[-1]
    told = "nothing can be translated" if found < 2 else f"none of {found} visits can be translated"
    advised = ";" in first.reason
    raise UserError(
        f"{told}: {first.path.name} {first.reason}", do=None if advised else "check the files"
    )
