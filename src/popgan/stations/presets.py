"""Presets by the name that a user gives: popgan's own, or what a study of the run has found.

`tuned` is what the study named after the recipe has found, `tuned:NAME` what the study NAME has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from popgan.cohort.manifest import Manifest
from popgan.config.preset import MOST_BYTES, Preset, load_preset, read_preset
from popgan.errors import UserError
from popgan.files import read_yaml, sha256_file, write_text
from popgan.progress import Reporter

TUNED = "tuned"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_FOLDER, _FILE, _STUDY = "tune", "preset.yaml", "study.yaml"


@dataclass(frozen=True)
class ChosenPreset:
    """A preset with where it comes from.

    Attributes:
        preset: itself.
        study: name of the study that found it; None of popgan's own.
        digest: SHA-256 of the study's preset file; None of popgan's own.
        cohort: hash of the cohort that the study is of; None where that is not known.
        extends: recipe and preset that the study started from, such as "popgan/standard"; None of
            popgan's own.
    """

    preset: Preset
    study: str | None = None
    digest: str | None = None
    cohort: str | None = None
    extends: str | None = None


def is_tuned(name: str) -> bool:
    """Whether a name means what a study has found."""
    return name == TUNED or name.startswith(f"{TUNED}:")


def find_preset(name: str, recipe: str, run: Path | None) -> ChosenPreset:
    """Look a preset up.

    Args:
        name: of popgan's own, or `tuned`, or `tuned:NAME`.
        recipe: that it is for.
        run: run folder whose studies count; None: there are none.

    Raises:
        UserError: there is no such preset or study, it has found nothing yet, it is of another
            recipe, or its file is damaged.
    """
    if not is_tuned(name):
        return ChosenPreset(load_preset(name, recipe))
    study = name.partition(":")[2] or recipe
    if not _NAME.fullmatch(study):
        raise UserError(f"study name {study!r} is not possible", do="write --preset tuned:NAME")
    if run is None:
        raise UserError(
            f"--preset {name} is of a run folder, and none is named", do="add -o FOLDER"
        )
    folder = run / _FOLDER / study
    path = folder / _FILE
    if not path.exists():
        raise _nothing_found(folder, study, recipe, run)
    preset = read_preset(path, recipe, name=name)
    extends = str(read_yaml(path)["extends"])  # which reading has looked up
    return ChosenPreset(preset, study, sha256_file(path), _cohort_of(folder / _STUDY), extends)


def check_study(chosen: ChosenPreset, name: str, cohort: str, reporter: Reporter) -> None:
    """Refuse what was found on another cohort, unless the study was asked for by its name.

    Args:
        chosen: the preset.
        name: as the user wrote it.
        cohort: hash of the cohort that is planned for.
        reporter: told where such values are used all the same.

    Raises:
        UserError: `tuned` alone was asked for, and the study is of another cohort.
    """
    if chosen.study is None or chosen.cohort in (None, cohort):
        return
    if name == TUNED:
        raise UserError(
            f"study {chosen.study} is of another cohort than the one ingested now",
            do=f"run `popgan tune` again, or take its values all the same with --preset "
            f"{TUNED}:{chosen.study}",
        )
    reporter.message(
        f"note: study {chosen.study} is of another cohort than the one ingested now; how good its "
        "values are here was not measured"
    )


def side_of(name: str, recipe: str, run: Path | None) -> int:
    """Side of the slices that a preset asks for, pixels.

    What a study has found is for the cohort of its run folder, so it asks for no other slices.

    Raises:
        UserError: see `find_preset`.
    """
    preset = find_preset(name, recipe, run).preset
    manifest = run / "dataset" / "manifest.json" if run is not None else None
    if is_tuned(name) and manifest is not None and manifest.exists():
        return Manifest.read(manifest).shape[2]
    return preset.resolution


def lend(name: str, recipe: str, run: Path, other: Path) -> None:
    """Put what a study has found into another run folder.

    Which cohort it is of does not come along: a cohort that is made anew has another hash.

    Raises:
        UserError: see `find_preset`.
    """
    study = find_preset(name, recipe, run).study
    if study is not None:
        text = (run / _FOLDER / study / _FILE).read_text(encoding="utf-8")
        write_text(other / _FOLDER / study / _FILE, text)


def tuned_name(recipe: str, run: Path) -> str | None:
    """`tuned` where a study of the recipe has found something; None where none has."""
    return TUNED if (run / _FOLDER / recipe / _FILE).exists() else None


def _nothing_found(folder: Path, study: str, recipe: str, run: Path) -> UserError:
    others = sorted(path.parent.name for path in (run / _FOLDER).glob(f"*/{_FILE}"))
    command = "popgan tune RUN" + (f" --recipe {recipe}" if recipe != "popgan" else "")
    if (folder / _STUDY).exists():
        again = command if study == recipe else f"{command} --name {study}"
        return UserError(
            f"study {study} has not found anything yet", do=f"run `{again}` to its end"
        )
    do = f"run `{command}` first"
    if others:
        do += f", or choose --preset {' or '.join(f'{TUNED}:{other}' for other in others[:5])}"
    return UserError(f"holds no study {study} that values could be taken from", where=run, do=do)


def _cohort_of(path: Path) -> str | None:
    """Hash of the cohort that a study is of, as its definition says; None if it does not."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        found = read_yaml(path)
    except (UserError, OSError):
        return None
    cohort = found.get("cohort") if isinstance(found, dict) else None
    return cohort if isinstance(cohort, str) else None
