"""Searches and ablations of a run: where they lie, and what of them a report shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from popgan.errors import UserError
from popgan.evidence.experiments.results import AblationResult, TuneResult
from popgan.files import read_json, sha256_file, write_json

Found = TypeVar("Found", TuneResult, AblationResult)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TUNE, _ABLATION = "tune", "ablation"
_VERSION = 1


def tune_path(run: Path, name: str) -> Path:
    """RUN/tune/NAME/results.json.

    Raises:
        UserError: the name is not usable as a folder.
    """
    return _path(run, _TUNE, name)


def ablation_path(run: Path, name: str) -> Path:
    """RUN/ablation/NAME/results.json.

    Raises:
        UserError: the name is not usable as a folder.
    """
    return _path(run, _ABLATION, name)


def save_result(result: TuneResult | AblationResult, path: Path) -> None:
    """Write it, atomically.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    write_json(path, result.model_dump(mode="json"))


def load_tune(run: Path, name: str) -> TuneResult | None:
    """A search as far as it has come; None where there is none of that name.

    Raises:
        UserError: the file is damaged, or the name not usable.
    """
    return _load(tune_path(run, name), TuneResult, "a search", "popgan tune")


def load_ablation(run: Path, name: str) -> AblationResult | None:
    """An ablation as far as it has come; None where there is none of that name.

    Raises:
        UserError: the file is damaged, or the name not usable.
    """
    return _load(ablation_path(run, name), AblationResult, "an ablation", "popgan ablate")


def tune_names(run: Path) -> list[str]:
    """Names of the run's searches that have results."""
    return _names(run, _TUNE)


def ablation_names(run: Path) -> list[str]:
    """Names of the run's ablations that have results."""
    return _names(run, _ABLATION)


def experiments_content(run: Path, recipe: str) -> dict[str, Any]:
    """What a page shows of a recipe's experiments; see `EvidencePage`.

    Of several searches that of the recipe's own name is shown, else the first by name; the others
    are named.

    Raises:
        UserError: a file of results is damaged.
    """
    tune, other_tunes = _of(run, recipe, tune_names(run), load_tune)
    ablation, other_ablations = _of(run, recipe, ablation_names(run), load_ablation)
    return {
        "tune": tune,
        "other_tunes": other_tunes,
        "ablation": ablation,
        "other_ablations": other_ablations,
    }


def experiment_inputs(run: Path) -> dict[str, dict[str, str]]:
    """Hashes of all results by name, for the ledger: a new trial makes a new report."""
    return {
        _TUNE: {name: sha256_file(tune_path(run, name)) for name in tune_names(run)},
        _ABLATION: {name: sha256_file(ablation_path(run, name)) for name in ablation_names(run)},
    }


def _path(run: Path, kind: str, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise UserError(
            f"name {name!r} is not usable as a folder", do="use letters, digits, - and _"
        )
    return run / kind / name / "results.json"


def _names(run: Path, kind: str) -> list[str]:
    found = [path.parent.name for path in (run / kind).glob("*/results.json")]
    return sorted(name for name in found if _NAME.fullmatch(name))


def _of(
    run: Path, recipe: str, names: list[str], load: Callable[[Path, str], Found | None]
) -> tuple[Found | None, list[str]]:
    """The result to show, and the names of the others of the same recipe."""
    results = {name: load(run, name) for name in sorted(names, key=lambda n: (n != recipe, n))}
    own = [(name, found) for name, found in results.items() if found and found.recipe == recipe]
    if not own:
        return None, []
    return own[0][1], [name for name, _ in own[1:]]


def _load(path: Path, kind: type[Found], what: str, command: str) -> Found | None:
    if not path.exists():
        return None
    advice = f"remove it and run `{command}` again: trainings that are complete are not lost"
    try:
        found = kind.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        said = f"{place}: {first['msg']}" if place else first["msg"]
        raise UserError(f"is not a result of {what} ({said})", where=path, do=advice) from error
    except UserError as error:
        raise UserError(str(error).rstrip("."), do=advice) from error
    if found.version != _VERSION:
        raise UserError(
            f"is of version {found.version} of the results, this popgan reads {_VERSION}",
            where=path,
            do=advice,
        )
    return found
