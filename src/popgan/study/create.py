"""Make a study on the disk: checked, tested for leaks, and whole or absent."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.files import (
    disk_error,
    owners_folder,
    private_folder,
    read_json,
    write_json,
    write_text,
)
from popgan.progress import Reporter
from popgan.stations.draw import refuse_translator
from popgan.stations.model import Model, find_model
from popgan.study.advice import advice
from popgan.study.build import Built, StudyOptions, build
from popgan.study.leaks import LeakTest, find_leaks
from popgan.study.locking import only_server
from popgan.study.order import Secret
from popgan.study.papers import consent, instructions, page_words
from popgan.study.preregistration import (
    Hashes,
    as_markdown,
    as_record,
    commitment,
    stimuli_hash,
)
from popgan.study.schema import Design, Places, Study

_ATTEMPTS = 3
"""One clean study in twenty shows a pattern by chance; a leak shows it again and again."""


@dataclass(frozen=True)
class Created:
    """A study that was just made.

    Attributes:
        study: it.
        advice: what to know about its sizes.
        leaks: what the leak test found; no channel leaks.
        moved: where the former study and its answers lie, if there was one.
    """

    study: Study
    advice: list[str]
    leaks: LeakTest
    moved: Path | None


def create_study(
    run: str | Path,
    wanted: StudyOptions | None = None,
    *,
    restart: bool = False,
    reporter: Reporter | None = None,
    secret: str | None = None,
) -> Created:
    """Make the reader study of a run.

    Args:
        run: the run folder, with a cohort and a trained model.
        wanted: sizes and choices; the recommended ones if None.
        restart: whether a study that is there may be replaced; one that was served or edited is
            kept in RUN/private/study-before-N.
        reporter: shows progress.
        secret: 64 hex digits that choices of images, random names and orders follow from; new ones
            if None.

    Raises:
        UserError: it is not possible, there is one already, it leaks, or the disk is full.
    """
    run, wanted, reporter = Path(run), wanted or StudyOptions(), reporter or Reporter()
    wanted.check()
    places = Places(run)
    _refuse_existing(places, restart)
    words = page_words(wanted.texts)
    models = chosen_models(run, wanted.models)
    cohort = _cohort_of(run, models)
    for attempt in range(_ATTEMPTS):
        source = Secret(secret or secrets.token_hex(32))
        built = build(cohort, models, wanted, source, reporter)
        with _staged(run) as staged:
            _write(staged, built, source, words)
            with reporter.task("looking for leaks", None):
                leaks = find_leaks(Study(staged, built.design, built.key))
            if leaks.leaking and secret is None and attempt + 1 < _ATTEMPTS:
                names = ", ".join(one.name for one in leaks.leaking)
                reporter.message(f"a pattern in {names}: names and orders are drawn anew")
                continue
            leaks.refuse(run)
            write_json(staged.leaks, leaks.model_dump(mode="json"))
            moved = _swap(staged, places)
            break
    return Created(Study.open(run), advice(built.design), leaks, moved)


def chosen_models(run: Path, names: object) -> list[Model]:
    """The models of a study by name, or all that are trained and draw images.

    Args:
        run: the run folder.
        names: several names; None for all.

    Raises:
        UserError: there is none, one is not there, not trained or a translator, or one is named
            twice.
    """
    if names is None:
        found = sorted(path.parent.name for path in run.glob("models/*/weights.safetensors"))
        if not found:
            find_model(run).weights_hash()
            raise UserError("holds no trained model", where=run, do="train one first")
        # Where there are only translators, the first one is refused with its reason.
        found = [one for one in found if not find_model(run, one).plan().translates] or found
    else:
        found = list(names) if isinstance(names, list | tuple) else [str(names)]
        if len(set(found)) < len(found):
            raise UserError(f"--models {','.join(found)} names a model twice")
    models = [find_model(run, name) for name in found]
    for model in models:
        if model.name == "real":
            raise UserError(
                "a model called real would be taken for patients", where=run, do="leave it out"
            )
        model.weights_hash()
        refuse_translator(model)
    return models


def _cohort_of(run: Path, models: list[Model]) -> Cohort:
    cohort = Cohort.open(run)
    for model in models:
        model.require_cohort(cohort.hash)
    cohort.check_splits()
    # A model with masks was trained on slices that have a map: the real ones are of that kind.
    return cohort.mapped() if any(model.plan().data.masks for model in models) else cohort


def _refuse_existing(places: Places, restart: bool) -> None:
    if restart and places.private.exists():
        with only_server(places):
            return  # nobody answers it now
    if restart or not (places.design.exists() or places.key.exists()):
        return
    raise UserError(
        "holds a reader study already",
        where=places.run,
        do="give --restart for a new one; answers to the former are kept",
    )


@contextmanager
def _staged(run: Path) -> Iterator[Places]:
    """A folder laid out like a run, on the same disk; gone at the end, whatever happens."""
    folder = private_folder(run) / f".part-{os.getpid()}-study"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        owners_folder(folder)
        yield Places(folder)
    except OSError as error:
        explained = disk_error(run / "private" / "study", error, making=folder)
        if explained is None:
            raise
        raise explained from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(places: Places, built: Built, secret: Secret, words: str) -> None:
    """Everything of a study, into a folder that nobody looks at yet."""
    design = built.design
    owners_folder(places.run / "private")
    owners_folder(places.private)
    owners_folder(places.stimuli)
    # One time for all files, written in the order of random names.
    second = int(datetime.fromisoformat(design.created).timestamp())
    for name in sorted(built.files):
        path = places.stimuli / name
        with path.open("xb") as handle:
            handle.write(built.files[name])
        path.chmod(0o600)
        os.utime(path, (second, second))
    write_json(places.key, built.key.model_dump(mode="json"), mode=0o600)
    write_json(places.private / "secret.json", {"version": 1, "secret": secret.value}, mode=0o600)
    hashes = Hashes(
        design=design.hash(),
        key=commitment(secret.value, places.key.read_bytes()),
        stimuli=stimuli_hash(built.files),
    )
    write_json(places.design, design.model_dump(mode="json"))
    write_text(places.preregistration, as_markdown(design, hashes))
    write_json(places.preregistration.with_suffix(".json"), as_record(design, hashes))
    write_text(places.instructions, instructions(design))
    write_text(places.consent, consent(design))
    write_text(places.texts, words)


def _swap(staged: Places, places: Places) -> Path | None:
    """Put the new study in place of the old one, which is kept if that cannot be made again."""
    kept = _set_aside(places)
    staged.private.rename(places.private)
    staged.shared.rename(places.shared)
    return kept


def _is_precious(places: Places) -> bool:
    """Whether the former study holds what cannot be made again: answers, or words of the user."""
    if places.database.exists():
        return True
    written = {"leak-test.json", "rehearsal"}
    try:
        design = Design.model_validate(read_json(places.design))
        kept = {
            places.instructions: instructions(design),
            places.consent: consent(design),
            places.texts: page_words(None),
        }
        edited = any(path.read_text(encoding="utf-8") != text for path, text in kept.items())
        written |= {path.name for path in (*kept, places.design, places.preregistration)}
        written.add(places.preregistration.with_suffix(".json").name)
        return edited or any(path.name not in written for path in places.shared.iterdir())
    except (OSError, ValueError, UserError):
        return places.shared.exists()


def _set_aside(places: Places) -> Path | None:
    answered = _is_precious(places)
    aside = places.run / "private" / f".part-{os.getpid()}-old-study"
    if answered:
        number = 1
        while (aside := places.run / "private" / f"study-before-{number}").exists():
            number += 1
    if places.private.exists():
        with only_server(places):
            places.private.rename(aside)
    if places.shared.exists():
        owners_folder(aside)
        places.shared.rename(aside / "shared")
    if not answered:
        shutil.rmtree(aside, ignore_errors=True)
        return None
    return aside
